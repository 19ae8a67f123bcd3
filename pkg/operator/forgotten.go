package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/erasure"
	"smartlead-receiver/pkg/webhook"
)

// Records keeps what was erased, without the address; erasure.Records does. Load returns
// webhook.ErrNotFound for an address that was never erased, and another error where that
// cannot be told. A version is a fencing token.
type Records interface {
	Load(ctx context.Context, address string) (body []byte, version int, err error)
	Save(ctx context.Context, address string, body []byte, seen int, now time.Time) error
}

// maxRuns bounds the runs that a record keeps: the latest ones.
const maxRuns = 20

// maxRecordRaces bounds how often a record is written anew because somebody else wrote it.
const maxRecordRaces = 8

// Run is one time that a lead was erased.
type Run struct {
	BegunAt time.Time `json:"begun_at"`
	EndedAt time.Time `json:"ended_at,omitzero"` // zero: it broke off, or left events that a worker had
	By      string    `json:"by,omitempty"`
	Erased  Held      `json:"erased"`
}

type forgotten struct {
	Runs []Run `json:"runs"`
}

// Forgotten returns the times that a lead was erased, the first one first; none, if it
// never was, and an error where that cannot be told. The address is as Address returns it.
func (s *Service) Forgotten(ctx context.Context, address string) ([]Run, error) {
	record, _, err := s.record(ctx, address)
	return record.Runs, err
}

func (s *Service) record(ctx context.Context, address string) (f forgotten, version int, err error) {
	body, version, err := s.Records.Load(ctx, address)
	if errors.Is(err, webhook.ErrNotFound) {
		return forgotten{}, 0, nil
	}
	if err != nil {
		return forgotten{}, 0, err
	}
	if err := json.Unmarshal(body, &f); err != nil {
		return forgotten{}, 0, fmt.Errorf("the record of an erasure cannot be read: %w", err)
	}
	return f, version, nil
}

// saveRun writes a run into the record, in the place of itself as it was before.
func (s *Service) saveRun(ctx context.Context, address string, run Run) error {
	for range maxRecordRaces {
		record, version, err := s.record(ctx, address)
		if errors.Is(err, erasure.ErrOtherKey) {
			err = nil // the record is begun under the key that is kept
		}
		if err != nil {
			return err
		}
		record.put(run)
		body, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode the record of an erasure: %w", err)
		}
		err = s.Records.Save(ctx, address, body, version, s.Now())
		if !errors.Is(err, webhook.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("the record of an erasure was changed %d times meanwhile: %w", maxRecordRaces, webhook.ErrUnavailable)
}

func (f *forgotten) put(run Run) {
	for i, r := range f.Runs {
		if r.BegunAt.Equal(run.BegunAt) && r.By == run.By {
			f.Runs[i] = run
			return
		}
	}
	f.Runs = append(f.Runs, run)
	f.Runs = f.Runs[max(0, len(f.Runs)-maxRuns):]
}
