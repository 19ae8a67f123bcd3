package receive_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

const (
	token  = "slr_abcdefghijklmnopqrstuvwxyz234567"
	secret = "3f0f5c1e-0000-4000-8000-0000000000aa"
)

var start = testclock.Noon()

// world is the outside of the use case, each part of which can fail.
type world struct {
	mu         sync.Mutex
	now        time.Time
	source     auth.Source
	sources    error
	bodies     error
	claims     error // before the write
	lost       error // after the write: its answer is lost
	queue      error
	sent       []webhook.Message
	expired    int
	erased     []webhook.Payload
	erase      error
	ref        string // of each body; "": they are inline
	nonces     int
	ledger     *memory.Ledger
	attempts   int
	repeats    int   // met with the write that counts
	repeat     error // instead of it
	hangs      bool  // the write that counts
	rejections receive.RejectedRequests
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ledger := memory.New()
	return &world{
		now: start, ledger: ledger, rejections: ledger,
		source: auth.Source{
			Name: "demo", Account: "default", Tokens: []auth.Digest{auth.NewDigest(token)},
			RedactionKey: []byte("0123456789abcdef0123456789abcdef"),
		},
	}
}

func (w *world) Source(_ context.Context, name, _ string) (auth.Source, error) {
	if w.sources != nil {
		return auth.Source{}, w.sources
	}
	if name != w.source.Name {
		return auth.Source{}, auth.ErrUnknownSource
	}
	return w.source, nil
}

func (w *world) Store(_ context.Context, _ string, body []byte) (webhook.Payload, error) {
	if w.ref != "" {
		return webhook.Payload{Encoding: "none", Ref: w.ref, Size: len(body)}, w.bodies
	}
	return webhook.Payload{Encoding: "none", Data: body, Size: len(body)}, w.bodies
}

func (w *world) Expire(context.Context, webhook.Payload, time.Duration) error {
	w.expired++
	return nil
}

func (w *world) Erase(_ context.Context, p webhook.Payload) error {
	w.erased = append(w.erased, p)
	return w.erase
}

func (w *world) Claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return w.claim(ctx, r, nonce, dueAt, w.ledger.Claim)
}

func (w *world) ClaimReceived(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error) {
	return w.claim(ctx, r, nonce, dueAt, w.ledger.ClaimReceived)
}

type claimer func(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time) (webhook.Claimed, error)

func (w *world) claim(ctx context.Context, r webhook.Receipt, nonce string, dueAt time.Time, do claimer) (webhook.Claimed, error) {
	w.mu.Lock()
	w.attempts++
	w.mu.Unlock()
	if w.claims != nil {
		return webhook.Claimed{}, w.claims
	}
	c, err := do(ctx, r, nonce, dueAt)
	if w.lost != nil {
		return webhook.Claimed{}, w.lost
	}
	return c, err
}

func (w *world) Repeat(ctx context.Context, r webhook.Receipt) (webhook.Claimed, bool, error) {
	if w.repeat != nil || w.claims != nil {
		return webhook.Claimed{}, false, errors.Join(w.repeat, w.claims)
	}
	if w.hangs {
		<-ctx.Done()
		return webhook.Claimed{}, false, fmt.Errorf("%w: %w", webhook.ErrUnavailable, ctx.Err())
	}
	c, known, err := w.ledger.Repeat(ctx, r)
	if known {
		w.mu.Lock()
		w.repeats++
		w.mu.Unlock()
	}
	return c, known, err
}

func (w *world) Send(_ context.Context, lane webhook.Lane, msgs []webhook.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		errs[i] = w.queue
		if w.queue == nil && lane == webhook.Live {
			w.sent = append(w.sent, m)
		}
	}
	return errs
}

func (w *world) service() *receive.Service { return w.reporting(nil) }

// reporting is the receiver with a place for the errors of tools.
func (w *world) reporting(errs receive.Errors) *receive.Service {
	policy := receive.DefaultPolicy
	policy.MaxElements, policy.Retention = 50, time.Hour
	return receive.New(receive.Ports{
		Sources: w, Bodies: w, Ledger: w, Repeats: w, Queue: w, RejectedRequests: w.rejections, Errors: errs, Erasures: w.ledger,
		Now: func() time.Time { return w.now },
		Nonce: func() string {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.nonces++
			return fmt.Sprintf("nonce-%d", w.nonces)
		},
	}, policy)
}

