package archive_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// flood is a ledger of one hour with so many events, of which each has a body of so many
// bytes that do not compress. It holds none of them.
type flood struct {
	n, size int
}

func floodID(i int) webhook.EventID { return webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%026d", i)) }

func (f flood) ReceivedBetween(_ context.Context, since, until time.Time) iter.Seq2[webhook.Seen, error] {
	return func(yield func(webhook.Seen, error) bool) {
		begin := testclock.Noon().Add(-time.Hour)
		for i := range f.n {
			at := begin.Add(time.Duration(i) * time.Hour / time.Duration(f.n))
			if !at.Before(since) && at.Before(until) && !yield(webhook.Seen{ID: floodID(i), At: at, Account: "acme"}, nil) {
				return
			}
		}
	}
}

func (f flood) WithPayloads(_ context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	all := map[webhook.EventID]webhook.Record{}
	for _, id := range ids {
		all[id] = webhook.Record{ID: id, State: webhook.Delivered, Receipt: webhook.Receipt{
			Account: "acme", ReceivedAt: testclock.Noon().Add(-time.Minute), Payload: webhook.Payload{Ref: string(id), Size: f.size},
		}}
	}
	return all, nil
}

func (f flood) Load(_ context.Context, p webhook.Payload) ([]byte, error) {
	var n uint64
	_, _ = fmt.Sscanf(p.Ref[len(p.Ref)-26:], "%d", &n)
	noise := make([]byte, f.size*3/4)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(noise) // never fails
	return []byte(`{"reply_body":"` + base64.StdEncoding.EncodeToString(noise) + `"}`), nil
}

// sink keeps the sizes of objects alone, and how large the heap was at each.
type sink struct {
	keys  []string
	sizes []int
	heap  uint64
}

func (s *sink) List(context.Context, string) seq { return func(func(archive.Object, error) bool) {} }

func (s *sink) Create(_ context.Context, key string, body []byte) (bool, error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.heap = max(s.heap, m.HeapAlloc)
	s.keys, s.sizes = append(s.keys, key), append(s.sizes, len(body))
	return true, nil
}

func (s *sink) Get(context.Context, string) ([]byte, error) { return nil, webhook.ErrNotFound }

func (s *sink) Place() archive.Place { return archive.Place{Bucket: "sink"} }

// An hour of 100 MB, and one of 60,000 events of which 10,000 ids are held, take the memory of an object and of the
// ids that are held.
func TestMemoryIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		flood

		most uint64 // MB
	}{
		"large events": {flood{25, 4 << 20}, 80},
		"many events":  {flood{60_000, 60}, 40},
	} {
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		w := &world{clock: testclock.Noon().Add(time.Hour)}
		to := &sink{}
		policy := archive.DefaultPolicy
		policy.Back, policy.Gather = 24*time.Hour, 10_000
		svc := archive.New(archive.Ports{
			Ledger: c.flood, Bodies: c.flood, Objects: to, Documents: &papers{}, Normalize: func(body []byte, _ string) (webhook.Event, error) {
				return webhook.Event{Raw: body}, nil
			},
			Now: func() time.Time { return w.clock }, Nonce: func() string { return "n" },
		}, policy)
		sum := svc.Run(t.Context())
		if sum.Err != nil || sum.Events != c.n {
			t.Fatalf("%s: %+v", name, sum)
		}
		for i, size := range to.sizes {
			if size > policy.PartBytes+policy.LineText+1<<20 {
				t.Errorf("%s: %s has %d bytes", name, to.keys[i], size)
			}
		}
		used := (to.heap - min(to.heap, before.HeapAlloc)) >> 20
		if used > c.most {
			t.Errorf("%s: %d MB are held, want %d at most", name, used, c.most)
		}
		t.Logf("%s: %d objects, %d MB in all, %d MB held", name, sum.Objects, sum.Bytes>>20, used)
	}
}

// papers keeps one document.
type papers struct {
	body    []byte
	version int
}

