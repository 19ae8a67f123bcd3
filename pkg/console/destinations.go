package console

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var destinationsPage = page{path: "/destinations", file: "destinations.html", title: "Destinations", bar: "Destinations", key: "t", units: 280, read: readDestinations}

// lately is how many of the newest events say how destinations and sources fare.
const lately = 200

// destinationsData is what the page shows.
type destinationsData struct {
	List panel[[]destinationRow]
	Seen panel[window]
}

// window is what the newest events say.
type window struct {
	Count int
	Back  stamp // of the oldest of them
	to    map[string]attemptsTo
	from  map[string]time.Time // when the latest came through a source
}

// attemptsTo are the attempts at one destination.
type attemptsTo struct {
	Last     stamp
	What     string
	Bad      bool
	Attempts int
	Failed   int
	at       time.Time
}

type destinationRow struct {
	Name, Kind, Target, Signed, Takes, Trouble string
	Changed                                    stamp
	Gate                                       gateState
	Seen                                       attemptsTo
	Test, Events, Set, Rotate, Remove          string // addresses
	RotateName                                 string
}

// latest reads how the newest events fared.
func (q *request) latest() (window, error) {
	page, err := q.st.Ledger.List(q.ctx(), ledger.Query{Limit: lately, Now: q.clock.Now()})
	if err != nil {
		return window{}, err
	}
	w := window{Count: len(page.Records), to: map[string]attemptsTo{}, from: map[string]time.Time{}}
	for _, r := range page.Records {
		w.Back = q.at(r.ReceivedAt)
		if w.from[r.Source].Before(r.ReceivedAt) {
			w.from[r.Source] = r.ReceivedAt
		}
		for _, a := range r.History {
			to := w.to[a.Destination]
			to.Attempts++
			if !a.Result.Settled() {
				to.Failed++
			}
			if !a.StartedAt.Before(to.at) {
				to.at, to.Last, to.Bad = a.StartedAt, q.at(a.StartedAt), !a.Result.Settled()
				to.What = output.Clean(attemptText(a))
			}
			w.to[a.Destination] = to
		}
	}
	return w, nil
}

func attemptText(a webhook.Attempt) string {
	switch {
	case a.Result.Settled() && a.Status != 0:
		return fmt.Sprintf("%s, %d", a.Result, a.Status)
	case a.Result.Settled():
		return string(a.Result)
	}
	return eventview.FailureText(a.ErrorClass, a.Error, a.Status)
}

func readDestinations(q *request) (any, error) {
	var d destinationsData
	panels(
		fill(q, &d.Seen, q.latest),
		fill(q, &d.List, q.destinationRows),
	)
	for i, row := range d.List.Data {
		d.List.Data[i].Seen = d.Seen.Data.to[row.Name]
	}
	return d, nil
}

func (q *request) destinationRows() ([]destinationRow, error) {
	entries, err := q.st.Destinations.List(q.ctx())
	if err != nil {
		return nil, err
	}
	gates, err := gate.List(q.ctx(), q.st.Ledger)
	if err != nil {
		return nil, err
	}
	rows := make([]destinationRow, 0, len(entries))
	for _, e := range entries {
		row := destinationRow{Name: e.Name, Changed: q.at(e.UpdatedAt), Events: "/events?destination=" + e.Name, Remove: "/destinations/" + e.Name + "/remove"}
		row.Gate = q.gateOf(e.Name, gates[e.Name])
		cfg, err := registry.Types.Parse(e.Value)
		if err != nil {
			row.Trouble = "broken, its events wait: " + output.Clean(err.Error())
			rows = append(rows, row)
			continue
		}
		row.Kind, row.Target, row.Takes = cfg.Type, output.Clean(cfg.Settings.String()), wording.Takes(cfg.Filter)
		if signer, signs := cfg.Settings.(destination.Signer); signs {
			row.Signed = output.Count(signer.SigningSecrets(), "secret", "secrets")
			row.Rotate, row.RotateName = "/destinations/"+e.Name+"/rotate", rotateName(signer.SigningSecrets())
		}
		row.Set = "/destinations/" + e.Name + "/set"
		if typ, known := registry.Types.Find(cfg.Type); known && typ.NoTest == "" {
			row.Test = "/destinations/" + e.Name + "/test"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// rotateName is what the button is called that makes or drops a secret.
func rotateName(secrets int) string {
	switch {
	case secrets == 0:
		return "Sign"
	case secrets > 1:
		return "End rotation"
	}
	return "Rotate"
}

// testPatience bounds a test; a destination has less.
const testPatience = time.Minute
