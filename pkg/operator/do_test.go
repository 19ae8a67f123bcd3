package operator

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

var errLost = fmt.Errorf("no answer: %w", webhook.ErrUnavailable)

// confirmed is a move of events to which a person has agreed.
func confirmed(move Move, seen ...webhook.Record) Request {
	return Request{Move: move, Events: seen, Confirmed: true}
}

// one makes a move of one event.
func (w *world) one(req Request) Result {
	w.Helper()
	report, err := w.service().Do(w.Context(), req)
	w.must(err)
	if len(report.Results) != 1 || len(report.Untried) != 0 {
		w.Fatalf("got %d results and %d events that were not tried", len(report.Results), len(report.Untried))
	}
	return report.Results[0]
}

// end is where a move leads from a state, and on which lane.
type end struct {
	from, to webhook.State
	lane     webhook.Lane
}

// fitting has the states that each move fits.
var fitting = map[Move]map[webhook.State]end{
	Replay: ends(
		end{webhook.Dead, webhook.Pending, webhook.Replay},
		end{webhook.Parked, webhook.Pending, webhook.Replay},
		end{webhook.Delivered, webhook.Pending, webhook.Replay},
		end{webhook.Unrouted, webhook.Pending, webhook.Replay},
	),
	Park:   ends(end{webhook.Dead, webhook.Parked, ""}),
	Unpark: ends(end{webhook.Parked, webhook.Pending, webhook.Replay}),
	Discard: ends(
		end{webhook.Dead, webhook.Discarded, ""},
		end{webhook.Parked, webhook.Discarded, ""},
		end{webhook.Held, webhook.Discarded, ""},
	),
	Release: ends(end{webhook.Held, webhook.Pending, webhook.Live}),
}

func ends(all ...end) map[webhook.State]end {
	byState := make(map[webhook.State]end)
	for _, e := range all {
		byState[e.from] = e
	}
	return byState
}

func TestEveryMoveFromEveryState(t *testing.T) {
	for move, to := range fitting {
		for _, state := range webhook.States {
			t.Run(fmt.Sprintf("%s of %s", move, state), func(t *testing.T) {
				w := newWorld(t)
				seen := w.in(state, "A")
				r := w.one(confirmed(move, seen))
				got := w.see(seen.ID)
				want, fits := to[state]
				if !fits {
					outcome := Unfit
					if move == Replay && !seen.Finished() {
						outcome = UnderWay
					}
					if r.Outcome != outcome || r.Err != nil || !reflect.DeepEqual(got, seen) || w.messages() != 0 {
						t.Errorf("got %s, %v, the event as %s and %d messages, want %s and nothing changed",
							r.Outcome, r.Err, got.State, w.messages(), outcome)
					}
					return
				}
				if r.Outcome != Done || r.Err != nil || r.Now.State != want.to || got.State != want.to {
					t.Fatalf("got %s, %v, %s in the result and %s in the ledger, want %s", r.Outcome, r.Err, r.Now.State, got.State, want.to)
				}
				if sent := w.sent[want.lane]; want.lane != "" && !slices.Equal(sent, []webhook.EventID{seen.ID}) || want.lane == "" && w.messages() != 0 {
					t.Errorf("sent %v, want one message on the lane %q", w.sent, want.lane)
				}
				if due := w.now.Add(times.Grace); want.to == webhook.Pending && (!got.DueAt.Equal(due) || got.Lane != want.lane) {
					t.Errorf("due at %s on the lane %q, want %s on %q", got.DueAt, got.Lane, due, want.lane)
				}
				if keep := w.now.Add(times.Retention); want.to == webhook.Discarded && !got.ExpiresAt.Equal(keep) {
					t.Errorf("kept until %s, want %s", got.ExpiresAt, keep)
				}
			})
		}
	}
}