func post(body string) receive.Request {
	return receive.Request{Source: "demo", Token: token, RequestID: "req-1", Body: []byte(body)}
}

func reply(n int) string {
	return fmt.Sprintf(`{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"5b1f7a52-0c3e-4d9a-9a41-%012d",`+
		`"sl_lead_email":"tom@acme.example.com","from_email":"mira@outbound.example","to_email":"tom@acme.example.com",`+
		`"event_timestamp":"2126-03-04T11:59:11.618+00:00","reply_message":{"message_id":"<r%d@acme.example.com>","text":"Yes"},`+
		`"secret_key":%q}`, n, n, secret)
}

const pausedCampaign = `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":7,"previous_status":"ACTIVE","current_status":"PAUSED"}`

func statuses(a receive.Answer) string {
	var out []string
	for _, r := range a.Results {
		out = append(out, string(r.Status))
	}
	return strings.Join(out, " ")
}

var errDown = fmt.Errorf("connect: refused: %w", webhook.ErrUnavailable)

func TestReceive(t *testing.T) {
	cases := []struct {
		name     string
		arrange  func(*world)
		requests []receive.Request
		want     string // statuses of the last request
		kind     receive.Kind
		cause    string
		sent     int
	}{
		{name: "a new event is accepted and enqueued", requests: []receive.Request{post(reply(1))}, want: "accepted", sent: 1},
		{name: "a repeat is a duplicate and sends nothing", requests: []receive.Request{post(reply(1)), post(reply(1))}, want: "duplicate", sent: 1},
		{name: "an array has an outcome each", requests: []receive.Request{post("[" + reply(1) + "," + reply(2) + `,null,` + reply(1) + `]`)},
			want: "accepted accepted rejected duplicate", sent: 2},
		{name: "an empty array is nothing", requests: []receive.Request{post("[]")}, want: ""},
		{name: "an object of no known type is kept", requests: []receive.Request{post(`{}`)}, want: "accepted", sent: 1},
		{name: "the same identity with another body is a variant", requests: []receive.Request{post(reply(1)), post(strings.Replace(reply(1), `"Yes"`, `"No"`, 1))},
			want: "variant", sent: 1},
		{name: "two pauses within the window are one", requests: []receive.Request{post(pausedCampaign), post(pausedCampaign)}, want: "duplicate", sent: 1},
		{name: "SQS down is a success: the sweeper sends", arrange: func(w *world) { w.queue = errDown },
			requests: []receive.Request{post(reply(1))}, want: "accepted"},
		{name: "DynamoDB down is a success: the message carries the event", arrange: func(w *world) { w.claims = errDown },
			requests: []receive.Request{post(reply(1))}, want: "accepted", sent: 1},
		{name: "both down is not", arrange: func(w *world) { w.claims, w.queue = errDown, errDown },
			requests: []receive.Request{post(reply(1))}, want: "failed", kind: receive.Unavailable, cause: "not_durable"},
		{name: "a large body that cannot be stored is not durable", arrange: func(w *world) { w.bodies = errDown },
			requests: []receive.Request{post(reply(1))}, want: "failed", kind: receive.Unavailable, cause: "not_durable"},
		{name: "secrets unreadable is our failure", arrange: func(w *world) { w.sources = errDown },
			requests: []receive.Request{post(reply(1))}, kind: receive.Unavailable, cause: "secrets_unreadable"},
		{name: "wrong token", requests: []receive.Request{{Source: "demo", Token: "slr_wrong", Body: []byte(reply(1))}},
			kind: receive.Unauthorized, cause: "wrong_token"},
		{name: "unknown source", requests: []receive.Request{{Source: "other", Token: token, Body: []byte(reply(1))}},
			kind: receive.Unauthorized, cause: "unknown_source"},
		{name: "a name that cannot be a source", requests: []receive.Request{{Source: "../x", Token: token, Body: []byte(reply(1))}},
			kind: receive.Unauthorized, cause: "unknown_source"},
		{name: "not JSON", requests: []receive.Request{post("hello")}, kind: receive.BadBody, cause: "not_json"},
		{name: "a scalar", requests: []receive.Request{post("42")}, kind: receive.BadBody, cause: "scalar"},
		{name: "UTF-16", requests: []receive.Request{post("\xff\xfe{\x00}\x00")}, kind: receive.BadBody, cause: "encoding"},
		{name: "UTF-16 that passed a gateway as text", requests: []receive.Request{post("\uFFFD\uFFFD{\x00}\x00")}, kind: receive.BadBody, cause: "encoding"},
		{name: "too many elements", requests: []receive.Request{post("[" + strings.Repeat("{},", 50) + "{}]")},
			kind: receive.TooLarge, cause: "too_many_elements"},
		{name: "a wrong body secret is held, not refused", arrange: func(w *world) { w.source.BodySecrets = []auth.Digest{auth.NewDigest("another")} },
			requests: []receive.Request{post(reply(1))}, want: "held"},
		{name: "a body secret on the list is trusted", arrange: func(w *world) { w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)} },
			requests: []receive.Request{post(reply(1))}, want: "accepted", sent: 1},
		{name: "the dashboard's test is accepted", arrange: func(w *world) { w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)} },
			requests: []receive.Request{post(strings.Replace(reply(1), secret, "secretkey", 1))}, want: "accepted", sent: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if c.arrange != nil {
				c.arrange(w)
			}
			svc := w.service()
			var answer receive.Answer
			var err error
			for _, req := range c.requests {
				answer, err = svc.Receive(t.Context(), req)
			}
			if got := statuses(answer); got != c.want {
				t.Errorf("statuses: got %q, want %q (%v)", got, c.want, err)
			}
			refusal, _ := errors.AsType[*receive.Error](err)
			switch {
			case c.kind == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.kind != "" && (refusal == nil || refusal.Kind != c.kind || refusal.Cause != c.cause):
				t.Errorf("refusal: got %v, want %s, %s", err, c.kind, c.cause)
			}
			if len(w.sent) != c.sent {
				t.Errorf("messages: got %d, want %d", len(w.sent), c.sent)
			}
		})
	}
}

