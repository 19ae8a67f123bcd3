package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/webhook"
)

// A list takes 60 units, a filter that looks through what was received 550, and one
// that begins years ago and finds nothing two for each of 400 days.
var eventsPage = page{path: "/events", file: "events.html", title: "Events", bar: "Events", key: "e", units: 850, read: readEvents, live: liveEvents}

const (
	pageRows = 50
	// maxRead bounds the events that are read for one page; an event takes a unit.
	maxRead = 500
	// maxLook bounds the entries of an index that one page looks at, where the index
	// tells what matches; about 22 of them take a unit.
	maxLook = 10_000
)

// eventList is what the page of events shows.
type eventList struct {
	Filter  eventFilter
	Wrong   *failure // what of the filter cannot be read; nil: nothing
	Rows    []eventRow
	Older   string // the address of the next page; "" at the end
	Looked  string // how far this page looked, where it ended before the end
	LeftOut string // what cannot be read

	ByReceipt int    // rows of a page that has the newest received first; 0: by another time, such as that of death
	Newest    string // the address of the first page; "" on it
	Live      string // where what arrives is followed; "" on later pages
	Nothing   bool   // no event was ever received
	Chosen    chosen
	ReplayAll string // the address that asks to replay all that matches; "" where no replay is for it
	Setup     setup
}

// Status is the page's: a filter that cannot be read stays in its form, to be put right.
func (l eventList) Status() int {
	if l.Wrong != nil {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// asFields names the flags of the command line as the form does.
var asFields = strings.NewReplacer("--type", "Type", "--state", "State", "--since", "Since", "--until", "Until", "--flag", "flag")

// eventFilter is the filter as it stands in the address.
type eventFilter struct {
	filter.Filter
	Types, States []string
	Set           []setFilter // what is set, each with the address without it
}

// setFilter is one part of a filter.
type setFilter struct{ Name, Value, Without string }

// filterNames are the parts of a filter in an address, in the order of the form.
var filterNames = []string{"type", "state", "source", "campaign", "lead", "destination", "error_class", "flag", "account", "since", "until"}

// filterOf reads the filter of an address.
func (q *request) filterOf() eventFilter {
	f := eventFilter{Types: filter.TypeNames(), States: output.Names(webhook.States), Filter: filter.Filter{
		Type: q.arg("type"), State: q.arg("state"), Source: q.arg("source"), Campaign: q.arg("campaign"), Lead: q.arg("lead"),
		Destination: q.arg("destination"), Class: q.arg("error_class"), Flag: q.arg("flag"), Account: q.arg("account"),
		Since: q.arg("since"), Until: q.arg("until"),
	}}
	set := q.filterValues()
	for _, name := range filterNames {
		if value := set.Get(name); value != "" {
			f.Set = append(f.Set, setFilter{name, value, eventsAddress(without(set, name))})
		}
	}
	return f
}

// filterValues are the parts of the filter that are set.
func (q *request) filterValues() url.Values {
	values := url.Values{}
	for _, name := range filterNames {
		if value := q.arg(name); value != "" {
			values.Set(name, value)
		}
	}
	return values
}

func without(values url.Values, name string) url.Values {
	rest := url.Values{}
	for other, v := range values {
		if other != name {
			rest[other] = v
		}
	}
	return rest
}

func eventsAddress(values url.Values) string {
	if len(values) == 0 {
		return "/events"
	}
	return "/events?" + values.Encode()
}

// byIndex tells whether an index tells what matches, so that looking is cheap.
func byIndex(q ledger.Query) bool {
	indexed := q.State == "" || q.Dead || q.State == webhook.Held || q.State == webhook.Parked || q.State == webhook.Unrouted || q.State == webhook.Discarded
	return indexed && q.Flag == "" && (q.Destination == "" || q.Dead) && (q.ErrorClass == "" || q.Dead)
}

func readEvents(q *request) (any, error) {
	list := eventList{Filter: q.filterOf()}
	query, err := list.Filter.Query(q.clock.Now().In(q.zone))
	if err != nil {
		list.Wrong = q.failure(err)
		list.Wrong.Text, list.Wrong.Retry = asFields.Replace(list.Wrong.Text), ""
		return list, nil
	}
	query.After = q.arg("after")
	probe := query
	probe.Limit = 1
	if err := probe.Check(); err != nil {
		return nil, fmt.Errorf("%w: the list cannot go on at %q", errBadAddress, query.After)
	}
	bound := maxRead
	if byIndex(query) {
		bound = maxLook
	}
	var records []webhook.Record
	w, err := filter.Walk(q.ctx(), q.st.Ledger, query, pageRows, bound, func(r webhook.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	list.Rows, list.Chosen = q.rows(records), chosenOf(list.Filter.Set)
	for i := range list.Rows {
		list.Rows[i].Pick = true
	}
	if query.State == "" && !query.Dead {
		list.ByReceipt = pageRows
	}
	set := q.filterValues()
	if len(set) > 0 && (query.State == "" || slices.Contains(operator.Replay.From(), query.State)) {
		list.ReplayAll = replayAllPath + "?" + set.Encode()
	}
	if w.Next != "" {
		older := without(set, "after")
		older.Set("after", w.Next)
		list.Older = eventsAddress(older)
	}
	if at, ok := w.Reached(); ok && w.Spent {
		list.Looked = fmt.Sprintf("Looked at %s, back to %s.", w.What(), q.at(at).Text)
	}
	list.LeftOut = w.LeftOut()
	if query.After != "" {
		list.Newest = eventsAddress(set)
		return list, nil
	}
	if list.Filter.Until == "" {
		list.Live = "/live" + eventsAddress(set)
	}
	if list.Nothing = len(records) == 0 && len(set) == 0 && w.Next == ""; list.Nothing {
		list.Setup = q.setup()
	}
	return list, nil
}
