package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/webhook"
)

var (
	// ErrNoVariant: the event has no such variant.
	ErrNoVariant = errors.New("no such variant")
	// ErrAllSplit: every variant of the event is an event of its own already.
	ErrAllSplit = errors.New("every variant is split already")
)

// AmbiguousError is returned where more than one variant matches.
type AmbiguousError struct{ Matches []webhook.Variant }

func (e *AmbiguousError) Error() string { return fmt.Sprintf("%d variants match", len(e.Matches)) }

// ChooseVariant returns the variant that the beginning of a fingerprint names, in
// upper or lower case; without one, the only variant that was not split yet. It
// returns ErrNoVariant, ErrAllSplit or *AmbiguousError.
func ChooseVariant(list []webhook.Variant, fingerprint string) (webhook.Variant, error) {
	var match []webhook.Variant
	for _, v := range list {
		if (fingerprint == "" && v.SplitAs == "") ||
			(fingerprint != "" && strings.HasPrefix(v.Fingerprint, strings.ToUpper(fingerprint))) {
			match = append(match, v)
		}
	}
	switch {
	case len(match) == 1:
		return match[0], nil
	case len(match) > 1:
		return webhook.Variant{}, &AmbiguousError{Matches: match}
	case fingerprint == "" && len(list) > 0:
		return webhook.Variant{}, ErrAllSplit
	}
	return webhook.Variant{}, ErrNoVariant
}

// Untrusted tells whether the variant's sender is not trusted: a person must agree
// before such a body is delivered.
func Untrusted(v webhook.Variant) bool {
	return slices.Contains(v.Receipt.Flags, webhook.FlagUntrustedSender)
}

// SplitResult is the event that a variant became.
type SplitResult struct {
	ID    webhook.EventID
	At    time.Time
	Event webhook.Record // as it stands; zero where it was split before and has expired since
	// UnderWay: a worker takes it, or has it. Else it was split before, and has ended.
	UnderWay bool
	Unsent   error // why the worker could not be told: the sweeper does it after the grace
}

// SplitHeldError is returned where a body that is not trusted became an event of
// its own, and could not be released: it is held.
type SplitHeldError struct {
	ID  webhook.EventID
	Err error
}

func (e *SplitHeldError) Error() string {
	return fmt.Sprintf("%s is split off and held: %v", e.ID, e.Err)
}

func (e *SplitHeldError) Unwrap() error { return e.Err }

// Split makes a variant an event of its own, releases it where its sender is not
// trusted, and tells the worker. Repeating it changes nothing. It returns
// ErrUnconfirmed, having changed nothing, for a body that is not trusted unless a
// person agreed; *SplitHeldError where only the release failed; and the ledger's
// errors.
func (s *Service) Split(ctx context.Context, v webhook.Variant, confirmed bool) (SplitResult, error) {
	if Untrusted(v) && !confirmed {
		return SplitResult{}, ErrUnconfirmed
	}
	now := s.Now()
	dueAt := now.Add(s.policy.Grace)
	id, err := s.Variants.Split(ctx, v, now, dueAt)
	if err != nil {
		return SplitResult{}, err
	}
	if Untrusted(v) { // the ledger holds it
		_, err := s.Judgements.Release(ctx, id, now, dueAt)
		// Changed: it was released before. Missing: it has expired since.
		if err != nil && !errors.Is(err, webhook.ErrChanged) && !errors.Is(err, webhook.ErrNotFound) {
			return SplitResult{}, &SplitHeldError{ID: id, Err: err}
		}
	}
	r := SplitResult{ID: id, At: now}
	if r.Event, err = s.Events.Get(ctx, id); err != nil && !errors.Is(err, webhook.ErrNotFound) {
		return r, err
	}
	r.UnderWay = r.Event.State == webhook.Pending || r.Event.State == webhook.Processing
	if r.UnderWay {
		r.Unsent = s.Queue.Send(ctx, webhook.Live, []webhook.Message{{Kind: webhook.KindEvent, ID: id}})[0]
	}
	return r, nil
}
