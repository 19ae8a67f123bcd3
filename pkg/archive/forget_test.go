package archive_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// eraser is an operator's tool; do is called before each call that changes an object.
type eraser struct {
	archive.Erasable

	do func() error
}

func (e eraser) Create(ctx context.Context, key string, body []byte) (bool, error) {
	if err := e.do(); err != nil {
		return false, err
	}
	return e.Erasable.Create(ctx, key, body)
}

func (e eraser) Delete(ctx context.Context, key string) error {
	if err := e.do(); err != nil {
		return err
	}
	return e.Erasable.Delete(ctx, key)
}

func (w *world) erasure(do func() error) *archive.Erasure {
	return &archive.Erasure{
		Documents: w.ledger, Now: func() time.Time { return w.clock }, Nonce: func() (string, error) { w.nonces++; return fmt.Sprint("e", w.nonces), nil },
		Open:  func(p archive.Place) archive.Erasable { return eraser{objects.NewErasable(w.sdk.S3, p), do} },
		Sleep: func(_ context.Context, d time.Duration) { w.clock = w.clock.Add(d) },
	}
}

// erase erases the events of a lead in the ledger.
func (w *world) erase(lead string) (n int) {
	w.t.Helper()
	for id, rec := range w.records() {
		if rec.LeadEmail != lead {
			continue
		}
		n++
		_, err := w.ledger.Erase(w.t.Context(), webhook.Erasure{ID: id, At: w.clock, ExpiresAt: w.clock.Add(90 * 24 * time.Hour), Nonce: "erase"})
		if err == nil {
			err = w.ledger.EndErasure(w.t.Context(), id)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return n
}

// holds counts the lines in which an address stands anywhere.
func (w *world) holds(address string) (n int) {
	for _, body := range w.objects() {
		for _, line := range unpacked(w.t, body) {
			if strings.Contains(fmt.Sprint(line), address) {
				n++
			}
		}
	}
	return n
}

func fine() error { return nil }

// A lead is taken out of the archive, whatever stops the erasure between; all others stay
// as they were, and nothing comes back by a later look.
func TestALeadIsTakenOutOfTheArchive(t *testing.T) {
	const lead = "lead7@acme.example.com"
	w := newWorld(t)
	w.fill(3, 60)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	before := w.holds(lead)
	if n, err := w.erasure(fine).Holds(t.Context(), lead, func() {}); n != before || err != nil || n < 3 {
		t.Fatalf("it counts %d of %d, %v", n, before, err)
	}
	erased := w.erase(lead)
	// It dies before each change in its turn, and is repeated.
	total := 0
	for at := 1; ; at++ {
		n := 0
		taken, err := w.erasure(func() error {
			if n++; n == at {
				return errDead
			}
			return nil
		}).Forget(t.Context(), lead, func() {})
		if total += taken; err == nil {
			break
		}
		if !errors.Is(err, errDead) {
			t.Fatal(err)
		}
	}
	if left := w.holds(lead); left != 0 || erased != before || total != before {
		t.Errorf("%d lines are left, %d events erased, %d lines of %d", left, erased, total, before)
	}
	if events, _ := w.equal(testclock.Noon()); events != 180-erased {
		t.Errorf("%d events are archived, %d erased", events, erased)
	}
	again := w.objects()
	w.clock = w.clock.Add(26 * time.Hour)
	if sum := w.run(); sum.Events != 0 || w.holds(lead) != 0 || !maps.EqualFunc(again, w.objects(), func(a, b []byte) bool { return string(a) == string(b) }) {
		t.Errorf("a later look changed something: %+v", sum)
	}
	if n, err := w.erasure(fine).Forget(t.Context(), lead, func() {}); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// A run of the archiver that has read a lead's event cannot write it behind an erasure: an
// erasure waits for it, or takes its lease.
func TestAnErasureAndARunDoNotMeet(t *testing.T) {
	const lead = "big@acme.example.com"
	for name, after := range map[string]time.Duration{"the run": time.Minute, "over": time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.place.Prefix = url.PathEscape(name) + "/"
			w.receive("acme", reply(900, lead, true), testclock.Noon().Add(-time.Minute))
			w.receive("acme", reply(901, "other@acme.example.com", false), testclock.Noon().Add(-time.Minute))
			w.clock = w.clock.Add(15 * time.Minute)
			slow := w.service()
			asked := 0
			slow.Bodies = sleeper{slow.Bodies, func() {
				if asked++; asked > 1 {
					return
				}
				w.clock = w.clock.Add(after)
				e := w.erasure(fine)
				if after == time.Hour {
					w.erase(lead) // the run has read its event
					if _, err := e.Forget(t.Context(), lead, func() {}); err != nil {
						t.Error(err)
					}
					return
				}
				ctx, cancel := context.WithCancel(t.Context())
				e.Sleep = func(context.Context, time.Duration) { cancel() }
				if _, err := e.Forget(ctx, lead, func() {}); !errors.Is(err, context.Canceled) {
					t.Errorf("the erasure did not wait: %v", err)
				}
			}}
			sum := slow.Run(t.Context())
			if sum.Err != nil || asked == 0 {
				t.Fatalf("%+v", sum)
			}
			if after == time.Hour {
				w.run()
			} else if w.erase(lead); sum.Events != 2 {
				t.Errorf("%+v", sum)
			} else if n, err := w.erasure(fine).Forget(t.Context(), lead, func() {}); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			if n := w.holds(lead); n != 0 {
				t.Errorf("%d lines of the lead are archived", n)
			}
			w.equal(testclock.Noon())
		})
	}
}

// Each kind of fault is found, and nothing else.
func TestCompareFindsEachFault(t *testing.T) {
	w := newWorld(t)
	w.fill(2, 30)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	compare := func(svc *archive.Service, ids bool) archive.Comparison {
		t.Helper()
		c, err := svc.Compare(t.Context(), testclock.Noon().Add(-24*time.Hour), testclock.Noon(), ids, func() {})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, ids := range []bool{true, false} {
		if c := compare(w.service(), ids); !c.Whole() || c.Equal != 60 || c.Events != 60 || c.Objects != 6 {
			t.Errorf("%+v", c)
		}
	}
	// One is missing, one is archived and gone, one archived and erased, one of another lead.
	w.receive("acme", reply(800, "m@acme.example.com", false), testclock.Noon().Add(-time.Minute))
	records := w.records()
	var ids []webhook.EventID
	for id := range records {
		if records[id].LeadEmail != "m@acme.example.com" {
			ids = append(ids, id)
		}
	}
	w.drop(ids[0])
	delete(records, ids[0])
	erased := w.erase(records[ids[1]].LeadEmail)
	svc := w.service()
	for _, id := range ids[2:] {
		if records[id].LeadEmail != records[ids[1]].LeadEmail {
			svc.Ledger = changed{svc.Ledger, id}
			break
		}
	}
	c := compare(svc, false)
	want := make(map[archive.Fault]int)
	want[archive.Missing], want[archive.Extra], want[archive.NotErased], want[archive.Differs] = 1, 1, erased, 1
	if !maps.Equal(c.Faults, want) || len(c.Examples) != 3+erased || c.Whole() || erased == 0 {
		t.Errorf("%v, want %v: %+v", c.Faults, want, c.Examples)
	}
	// One more is archived twice.
	for key, body := range w.objects() {
		name, _ := archive.ReadName(key)
		line := unpacked(t, body)[0]
		o := archive.NewObject(name.Account, name.Begin)
		o.Add(t, webhook.EventID(line["event_id"].(string)), line)
		if _, err := objects.New(w.sdk.S3, w.place).Create(t.Context(), o.Key(), o.Body(t)); err != nil {
			t.Fatal(err)
		}
		break
	}
	c = compare(w.service(), true)
	if c.Faults[archive.Repeated]+c.Faults[archive.Extra] != 2 && c.Faults[archive.Repeated] != 1 {
		t.Errorf("%v", c.Faults)
	}
}

// changed is a ledger in which an event is another lead's.
type changed struct {
	archive.Ledger

	id webhook.EventID
}

func (c changed) WithPayloads(ctx context.Context, ids []webhook.EventID) (map[webhook.EventID]webhook.Record, error) {
	all, err := c.Ledger.WithPayloads(ctx, ids)
	if rec, ok := all[c.id]; ok {
		rec.LeadEmail += "x"
		all[c.id] = rec
	}
	return all, err
}

// An earlier place whose bucket was deleted holds nothing, and keeps nobody's erasure open;
// that of the present place is missed.
func TestADeletedBucketHoldsNothing(t *testing.T) {
	const lead = "lead7@acme.example.com"
	w := newWorld(t)
	w.fill(3, 60)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	st, err := archive.Standing(t.Context(), w.ledger)
	if err != nil {
		t.Fatal(err)
	}
	present := w.holds(lead)
	gone := archive.Place{Bucket: "deleted-long-ago", Prefix: "archive/"}
	w.stand(func(st *archive.State) { st.Places = append(st.Places, gone) })
	e := w.erasure(fine)
	if n, err := e.Holds(t.Context(), lead, func() {}); err != nil || n != present || n == 0 {
		t.Errorf("it counts %d of %d: %v", n, present, err)
	}
	w.erase(lead)
	if n, err := e.Forget(t.Context(), lead, func() {}); err != nil || n != present {
		t.Errorf("it took %d of %d out: %v", n, present, err)
	}
	w.stand(func(now *archive.State) { now.Place, now.Places = gone, []archive.Place{st.Place} })
	if _, err := e.Holds(t.Context(), lead, func() {}); !errors.Is(err, webhook.ErrNoBucket) {
		t.Errorf("the present place is missing: %v", err)
	}
	if _, err := e.Forget(t.Context(), lead, func() {}); !errors.Is(err, webhook.ErrNoBucket) {
		t.Errorf("the present place is missing: %v", err)
	}
}

// stand changes where the archive stands.
func (w *world) stand(do func(*archive.State)) {
	w.t.Helper()
	st, err := archive.Standing(w.t.Context(), w.ledger)
	if err != nil {
		w.t.Fatal(err)
	}
	_, version, err := w.ledger.LoadDocument(w.t.Context(), "archive", "state")
	if err != nil {
		w.t.Fatal(err)
	}
	do(&st)
	body, err := json.Marshal(st)
	if err == nil {
		err = w.ledger.SaveDocument(w.t.Context(), "archive", "state", body, version, w.clock, time.Time{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
