package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// traces are what the configured destinations keep of a lead.
type traces struct {
	ledger       *ledger.Ledger
	destinations *sourcestore.Destinations
	env          Env
}

// emptied is what a type takes for nothing. Nobody here may delete an item: it expires.
const (
	emptied        = "{}"
	emptiedExpires = 24 * time.Hour
)

// CountTraces counts what is kept of a lead.
func (t traces) CountTraces(ctx context.Context, address string) (int, error) {
	return t.each(ctx, address, func(destination.Kept, int) error { return nil })
}

// ForgetTraces empties it. What a worker wrote meanwhile is emptied, too.
func (t traces) ForgetTraces(ctx context.Context, address string) (int, error) {
	now := t.env.Now()
	return t.each(ctx, address, func(k destination.Kept, version int) error {
		return t.ledger.SaveDocument(ctx, k.Kind, k.Name, []byte(emptied), version, now, now.Add(emptiedExpires))
	})
}

// maxTraceRaces bounds how often a document is looked at anew because a worker wrote it.
const maxTraceRaces = 4

// each hands over each document of a lead that is not empty, and counts them. What fails
// keeps no other from it. A destination that cannot be read may have some: that is an
// error, too.
func (t traces) each(ctx context.Context, address string, do func(k destination.Kept, version int) error) (n int, err error) {
	if t.env.Types == nil {
		return 0, nil
	}
	entries, err := t.destinations.List(ctx)
	if err != nil {
		return 0, err
	}
	var failed error
	once := map[destination.Kept]bool{} // two destinations may share a thread
	for _, e := range entries {
		cfg, err := t.env.Types.Decode(e.Value)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("destination %s cannot be read, so that nobody can tell what it keeps of a lead: correct or remove it, or use a newer smartleadctl: %w", e.Name, err))
			continue
		}
		keeper, keeps := cfg.Settings.(destination.Keeper)
		if !keeps {
			continue
		}
		for _, k := range keeper.Keeps(address) {
			if once[k] {
				continue
			}
			once[k] = true
			there, err := t.one(ctx, k, do)
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("what destination %s keeps of a lead: %w", e.Name, err))
			}
			if there {
				n++
			}
		}
	}
	return n, failed
}

func (t traces) one(ctx context.Context, k destination.Kept, do func(destination.Kept, int) error) (there bool, err error) {
	for range maxTraceRaces {
		body, version, err := t.ledger.LoadDocument(ctx, k.Kind, k.Name)
		if errors.Is(err, webhook.ErrNotFound) || err == nil && string(body) == emptied {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if err = do(k, version); !errors.Is(err, webhook.ErrChanged) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("what a destination keeps of the lead was changed %d times meanwhile: %w", maxTraceRaces, webhook.ErrUnavailable)
}