// TestOurDefectIsNeverTheSendersFault: what our code cannot read is asked for
// again, and does not touch the events beside it.
func TestOurDefectIsNeverTheSendersFault(t *testing.T) {
	defect := fmt.Errorf("%w: index out of range in links.go:7", smartlead.ErrInternal)
	for _, c := range []struct {
		name  string
		whole error // of the body
		want  string
		kind  receive.Kind
		sent  int
	}{
		{"one of three", nil, "accepted failed accepted", receive.Unavailable, 2},
		{"the whole body", defect, "", receive.Internal, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			svc := w.service()
			svc.ReadWith(func(body []byte, opts smartlead.Options) (smartlead.Batch, error) {
				batch, err := smartlead.Parse(body, opts)
				if err == nil {
					batch.Elements[1] = smartlead.Element{Index: 1, Err: defect}
				}
				return batch, errors.Join(err, c.whole)
			})
			a, err := svc.Receive(t.Context(), post("["+reply(1)+","+reply(2)+","+reply(3)+"]"))
			refusal, ok := errors.AsType[*receive.Error](err)
			if !ok || refusal.Kind != c.kind || !errors.Is(err, smartlead.ErrInternal) {
				t.Errorf("the error is %v", err)
			}
			if got := statuses(a); got != c.want || len(w.sent) != c.sent {
				t.Errorf("%s, %d sent", got, len(w.sent))
			}
			if kept, err := w.ledger.RejectedRequests(t.Context(), start, start.Add(time.Hour), 10); err != nil || len(kept) > 0 {
				t.Errorf("kept as the sender's: %v %v", kept, err)
			}
		})
	}
}