func TestFromSaysWhatFits(t *testing.T) {
	for move, to := range fitting {
		from := move.From()
		if len(from) != len(to) {
			t.Errorf("%s: from %v, want %d states", move, from, len(to))
		}
		for _, state := range from {
			if _, fits := to[state]; !fits {
				t.Errorf("%s: from %s", move, state)
			}
		}
	}
}

func TestAReplayKeepsTheKeyUnlessTheEffectIsWantedAgain(t *testing.T) {
	w := newWorld(t)
	seen := w.in(webhook.Delivered, "A")
	for n, key := range []string{string(seen.ID), string(seen.ID) + "#2"} {
		req := confirmed(Replay, seen)
		req.Again = n == 1
		if r := w.one(req); r.Now.Generation != n+1 || r.Now.IdempotencyKey() != key {
			t.Errorf("again: %t: generation %d under the key %s, want %d under %s",
				req.Again, r.Now.Generation, r.Now.IdempotencyKey(), n+1, key)
		}
		w.settle(seen.ID, webhook.Delivered)
		seen = w.see(seen.ID)
	}
}

// A move whose answer was lost is neither repeated nor followed by a message; if
// it took effect, the event is due, and the sweeper sends it.
func TestALostAnswerIsUnclear(t *testing.T) {
	for move, to := range fitting {
		for state, want := range to {
			t.Run(fmt.Sprintf("%s of %s", move, state), func(t *testing.T) {
				w := newWorld(t)
				seen := w.in(state, "A")
				w.before = errLost
				if r := w.one(confirmed(move, seen)); r.Outcome != Unclear || !errors.Is(r.Err, errLost) || r.Now.State != state {
					t.Errorf("lost before: %s, %v, %s", r.Outcome, r.Err, r.Now.State)
				}
				if got := w.see(seen.ID); !reflect.DeepEqual(got, seen) {
					t.Errorf("lost before, and yet it is %s", got.State)
				}
				w.before, w.after = nil, errLost
				if r := w.one(confirmed(move, seen)); r.Outcome != Unclear || r.Now.State != state {
					t.Errorf("lost after: %s, %s", r.Outcome, r.Now.State)
				}
				got := w.see(seen.ID)
				if got.State != want.to || (want.to == webhook.Pending && !got.DueAt.Equal(w.now.Add(times.Grace))) {
					t.Errorf("lost after: it is %s, due at %s", got.State, got.DueAt)
				}
				w.after = nil
				if r := w.one(confirmed(move, seen)); r.Outcome != Changed || r.Now.State != want.to {
					t.Errorf("asked again with what was seen before: %s, %s", r.Outcome, r.Now.State)
				}
				if again := w.see(seen.ID); !reflect.DeepEqual(again, got) || w.messages() != 0 || len(w.expired) != 0 {
					t.Errorf("the repeat changed it: %v, %d messages, %d bodies", again, w.messages(), len(w.expired))
				}
			})
		}
	}
}

func TestAnEventThatMovedMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name      string
		move      Move
		state     webhook.State
		meanwhile func(w *world, seen webhook.Record)
		now       webhook.State
	}{
		{"revived by a redrive", Replay, webhook.Dead, (*world).revived, webhook.Pending},
		{"died again, another death", Replay, webhook.Dead, (*world).diedAgain, webhook.Dead},
		{"died again, parked for the first", Park, webhook.Dead, (*world).diedAgain, webhook.Dead},
		{"died again, discarded for the first", Discard, webhook.Dead, (*world).diedAgain, webhook.Dead},
		{"replayed by another, another generation", Replay, webhook.Delivered, (*world).replayed, webhook.Delivered},
		{"released by a trusted repeat", Release, webhook.Held, (*world).released, webhook.Pending},
		{"released, and then discarded", Discard, webhook.Held, (*world).released, webhook.Pending},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			seen := w.in(c.state, "A")
			c.meanwhile(w, seen)
			before := w.see(seen.ID)
			r := w.one(confirmed(c.move, seen))
			if r.Outcome != Changed || !errors.Is(r.Err, webhook.ErrChanged) || r.Now.State != c.now {
				t.Errorf("got %s, %v, %s, want it as another left it: %s", r.Outcome, r.Err, r.Now.State, c.now)
			}
			if after := w.see(seen.ID); !reflect.DeepEqual(before, after) || w.messages() != 0 {
				t.Errorf("it was changed: %v, %d messages", after, w.messages())
			}
		})
	}
}