func (p *papers) LoadDocument(context.Context, string, string) ([]byte, int, error) {
	if p.version == 0 {
		return nil, 0, webhook.ErrNotFound
	}
	return p.body, p.version, nil
}

func (p *papers) SaveDocument(_ context.Context, _, _ string, body []byte, seen int, _, _ time.Time) error {
	if seen != p.version {
		return webhook.ErrChanged
	}
	p.body, p.version = body, seen+1
	return nil
}

// What is longer than a line may be loses its original, then the reply's HTML, and what
// cannot be read has what the ledger knows.
func TestLinesAreBoundedAndSayWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	at := testclock.Noon().Add(-30 * time.Minute)
	long := w.receive("acme", reply(1, "a@acme.example.com", true), at)
	gone := w.receive("acme", reply(2, "b@acme.example.com", true), at.Add(time.Second))
	w.receive("acme", reply(3, "c@acme.example.com", false), at.Add(2*time.Second))
	rec, err := w.ledger.Get(t.Context(), gone)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.bodies.Erase(t.Context(), rec.Payload); err != nil {
		t.Fatal(err)
	}
	w.policy.LineText = 200_000
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	lines := map[webhook.EventID]map[string]any{}
	for _, body := range w.objects() {
		for _, line := range unpacked(t, body) {
			lines[webhook.EventID(line["event_id"].(string))] = line
		}
	}
	if l := lines[long]; len(lines) != 3 || l["raw"] != nil || !reflect.DeepEqual(l["omitted"], []any{"raw"}) || len(l["reply"].(map[string]any)["text"].(string)) != 150_000 {
		t.Errorf("the long one: %.300v", l)
	}
	if l := lines[gone]; l["raw"] != nil || !reflect.DeepEqual(l["omitted"], []any{"body"}) || l["lead_email"] != "b@acme.example.com" || l["type"] != "EMAIL_REPLY" {
		t.Errorf("the one without a body: %v", l)
	}
	w.restart("shorter/")
	w.clock = w.clock.Add(15 * time.Minute)
	w.policy.LineText = 2000
	w.run()
	for _, body := range w.objects() {
		for _, line := range unpacked(t, body) {
			if text, _ := json.Marshal(line); len(text) > 2500 {
				t.Errorf("a line of %d bytes", len(text))
			}
		}
	}
}

// The table names each member of a line, and no other.
func TestTheTableHasEachMember(t *testing.T) {
	sql, err := archive.Athena(archive.Place{Bucket: "b", Prefix: "p/"}, []string{"acme"})
	if err != nil {
		t.Fatal(err)
	}
	var members func(of reflect.Type) []string
	members = func(of reflect.Type) (all []string) {
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous {
				all = append(all, members(f.Type)...)
			} else if name != "account" && name != "raw" {
				all = append(all, name)
			}
		}
		return all
	}
	inside, _, _ := strings.Cut(sql, "PARTITIONED BY")
	for _, name := range append(members(reflect.TypeFor[archive.Line]()), "raw") {
		if !regexp.MustCompile(`(?m)^  ` + name + ` `).MatchString(inside) {
			t.Errorf("the table has no %s", name)
		}
	}
	if columns := regexp.MustCompile(`(?m)^  [a-z_]+ `).FindAllString(inside, -1); len(columns) != len(members(reflect.TypeFor[archive.Line]()))+1 {
		t.Errorf("%d columns", len(columns))
	}
	if _, err := archive.Athena(archive.Place{}, []string{"a'b"}); err == nil {
		t.Error("what is no account is written into SQL")
	}
}

// Who reads the files of deploy/ has the definition that the program prints.
func TestTheDefinitionIsInDeploy(t *testing.T) {
	ours, err := os.ReadFile("athena.sql")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile("../../deploy/athena.sql")
	if err != nil || string(ours) != string(theirs) {
		t.Errorf("deploy/athena.sql is another one than pkg/archive/athena.sql: %v", err)
	}
}
