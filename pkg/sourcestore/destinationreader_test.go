package sourcestore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"smartlead-receiver/pkg/sourcestore/parameter"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/webhook"
)

// service is a Parameter Store of one path whose answers a test controls.
type service struct {
	calls  atomic.Int32
	active atomic.Int32 // calls that are not answered

	mu     sync.Mutex
	params []parameter.Parameter
	err    error
	delay  time.Duration
}

func (s *service) set(err error, delay time.Duration, params ...parameter.Parameter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.delay, s.params = err, delay, params
}

func (s *service) ParametersByPath(ctx context.Context, _, _ string) ([]parameter.Parameter, string, error) {
	s.calls.Add(1)
	s.active.Add(1)
	defer s.active.Add(-1)
	s.mu.Lock()
	err, delay, params := s.err, s.delay, s.params
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	if err != nil {
		return nil, "", err
	}
	return params, "", nil
}

func oneOf(name, value string, version int64) parameter.Parameter {
	return parameter.Parameter{Name: prefix + "/destinations/" + name, Value: value, Version: version}
}

func stored(name string) parameter.Parameter { return oneOf(name, `{"type":"log"}`, 1) }

type errorLog struct {
	mu   sync.Mutex
	errs []string
}

func (l *errorLog) add(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err.Error())
}

func (l *errorLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.errs)
}

func newReader(t *testing.T, api PathReader, log *errorLog) *DestinationReader {
	t.Helper()
	reader, err := NewDestinationReader(api, prefix, Settings{OnError: log.add})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// has asks whether there is a destination of that name.
func has(ctx context.Context, r *DestinationReader, name string) (bool, error) {
	all, err := r.Destinations(ctx)
	return all[name] != nil, err
}

func TestReaderServesWhatTheStoreWrote(t *testing.T) {
	api := engine(t)
	prefix := freshPrefix()
	store := newStore(t, ssmstore.New(api), prefix)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} { // a second page
		if err := store.Put(t.Context(), name, []byte(`{"type":"log"}`), false); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := NewDestinationReader(ssmstore.New(api), prefix, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	destinations, err := reader.Destinations(t.Context())
	if err != nil || len(destinations) != 11 || string(destinations["k"]) != `{"type":"log"}` {
		t.Errorf("destinations %v, error %v", destinations, err)
	}
}

func TestReaderRenewsAfterTheTTLAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(nil, 0, stored("one"))
		reader := newReader(t, api, &errorLog{})
		ask := func(name string, want bool) {
			t.Helper()
			if got, err := has(t.Context(), reader, name); got != want || err != nil {
				t.Errorf("%s: got %t, want %t, error %v", name, got, want, err)
			}
		}
		ask("one", true)
		api.set(nil, 0, stored("two"))
		for range 100 {
			ask("two", false)
		}
		time.Sleep(defaultTTL - time.Second)
		ask("one", true)
		if n := api.calls.Load(); n != 1 {
			t.Errorf("%d loads within the TTL", n)
		}
		time.Sleep(2 * time.Second)
		ask("two", true)
		ask("one", false)
		if n := api.calls.Load(); n != 2 {
			t.Errorf("%d loads after the TTL", n)
		}
	})
}

func TestReaderOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, log := &service{}, &errorLog{}
		api.set(nil, 0, stored("one"))
		reader := newReader(t, api, log)
		if there, err := has(t.Context(), reader, "one"); err != nil || !there {
			t.Fatal(err)
		}
		api.set(errors.New("throttled"), 0)
		time.Sleep(time.Hour)
		for range 50 {
			if there, err := has(t.Context(), reader, "one"); err != nil || !there {
				t.Fatal(err)
			}
		}
		if calls, told := api.calls.Load(), log.count(); calls != 2 || told != 1 {
			t.Errorf("50 requests in an outage: %d loads, %d errors told", calls, told)
		}
		api.set(nil, 0, stored("two"))
		time.Sleep(6 * time.Second)
		if there, err := has(t.Context(), reader, "two"); err != nil || !there {
			t.Errorf("after the outage: %v", err)
		}
	})
}

func TestReaderDoesNotWaitLongForASilentStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(nil, 0, stored("one"))
		reader := newReader(t, api, &errorLog{})
		if there, err := has(t.Context(), reader, "one"); err != nil || !there {
			t.Fatal(err)
		}
		api.set(nil, time.Hour)
		time.Sleep(2 * time.Minute)
		began := time.Now()
		if there, err := has(t.Context(), reader, "one"); err != nil || !there {
			t.Error(err)
		}
		if waited := time.Since(began); waited != refreshTimeout {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestReaderLoadsOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(nil, 500*time.Millisecond, stored("one"))
		reader := newReader(t, api, &errorLog{})
		all := func(instant bool) {
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					time.Sleep(time.Duration(i) * time.Microsecond)
					began := time.Now()
					if there, err := has(t.Context(), reader, "one"); err != nil || !there {
						t.Error(err)
					}
					if waited := time.Since(began); instant && i > 0 && waited != 0 {
						t.Errorf("request %d waited %s though there is a copy", i, waited)
					}
				})
			}
			group.Wait()
		}
		all(false)
		if n := api.calls.Load(); n != 1 {
			t.Errorf("%d first loads", n)
		}
		time.Sleep(2 * time.Minute)
		all(true)
		if n := api.calls.Load(); n != 2 {
			t.Errorf("%d loads in all", n)
		}
	})
}

func TestReaderWithoutAnyCopyIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(errors.New("denied"), 0)
		reader := newReader(t, api, &errorLog{})
		if _, err := reader.Destinations(t.Context()); !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("destinations: %v", err)
		}
		api.set(nil, time.Hour)
		began := time.Now()
		if _, err := has(t.Context(), reader, "one"); !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("silent: %v", err)
		}
		if waited := time.Since(began); waited != loadTimeout {
			t.Errorf("waited %s", waited)
		}
	})
}

// Lambda freezes the process when a request is answered. A load that went on would
// find its connection gone, and the next request would wait for it.
func TestNothingOutlivesTheRequestThatLoads(t *testing.T) {
	for name, warm := range map[string]bool{"without a copy": false, "with an old copy": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, log := &service{}, &errorLog{}
				reader := newReader(t, api, log)
				if warm {
					api.set(nil, 0, stored("one"))
					if _, err := reader.Destinations(t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(2 * defaultTTL)
				}
				api.set(nil, time.Hour)
				hasty, cancel := context.WithTimeout(t.Context(), refreshTimeout/2)
				defer cancel()
				began := time.Now()
				there, err := has(hasty, reader, "one")
				if there != warm || errors.Is(err, webhook.ErrUnavailable) == warm {
					t.Errorf("a request that ends before the store answers: %t, %v", there, err)
				}
				if waited := time.Since(began); waited != refreshTimeout/2 || api.active.Load() != 0 {
					t.Errorf("it waited %s, and %d calls outlive it", waited, api.active.Load())
				}

				time.Sleep(time.Second)
				api.set(nil, 0, stored("two"))
				began = time.Now()
				if there, err := has(t.Context(), reader, "two"); err != nil || !there || time.Since(began) != 0 {
					t.Errorf("the next request: %t, %v after %s", there, err, time.Since(began))
				}
			})
		})
	}
}

// Those that wait for another one's load are told that the store failed; where that
// one merely had no time left, the next of them loads.
func TestWhoWaitsIsToldOrLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		reader := newReader(t, api, &errorLog{})
		began := time.Now()
		together := func(first time.Duration, want error) {
			t.Helper()
			var group sync.WaitGroup
			for i := range 10 {
				group.Go(func() {
					bound := time.Minute
					if i == 0 {
						bound = first
					}
					time.Sleep(time.Duration(i) * time.Microsecond)
					ctx, cancel := context.WithTimeout(t.Context(), bound)
					defer cancel()
					if _, err := reader.Destinations(ctx); !errors.Is(err, want) && i > 0 {
						t.Errorf("request %d: %v, want %v", i, err, want)
					}
				})
			}
			group.Wait()
		}
		api.set(nil, time.Hour)
		together(time.Minute, webhook.ErrUnavailable)
		if n, took := api.calls.Load(), time.Since(began); n != 1 || took != loadTimeout {
			t.Errorf("ten requests to a silent store: %d loads, %s", n, took)
		}
		api.set(nil, 2*time.Second, stored("one"))
		together(time.Second, nil)
		if n := api.calls.Load() - 1; n != 2 {
			t.Errorf("%d loads where the first request ended before its own", n)
		}
	})
}

func TestAClockSetBackRenewsTheCopy(t *testing.T) {
	api := &service{}
	api.set(nil, 0, stored("one"))
	now := noon
	reader, err := NewDestinationReader(api, prefix, Settings{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if there, err := has(t.Context(), reader, "one"); err != nil || !there {
			t.Fatal(err)
		}
		now = now.Add(-time.Hour)
	}
	if n := api.calls.Load(); n != 2 {
		t.Errorf("%d loads", n)
	}
}
