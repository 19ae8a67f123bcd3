package sourcestore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// service is a Parameter Store of one path whose answers a test controls.
type service struct {
	calls atomic.Int32

	mu     sync.Mutex
	params []types.Parameter
	err    error
	delay  time.Duration
}

func (s *service) set(err error, delay time.Duration, params ...types.Parameter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.delay, s.params = err, delay, params
}

func (s *service) GetParametersByPath(ctx context.Context, in *ssm.GetParametersByPathInput, _ ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error) {
	s.calls.Add(1)
	s.mu.Lock()
	err, delay, params := s.err, s.delay, s.params
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if !aws.ToBool(in.WithDecryption) {
		return nil, errors.New("asked without decryption")
	}
	return &ssm.GetParametersByPathOutput{Parameters: params}, nil
}

func parameter(name, value string, version int64) types.Parameter {
	return types.Parameter{Name: aws.String(prefix + "/sources/" + name), Value: aws.String(value), Version: version}
}

func stored(t *testing.T, name string) types.Parameter {
	t.Helper()
	source, _ := newSource(t, name)
	form, err := source.Stored()
	if err != nil {
		t.Fatal(err)
	}
	return parameter(name, string(form), 1)
}

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

func newReader(t *testing.T, api PathReader, log *errorLog) *Reader {
	t.Helper()
	reader, err := NewReader(api, prefix, Settings{OnError: log.add})
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

func TestReaderServesWhatTheStoreWrote(t *testing.T) {
	api := engine(t)
	prefix := freshPrefix()
	store := newStore(t, api, prefix)
	source, token := newSource(t, "main")
	if err := store.PutSource(t.Context(), source, false); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} { // a second page
		if err := store.Put(t.Context(), Destinations, name, []byte(`{"type":"log"}`), false); err != nil {
			t.Fatal(err)
		}
	}
	reader, err := NewReader(api, prefix, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader.Source(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Authenticate(auth.Credentials{Token: token}); err != nil {
		t.Errorf("its token: %v", err)
	}
	if _, err := reader.Source(t.Context(), "other"); !errors.Is(err, auth.ErrUnknownSource) {
		t.Errorf("unknown name: %v", err)
	}
	destinations, err := reader.Destinations(t.Context())
	if err != nil || len(destinations) != 11 || string(destinations["k"]) != `{"type":"log"}` {
		t.Errorf("destinations %v, error %v", destinations, err)
	}
}

func TestReaderRenewsAfterTheTTLAndNotBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(nil, 0, stored(t, "one"))
		reader := newReader(t, api, &errorLog{})
		ask := func(name string, want error) {
			t.Helper()
			if _, err := reader.Source(t.Context(), name); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		ask("one", nil)
		api.set(nil, 0, stored(t, "two"))
		for range 100 {
			ask("two", auth.ErrUnknownSource)
		}
		time.Sleep(defaultTTL - time.Second)
		ask("one", nil)
		if n := api.calls.Load(); n != 1 {
			t.Errorf("%d loads within the TTL: unknown names must not cause any", n)
		}
		time.Sleep(2 * time.Second)
		ask("two", nil)
		ask("one", auth.ErrUnknownSource)
		if n := api.calls.Load(); n != 2 {
			t.Errorf("%d loads after the TTL", n)
		}
	})
}

func TestReaderOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, log := &service{}, &errorLog{}
		api.set(nil, 0, stored(t, "one"))
		reader := newReader(t, api, log)
		if _, err := reader.Source(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		api.set(errors.New("throttled"), 0)
		time.Sleep(time.Hour)
		for range 50 {
			if _, err := reader.Source(t.Context(), "one"); err != nil {
				t.Fatal(err)
			}
		}
		if calls, told := api.calls.Load(), log.count(); calls != 2 || told != 1 {
			t.Errorf("50 requests in an outage: %d loads, %d errors told", calls, told)
		}
		api.set(nil, 0, stored(t, "two"))
		time.Sleep(6 * time.Second)
		if _, err := reader.Source(t.Context(), "two"); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

func TestReaderDoesNotWaitLongForASilentStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &service{}
		api.set(nil, 0, stored(t, "one"))
		reader := newReader(t, api, &errorLog{})
		if _, err := reader.Source(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		api.set(nil, time.Hour)
		time.Sleep(2 * time.Minute)
		began := time.Now()
		if _, err := reader.Source(t.Context(), "one"); err != nil {
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
		api.set(nil, 500*time.Millisecond, stored(t, "one"))
		reader := newReader(t, api, &errorLog{})
		all := func(instant bool) {
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					time.Sleep(time.Duration(i) * time.Microsecond)
					began := time.Now()
					if _, err := reader.Source(t.Context(), "one"); err != nil {
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
		if _, err := reader.Source(t.Context(), "one"); !errors.Is(err, webhook.ErrUnavailable) || errors.Is(err, auth.ErrUnknownSource) {
			t.Errorf("sources: %v", err)
		}
		if _, err := reader.Destinations(t.Context()); !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("destinations: %v", err)
		}
		api.set(nil, time.Hour)
		began := time.Now()
		if _, err := reader.Source(t.Context(), "one"); !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("silent: %v", err)
		}
		if waited := time.Since(began); waited != loadTimeout {
			t.Errorf("waited %s", waited)
		}
		api.set(nil, 2*time.Second, stored(t, "one"))
		before := api.calls.Load()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := reader.Source(hasty, "one"); !errors.Is(err, webhook.ErrUnavailable) {
			t.Errorf("a request that ends first: %v", err)
		}
		if _, err := reader.Source(t.Context(), "one"); err != nil {
			t.Errorf("the next request: %v", err)
		}
		if n := api.calls.Load() - before; n != 1 {
			t.Errorf("%d loads: the first one goes on for the next request", n)
		}
	})
}

func TestOneUnreadableSourceTakesDownNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, log := &service{}, &errorLog{}
		api.set(nil, 0, stored(t, "good"), parameter("bad", `{"tokens":["topsecret"]}`, 3), parameter("UPPER", `{}`, 1))
		reader := newReader(t, api, log)
		for range 3 {
			if _, err := reader.Source(t.Context(), "good"); err != nil {
				t.Errorf("the good one: %v", err)
			}
			_, err := reader.Source(t.Context(), "bad")
			if !errors.Is(err, webhook.ErrUnavailable) || errors.Is(err, auth.ErrUnknownSource) {
				t.Errorf("the bad one: %v", err)
			}
			if strings.Contains(err.Error(), "topsecret") {
				t.Errorf("a secret is quoted: %v", err)
			}
			time.Sleep(2 * time.Minute)
		}
		if n := log.count(); n != 2 {
			t.Errorf("%d errors told: %q", n, log.errs)
		}
		api.set(nil, 0, parameter("bad", `{}`, 4))
		if _, err := reader.Source(t.Context(), "bad"); err == nil || log.count() != 3 {
			t.Errorf("a new version is told anew: %d, error %v", log.count(), err)
		}
	})
}

func TestAClockSetBackRenewsTheCopy(t *testing.T) {
	api := &service{}
	api.set(nil, 0, stored(t, "one"))
	now := noon
	reader, err := NewReader(api, prefix, Settings{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := reader.Source(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		now = now.Add(-time.Hour)
	}
	if n := api.calls.Load(); n != 2 {
		t.Errorf("%d loads", n)
	}
}