func (w *world) revived(seen webhook.Record) {
	_, err := w.Ledger.Revive(w.Context(), webhook.Revival{
		ID: seen.ID, Lane: webhook.Replay, At: w.now, DueAt: w.now, Death: seen.Death, Nonce: w.nonce(), Redrive: true,
	})
	w.must(err)
}

func (w *world) diedAgain(seen webhook.Record) {
	w.revived(seen)
	w.settle(seen.ID, webhook.Dead)
}

func (w *world) replayed(seen webhook.Record) {
	_, err := w.Ledger.Replay(w.Context(), webhook.Revival{ID: seen.ID, Lane: webhook.Replay, At: w.now, DueAt: w.now, Nonce: w.nonce()})
	w.must(err)
	w.settle(seen.ID, webhook.Delivered)
}

func (w *world) released(seen webhook.Record) {
	_, err := w.Ledger.Release(w.Context(), seen.ID, w.now, w.now)
	w.must(err)
}

func TestOneThatFailsKeepsNoOtherBack(t *testing.T) {
	w := newWorld(t)
	gone := webhook.Record{ID: "v1:EMAIL_REPLY:GONE", State: webhook.Dead, Death: 1}
	seen := []webhook.Record{gone, w.in(webhook.Held, "A"), w.in(webhook.Dead, "B"), w.in(webhook.Pending, "C"), w.in(webhook.Parked, "D")}
	report, err := w.service().Do(t.Context(), confirmed(Replay, seen...))
	w.must(err)
	var got []Outcome
	for i, r := range report.Results {
		got = append(got, r.Outcome)
		if r.Seen.ID != seen[i].ID {
			t.Errorf("result %d is of %s, want %s", i, r.Seen.ID, seen[i].ID)
		}
	}
	if want := []Outcome{Missing, Unfit, Done, UnderWay, Done}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := []webhook.EventID{seen[2].ID, seen[4].ID}; !slices.Equal(w.sent[webhook.Replay], want) {
		t.Errorf("sent %v, want %v", w.sent, want)
	}
}

// What the queue refuses, or does not answer, stays due.
func TestARefusedSendLosesNothing(t *testing.T) {
	w := newWorld(t)
	seen := []webhook.Record{w.in(webhook.Dead, "A"), w.in(webhook.Dead, "B"), w.in(webhook.Dead, "C")}
	w.refuse = func(id webhook.EventID) error {
		if id == seen[1].ID {
			return errLost
		}
		return nil
	}
	report, err := w.service().Do(t.Context(), confirmed(Replay, seen...))
	w.must(err)
	for i, r := range report.Results {
		if r.Outcome != Done || errors.Is(r.Unsent, errLost) != (i == 1) {
			t.Errorf("event %d: %s, unsent: %v", i, r.Outcome, r.Unsent)
		}
		if due := w.see(r.Seen.ID).DueAt; !due.Equal(w.now.Add(times.Grace)) {
			t.Errorf("event %d is due at %s", i, due)
		}
	}
	if report.Unsent() != 1 {
		t.Errorf("%d unsent, want 1", report.Unsent())
	}
}

func TestALargeBodyThatIsNotMarkedIsSaid(t *testing.T) {
	w := newWorld(t)
	seen := w.in(webhook.Dead, "A")
	seen.Payload = webhook.Payload{Ref: "acme/large"}
	w.expire = errLost
	if r := w.one(confirmed(Discard, seen)); r.Outcome != Done || !errors.Is(r.BodyKept, errLost) {
		t.Errorf("%s, kept: %v", r.Outcome, r.BodyKept)
	}
	w.expire = nil
	seen = w.in(webhook.Dead, "B")
	seen.Payload = webhook.Payload{Ref: "acme/large"}
	if r := w.one(confirmed(Discard, seen)); r.BodyKept != nil || len(w.expired) != 1 || w.expired[0].Ref != "acme/large" {
		t.Errorf("kept: %v, marked: %v", r.BodyKept, w.expired)
	}
}

