package operator

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// Records keeps what was erased, without the address.
type Records interface {
	LoadDocument(ctx context.Context, kind, name string) (body []byte, version int, err error)
	SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error
	// RecordKey is secret: with it alone can somebody tell whether an address was erased.
	RecordKey(ctx context.Context) ([]byte, error)
}

// forgottenKind is the partition of the records.
const forgottenKind = "forgotten"

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
// never was. The address is as Address returns it.
func (s *Service) Forgotten(ctx context.Context, address string) ([]Run, error) {
	name, err := s.recordName(ctx, address)
	if err != nil {
		return nil, err
	}
	record, _, err := s.record(ctx, name)
	return record.Runs, err
}

// recordName is a digest of the address under a key that the table does not have.
func (s *Service) recordName(ctx context.Context, address string) (string, error) {
	key, err := s.Records.RecordKey(ctx)
	if err != nil {
		return "", fmt.Errorf("the key of the records: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(forgottenKind + "\x00" + address))
	return hex.EncodeToString(mac.Sum(nil)), nil
}

func (s *Service) record(ctx context.Context, name string) (f forgotten, version int, err error) {
	body, version, err := s.Records.LoadDocument(ctx, forgottenKind, name)
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
	name, err := s.recordName(ctx, address)
	if err != nil {
		return err
	}
	for range maxRecordRaces {
		record, version, err := s.record(ctx, name)
		if err != nil {
			return err
		}
		record.put(run)
		body, err := json.Marshal(record)
		if err != nil {
			return fmt.Errorf("encode the record of an erasure: %w", err)
		}
		err = s.Records.SaveDocument(ctx, forgottenKind, name, body, version, s.Now(), time.Time{})
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
