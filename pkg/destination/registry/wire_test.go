package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

// TestWire holds every type that speaks to a service to what happens on the way there,
// over HTTP.
func TestWire(t *testing.T) {
	for _, typ := range registry.Types {
		r := rows[typ.Name]
		if r.far == nil {
			continue
		}
		s := subject{typ, r, `{"type":"` + typ.Name + `","config":` + r.config + `}`}
		t.Run(typ.Name, func(t *testing.T) {
			t.Parallel()
			t.Run("an event arrives with what identifies it", s.basic)
			t.Run("events arrive side by side, each once", s.sideBySide)
			t.Run("a batch that fails in part", s.partial)
			t.Run("a batch that is refused whole", s.wholeRefusal)
			t.Run("more than a call takes", s.limits)
			t.Run("an answer that is lost", s.lostAnswer)
			t.Run("an answer that is nonsense", s.nonsense)
			t.Run("an answer without an end", s.endless)
			t.Run("a redirect", s.redirect)
			t.Run("429 for ever", s.throttled)
			t.Run("a certificate that is not trusted", s.untrusted)
		})
	}
}

func event1(n int) webhook.Delivery {
	d := sample()
	d.Event.ID = webhook.EventID(fmt.Sprintf("v1:EMAIL_REPLY:%032d", n))
	d.Event.OccurredAt = time.Unix(1_772_704_800, 0)
	d.Event.Lead = &webhook.Lead{Email: "tom@acme.example"}
	d.Event.Reply = &webhook.Reply{Text: "Tell me more"}
	d.IdempotencyKey = string(d.Event.ID) + "#1"
	return d
}

func events(n int) []webhook.Delivery {
	all := make([]webhook.Delivery, n)
	for i := range all {
		all[i] = event1(i)
	}
	return all
}

