package scheduled

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/webhook"
)

const (
	// maxFindings bounds the findings that are kept of a campaign and look.
	maxFindings = 200
	// maxBody bounds a campaign's document, in bytes: far below the 400 KB of an item,
	// because each look writes it anew.
	maxBody = 64 << 10
	// maxPart bounds each text of a finding, in bytes.
	maxPart = 320
	// keepCampaign is how long a campaign is kept after it was last looked at.
	keepCampaign = 35 * 24 * time.Hour
	// keepRun is how long a run is kept after its end.
	keepRun = 35 * 24 * time.Hour
	// maxCampaigns bounds the campaigns of an account.
	maxCampaigns = 5000
	// maxName bounds a campaign's name, and maxCause a cause, in bytes.
	maxName, maxCause = 200, 500
)

// Result is what comparisons found of mails that were sent in a time.
type Result struct {
	Since    time.Time             `json:"since,omitzero"`
	Until    time.Time             `json:"until,omitzero"`
	At       time.Time             `json:"at,omitzero"` // of the latest comparison
	Mails    int                   `json:"mails,omitempty"`
	Types    []reconcile.TypeCount `json:"types,omitempty"`
	Findings []reconcile.Finding   `json:"findings,omitempty"` // what is missing first
	Unnamed  int                   `json:"unnamed,omitempty"`  // findings that are not kept, and counted in Types
}

// Of is the count of a verdict over all types.
func (r Result) Of(v reconcile.Verdict) int {
	return reconcile.Campaign{Types: r.Types}.Of(v)
}

// add takes in the result of other mails of the campaign.
func (r *Result) add(other Result) {
	if r.Since.IsZero() || !other.Since.IsZero() && other.Since.Before(r.Since) {
		r.Since = other.Since
	}
	if other.Until.After(r.Until) {
		r.Until = other.Until
	}
	if other.At.After(r.At) {
		r.At = other.At
	}
	r.Mails += other.Mails
	for _, theirs := range other.Types {
		i := slices.IndexFunc(r.Types, func(t reconcile.TypeCount) bool { return t.Type == theirs.Type })
		if i < 0 {
			i = len(r.Types)
			r.Types = append(r.Types, reconcile.TypeCount{Type: theirs.Type, Counts: make(map[reconcile.Verdict]int)})
		}
		ours := &r.Types[i]
		for v, n := range theirs.Counts {
			ours.Counts[v] += n
		}
		ours.Arrived += theirs.Arrived
		ours.Undelivered += theirs.Undelivered
		ours.Synthesized += theirs.Synthesized
		ours.Repeats += theirs.Repeats
	}
	r.Findings = append(r.Findings, other.Findings...)
	r.Unnamed += other.Unnamed
	r.bound(maxFindings)
}

// order is that in which findings are kept: what is missing matters most.
var order = []reconcile.Verdict{reconcile.Missing, reconcile.Extra, reconcile.Unknowable, reconcile.Late, reconcile.Complete}

// bound keeps so many findings.
func (r *Result) bound(most int) {
	slices.SortStableFunc(r.Findings, func(a, b reconcile.Finding) int {
		return cmp.Compare(slices.Index(order, a.Verdict), slices.Index(order, b.Verdict))
	})
	if over := len(r.Findings) - most; over > 0 {
		r.Unnamed += over
		r.Findings = slices.Clip(r.Findings[:most])
	}
}

// resultOf is what a comparison found, within its bounds.
func resultOf(c reconcile.Campaign, since, until, at time.Time) Result {
	r := Result{Since: since, Until: until, At: at, Mails: c.Mails, Unnamed: c.Unnamed}
	for _, t := range c.Types {
		counts := make(map[reconcile.Verdict]int, len(t.Counts))
		for v, n := range t.Counts {
			if n != 0 {
				counts[v] = n
			}
		}
		t.Counts, t.Samples, t.Repeated = counts, nil, nil
		r.Types = append(r.Types, t)
	}
	for _, f := range c.Findings {
		f.Reply, f.Subject = nil, "" // what people wrote is not kept twice
		f.Lead, f.StatsID, f.Step = clip(f.Lead, maxPart), clip(f.StatsID, maxPart), clip(f.Step, maxPart)
		r.Findings = append(r.Findings, f)
	}
	r.bound(maxFindings)
	return r
}

// Part is what a run that is under way has compared of a campaign.
type Part struct {
	Run    string `json:"run"`
	Result Result `json:"result"`
}

