package ledger

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/webhook"
)

// Shards of the indexes that every event writes to. A DynamoDB partition takes
// 1,000 writes a second (AWS, "Burst and adaptive capacity").
const (
	dueShards  = 8
	timeShards = 4
	deadShards = 4
)

// item is an event, or a variant of one, as DynamoDB holds it.
//
// Keys: pk is the natural key; sk is "E#" and the occurrence, zero-padded, so
// that the newest occurrence is the last; a variant's sk is "V#", the
// occurrence and the fingerprint.
//
// Index keys are unique (a time, '#', the event id), so that no page of a
// listing can lose or repeat an item, and an index's two attributes are set or
// removed together. The hash attributes of the look-up indexes are sparse.
type item struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`

	DueShard    string `dynamodbav:"due_shard,omitempty"`
	DueKey      string `dynamodbav:"due_key,omitempty"`
	TimeShard   string `dynamodbav:"time_shard,omitempty"`
	TimeKey     string `dynamodbav:"time_key,omitempty"`
	LeadKey     string `dynamodbav:"lead_key,omitempty"`
	CampaignKey string `dynamodbav:"campaign_key,omitempty"`
	// Of what is dead, parked, held or unrouted, by its state: dead and parked by
	// the time of death, held and unrouted by that of receipt. Of a variant until it
	// is split.
	DeadShard string `dynamodbav:"dead_shard,omitempty"`
	DeadKey   string `dynamodbav:"dead_key,omitempty"`

	State       string       `dynamodbav:"state"`
	Lane        string       `dynamodbav:"lane,omitempty"`
	LeaseNumber int          `dynamodbav:"lease_number"`
	LeaseNonce  string       `dynamodbav:"lease_nonce,omitempty"`
	LeaseUntil  instant      `dynamodbav:"lease_until,omitempty"`
	NotBefore   instant      `dynamodbav:"not_before,omitempty"`
	DueAt       instant      `dynamodbav:"due_at,omitempty"`
	Sweeps      int          `dynamodbav:"sweeps"`
	Abandoned   int          `dynamodbav:"abandoned"`
	Death       int          `dynamodbav:"death"`
	DiedAt      instant      `dynamodbav:"died_at,omitempty"`
	FirstDied   instant      `dynamodbav:"first_died_at,omitempty"`
	ErrorClass  string       `dynamodbav:"error_class,omitempty"`
	Error       string       `dynamodbav:"error,omitempty"`
	Redrives    int          `dynamodbav:"redrives"`
	Generation  int          `dynamodbav:"generation"`
	EffectKey   int          `dynamodbav:"effect_key"`
	MoveNonce   string       `dynamodbav:"move_nonce,omitempty"` // of the operator's or redrive's latest move
	Dests       []progress   `dynamodbav:"destinations,omitempty"`
	History     []attempt    `dynamodbav:"history,omitempty"`
	Duplicates  int          `dynamodbav:"duplicates"`
	Variants    int          `dynamodbav:"variants"`
	LastSeenAt  instant      `dynamodbav:"last_seen_at,omitempty"`
	DeliveredAt instant      `dynamodbav:"delivered_at,omitempty"`
	UpdatedAt   instant      `dynamodbav:"updated_at,omitempty"`
	ExpiresAt   epochSeconds `dynamodbav:"expires_at,omitempty"`
	ClaimNonce  string       `dynamodbav:"claim_nonce,omitempty"`
	SplitAs     string       `dynamodbav:"split_as,omitempty"`

	Fingerprint       string   `dynamodbav:"fingerprint"`
	Basis             []string `dynamodbav:"basis,omitempty"`
	Account           string   `dynamodbav:"account"`
	Source            string   `dynamodbav:"source"`
	Type              string   `dynamodbav:"type"`
	RawType           string   `dynamodbav:"raw_type,omitempty"`
	Dialect           string   `dynamodbav:"dialect,omitempty"`
	CampaignID        string   `dynamodbav:"campaign_id,omitempty"`
	LeadEmail         string   `dynamodbav:"lead_email,omitempty"`
	StatsID           string   `dynamodbav:"stats_id,omitempty"`
	MessageID         string   `dynamodbav:"message_id,omitempty"`
	ProviderEventID   string   `dynamodbav:"provider_event_id,omitempty"`
	ProviderRequestID string   `dynamodbav:"provider_request_id,omitempty"`
	GatewayRequestID  string   `dynamodbav:"gateway_request_id,omitempty"`
	// RequestID is the look-up key: the provider's request id where it sent
	// one, else the gateway's.
	RequestID        string   `dynamodbav:"request_id,omitempty"`
	OccurredAt       instant  `dynamodbav:"occurred_at,omitempty"`
	OccurredAtSource string   `dynamodbav:"occurred_at_source,omitempty"`
	ReceivedAt       instant  `dynamodbav:"received_at"`
	Flags            []string `dynamodbav:"flags,omitempty"`
	Timeless         bool     `dynamodbav:"timeless,omitempty"`
	Late             bool     `dynamodbav:"late,omitempty"` // a timeless occurrence with an earlier number was received later

	PayloadEncoding string `dynamodbav:"payload_encoding,omitempty"`
	Payload         []byte `dynamodbav:"payload,omitempty"`
	PayloadRef      string `dynamodbav:"payload_ref,omitempty"`
	PayloadSize     int    `dynamodbav:"payload_size,omitempty"`
}

type progress struct {
	Name        string `dynamodbav:"name"`
	Result      string `dynamodbav:"result,omitempty"`
	Attempts    int    `dynamodbav:"attempts"`
	Postponed   int    `dynamodbav:"postponed,omitempty"`
	PostponedMS int64  `dynamodbav:"postponed_ms,omitempty"`
}

type attempt struct {
	Number      int     `dynamodbav:"n"`
	Generation  int     `dynamodbav:"generation,omitempty"`
	Destination string  `dynamodbav:"destination,omitempty"`
	Result      string  `dynamodbav:"result"`
	Status      int     `dynamodbav:"status,omitempty"`
	ErrorClass  string  `dynamodbav:"error_class,omitempty"`
	Error       string  `dynamodbav:"error,omitempty"`
	StartedAt   instant `dynamodbav:"started_at,omitempty"`
	DurationMS  int64   `dynamodbav:"duration_ms"`
}

// instant is a time in UTC at a fixed width, so that conditions and sort keys
// compare it as text and a person reads it in the console.
type instant string

const instantLayout = "2006-01-02T15:04:05.000Z"

func at(t time.Time) instant {
	if t.IsZero() {
		return ""
	}
	return instant(t.UTC().Format(instantLayout))
}

func (i instant) time() time.Time {
	t, err := time.Parse(instantLayout, string(i))
	if err != nil {
		return time.Time{}
	}
	return t
}

// epochSeconds is the form that DynamoDB's TTL reads.
type epochSeconds int64

func seconds(t time.Time) epochSeconds {
	if t.IsZero() {
		return 0
	}
	return epochSeconds(t.Unix())
}

func (s epochSeconds) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

func eventSK(occurrence int) string { return fmt.Sprintf("E#%06d", occurrence) }

func variantSK(occurrence int, fingerprint string) string {
	return fmt.Sprintf("V#%06d#%s", occurrence, fingerprint)
}

func shard(id webhook.EventID, n uint32) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32() % n
}

func dueShard(id webhook.EventID) string { return dueShardName(int(shard(id, dueShards))) }

func dueShardName(n int) string { return fmt.Sprintf("due#%d", n) }

// stateShard is the partition of the index dead for an event that is dead, held,
// parked, or unrouted without an error class.
func stateShard(state webhook.State, id webhook.EventID) string {
	return fmt.Sprintf("%s#%d", state, shard(id, deadShards))
}

// removedShard is the same for an unrouted event whose destination was removed.
// Events that no filter wants may be most of what is received, and must not hide
// those few.
func removedShard(id webhook.EventID) string {
	return fmt.Sprintf("%s#%d", removedPartition, shard(id, deadShards))
}

const removedPartition = string(webhook.Unrouted) + "#removed"

func timeShard(day string, n uint32) string { return fmt.Sprintf("%s#%d", day, n) }

func campaignKey(campaign string, n uint32) string { return fmt.Sprintf("%s#%d", campaign, n) }

func timeKey(t instant, id webhook.EventID) string { return string(t) + "#" + string(id) }

// variantTimeKey is the index key of a variant: its event's id, and its own
// fingerprint, so that it is unique.
func variantTimeKey(t instant, id webhook.EventID, fingerprint string) string {
	return timeKey(t, id) + variantMark + fingerprint
}

// variantMark is in no event id.
const variantMark = "!"

// idOfKey takes the event id out of an index key; of a variant's, that of its event.
func idOfKey(k string) webhook.EventID {
	_, id, _ := strings.Cut(k, "#")
	id, _, _ = strings.Cut(id, variantMark)
	return webhook.EventID(id)
}

// variantOfKey takes the fingerprint out of a variant's index key; "" for an event's.
func variantOfKey(k string) string {
	_, fingerprint, _ := strings.Cut(k, variantMark)
	return fingerprint
}

func idsOf(entries []entry) []webhook.EventID {
	ids := make([]webhook.EventID, 0, len(entries))
	for _, e := range entries {
		ids = append(ids, idOfKey(e.key))
	}
	return ids
}

func (it item) id() webhook.EventID {
	digits, _, _ := strings.Cut(it.SK[2:], "#")
	occurrence, err := strconv.Atoi(digits)
	if err != nil {
		occurrence = 1
	}
	return webhook.NewEventID(it.PK, occurrence)
}

func newItem(id webhook.EventID, r webhook.Receipt) item {
	received := at(r.ReceivedAt)
	it := item{
		PK: id.Key(), SK: eventSK(id.Occurrence()),
		TimeShard: timeShard(string(received[:10]), shard(id, timeShards)),
		TimeKey:   timeKey(received, id),
		UpdatedAt: received,
	}
	it.setReceipt(r)
	if it.LeadKey = it.LeadEmail; it.LeadKey == "" {
		it.LeadKey = fit(it.receipt().Subject())
	}
	if it.CampaignID != "" {
		it.CampaignKey = campaignKey(it.CampaignID, shard(id, timeShards))
	}
	return it
}

// trusted tells whether a trusted sender sent a body: a variant has no state
// that says so.
func (it item) trusted() bool { return !slices.Contains(it.Flags, webhook.FlagUntrustedSender) }

func (it item) state() webhook.State { return webhook.State(it.State) }

// open is how a new event begins: held, where it waits for an operator, else
// pending and due.
func (it *item) open(held bool, dueAt time.Time) {
	it.Lane = string(webhook.Live)
	if held {
		it.State = string(webhook.Held)
		it.DeadShard, it.DeadKey = stateShard(webhook.Held, it.id()), it.TimeKey
		return
	}
	it.State = string(webhook.Pending)
	it.DueAt = at(dueAt)
	it.DueShard, it.DueKey = dueShard(it.id()), timeKey(it.DueAt, it.id())
}

func (it *item) setReceipt(r webhook.Receipt) {
	r = Fit(r)
	it.Fingerprint, it.Basis, it.Timeless = r.Fingerprint, r.Basis, r.Timeless
	it.Account, it.Source = r.Account, r.Source
	it.Type, it.RawType, it.Dialect = string(r.Type), r.RawType, r.Dialect
	it.CampaignID, it.LeadEmail = r.CampaignID, r.LeadEmail
	it.StatsID, it.MessageID = r.StatsID, r.MessageID
	it.ProviderEventID, it.ProviderRequestID, it.GatewayRequestID = r.ProviderEventID, r.ProviderRequestID, r.RequestID
	it.RequestID = requestID(r)
	it.OccurredAt, it.OccurredAtSource = at(r.OccurredAt), string(r.OccurredAtSource)
	it.ReceivedAt, it.Flags = at(r.ReceivedAt), r.Flags
	it.PayloadEncoding, it.Payload = r.Payload.Encoding, r.Payload.Data
	it.PayloadRef, it.PayloadSize = r.Payload.Ref, r.Payload.Size
}

func (it item) receipt() webhook.Receipt {
	return webhook.Receipt{
		Key: it.PK, Timeless: it.Timeless, Fingerprint: it.Fingerprint, Basis: it.Basis,
		Account: it.Account, Source: it.Source,
		Type: webhook.Type(it.Type), RawType: it.RawType, Dialect: it.Dialect,
		CampaignID: it.CampaignID, LeadEmail: it.LeadEmail,
		StatsID: it.StatsID, MessageID: it.MessageID,
		ProviderEventID: it.ProviderEventID, ProviderRequestID: it.ProviderRequestID, RequestID: it.GatewayRequestID,
		OccurredAt: it.OccurredAt.time(), OccurredAtSource: webhook.TimeSource(it.OccurredAtSource),
		ReceivedAt: it.ReceivedAt.time(), Flags: it.Flags,
		Held: it.State == string(webhook.Held),
		Payload: webhook.Payload{
			Encoding: it.PayloadEncoding, Data: it.Payload, Ref: it.PayloadRef, Size: it.PayloadSize,
		},
	}
}

func (it item) record() webhook.Record {
	r := webhook.Record{
		ID: it.id(), Receipt: it.receipt(),
		State: webhook.State(it.State), Lane: webhook.Lane(it.Lane),
		LeaseNumber: it.LeaseNumber, LeaseNonce: it.LeaseNonce, LeaseUntil: it.LeaseUntil.time(),
		NotBefore: it.NotBefore.time(), DueAt: it.DueAt.time(), Sweeps: it.Sweeps,
		Abandoned: it.Abandoned, Death: it.Death, DiedAt: it.DiedAt.time(), FirstDied: it.FirstDied.time(),
		ErrorClass: it.ErrorClass, Error: it.Error,
		Redrives: it.Redrives, Generation: it.Generation, EffectKey: it.EffectKey,
		Duplicates: it.Duplicates, Variants: it.Variants,
		LastSeenAt: it.LastSeenAt.time(), DeliveredAt: it.DeliveredAt.time(), UpdatedAt: it.UpdatedAt.time(),
		ExpiresAt: it.ExpiresAt.time(), ClaimNonce: it.ClaimNonce,
	}
	for _, p := range it.Dests {
		r.Destinations = append(r.Destinations, webhook.Progress{
			Name: p.Name, Result: webhook.Result(p.Result), Attempts: p.Attempts,
			Postponed: p.Postponed, PostponedFor: time.Duration(p.PostponedMS) * time.Millisecond,
		})
	}
	for _, a := range it.History {
		r.History = append(r.History, webhook.Attempt{
			Number: a.Number, Generation: a.Generation, Destination: a.Destination,
			Result: webhook.Result(a.Result), Status: a.Status, ErrorClass: a.ErrorClass, Error: a.Error,
			StartedAt: a.StartedAt.time(), Duration: time.Duration(a.DurationMS) * time.Millisecond,
		})
	}
	return r
}

func progressOf(list []webhook.Progress) []progress {
	out := make([]progress, 0, len(list))
	for _, p := range list {
		out = append(out, progress{
			Name: p.Name, Result: string(p.Result), Attempts: p.Attempts,
			Postponed: p.Postponed, PostponedMS: p.PostponedFor.Milliseconds(),
		})
	}
	return out
}

// historyOf appends to what the record remembers and lets the oldest go.
func historyOf(before, added []webhook.Attempt) []attempt {
	all := slices.Concat(before, added)
	if over := len(all) - webhook.MaxHistory; over > 0 {
		all = all[over:]
	}
	out := make([]attempt, 0, len(all))
	for _, a := range all {
		out = append(out, attempt{
			Number: a.Number, Generation: a.Generation, Destination: a.Destination,
			Result: string(a.Result), Status: a.Status, ErrorClass: a.ErrorClass, Error: a.Error,
			StartedAt: at(a.StartedAt), DurationMS: a.Duration.Milliseconds(),
		})
	}
	return out
}

// newBudget gives every destination that is not settled a new budget.
func newBudget(list []webhook.Progress) []webhook.Progress {
	out := slices.Clone(list)
	for i := range out {
		if !out[i].Result.Settled() {
			out[i] = webhook.Progress{Name: out[i].Name}
		}
	}
	return out
}

func decode(av map[string]types.AttributeValue) (item, error) {
	var it item
	if err := attributevalue.UnmarshalMap(av, &it); err != nil {
		return item{}, fmt.Errorf("ledger: item cannot be read: %w", err)
	}
	if len(it.SK) < 2 {
		return item{}, fmt.Errorf("ledger: item without a sort key")
	}
	return it, nil
}
