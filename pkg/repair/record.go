package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/webhook"
)

// The partitions of what is recorded.
const (
	runKind   = "repair"       // a document for each run
	askedKind = "repair_asked" // a document for each campaign
)

const (
	// keepRuns is how long a run is kept on record. Its events say for longer who made them.
	keepRuns = 90 * 24 * time.Hour
	// keepAsked is longer than any window that is compared on a schedule.
	keepAsked = 60 * 24 * time.Hour
	// maxRecorded bounds the events that a record names.
	maxRecorded = 200
)

// Record is a run as it is kept: who repaired, when and what.
type Record struct {
	Run     string            `json:"run"`
	BegunAt time.Time         `json:"begun_at"`
	EndedAt time.Time         `json:"ended_at,omitzero"` // zero: it is under way, or broke off
	By      string            `json:"by,omitempty"`
	Mode    Mode              `json:"mode"`
	Asked   []RecordedAsk     `json:"retriggered,omitempty"`
	Made    int               `json:"synthesized,omitempty"`
	Known   int               `json:"already_here,omitempty"` // that came before they were made
	Left    int               `json:"left,omitempty"`
	Events  []webhook.EventID `json:"events,omitempty"` // that were made; at most 200
	// Undone were made and erased at once, because their lead was erased meanwhile; Unsure
	// may have to be: nobody could tell, or it failed. At most 200 of each.
	Undone []webhook.EventID `json:"undone,omitempty"`
	Unsure []webhook.EventID `json:"unsure,omitempty"`
	Untold int               `json:"untold,omitempty"` // incidents that could not be kept
}

// RecordedAsk is what Smartlead was asked to post again, as it is kept.
type RecordedAsk struct {
	Campaign string `json:"campaign_id"`
	Count    int    `json:"count"` // -1: Smartlead did not say
}

// Runs returns the latest runs, the latest first, at most limit.
func (s *Service) Runs(ctx context.Context, limit int) (all []Record, err error) {
	documents, err := s.p.Documents.ListDocuments(ctx, runKind, limit)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		var r Record
		if json.Unmarshal(d.Body, &r) == nil && r.Run != "" {
			all = append(all, r)
		}
	}
	return all, nil
}

// Find returns what is kept of a run: webhook.ErrNotFound, wrapped, where nothing is.
func (s *Service) Find(ctx context.Context, run string) (r Record, err error) {
	body, _, err := s.p.Documents.LoadDocument(ctx, runKind, run)
	if err != nil {
		return r, fmt.Errorf("the record of the repair: %w", err)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("the record of the repair: %w", err)
	}
	return r, nil
}

// begin records that the run does something, before it does: one that breaks off is seen.
func (r *run) begin(ctx context.Context) error {
	if r.version > 0 {
		return nil
	}
	r.result.Run = r.result.At.Format("20060102T150405.000Z") + "-" + r.p.Nonce()
	r.record = Record{Run: r.result.Run, BegunAt: r.result.At, By: r.r.By, Mode: r.r.Mode}
	return r.save(ctx)
}

func (r *run) save(ctx context.Context) error {
	body, err := json.Marshal(r.record)
	if err != nil {
		return err
	}
	now := r.p.Now()
	if err := r.p.Documents.SaveDocument(ctx, runKind, r.record.Run, body, r.version, now, now.Add(keepRuns)); err != nil {
		return fmt.Errorf("the record of the repair: %w", err)
	}
	r.version++
	return nil
}

// end records what the run did.
func (r *run) end(ctx context.Context) error {
	if r.version == 0 {
		return nil
	}
	r.record.EndedAt = r.p.Now().UTC()
	for _, a := range r.result.Asked {
		r.record.Asked = append(r.record.Asked, RecordedAsk{Campaign: a.Campaign, Count: a.Count})
	}
	for _, i := range r.result.Items {
		switch {
		case i.undone() && len(r.record.Undone) < maxRecorded:
			r.record.Undone = append(r.record.Undone, i.EventID)
		case i.Unsure() && len(r.record.Unsure) < maxRecorded:
			r.record.Unsure = append(r.record.Unsure, i.EventID)
		}
		switch {
		case i.Step == StepSynthesize && i.Status == webhook.ClaimAccepted:
			r.record.Made++
			if len(r.record.Events) < maxRecorded {
				r.record.Events = append(r.record.Events, i.EventID)
			}
		case i.Step == StepSynthesize:
			r.record.Known++
		case i.Step == StepNone:
			r.record.Left++
		}
	}
	return r.save(ctx)
}

// ask is one time that Smartlead was asked to post what failed of a campaign.
type ask struct {
	At      time.Time `json:"at"`
	Since   time.Time `json:"since"`
	By      string    `json:"by,omitempty"`
	Count   int       `json:"count"`             // -1: it did not say
	Nothing bool      `json:"nothing,omitempty"` // it has nothing to post, or cannot be asked
}

// asks are the latest times, the first one first.
type asks struct {
	Asks []ask `json:"asks"`
}

// maxAsks bounds them: more than a day's, one an hour.
const maxAsks = 50

// covers tells whether a fact was asked for, after its event was missing: before that
// Smartlead may not have counted the delivery as failed.
func (a ask) covers(f reconcile.Finding) bool {
	return !a.At.Before(f.Due) && !a.Since.After(timeOf(f))
}

// until is when nothing more is waited for of what was asked.
func (a ask) until(wait time.Duration) time.Time {
	if a.Nothing {
		return a.At
	}
	return a.At.Add(wait)
}

// askedFor returns until when a fact is waited for; false: it was not asked for.
func (l asks) askedFor(f reconcile.Finding, wait time.Duration) (until time.Time, asked bool) {
	for _, a := range l.Asks {
		if a.covers(f) && (!asked || a.until(wait).Before(until)) {
			until, asked = a.until(wait), true
		}
	}
	return until, asked
}

func (r *run) loadAsks(ctx context.Context, campaign string) (l asks, version int, err error) {
	body, version, err := r.p.Documents.LoadDocument(ctx, askedKind, campaign)
	switch {
	case errors.Is(err, webhook.ErrNotFound):
		return asks{}, 0, nil
	case err != nil:
		return asks{}, 0, fmt.Errorf("when Smartlead was asked last: %w", err)
	}
	if json.Unmarshal(body, &l) != nil {
		l = asks{} // it is asked again, which does no harm
	}
	return l, version, nil
}

func (r *run) saveAsk(ctx context.Context, campaign string, l asks, a ask, version int) error {
	l.Asks = append(l.Asks, a)
	l.Asks = l.Asks[max(0, len(l.Asks)-maxAsks):]
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	now := r.p.Now()
	return r.p.Documents.SaveDocument(ctx, askedKind, campaign, body, version, now, now.Add(keepAsked))
}
