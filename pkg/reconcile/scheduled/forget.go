package scheduled

import (
	"context"
	"errors"
	"slices"
	"time"

	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/webhook"
)

// Findings are the leads that stand in what is kept. It is safe for concurrent use.
type Findings struct {
	Documents Documents
	Now       func() time.Time
}

// Mentions counts the findings in which a lead stands; looked is called for each campaign.
func (f Findings) Mentions(ctx context.Context, mentions func(text string) bool, looked func()) (n int, err error) {
	list, err := campaigns(ctx, f.Documents)
	for _, c := range list {
		looked()
		n += c.forget(mentions)
	}
	return n, err
}

// Forget takes a lead out of the findings, and returns of how many. It may be repeated. A
// comparison that is at work may write them once more: Smartlead still has the lead.
func (f Findings) Forget(ctx context.Context, mentions func(text string) bool, looked func()) (n int, err error) {
	list, err := campaigns(ctx, f.Documents)
	if err != nil {
		return 0, err
	}
	for _, c := range list {
		looked()
		taken, err := f.forgetIn(ctx, c, mentions)
		if n += taken; err != nil {
			return n, err
		}
	}
	return n, nil
}

// forgetIn writes a campaign without the lead, under the lease that it has.
func (f Findings) forgetIn(ctx context.Context, c Campaign, mentions func(string) bool) (int, error) {
	for range maxRaces {
		n := c.forget(mentions)
		if n == 0 {
			return 0, nil
		}
		body, err := c.encode()
		if err != nil {
			return 0, err
		}
		now := f.Now()
		err = f.Documents.SaveDocument(ctx, campaignKind, c.ID, body, c.version, now, now.Add(keepCampaign))
		if !errors.Is(err, webhook.ErrChanged) {
			return n, err
		}
		if c, err = loadCampaign(ctx, f.Documents, c.ID); err != nil {
			return 0, err
		}
	}
	return 0, webhook.ErrChanged
}

// forget takes a lead out of all results, and counts where it stood.
func (c *Campaign) forget(mentions func(string) bool) (n int) {
	results := []*Result{&c.Second, &c.First}
	if c.Part != nil {
		results = append(results, &c.Part.Result)
	}
	for _, r := range results {
		for i := range r.Findings {
			n += forgetFinding(&r.Findings[i], mentions)
		}
	}
	return n
}

func forgetFinding(f *reconcile.Finding, mentions func(string) bool) int {
	if !slices.ContainsFunc([]string{f.Lead, f.LeadID, f.Subject}, func(text string) bool { return text != "" && mentions(text) }) {
		return 0
	}
	f.Lead, f.LeadID, f.MapID, f.StatsID, f.Subject, f.Category = "", "", "", "", "", ""
	return 1
}
