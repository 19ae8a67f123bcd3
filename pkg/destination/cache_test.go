package destination

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"errors"

	"smartlead-receiver/pkg/webhook"
)

// stored are forms that a test may change between two readings.
type stored struct {
	forms map[string][]byte
	err   error
}

func (s *stored) Destinations(context.Context) (map[string][]byte, error) { return s.forms, s.err }

func fakeForm(to string) []byte {
	return fmt.Appendf(nil, `{"type":"fake","filter":{"not_flags":["test_event"]},"config":{"to":%q}}`, to)
}

func (s *stored) read(t *testing.T, c *Cache) map[string]webhook.Destination {
	t.Helper()
	all, err := c.Destinations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCacheBuildsWhatIsConfigured(t *testing.T) {
	s := &stored{forms: map[string][]byte{"crm": fakeForm("there"), "audit": []byte(`{"type":"log"}`)}}
	all := s.read(t, NewCache(fakeTypes, s, Deps{}))
	if names := slices.Sorted(maps.Keys(all)); !slices.Equal(names, []string{"audit", "crm"}) {
		t.Fatalf("destinations %q", names)
	}
	want := webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "crm", Error: "there"}
	if got := all["crm"].Deliver(t.Context(), webhook.Delivery{}); got != want {
		t.Errorf("crm: got %+v, want %+v", got, want)
	}
	unwanted := webhook.Delivery{Event: webhook.Event{Flags: []string{webhook.FlagTestEvent}}}
	if got := all["crm"].Deliver(t.Context(), unwanted); got.Result != webhook.ResultUnrouted {
		t.Errorf("an event that the filter refuses: got %+v, want %s", got, webhook.ResultUnrouted)
	}
	if got := all["audit"].Deliver(t.Context(), unwanted); got.Result != webhook.ResultDelivered {
		t.Errorf("audit: got %+v, want %s", got, webhook.ResultDelivered)
	}
}

func TestCacheBuildsAnewOnlyWhatHasChanged(t *testing.T) {
	s := &stored{forms: map[string][]byte{"crm": fakeForm("there")}}
	opened := 0
	types := Types{{Name: "fake", New: func() Settings { opened++; return new(fakeSettings) }}}
	c := NewCache(types, s, Deps{})
	first := s.read(t, c)["crm"]
	s.forms = map[string][]byte{"crm": fakeForm("there")}
	if again := s.read(t, c)["crm"]; opened != 1 || again != first {
		t.Errorf("the same forms, read twice: built %d times, want once", opened)
	}
	s.forms = map[string][]byte{"crm": fakeForm("elsewhere")}
	if got := s.read(t, c)["crm"].Deliver(t.Context(), webhook.Delivery{}); got.Error != "elsewhere" {
		t.Errorf("a changed form: got %+v, want the new target", got)
	}
	s.forms = map[string][]byte{"crm": fakeForm("elsewhere"), "second": fakeForm("there")}
	if all := s.read(t, c); len(all) != 2 {
		t.Errorf("an added form: %d destinations, want 2", len(all))
	}
	delete(s.forms, "crm")
	if all := s.read(t, c); len(all) != 1 || all["second"] == nil {
		t.Errorf("a removed form: destinations %v, want second alone", slices.Sorted(maps.Keys(all)))
	}
}

func TestCacheDeliversToTheLogWhileNothingIsConfigured(t *testing.T) {
	s := &stored{}
	c := NewCache(fakeTypes, s, Deps{})
	all := s.read(t, c)
	if len(all) != 1 || all["log"] == nil || all["log"].Deliver(t.Context(), webhook.Delivery{}).Result != webhook.ResultDelivered {
		t.Errorf("destinations %v, want log", slices.Sorted(maps.Keys(all)))
	}
	s.forms = map[string][]byte{"crm": fakeForm("there")}
	if all := s.read(t, c); len(all) != 1 || all["crm"] == nil {
		t.Errorf("destinations %v, want crm alone", slices.Sorted(maps.Keys(all)))
	}
}

// The events of a broken destination wait; those of its neighbour do not.
func TestCacheKeepsTheEventsOfABrokenDestination(t *testing.T) {
	for name, form := range map[string]string{
		"no JSON":                 `topsecret`,
		"a type that is unknown":  `{"type":"topsecret"}`,
		"a setting that is wrong": `{"type":"fake","config":{"wait":"topsecret"}}`,
		"one that cannot open":    `{"type":"fake","config":{"to":"nowhere"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := &stored{forms: map[string][]byte{"crm": []byte(form), "audit": []byte(`{"type":"log"}`)}}
			c := NewCache(fakeTypes, s, Deps{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
			all := s.read(t, c)
			got := all["crm"].Deliver(t.Context(), webhook.Delivery{})
			if got.Result != webhook.ResultRetry || got.ErrorClass != "bad_configuration" || got.Error == "" {
				t.Errorf("got %+v, want a retry of class bad_configuration", got)
			}
			if got := all["audit"].Deliver(t.Context(), webhook.Delivery{}); got.Result != webhook.ResultDelivered {
				t.Errorf("its neighbour: got %+v, want %s", got, webhook.ResultDelivered)
			}
			s.read(t, c)
			if n := strings.Count(log.String(), `"destination.broken"`); n != 1 || !strings.Contains(log.String(), `"destination":"crm"`) {
				t.Errorf("the log tells of it %d times, want once:\n%s", n, log.String())
			}
			if strings.Contains(log.String(), "topsecret") {
				t.Errorf("the log quotes a value: %s", log.String())
			}
		})
	}
}

func TestCacheReturnsTheErrorOfItsForms(t *testing.T) {
	s := &stored{forms: map[string][]byte{"crm": fakeForm("there")}}
	c := NewCache(fakeTypes, s, Deps{})
	s.read(t, c)
	s.err = fmt.Errorf("parameters: %w", webhook.ErrUnavailable)
	if all, err := c.Destinations(t.Context()); !errors.Is(err, webhook.ErrUnavailable) || all != nil {
		t.Errorf("got %v and error %v, want %v alone", all, err, webhook.ErrUnavailable)
	}
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	var group sync.WaitGroup
	c := NewCache(fakeTypes, &stored{forms: map[string][]byte{"crm": fakeForm("there")}}, Deps{})
	found := make([]webhook.Destination, 8)
	for i := range found {
		group.Go(func() {
			if all, err := c.Destinations(t.Context()); err == nil {
				found[i] = all["crm"]
			}
		})
	}
	group.Wait()
	for i, d := range found {
		if d == nil || d != found[0] {
			t.Errorf("caller %d got %v, want what the first got", i, d)
		}
	}
}
