package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// fronts are the subjects that receive webhooks.
var fronts = []string{"receiver", "baseline"}

// front measures what receives webhooks: each subject for itself from its start to
// its first response, then all beside one another.
func front(ctx context.Context, st stage, o options) (map[string]figures, error) {
	all := map[string]figures{}
	for _, function := range fronts {
		all[function] = figures{}
	}
	for _, secure := range []bool{true, false} {
		for range starts {
			if err := st.starts(ctx, secure, all); err != nil {
				return nil, err
			}
		}
		if err := st.contest(ctx, secure, o, all); err != nil {
			return nil, err
		}
	}
	return all, st.large(ctx, all["receiver"], "receiver", func(*stub) error { return nil })
}

// starts is how often a round starts each subject: a start is short, and what else
// the machine does shows in it.
const starts = 5

func prefixOf(secure bool) string {
	if secure {
		return "TLS: "
	}
	return ""
}

// starts measures one start of each subject.
func (st stage) starts(ctx context.Context, secure bool, all map[string]figures) error {
	for _, function := range fronts {
		err := st.within(ctx, function, secure, func(sc *scene) error {
			return sc.cold(all[function], prefixOf(secure), sc.fresh())
		})
		if err != nil {
			return fmt.Errorf("%s: %w", function, err)
		}
	}
	return nil
}

// within runs a function among stores of its own.
func (st stage) within(ctx context.Context, function string, secure bool, do func(*scene) error) error {
	stores, token, err := st.newStores(ctx, secure)
	if err != nil {
		return err
	}
	defer stores.close()
	sc, err := st.begin(ctx, function, stores, token)
	if err != nil {
		return err
	}
	defer sc.stop()
	return do(sc)
}

// contest measures the subjects beside one another.
func (st stage) contest(ctx context.Context, secure bool, o options, all map[string]figures) error {
	prefix := prefixOf(secure)
	var fresh, again []runner
	for _, function := range fronts {
		stores, token, err := st.newStores(ctx, secure)
		if err != nil {
			return err
		}
		defer stores.close()
		sc, err := st.begin(ctx, function, stores, token)
		if err != nil {
			return err
		}
		defer sc.stop()
		if err := sc.cold(all[function], prefix, sc.fresh()); err != nil {
			return fmt.Errorf("%s: %w", function, err)
		}
		repeated := sc.fresh()
		fresh = append(fresh, runner{sc, all[function], sc.fresh})
		again = append(again, runner{sc, all[function], func() []byte { return repeated }})
	}
	if err := series(prefix+"new event", 50, o.invokes, fresh...); err != nil {
		return err
	}
	if secure {
		for _, r := range fresh {
			if err := r.resident(r.f, "new events"); err != nil {
				return err
			}
		}
		return nil
	}
	if err := series("duplicate", 20, o.invokes, again...); err != nil {
		return err
	}
	sc := fresh[0].scene
	many := func() []byte {
		sc.next += arrayEvents
		return request(sc.token, array(sc.next, arrayEvents))
	}
	return series(fmt.Sprintf("array of %d", arrayEvents), 2, max(o.invokes/30, 3), runner{sc, all["receiver"], many})
}

// arrayEvents is how many events the measured array has.
const arrayEvents = 100

// largeBytes is a body that API Gateway and Lambda still let in.
const largeBytes = 4_300_000

// large measures the memory of ten large bodies: one request each for the receiver,
// one batch for the worker. seeded is called when the stores hold them.
func (st stage) large(ctx context.Context, f figures, function string, seeded func(*stub) error) error {
	stores, token, err := st.newStores(ctx, false)
	if err != nil {
		return err
	}
	defer stores.close()
	sc, err := st.begin(ctx, "receiver", stores, token)
	if err != nil {
		return err
	}
	defer sc.stop()
	for range 10 {
		sc.next++
		if _, _, err := sc.invoke(request(token, payload(sc.next, largeBytes))); err != nil {
			return err
		}
	}
	if function == "receiver" {
		return sc.resident(f, "ten bodies of 4.3 MB")
	}
	messages := stores.sent()
	if len(messages) != 10 {
		return fmt.Errorf("of ten large events %d were enqueued", len(messages))
	}
	if err := seeded(stores); err != nil {
		return err
	}
	w, err := st.begin(ctx, function, stores, token)
	if err != nil {
		return err
	}
	defer w.stop()
	for range 3 {
		if err := w.deliver(batch(messages)); err != nil {
			return err
		}
	}
	return w.resident(f, "ten bodies of 4.3 MB")
}

// deliver hands over a batch, all of which must be done with.
func (sc *scene) deliver(event []byte) error {
	r, _, err := sc.invoke(event)
	if err == nil && strings.Contains(string(r.body), "itemIdentifier") {
		err = errors.New("messages of the batch come back")
	}
	return err
}

// worker measures batches of ten events that the receiver has claimed, delivered to
// the log and to an HTTP endpoint.
func worker(ctx context.Context, st stage, o options) (map[string]figures, error) {
	f := figures{}
	for _, to := range []string{"log", "http"} {
		stores, token, err := st.newStores(ctx, false)
		if err != nil {
			return nil, err
		}
		defer stores.close()
		if err := st.destinations(ctx, stores, to); err != nil {
			return nil, err
		}
		messages, err := st.claimed(ctx, stores, token, 10)
		if err != nil {
			return nil, err
		}
		event := batch(messages)
		sc, err := st.begin(ctx, "worker", stores, token)
		if err != nil {
			return nil, err
		}
		defer sc.stop()
		if to == "log" {
			if err := sc.cold(f, "", event); err != nil {
				return nil, err
			}
		}
		if err := sc.deliver(event); err != nil {
			return nil, err
		}
		if err := series("batch of 10 to "+to, 10, max(o.invokes/5, 3), runner{sc, f, func() []byte { return event }}); err != nil {
			return nil, err
		}
		if err := sc.resident(f, "batches to "+to); err != nil {
			return nil, err
		}
	}
	err := st.large(ctx, f, "worker", func(s *stub) error { return st.destinations(ctx, s, "http") })
	return map[string]figures{"worker": f}, err
}

// destinations adds an endpoint, or none: then events go to the log.
func (st stage) destinations(ctx context.Context, s *stub, to string) error {
	if to == "log" {
		return nil
	}
	_, err := st.operate(ctx, s, "destinations", "add", "crm", "--url", s.addresses["DESTINATION"]+"/hook")
	return err
}

// claimed has the receiver claim events and returns the messages that it sent.
func (st stage) claimed(ctx context.Context, s *stub, token string, n int) ([]string, error) {
	sc, err := st.begin(ctx, "receiver", s, token)
	if err != nil {
		return nil, err
	}
	defer sc.stop()
	for range n {
		if _, _, err := sc.invoke(sc.fresh()); err != nil {
			return nil, err
		}
	}
	messages := s.sent()
	if len(messages) != n {
		return nil, fmt.Errorf("of %d events %d were enqueued", n, len(messages))
	}
	return messages, nil
}
