package ledgertest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var pageRules = []rule{
	{"pages lose and repeat none of many events with equal times, over days, either way", pagesAreExact},
	{"pages are exact under filters that few events pass", pagesUnderFilters},
	{"pages go on over a year in which nothing arrived", pagesOverEmptyDays},
	{"a listing goes on where it ended while events arrive", pagesWhileArriving},
}

// claimMany claims n events in groups that were received in the same moment, two
// groups a day, and returns them in the order of a listing, oldest first.
func (e *env) claimMany(n, group int, alter func(int, *webhook.Receipt)) []webhook.EventID {
	e.Helper()
	type placed struct {
		id webhook.EventID
		at time.Time
	}
	all := make([]placed, n)
	var wg sync.WaitGroup
	errs := make(chan error, n)
	slots := make(chan struct{}, 16)
	for i := range n {
		r := receipt(fmt.Sprintf("C%d", i), epoch.Add(time.Duration(i/group)*12*time.Hour))
		if alter != nil {
			alter(i, &r)
		}
		all[i] = placed{webhook.EventID(r.Key), r.ReceivedAt}
		slots <- struct{}{}
		wg.Go(func() {
			_, err := e.l.Claim(e.ctx, r, fmt.Sprint("many-", i), r.ReceivedAt.Add(grace))
			errs <- err
			<-slots
		})
	}
	wg.Wait()
	for range n {
		e.must(<-errs)
	}
	slices.SortFunc(all, func(a, b placed) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	ids := make([]webhook.EventID, 0, n)
	for _, p := range all {
		ids = append(ids, p.id)
	}
	return ids
}

// wantPages compares the listing in pages of several sizes, in both directions.
func (e *env) wantPages(q ledger.Query, want []webhook.EventID, limits ...int) {
	e.Helper()
	for _, oldest := range []bool{true, false} {
		expected := slices.Clone(want)
		if !oldest {
			slices.Reverse(expected)
		}
		q.Oldest = oldest
		for _, limit := range limits {
			got := e.list(q, limit)
			if slices.Equal(got, expected) {
				continue
			}
			seen := map[webhook.EventID]int{}
			for _, id := range got {
				seen[id]++
			}
			e.Errorf("%+v in pages of %d: %d events, %d of them different, want %d in order", q, limit, len(got), len(seen), len(want))
		}
	}
}

func pagesAreExact(e *env) {
	want := e.claimMany(150, 30, nil)
	q := ledger.Query{Since: epoch.Add(-time.Hour), Until: epoch.AddDate(0, 0, 4)}
	e.wantPages(q, want, 7, 30, 1000)
	byLead, byCampaign := q, q
	byLead.Lead, byCampaign.Campaign = "ann@example.com", "4711"
	e.wantPages(byLead, want, 11)
	e.wantPages(byCampaign, want, 11)
	q.Since, q.Until = epoch.Add(12*time.Hour), epoch.Add(36*time.Hour)
	e.wantPages(q, want[30:90], 5, 30)
}

// Few events are of one type, which their keys name, and through one source,
// which no index shows.
func pagesUnderFilters(e *env) {
	bounces := map[webhook.EventID]bool{}
	all := e.claimMany(200, 50, func(i int, r *webhook.Receipt) {
		if i%37 == 0 {
			r.Type, r.Source = webhook.EmailBounce, "beta-main"
			r.Key = fmt.Sprintf("v1:%s:C%d", r.Type, i)
			bounces[webhook.EventID(r.Key)] = true
		}
	})
	few := slices.DeleteFunc(all, func(id webhook.EventID) bool { return !bounces[id] })
	q := ledger.Query{Since: epoch.Add(-time.Hour), Until: epoch.AddDate(0, 0, 4)}
	byType, bySource := q, q
	byType.Type, bySource.Source = webhook.EmailBounce, "beta-main"
	e.wantPages(byType, few, 1, 2, 100)
	e.wantPages(bySource, few, 1, 2, 100)
	byType.Type, bySource.Source = webhook.EmailOpen, "gamma-main"
	e.wantPages(byType, nil, 5)
	e.wantPages(bySource, nil, 5)
}

// A call looks into a bounded number of days: what lies far apart is found all
// the same.
func pagesOverEmptyDays(e *env) {
	q := ledger.Query{Since: epoch.AddDate(0, 0, -450), Until: epoch.AddDate(0, 0, 1)}
	var want []webhook.EventID
	for _, days := range []int{-400, -101, -100, 0} {
		want = append(want, e.claimed(receipt(fmt.Sprintf("D%d", -days), epoch.AddDate(0, 0, days))).ID)
	}
	e.wantPages(q, want, 1, 50)
	q.Limit, q.Now = 50, epoch
	page, err := e.l.List(e.ctx, q)
	e.must(err)
	if page.Days > 100 || (page.Days > 0 && page.Next == "") {
		e.Errorf("one call looked into %d days, and goes on at %q", page.Days, page.Next)
	}
}

func pagesWhileArriving(e *env) {
	want := e.claimMany(40, 10, nil)
	q := ledger.Query{Since: epoch.Add(-time.Hour), Until: epoch.AddDate(0, 0, 4), Limit: 15, Now: sec(0), Oldest: true}
	first, err := e.l.List(e.ctx, q)
	e.must(err)
	e.claimed(receipt("BEFORE", sec(-60))) // behind the cursor: not shown
	after := e.claimed(receipt("LAST", epoch.AddDate(0, 0, 3))).ID
	q.After = first.Next
	got := e.list(q, 15)
	if !slices.Equal(got, append(slices.Clone(want[15:]), after)) {
		e.Errorf("went on with %v", got)
	}
}