func TestWhatIsAcknowledgedIsDurable(t *testing.T) {
	w := newWorld(t)
	w.claims = errDown
	if _, err := w.service().Receive(t.Context(), post(reply(1))); err != nil {
		t.Fatal(err)
	}
	m := w.sent[0]
	if m.Kind != webhook.KindUnclaimed || m.Receipt == nil || len(m.Receipt.Payload.Data) == 0 {
		t.Fatalf("the message must carry the event: %+v", m)
	}
	for _, text := range []string{secret, token} {
		if strings.Contains(string(m.Receipt.Payload.Data), text) {
			t.Errorf("the message holds %q", text)
		}
	}
}

// The put was applied and its answer lost, beyond the SDK's own retries: the
// event is in the ledger and in a message, and stays one event.
func TestAmbiguousClaimIsOneEvent(t *testing.T) {
	w := newWorld(t)
	w.lost = errDown
	answer, err := w.service().Receive(t.Context(), post(reply(1)))
	if err != nil || statuses(answer) != "accepted" {
		t.Fatalf("%v %v", answer, err)
	}
	c, err := w.ledger.Claim(t.Context(), *w.sent[0].Receipt, "worker", w.now)
	if err != nil || c.Status != webhook.ClaimDuplicate || c.Record.State != webhook.Pending {
		t.Fatalf("the worker's claim must meet the event: %+v %v", c, err)
	}
}

func TestDuplicateOfOverdueEventEnqueuesItAgain(t *testing.T) {
	w := newWorld(t)
	w.queue = errDown
	svc := w.service()
	if _, err := svc.Receive(t.Context(), post(reply(1))); err != nil {
		t.Fatal(err)
	}
	w.queue = nil
	if _, err := svc.Receive(t.Context(), post(reply(1))); err != nil || len(w.sent) != 0 {
		t.Fatalf("before it is due nobody sends: %v %v", w.sent, err)
	}
	w.now = w.now.Add(receive.DefaultPolicy.Grace)
	if _, err := svc.Receive(t.Context(), post(reply(1))); err != nil || len(w.sent) != 1 {
		t.Fatalf("overdue: got %v %v, want one message", w.sent, err)
	}
}

func TestTrustedEventTakesThePlaceOfAHeldOne(t *testing.T) {
	w := newWorld(t)
	w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)}
	svc := w.service()
	forged := strings.Replace(reply(1), secret, "forged-0000", 1)
	a, _ := svc.Receive(t.Context(), post(forged))
	if statuses(a) != "held" || len(w.sent) != 0 {
		t.Fatalf("forged: %s, %d messages", statuses(a), len(w.sent))
	}
	a, _ = svc.Receive(t.Context(), post(reply(1)))
	if statuses(a) != "accepted" || len(w.sent) != 1 || !w.sent[0].First {
		t.Fatalf("trusted: %s, messages %+v", statuses(a), w.sent)
	}
}

