package console

import (
	"fmt"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
)

var sourcesPage = page{path: "/sources", file: "sources.html", title: "Sources", bar: "Sources", key: "s", units: 290, read: readSources}

// sourcesData is what the page shows.
type sourcesData struct {
	List  panel[[]sourceRow]
	Seen  panel[window]
	Steps []string
}

type sourceRow struct {
	auth.Summary
	Trouble          string
	Created, Changed stamp
	Last             stamp
	Signature, Keys  string
	Events           string // address, which follows what arrives
}

func readSources(q *request) (any, error) {
	d := sourcesData{Steps: hook.Steps}
	panels(
		fill(q, &d.Seen, q.latest),
		fill(q, &d.List, q.sourceRows),
	)
	for i, row := range d.List.Data {
		d.List.Data[i].Last = q.at(d.Seen.Data.from[row.Name])
	}
	return d, nil
}

func (q *request) sourceRows() ([]sourceRow, error) {
	entries, err := q.st.Sources.List(q.ctx())
	if err != nil {
		return nil, err
	}
	rows := make([]sourceRow, 0, len(entries))
	for _, e := range entries {
		row := sourceRow{Events: "/events?source=" + e.Name}
		if e.Err != nil {
			row.Name, row.Trouble = e.Name, output.Clean(e.Err.Error())
		} else {
			row.Summary = e.Source.Summary()
			row.Created, row.Changed = q.at(row.CreatedAt), q.at(row.UpdatedAt)
			row.Signature, row.Keys = signatureOf(row.Summary), keysOf(row.Summary)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func signatureOf(s auth.Summary) string {
	switch {
	case s.HMACSecrets == 0 && s.RequireSignature:
		return "no secret: all refused"
	case s.HMACSecrets == 0:
		return "not asked for"
	}
	return output.Count(s.HMACSecrets, "secret", "secrets")
}

func keysOf(s auth.Summary) string {
	switch {
	case s.BodySecrets == 0 && s.RequireSecretKey:
		return "none: all held"
	case s.BodySecrets == 0:
		return "any"
	}
	return fmt.Sprint(s.BodySecrets)
}
