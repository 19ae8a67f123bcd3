package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/smartlead"
)

// sampleFiles are those of events/payloads/help: a body of each type.
//
//go:embed samples/*.json
var sampleFiles embed.FS

var sendPage = page{path: "/send", file: "send.html", title: "Send", bar: "Send", key: "n", units: 1, read: readSend}

// The page's forms. Both show the page again with what was typed.
var (
	identifyAction = action{path: "/send/identify", shows: &sendPage, do: doIdentify}
	sendAction     = action{path: "/send", name: "send", shows: &sendPage, do: doSend}
)

// sendData is the page: what is to be sent, what it is, and what became of it.
type sendData struct {
	Samples    []string
	Sample     string
	Body       string
	Known      bool // the token is known, as of a local stack
	Source     string
	Account    string
	Identified bool
	Elements   []elementRow
	Trouble    string // why the body cannot be read
	Sent       []sentRow
}

// elementRow is what an event of the body is.
type elementRow struct {
	Index                     int
	ID, Type, Lead, At, Error string
	Basis                     []fact
	Flags                     string
	Timeless                  bool
}

// sentRow is what the receiver said of an event of the body.
type sentRow struct {
	Index                   int
	Result, ID, Path, Error string
}

func (q *request) sendData() (sendData, error) {
	d := sendData{
		Samples: sampleNames(), Sample: q.arg("sample"), Body: q.FormValue("body"), Known: q.st.Token != "",
		Source: output.OrText(q.arg("source"), q.st.Demo), Account: output.OrText(q.arg("account"), "default"),
	}
	if err := auth.ValidateName(d.Account); err != nil {
		return d, problem.Usage("account: %v", err)
	}
	if d.Body != "" {
		return d, nil
	}
	d.Sample = output.OrText(d.Sample, "reply")
	if !slices.Contains(d.Samples, d.Sample) {
		return d, problem.NotFound("there is no sample %s", output.Clean(d.Sample))
	}
	body, err := sampleFiles.ReadFile("samples/" + d.Sample + ".json")
	d.Body = string(body)
	return d, err
}

func sampleNames() []string {
	files, _ := sampleFiles.ReadDir("samples") // it is part of the program
	names := make([]string, 0, len(files))
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), path.Ext(f.Name())))
	}
	return names
}

func readSend(q *request) (any, error) {
	d, err := q.sendData()
	if err != nil {
		return nil, err
	}
	d.identify()
	return d, nil
}

// identify says what the receiver would take the body for.
func (d *sendData) identify() {
	d.Identified = true
	batch, err := smartlead.Parse([]byte(d.Body), smartlead.Options{Account: d.Account})
	if err != nil {
		d.Trouble = output.Clean(err.Error())
		return
	}
	for _, el := range batch.Elements[:min(len(batch.Elements), maxShown)] {
		row := elementRow{Index: el.Index, Timeless: el.Timeless}
		if el.Err != nil {
			row.Error = output.Clean(el.Err.Error())
			d.Elements = append(d.Elements, row)
			continue
		}
		ev := el.Event
		row.ID, row.Type = el.Key, output.Clean(eventview.TypeText(string(ev.Type), ev.RawType))
		if ev.Lead != nil {
			row.Lead = output.Clean(ev.Lead.Email)
		}
		if row.At = "no time in the body: the receipt counts"; !ev.OccurredAt.IsZero() {
			row.At = output.Stamp(ev.OccurredAt)
		}
		row.Flags = strings.Join(ev.Flags, ", ")
		for _, f := range eventview.IdentityOf(el) {
			row.Basis = append(row.Basis, fact{Name: f.Name, Value: output.Clean(f.Value)})
		}
		d.Elements = append(d.Elements, row)
	}
}

// maxShown bounds the events of an array that are shown.
const maxShown = 50

func doIdentify(q *request) (*done, error) {
	d, err := q.sendData()
	if err != nil {
		return nil, err
	}
	d.identify()
	return &done{Show: d}, nil
}

// doSend posts the body as Smartlead does. One event that was taken opens.
func doSend(q *request) (*done, error) {
	d, err := q.sendData()
	if err != nil {
		return nil, err
	}
	token := q.PostFormValue("token")
	if d.Known && d.Source == q.st.Demo {
		token = q.st.Token
	}
	switch err := auth.ValidateName(d.Source); {
	case err != nil:
		return nil, problem.Usage("source: %v", err)
	case token == "":
		return nil, problem.Usage("the token of source %s is needed", d.Source).Hint("it is the last part of the source's webhook URL")
	}
	status, rows, err := q.post(d.Source, token, []byte(d.Body))
	if err != nil {
		return nil, err
	}
	d.identify()
	d.Sent = rows
	result := fmt.Sprintf("HTTP %d, %s", status, output.Count(len(rows), "element", "elements"))
	if len(rows) == 1 && rows[0].ID != "" {
		said := "The receiver took it: " + rows[0].Result + "."
		return &done{To: rows[0].Path, On: rows[0].ID, Notice: notice{Text: said}}, nil
	}
	return &done{Show: d, On: d.Source, Notice: notice{Text: result, Bad: status != http.StatusOK}}, nil
}

func (q *request) post(source, token string, body []byte) (status int, rows []sentRow, err error) {
	req, err := http.NewRequestWithContext(q.ctx(), http.MethodPost, q.st.HookURL(source, token), bytes.NewReader(body)) //nolint:gosec // the receiver of the stack that the operator named
	if err != nil {
		return 0, nil, problem.Failed(nil, "the receiver's address cannot be used") // the error names it
	}
	req.Header.Set("Content-Type", "application/json")
	status, answer, err := hook.Do(q.HTTP, req)
	if err != nil {
		return 0, nil, problem.Failed(err, "the receiver does not answer")
	}
	var said struct {
		Results []struct {
			EventID string `json:"event_id"`
			Status  string `json:"status"`
			Error   string `json:"error"`
		} `json:"results"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return 0, nil, problem.Failed(nil, "the answer (HTTP %d) is not the receiver's", status)
	}
	if said.Results == nil {
		return status, []sentRow{{Result: "refused", Error: output.Clean(output.OrText(said.Error, fmt.Sprintf("HTTP %d", status)))}}, nil
	}
	for i, r := range said.Results[:min(len(said.Results), maxShown)] {
		row := sentRow{Index: i, Result: output.Clean(r.Status), ID: output.Clean(r.EventID), Error: output.Clean(r.Error)}
		if r.EventID != "" {
			row.Path = eventAddress(r.EventID)
		}
		rows = append(rows, row)
	}
	return status, rows, nil
}
