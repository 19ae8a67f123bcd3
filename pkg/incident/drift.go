package incident

import (
	"context"
	"fmt"
	"time"
)

// Drift is what a comparison with Smartlead knows of one campaign.
type Drift struct {
	Campaign string
	Missing  int    // events that happened at Smartlead and did not arrive
	Cause    string // why it could not be compared, or not whole; ""; it was
	Arrived  bool   // an event of it arrived at some time
}

// Drifts keeps an incident for each campaign of which events are missing, and one for
// each that could not be compared. It is safe for concurrent use.
type Drifts struct{ store *Store }

// NewDrifts returns what keeps the incidents of drift. It makes no call.
func NewDrifts(store *Store) *Drifts { return &Drifts{store: store} }

// The causes of an incident of drift.
const (
	DriftMissing = "events are missing"
	DriftUnread  = "not compared"
)

// seenAgain is after how long drift that stands as before is noted again: well within the
// time after which an incident counts as quiet.
const seenAgain = 6 * time.Hour

// Saw notes what a comparison found of campaigns: an incident is opened where something is
// missing or could not be read, and closed where a later comparison says otherwise. It
// reads the incidents once, and writes those that change.
func (d *Drifts) Saw(ctx context.Context, found []Drift) error {
	if len(found) == 0 {
		return nil
	}
	list, err := d.store.List(ctx, Query{Kind: KindDrift})
	if err != nil {
		return err
	}
	known := map[string]*Incident{}
	for i := range list {
		known[list[i].ID] = &list[i]
	}
	for _, f := range found {
		missing := fmt.Sprintf("%d missing", f.Missing)
		if !f.Arrived {
			missing += "; no event of this campaign ever arrived: does its webhook lead here, and is the API key of this account?"
		}
		if err := d.note(ctx, known, f, DriftMissing, missing, f.Missing > 0, "nothing is missing any more"); err != nil {
			return err
		}
		if err := d.note(ctx, known, f, DriftUnread, f.Cause, f.Cause != "", "it was compared"); err != nil {
			return err
		}
	}
	return nil
}

// note opens, keeps or closes one incident.
func (d *Drifts) note(ctx context.Context, known map[string]*Incident, f Drift, cause, text string, goesOn bool, over string) error {
	now := d.store.now().UTC()
	s := Sighting{
		Key: Key{Kind: KindDrift, Cause: cause, Subject: "campaign " + f.Campaign}, Text: text, Count: 1, First: now, Last: now,
	}.bounded()
	in := known[s.ID()]
	if in == nil && goesOn && len(known) >= rules[KindDrift].most {
		s.Key, s.Text = s.others(), ""
		in = known[s.ID()]
	}
	ongoing := in != nil && in.Ongoing()
	switch {
	case !goesOn && !ongoing, goesOn && ongoing && in.Text == s.Text && now.Sub(in.LastAt) < seenAgain:
		return nil
	case !goesOn:
		s.Over, s.Count, s.Text = over, 0, ""
	}
	written, err := d.store.write(ctx, in, s.ID(), func(in *Incident) bool {
		if s.Over != "" && !in.Ongoing() {
			return false
		}
		in.see(s, now)
		return true
	})
	if err != nil {
		return fmt.Errorf("note drift of campaign %s: %w", f.Campaign, err)
	}
	known[s.ID()] = &written
	return nil
}
