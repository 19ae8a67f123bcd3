package console

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/search"
)

var findPage = page{path: "/find", file: "find.html", under: "/events", title: "Search", units: 2200, read: readFind}

const (
	foundRows = 50
	// findSpan is how far back is looked through what no index has as a key.
	findSpan = 31 * 24 * time.Hour
	// findRead bounds the events that are read for a word of a campaign's name.
	findRead = 1000
)

// foundList is what a search found.
type foundList struct {
	Text    string
	Rows    []eventRow
	More    bool
	Asked   []string
	Looked  string
	Said    []string // of what was left out
	Erased  stamp    // where nothing was found: when the lead was erased
	Forgot  string   // the command that says more of that
	Command string   // that looks further
	Self    string
}

func readFind(q *request) (any, error) {
	list := foundList{Text: q.arg("q"), Self: q.Self}
	if list.Text == "" {
		return list, nil
	}
	now, asks := q.clock.Now(), &asker{q: q}
	found, err := search.Search{
		Asker: asks, Stack: q.st, Limit: foundRows, Since: now.Add(-findSpan), Names: true, MaxIndex: maxLook, MaxRead: findRead,
	}.Find(q.ctx(), list.Text)
	if err != nil {
		return nil, err
	}
	if len(found.Records) == 1 {
		return nil, &elsewhere{eventAddress(string(found.Records[0].ID))}
	}
	for _, r := range found.Records {
		row := q.row(r)
		if by := found.ByVariant[r.ID]; by != "" {
			row.Note = "found by its variant " + output.Shorten(by, 12)
		}
		if said := eventview.NamesOf(q.ctx(), q.st.Bodies, r).Said(); said != "" && row.Note == "" {
			row.Note = output.Clean(said)
		}
		list.Rows = append(list.Rows, row)
	}
	list.More, list.Asked, list.Looked, list.Said = found.More, found.Asked, found.Looked, asks.said
	list.Erased = q.at(found.ErasedAt)
	list.Text = output.Clean(list.Text) // a link may hold what turns the line round
	list.Forgot = fmt.Sprintf("%s leads forgotten %s", q.Self, output.Quote(list.Text))
	list.Command = fmt.Sprintf("%s events find %s", q.Self, output.Quote(list.Text))
	return list, nil
}

// asker looks for events on behalf of a page: it tells nobody how far it has come, and
// keeps what is said for the page.
type asker struct {
	q    *request
	said []string
}

func (a *asker) Now() time.Time                   { return a.q.clock.Now() }
func (a *asker) Progress(string) *output.Progress { return (&output.Terminal{}).Progress("") }
func (a *asker) Self() string                     { return a.q.Self }
func (a *asker) Say(format string, args ...any) {
	a.said = append(a.said, output.Clean(fmt.Sprintf(format, args...)))
}