func TestWithoutANonceNothingIsMoved(t *testing.T) {
	w := newWorld(t)
	for move, states := range fitting {
		for state, to := range states {
			if to.lane != webhook.Replay {
				continue // only a revival is recognised by a nonce
			}
			seen := w.in(state, fmt.Sprint(move, state))
			s := w.service()
			s.Nonce = func() (string, error) { return "", errors.New("no randomness") }
			report, err := s.Do(t.Context(), confirmed(move, seen))
			w.must(err)
			if r := report.Results[0]; r.Outcome != Failed || !reflect.DeepEqual(w.see(seen.ID), seen) {
				t.Errorf("%s of %s: %s, %v", move, state, r.Outcome, r.Err)
			}
		}
	}
}

func TestWhatIsNotTriedStaysAsItWas(t *testing.T) {
	w := newWorld(t)
	seen := []webhook.Record{w.in(webhook.Dead, "A"), w.in(webhook.Dead, "B"), w.in(webhook.Dead, "C")}
	ctx, cancel := context.WithCancel(t.Context())
	s := w.service()
	s.Nonce = func() (string, error) {
		cancel() // while the first is moved
		return w.nonce(), nil
	}
	report, err := s.Do(ctx, confirmed(Replay, seen...))
	w.must(err)
	if len(report.Results) != 1 || report.Results[0].Outcome != Done || len(report.Untried) != 2 || report.Untried[0].ID != seen[1].ID {
		t.Errorf("%d results, %d untried", len(report.Results), len(report.Untried))
	}
	for _, left := range report.Untried {
		if !reflect.DeepEqual(w.see(left.ID), left) {
			t.Errorf("%s was changed", left.ID)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	a, b := w.in(webhook.Dead, "A"), w.in(webhook.Dead, "B")
	for name, c := range map[string]struct {
		req  Request
		want error
	}{
		"no event":                 {confirmed(Replay), ErrNoEvents},
		"no such move":             {confirmed("forget", a), ErrUnknownMove},
		"no move":                  {Request{Events: []webhook.Record{a}}, ErrUnknownMove},
		"over the limit":           {Request{Move: Replay, Events: []webhook.Record{a, b}, Limit: 1, Confirmed: true}, &TooManyError{Limit: 1}},
		"at the limit":             {Request{Move: Replay, Events: []webhook.Record{a, b}, Limit: 2}, ErrUnconfirmed},
		"several":                  {Request{Move: Park, Events: []webhook.Record{a, b}}, ErrUnconfirmed},
		"one that a filter found":  {Request{Move: Replay, Events: []webhook.Record{a}, Filtered: true}, ErrUnconfirmed},
		"one that is given up":     {Request{Move: Discard, Events: []webhook.Record{a}}, ErrUnconfirmed},
		"one that is named passes": {Request{Move: Park, Events: []webhook.Record{a}}, nil},
	} {
		report, err := w.service().Do(t.Context(), c.req)
		var got, want *TooManyError
		switch {
		case errors.As(c.want, &want):
			if !errors.As(err, &got) || got.Limit != want.Limit {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		case !errors.Is(err, c.want):
			t.Errorf("%s: %v, want %v", name, err, c.want)
		case c.want == nil && report.Results[0].Outcome != Done:
			t.Errorf("%s: %s", name, report.Results[0].Outcome)
		}
	}
	if got := w.see(b.ID); !reflect.DeepEqual(got, b) {
		t.Errorf("a refused request changed an event: it is %s", got.State)
	}
}
