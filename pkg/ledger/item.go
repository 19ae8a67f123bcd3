package ledger

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// Shards of the indexes that every event writes to. A DynamoDB partition takes
// 1,000 writes a second (AWS, "Burst and adaptive capacity").
const (
	dueShards  = 8
	timeShards = 4
	deadShards = 4
)

// item is an event, or a variant of one, as DynamoDB holds it. What is zero is absent;
// names are short, because each item has them.
//
// Keys: pk is the natural key; sk is "E#" and the occurrence, zero-padded, so
// that the newest occurrence is the last; a variant's sk is "V#", the
// occurrence and the fingerprint.
//
// Index keys are unique (a time, '#', the hash of the event id), so that no page of a
// listing can lose or repeat an item, and an index's two attributes are set or
// removed together, but for the due time of a new event (ClaimReceived). They are the times themselves, too: time is that of the receipt,
// due is when the sweeper sends what the event owes. The hash attributes are sparse.
type item struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`

	DueShard string `dynamodbav:"due_shard,omitempty"`
	Due      string `dynamodbav:"due,omitempty"`
	Day      string `dynamodbav:"day,omitempty"` // and a shard; a variant has it until it is split
	Time     string `dynamodbav:"time,omitempty"`
	// Lead is the lead's address, or what else a state is set of.
	Lead string `dynamodbav:"lead,omitempty"`
	// Of what is dead, parked, held or unrouted, by its state: dead and parked by
	// the time of death, held and unrouted by that of receipt. Of a variant until it
	// is split.
	DeadShard string `dynamodbav:"dead_shard,omitempty"`
	DeadKey   string `dynamodbav:"dead_key,omitempty"`
	// DeadAt names the destinations at which a dead event is dead: Dests says so, too, and
	// is too long for an index.
	DeadAt []string `dynamodbav:"dead_at,omitempty"`

	State       string       `dynamodbav:"state"`
	Lane        string       `dynamodbav:"lane,omitempty"` // absent: the live one
	LeaseNumber int          `dynamodbav:"lease,omitempty"`
	LeaseNonce  string       `dynamodbav:"holder,omitempty"`
	LeaseUntil  instant      `dynamodbav:"lease_until,omitempty"`
	NotBefore   instant      `dynamodbav:"not_before,omitempty"`
	Sweeps      int          `dynamodbav:"sweeps,omitempty"`
	Abandoned   int          `dynamodbav:"abandoned,omitempty"`
	Unknown     bool         `dynamodbav:"first_unknown,omitempty"`
	Death       int          `dynamodbav:"death,omitempty"`
	DiedAt      instant      `dynamodbav:"died_at,omitempty"`
	FirstDied   instant      `dynamodbav:"first_died_at,omitempty"`
	ErrorClass  string       `dynamodbav:"error_class,omitempty"`
	Error       string       `dynamodbav:"error,omitempty"`
	Redrives    int          `dynamodbav:"redrives,omitempty"`
	Generation  int          `dynamodbav:"generation,omitempty"`
	EffectKey   int          `dynamodbav:"effect_key,omitempty"`
	MoveNonce   string       `dynamodbav:"move_nonce,omitempty"` // of the operator's or redrive's latest move
	Dests       []progress   `dynamodbav:"dests,omitempty"`
	History     []byte       `dynamodbav:"history,omitempty"`
	Duplicates  int          `dynamodbav:"duplicates,omitempty"`
	Variants    int          `dynamodbav:"variants,omitempty"`
	LastSeenAt  instant      `dynamodbav:"last_seen_at,omitempty"`
	UpdatedAt   instant      `dynamodbav:"updated,omitempty"` // absent: see updatedAt
	ExpiresAt   epochSeconds `dynamodbav:"expires_at,omitempty"`
	ClaimNonce  string       `dynamodbav:"claim,omitempty"`
	SplitAs     string       `dynamodbav:"split_as,omitempty"`
	Original    string       `dynamodbav:"original,omitempty"` // see original.go
	ErasedAt    instant      `dynamodbav:"erased,omitempty"`   // see erase.go

	Account  string   `dynamodbav:"account,omitempty"`
	Source   string   `dynamodbav:"source,omitempty"`
	Type     string   `dynamodbav:"type,omitempty"` // where the id does not name it
	Campaign string   `dynamodbav:"campaign,omitempty"`
	Stats    uuidText `dynamodbav:"stats,omitempty"`
	Message  string   `dynamodbav:"message,omitempty"`
	// Request is the look-up key: the provider's request id where it sent
	// one, else the gateway's.
	Request uuidText `dynamodbav:"request,omitempty"`
	Flags   []string `dynamodbav:"flags,omitempty"`

	facts   `dynamodbav:"-"`
	past    history
	Facts   []byte `dynamodbav:"facts,omitempty"`
	Payload []byte `dynamodbav:"payload,omitempty"`
	// PayloadRef is where the payload is, if it is too large to be here.
	PayloadRef string `dynamodbav:"payload_ref,omitempty"`
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

// timeOfKey is the time with which an index key begins.
func timeOfKey(k string) time.Time {
	when, _, _ := strings.Cut(k, "#")
	return instant(when).time()
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
	_, _ = h.Write([]byte(id)) // a hash takes everything
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

// keyHash is how much of the hash in an event's id an index key has: 60 bits.
const keyHash = 12

// timeKey is a time, and what makes it the key of one event: the beginning of its hash,
// and which repeat it is. An index shows the whole id beside it.
func timeKey(t instant, id webhook.EventID) string {
	key, repeat, repeated := strings.Cut(string(id), "~")
	hash := key[strings.LastIndexByte(key, ':')+1:]
	k := string(t) + "#" + hash[:min(len(hash), keyHash)]
	if repeated {
		k += "~" + repeat
	}
	return k
}

// variantTimeKey is the index key of a variant: its event's, and the beginning of its own
// fingerprint, so that it is unique.
func variantTimeKey(t instant, id webhook.EventID, fingerprint string) string {
	return timeKey(t, id) + "!" + fingerprint[:min(len(fingerprint), keyHash)]
}

func idsOf(entries []entry) []webhook.EventID {
	ids := make([]webhook.EventID, 0, len(entries))
	for _, e := range entries {
		ids = append(ids, e.id)
	}
	return ids
}

// variantOf takes the fingerprint out of the sort key of a variant; "" for an event's.
func variantOf(sk string) string {
	rest, ok := strings.CutPrefix(sk, "V#")
	if !ok {
		return ""
	}
	_, fingerprint, _ := strings.Cut(rest, "#")
	return fingerprint
}

func (it item) id() webhook.EventID { return idOf(it.PK, it.SK) }

// idOf is the event's id in the keys of its item, and in those of a variant of it.
func idOf(pk, sk string) webhook.EventID {
	digits, _, _ := strings.Cut(sk[min(2, len(sk)):], "#")
	occurrence, err := strconv.Atoi(digits)
	if err != nil {
		occurrence = 1
	}
	return webhook.NewEventID(pk, occurrence)
}

func newItem(id webhook.EventID, r webhook.Receipt) item {
	received := at(r.ReceivedAt)
	it := item{
		PK: id.Key(), SK: eventSK(id.Occurrence()),
		Day:  timeShard(string(received[:10]), shard(id, timeShards)),
		Time: timeKey(received, id),
	}
	it.setReceipt(r)
	if it.Lead == "" {
		it.listUnder(fit(it.receipt().Subject()))
	}
	return it
}

func (it item) receivedAt() time.Time { return timeOfKey(it.Time) }

func (it item) dueAt() time.Time { return timeOfKey(it.Due) }

// updatedAt is when the state changed. An item does not say it where that was at its
// receipt, or at its delivery.
func (it item) updatedAt() time.Time {
	switch {
	case it.UpdatedAt != "":
		return it.UpdatedAt.time()
	case it.state() == webhook.Delivered:
		return it.past.DeliveredAt
	}
	return it.receivedAt()
}

func (it item) lane() webhook.Lane {
	if it.Lane == "" && it.State != variantState && it.State != originalState {
		return webhook.Live
	}
	return webhook.Lane(it.Lane)
}

// trusted tells whether a trusted sender sent a body: a variant has no state
// that says so.
func (it item) trusted() bool { return !slices.Contains(it.Flags, webhook.FlagUntrustedSender) }

func (it item) state() webhook.State { return webhook.State(it.State) }

// open is how a new event begins: held, where it waits for an operator, else
// pending and due.
func (it *item) open(held bool, dueAt time.Time) {
	if held {
		it.State = string(webhook.Held)
		it.DeadShard, it.DeadKey = stateShard(webhook.Held, it.id()), it.Time
		return
	}
	it.State = string(webhook.Pending)
	it.DueShard, it.Due = dueShard(it.id()), timeKey(at(dueAt), it.id())
}

func (it item) record() webhook.Record {
	r := webhook.Record{
		ID: it.id(), Receipt: it.receipt(),
		State: webhook.State(it.State), Lane: it.lane(),
		LeaseNumber: it.LeaseNumber, LeaseNonce: it.LeaseNonce, LeaseUntil: it.LeaseUntil.time(),
		NotBefore: it.NotBefore.time(), DueAt: it.dueAt(), Sweeps: it.Sweeps,
		Abandoned: it.Abandoned, FirstUnknown: it.Unknown, Death: it.Death, DiedAt: it.DiedAt.time(), FirstDied: it.FirstDied.time(),
		ErrorClass: it.ErrorClass, Error: it.Error,
		Redrives: it.Redrives, Generation: it.Generation, EffectKey: it.EffectKey,
		Duplicates: it.Duplicates, Variants: it.Variants, Original: it.Original,
		LastSeenAt: it.LastSeenAt.time(), DeliveredAt: it.past.DeliveredAt, UpdatedAt: it.updatedAt(),
		ExpiresAt: it.ExpiresAt.time(), ErasedAt: it.ErasedAt.time(), ClaimNonce: it.ClaimNonce, History: it.past.Attempts,
	}
	for _, p := range it.Dests {
		r.Destinations = append(r.Destinations, webhook.Progress(p))
	}
	return r
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

func decode(av map[string]dynamodb.AttributeValue) (item, error) {
	var it item
	if err := dynamodb.UnmarshalMap(av, &it); err != nil {
		return item{}, fmt.Errorf("ledger: item cannot be read: %w", err)
	}
	if len(it.SK) < 2 {
		return item{}, fmt.Errorf("ledger: item without a sort key")
	}
	var err error
	if it.facts, err = decodeFacts(it.Facts, it.receivedAt()); err != nil {
		return item{}, fmt.Errorf("%s: %w", it.id(), err)
	}
	if it.past, err = decodeHistory(it.History, it.receivedAt()); err != nil {
		return item{}, fmt.Errorf("%s: %w", it.id(), err)
	}
	return it, nil
}