// Everybody knows the secret of a test: where others are checked, it meets no event.
func TestTestEventStandsApartWhereSecretsAreChecked(t *testing.T) {
	test := strings.Replace(reply(1), secret, "secretkey", 1)
	for name, c := range map[string]struct {
		list   []auth.Digest
		bodies []string
		want   []string
		ids    int
	}{
		"the test first":                   {[]auth.Digest{auth.NewDigest(secret)}, []string{test, reply(1), test}, []string{"accepted", "accepted", "duplicate"}, 2},
		"the event first":                  {[]auth.Digest{auth.NewDigest(secret)}, []string{reply(1), test, reply(1)}, []string{"accepted", "accepted", "duplicate"}, 2},
		"with blanks":                      {[]auth.Digest{auth.NewDigest(secret)}, []string{strings.Replace(test, "secretkey", "secretkey ", 1), test}, []string{"accepted", "duplicate"}, 1},
		"a source that trusts every body":  {nil, []string{test, reply(1)}, []string{"accepted", "duplicate"}, 1},
		"under a request id that is an id": {[]auth.Digest{auth.NewDigest(secret)}, []string{test, reply(1)}, []string{"accepted", "accepted"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.source.BodySecrets, w.source.TrustRequestID = c.list, strings.Contains(name, "request id")
			svc := w.service()
			var got []string
			ids := map[webhook.EventID]bool{}
			for _, body := range c.bodies {
				req := post(body)
				req.ProviderRequestID = "req-of-the-provider"
				a, err := svc.Receive(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				got, ids[a.Results[0].EventID] = append(got, statuses(a)), true
			}
			if !slices.Equal(got, c.want) || len(ids) != c.ids {
				t.Errorf("got %v under %d ids, want %v under %d", got, len(ids), c.want, c.ids)
			}
		})
	}
}

// What is trusted as a test and cannot be seen to be one would be delivered as an event.
func TestATestThatNobodySeesIsHeld(t *testing.T) {
	w := newWorld(t)
	w.source.BodySecrets = []auth.Digest{auth.NewDigest(secret)}
	svc := w.service()
	svc.ReadWith(func(body []byte, opts smartlead.Options) (smartlead.Batch, error) {
		batch, err := smartlead.Parse(body, opts)
		batch.Elements[0].TestEvent = false
		return batch, err
	})
	a, err := svc.Receive(t.Context(), post(strings.Replace(reply(1), secret, "secretkey", 1)))
	if err != nil || statuses(a) != "held" {
		t.Errorf("%s %v", statuses(a), err)
	}
}

func TestRepeatOfTimelessEventAfterTheWindowIsAnEvent(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	first, _ := svc.Receive(t.Context(), post(pausedCampaign))
	w.now = w.now.Add(7 * 24 * time.Hour)
	second, _ := svc.Receive(t.Context(), post(pausedCampaign))
	want := string(first.Results[0].EventID) + "~2"
	if statuses(second) != "accepted" || string(second.Results[0].EventID) != want {
		t.Fatalf("got %+v, want %s", second.Results, want)
	}
}

// The dashboard sends one fixed sample: who presses its button again waits for
// the event.
func TestTestEventRepeatsForRealAfterAMinute(t *testing.T) {
	w := newWorld(t)
	svc := w.service()
	press := post(strings.Replace(reply(1), secret, "secretkey", 1))
	var got []string
	var ids []webhook.EventID
	for _, later := range []time.Duration{0, 59 * time.Second, 2 * time.Second, time.Hour} {
		w.now = w.now.Add(later)
		a, err := svc.Receive(t.Context(), press)
		if err != nil {
			t.Fatal(err)
		}
		got, ids = append(got, statuses(a)), append(ids, a.Results[0].EventID)
	}
	if want := []string{"accepted", "duplicate", "accepted", "accepted"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if ids[1] != ids[0] || ids[2] != ids[0]+"~2" || ids[3] != ids[0]+"~3" {
		t.Errorf("got the ids %v, want one, itself, its second and its third occurrence", ids)
	}
	if a, _ := svc.Receive(t.Context(), post(reply(2))); statuses(a) != "accepted" {
		t.Fatalf("another event: %s", statuses(a))
	}
	w.now = w.now.Add(time.Hour)
	if a, _ := svc.Receive(t.Context(), post(reply(2))); statuses(a) != "duplicate" {
		t.Errorf("a real event after an hour: got %s, want a duplicate", statuses(a))
	}
}

func TestTrustedRequestIDIsTheIdentity(t *testing.T) {
	w := newWorld(t)
	w.source.TrustRequestID = true
	svc := w.service()
	req := post(pausedCampaign)
	var ids []webhook.EventID
	for _, id := range []string{"x-1", "x-1", "x-2"} {
		req.ProviderRequestID = id
		a, err := svc.Receive(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.Results[0].EventID)
	}
	if ids[0] != ids[1] || ids[0] == ids[2] {
		t.Fatalf("got %v", ids)
	}
}

func TestReadyAsksForTheTokenAlone(t *testing.T) {
	w := newWorld(t)
	w.source.HMACSecrets = [][]byte{[]byte("hmac-secret")}
	svc := w.service()
	if err := svc.Ready(t.Context(), receive.Request{Source: "demo", Token: token}); err != nil {
		t.Errorf("valid token: %v", err)
	}
	if err := svc.Ready(t.Context(), receive.Request{Source: "demo", Token: "no"}); err == nil {
		t.Error("wrong token: ready")
	}
	if _, err := svc.Receive(t.Context(), post(reply(1))); err == nil {
		t.Error("an unsigned event was accepted")
	}
}