// batch opens the destination as what takes several events.
func (s subject) batch(t *testing.T, deps destination.Deps) destination.Batch {
	t.Helper()
	opened, err := s.parse(t).Settings.Open("subject", deps.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	batch, ok := opened.(destination.Batch)
	if !ok {
		t.Fatal("it takes no batches")
	}
	return batch
}

// says compares an outcome, whose words are for an operator.
func says(t *testing.T, out webhook.Outcome, result webhook.Result, class, words string) {
	t.Helper()
	valid(t, out)
	if out.Result != result || class != "" && out.ErrorClass != class || !strings.Contains(out.Error, words) {
		t.Errorf("outcome %+v, want %s, class %q, with the words %q", out, result, class, words)
	}
}

func (s subject) basic(t *testing.T) {
	far := listen(t, *s.row.far, nil)
	out := s.open(t, far.deps(true)).Deliver(t.Context(), event1(7))
	if out.Result != webhook.ResultDelivered {
		t.Fatalf("outcome %+v", out)
	}
	got := far.got()
	if len(got) != 1 || got[0].typ != "EMAIL_REPLY" || got[0].omitted || !s.row.far.keyless && got[0].key != event1(7).IdempotencyKey {
		t.Errorf("arrived %+v", got)
	}
}

func (s subject) sideBySide(t *testing.T) {
	far := listen(t, *s.row.far, nil)
	target := s.open(t, far.deps(true))
	var group sync.WaitGroup
	for _, d := range events(16) {
		group.Go(func() {
			if out := target.Deliver(t.Context(), d); out.Result != webhook.ResultDelivered {
				t.Errorf("outcome %+v", out)
			}
		})
	}
	group.Wait()
	s.eachOnce(t, far.got(), 16)
}

func (s subject) eachOnce(t *testing.T, got []arrived, n int) {
	t.Helper()
	keys := map[string]int{}
	for _, a := range got {
		keys[a.key]++
	}
	if len(got) != n || len(keys) != n && !s.row.far.keyless {
		t.Errorf("%d events arrived under %d keys, want %d, each once", len(got), len(keys), n)
	}
}

// An entry that fails says nothing of the others, wherever it is.
func (s subject) partial(t *testing.T) {
	if !s.row.far.batch {
		t.Skip("one event a call")
	}
	for code, result := range map[string]webhook.Result{s.row.far.passing: webhook.ResultRetry, s.row.far.permanent: webhook.ResultPermanent} {
		for _, bad := range []int{0, 2, 4} {
			far := listen(t, *s.row.far, func(s *service, w http.ResponseWriter, _ *http.Request, all []arrived) {
				codes := make([]string, len(all))
				codes[bad] = code
				s.answer(w, all, codes)
			})
			outcomes := s.batch(t, far.deps(true)).DeliverBatch(t.Context(), events(5))
			for i, out := range outcomes {
				if i == bad {
					says(t, out, result, code, "answered "+code)
				} else if out.Result != webhook.ResultDelivered {
					t.Errorf("entry %d failed with %s: entry %d has %+v", bad, code, i, out)
				}
			}
			if len(outcomes) != 5 || len(far.each) != 1 {
				t.Errorf("%d outcomes of %d calls", len(outcomes), len(far.each))
			}
		}
	}
}

// One event that spoils a call for all is found, and condemned alone.
func (s subject) wholeRefusal(t *testing.T) {
	if !s.row.far.batch {
		t.Skip("one event a call")
	}
	spoils := event1(3).IdempotencyKey
	far := listen(t, *s.row.far, func(s *service, w http.ResponseWriter, _ *http.Request, all []arrived) {
		if slices.ContainsFunc(all, func(a arrived) bool { return a.key == spoils }) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"__type":"com.amazonaws#ValidationException","message":"one of the entries is bad"}`))
			return
		}
		s.answer(w, all, nil)
	})
	for i, out := range s.batch(t, far.deps(true)).DeliverBatch(t.Context(), events(5)) {
		if i == 3 {
			says(t, out, webhook.ResultPermanent, "ValidationException", "one of the entries is bad")
		} else if out.Result != webhook.ResultDelivered {
			t.Errorf("event %d: %+v", i, out)
		}
	}
}

// Calls stay within the service's limits, what is too large alone is shortened, and what
// still is too large is refused without a call.
func (s subject) limits(t *testing.T) {
	if !s.row.far.batch {
		t.Skip("one event a call, of any size")
	}
	far := listen(t, *s.row.far, nil)
	all := events(3 * s.row.far.entries)
	fifth := strings.Repeat("x", s.row.far.one/5)
	for i := range all[:min(s.row.far.entries, 25)] {
		all[i].Event.Reply.Text = fifth
	}
	html := len(all) - 1
	all[html].Event.Reply.HTML = strings.Repeat("y", 2*s.row.far.one)
	all[html].Event.Raw = []byte(`"` + strings.Repeat("z", 2*s.row.far.one) + `"`)
	all[html-1].Event.Reply.Text = strings.Repeat("x", 2*s.row.far.one)
	for i, out := range s.batch(t, far.deps(true)).DeliverBatch(t.Context(), all) {
		if i == html-1 {
			says(t, out, webhook.ResultPermanent, "too_large", "larger than the destination takes")
		} else if out.Result != webhook.ResultDelivered {
			t.Fatalf("event %d: %+v", i, out)
		}
	}
	s.eachOnce(t, far.got(), len(all)-1)
	for _, call := range far.each {
		bytes := 0
		for _, a := range call {
			bytes += a.size
			if a.size > s.row.far.one || a.omitted != (a.key == all[html].IdempotencyKey) {
				t.Errorf("%s has %d bytes, something left out: %t", a.key, a.size, a.omitted)
			}
		}
		if len(call) > s.row.far.entries || bytes > s.row.far.bytes {
			t.Errorf("a call of %d events and %d bytes", len(call), bytes)
		}
	}
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// The service has the event, and nobody knows: it is tried again under the same key.
func (s subject) lostAnswer(t *testing.T) {
	var asked atomic.Int32
	far := listen(t, *s.row.far, func(s *service, w http.ResponseWriter, _ *http.Request, all []arrived) {
		if asked.Add(1) == 1 {
			hangUp(w)
			return
		}
		s.answer(w, all, nil)
	})
	deps := far.deps(true)
	deps.Transport.(*http.Transport).DisableKeepAlives = true // net/http would repeat the request by itself
	target := s.open(t, deps)
	says(t, target.Deliver(t.Context(), event1(7)), webhook.ResultRetry, "connection_closed", "the event may have arrived")
	if out := target.Deliver(t.Context(), event1(7)); out.Result != webhook.ResultDelivered {
		t.Errorf("the second attempt: %+v", out)
	}
	if got := far.got(); len(got) < 2 || got[0].key != got[len(got)-1].key {
		t.Errorf("arrived %+v, want it twice under one key", got)
	}
}

func (s subject) nonsense(t *testing.T) {
	for _, text := range []string{"", "<html>hello</html>", "{}", "[]", "null", `{"Entries":[{}],"RequestResponses":[{}]}`, `{"Successful":[{"Id":"7"},{"Id":"x"},{"Id":"-1"}]}`, "<a", "\x00\xff"} {
		far := listen(t, *s.row.far, func(_ *service, w http.ResponseWriter, _ *http.Request, _ []arrived) {
			_, _ = w.Write([]byte(text))
		})
		out := s.open(t, far.deps(true)).Deliver(t.Context(), event1(7))
		if s.row.far.answer == nil {
			if out.Result != webhook.ResultDelivered {
				t.Errorf("%q: %+v, although the status alone decides", text, out)
			}
			continue
		}
		says(t, out, webhook.ResultRetry, destination.ClassBadAnswer, "cannot be read as an answer of this service; the event may have arrived")
	}
}

func (s subject) endless(t *testing.T) {
	far := listen(t, *s.row.far, func(_ *service, w http.ResponseWriter, r *http.Request, _ []arrived) {
		chunk := []byte(strings.Repeat("x", 64<<10))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out := s.open(t, far.deps(true)).Deliver(ctx, event1(7))
	if s.row.far.answer == nil {
		if out.Result != webhook.ResultDelivered {
			t.Errorf("%+v, although the status alone decides", out)
		}
		return
	}
	says(t, out, webhook.ResultRetry, destination.ClassBadAnswer, "has no end")
	if ctx.Err() != nil {
		t.Error("it was read for as long as the attempt had")
	}
}

// Nobody configured the other address.
func (s subject) redirect(t *testing.T) {
	for _, code := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		far := listen(t, *s.row.far, func(_ *service, w http.ResponseWriter, _ *http.Request, _ []arrived) {
			w.Header().Set("Location", "https://elsewhere.example/x")
			w.WriteHeader(code)
		})
		says(t, s.open(t, far.deps(true)).Deliver(t.Context(), event1(7)), webhook.ResultPermanent, fmt.Sprintf("http_%d", code), "redirects are not followed")
		if n := len(far.each); n != 1 {
			t.Errorf("%d requests after a redirect, want 1", n)
		}
	}
}

// Each attempt ends with the service's wish, and none is made again within.
func (s subject) throttled(t *testing.T) {
	far := listen(t, *s.row.far, func(_ *service, w http.ResponseWriter, _ *http.Request, _ []arrived) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	target := s.open(t, far.deps(true))
	for range 3 {
		out := target.Deliver(t.Context(), event1(7))
		says(t, out, webhook.ResultRetry, "http_429", "429")
		if out.RetryAfter != 17*time.Second {
			t.Errorf("to be tried again after %s, want 17s", out.RetryAfter)
		}
	}
	if len(far.each) != 3 {
		t.Errorf("%d requests of 3 attempts", len(far.each))
	}
}

func (s subject) untrusted(t *testing.T) {
	far := listen(t, *s.row.far, nil)
	says(t, s.open(t, far.deps(false)).Deliver(t.Context(), event1(7)), webhook.ResultRetry, "tls", "certificate")
	if len(far.got()) > 0 {
		t.Error("the event was sent")
	}
}
