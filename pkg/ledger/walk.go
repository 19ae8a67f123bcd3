package ledger

import (
	"cmp"
	"context"
	"time"
)

// walker hands over what an index shows of a listing. The time index is walked
// day by day.
type walker struct {
	l         *Ledger
	q         Query
	low, high string
	m         *merger // of the look-up, or of one day
	day       string  // the present day of the time index

	looked int    // entries handed over or ruled out
	read   int    // events that were read
	days   int    // whose partitions were asked
	cursor string // behind which everything is still to come
}

func (l *Ledger) walk(q Query) *walker {
	since, until := q.Bounds()
	w := &walker{l: l, q: q, low: string(at(since)), high: string(at(until)), cursor: q.After}
	switch {
	case q.After == "":
	case q.Oldest:
		w.low = q.After + "\x00"
	default:
		w.high = before(q.After)
	}
	if !q.byDay() {
		w.m = l.merger(q.index(""), w.low, w.high, q.Oldest)
		return w
	}
	w.open(firstDay(w.low, w.high, q.Oldest))
	return w
}

// open turns to a day.
func (w *walker) open(day string) {
	w.day, w.days = day, w.days+1
	w.m = w.l.merger(w.q.index(day), w.low, w.high, w.q.Oldest)
}

// halfUnit is about how many keys of an index an eventually consistent read shows
// for the least that it costs.
const halfUnit = 20

// maxEntries bounds the entries that a listing asks of a partition at once. One that
// wants many events reads more of the index at once than events.
const maxEntries = 1000

// take returns up to n entries of events that may match. It returns fewer at
// the end, and when the call has looked at enough.
func (w *walker) take(ctx context.Context, n int) ([]entry, error) {
	var found []entry
	for len(found) < n && !w.spent() {
		w.m.page, w.m.ahead = w.page(n), w.ruledOut()
		e, ok, err := w.m.next(ctx)
		switch {
		case err != nil:
			return nil, err
		case ok:
			w.looked++
			w.cursor = e.key
			if w.q.mayMatch(e) {
				found = append(found, e)
			}
		case w.lastDay():
			return found, nil
		default:
			w.cursor = w.edge()
			w.open(nextDay(w.day, w.q.Oldest))
		}
	}
	return found, nil
}

// page is how many entries are asked of a partition at once: more where the index
// alone rules most of them out, but a part of what it was looked at, so that little of
// it is read in vain.
func (w *walker) page(n int) int {
	if w.ruledOut() {
		n = max(n, min(w.looked/20, maxEntries))
	}
	return max(n, min(w.q.Limit, maxEntries), halfUnit)
}

// ruledOut tells whether the index alone rules most of it out.
func (w *walker) ruledOut() bool { return w.looked > 4*halfUnit && w.looked > 4*w.read }

// spent tells whether the call has looked at enough.
func (w *walker) spent() bool {
	return w.looked >= cmp.Or(w.q.Look, maxScanned) || w.read >= maxScanned || w.days > maxDays
}

// ended tells whether nothing is left. False may be wrong.
func (w *walker) ended() bool { return w.m.ended() && w.lastDay() }

func (w *walker) lastDay() bool {
	if !w.q.byDay() {
		return true
	}
	next := nextDay(w.day, w.q.Oldest)
	return next < w.low[:10] || next > w.high[:10]
}

// edge is a cursor at the end of the present day, which may have no event.
func (w *walker) edge() string {
	if w.q.Oldest {
		return nextDay(w.day, true) + "T00:00:00.000Z#"
	}
	return w.day + "T00:00:00.000Z#"
}

// before returns the upper bound that excludes the key and everything behind
// it. Keys are ASCII; the last byte is never the smallest.
func before(k string) string { return k[:len(k)-1] + string(k[len(k)-1]-1) + "\x7f" }

func firstDay(low, high string, oldest bool) string {
	if oldest {
		return low[:10]
	}
	return high[:10]
}

func nextDay(day string, oldest bool) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return "~" // behind every day: the walk ends
	}
	step := -1
	if oldest {
		step = 1
	}
	return t.AddDate(0, 0, step).Format(time.DateOnly)
}
