package app

import (
	"cmp"
	"context"
	"strings"
	"time"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
)

// reports counts what tools report on incidents.
type reports struct{ *incident.Reports }

func newReports(l *ledger.Ledger, now func() time.Time) reports {
	return reports{incident.NewReports(incident.NewStore(l, now))}
}

// maxPattern bounds what an error says in the line of its incident, in bytes.
const maxPattern = 100

// ReportError masks addresses: the error of a tool may name any lead.
func (r reports) ReportError(ctx context.Context, e receive.ReportedError) (string, error) {
	code := telemetry.Clean(telemetry.Mask(e.Code), maxPattern)
	text := telemetry.Clean(telemetry.Mask(e.Text), incident.MaxText)
	cause := telemetry.Clean(incident.Pattern(text), maxPattern)
	switch {
	case cause == "":
		cause = cmp.Or(code, "(no text)")
	case code != "" && !strings.Contains(cause, incident.Pattern(code)):
		cause = telemetry.Clean(code+": "+cause, maxPattern)
	}
	return r.Report(ctx, incident.Sighting{
		Key: incident.Key{Kind: incident.KindError, Cause: cause, Source: e.Source}, Text: text, Count: e.Times, First: e.At, Last: e.At,
	})
}