// Campaign is what is kept of a campaign.
type Campaign struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"` // as somebody typed it
	Status string `json:"status,omitempty"`
	// Arrived: an event of it arrived at some time, so that its webhook leads here.
	Arrived bool `json:"arrived,omitempty"`
	// JudgedUntil is before which all of its mails were compared.
	JudgedUntil time.Time `json:"judged_until,omitzero"`
	LookedAt    time.Time `json:"looked_at"`

	Second Result `json:"second,omitzero"` // of the latest second look
	First  Result `json:"first,omitzero"`  // of the first looks since
	Part   *Part  `json:"part,omitempty"`

	// Cause is why the latest look could not read it, or not whole; since when is CauseSince.
	Cause      string    `json:"cause,omitempty"`
	CauseSince time.Time `json:"cause_since,omitzero"`

	Repaired   Repaired  `json:"repaired,omitzero"` // by the latest repair
	RepairedAt time.Time `json:"repaired_at,omitzero"`

	Done DoneBy `json:"done,omitzero"`
	// Span bounds the window of one comparison, because more was too much for a slice;
	// 0: it is not bounded.
	Span  time.Duration `json:"span,omitempty"`
	Lease int           `json:"lease"` // number under which it was written

	version int
}

// DoneBy is the latest run that is done with a campaign, and what it counted.
type DoneBy struct {
	Run    string                    `json:"run,omitempty"`
	Mails  int                       `json:"mails,omitempty"`
	Counts map[reconcile.Verdict]int `json:"counts,omitempty"`
}

// Now is what is known of the campaign: the latest second look, and the first looks of
// mails that were sent since.
func (c Campaign) Now() Result {
	var r Result
	r.add(c.Second)
	r.add(c.First)
	return r
}

// Proven tells whether everything was read that is compared.
func (c Campaign) Proven() bool { return c.Cause == "" }

func readCampaign(body []byte, version int) (Campaign, bool) {
	var c Campaign
	if json.Unmarshal(body, &c) != nil || c.ID == "" {
		return Campaign{version: version}, false
	}
	c.version = version
	return c, true
}

func loadCampaign(ctx context.Context, docs Documents, id string) (Campaign, error) {
	body, version, err := docs.LoadDocument(ctx, campaignKind, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return Campaign{}, nil
	}
	if err != nil {
		return Campaign{}, fmt.Errorf("what is kept of campaign %s: %w", id, err)
	}
	c, _ := readCampaign(body, version)
	return c, nil
}

// encode is the document, within its bound: findings give way.
func (c *Campaign) encode() ([]byte, error) {
	for most := maxFindings; ; most /= 2 {
		body, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("encode what is kept of campaign %s: %w", c.ID, err)
		}
		if len(body) <= maxBody || most == 0 {
			return body, nil
		}
		c.Second.bound(most / 2)
		c.First.bound(most / 2)
		if c.Part != nil {
			c.Part.Result.bound(most / 2)
		}
	}
}

// keep writes a campaign under the number of a lease. It returns errLost where a later
// lease has written it.
func (c *Campaign) keep(ctx context.Context, docs Documents, lease int, now time.Time) error {
	c.Lease = lease
	body, err := c.encode()
	if err != nil {
		return err
	}
	for range maxRaces {
		err := docs.SaveDocument(ctx, campaignKind, c.ID, body, c.version, now, now.Add(keepCampaign))
		if err == nil {
			c.version++
			return nil
		}
		if !errors.Is(err, webhook.ErrChanged) {
			return fmt.Errorf("keep what was found of campaign %s: %w", c.ID, err)
		}
		theirs, err := loadCampaign(ctx, docs, c.ID)
		if err != nil {
			return err
		}
		if theirs.Lease > lease {
			return errLost
		}
		c.version = theirs.version // an erasure, or this write, whose answer was lost
	}
	return fmt.Errorf("keep what was found of campaign %s: %w", c.ID, webhook.ErrChanged)
}

// keepRunOf writes what a run did, once it has ended.
func keepRunOf(ctx context.Context, docs Documents, r Run, now time.Time) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a run: %w", err)
	}
	for range maxRaces {
		old, version, err := docs.LoadDocument(ctx, runKind, r.ID)
		if err != nil && !errors.Is(err, webhook.ErrNotFound) {
			return fmt.Errorf("keep a run: %w", err)
		}
		var theirs Run
		if err == nil && json.Unmarshal(old, &theirs) == nil && theirs.Lease > r.Lease {
			return errLost
		}
		err = docs.SaveDocument(ctx, runKind, r.ID, body, version, now, now.Add(keepRun))
		if !errors.Is(err, webhook.ErrChanged) {
			return err
		}
	}
	return fmt.Errorf("keep a run: %w", webhook.ErrChanged)
}

// clip cuts a text to at most n bytes, at a character.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// validID tells whether a text can be the id of a campaign: what Smartlead has are
// numbers.
func validID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	})
}
