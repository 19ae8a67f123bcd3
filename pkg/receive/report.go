package receive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"smartlead-receiver/pkg/smartlead"
)

// ReportedError is what a tool says that went wrong. Its texts hold no credential, and
// are data.
type ReportedError struct {
	Source string
	Code   string // class, code or type of the error, as far as the body says one
	Text   string // what it says
	Times  int    // how often this request says it
	At     time.Time
}

// Errors keeps what tools report. It bounds what a tool in a loop writes, and returns
// the name of the incident on which an error counts. It returns an error that wraps
// webhook.ErrUnavailable where that could not be kept.
type Errors interface {
	ReportError(ctx context.Context, e ReportedError) (incident string, err error)
}

// Bounds of a reported error.
const (
	maxReport         = 256 << 10 // bytes of a body, decoded
	maxReportElements = 20        // of one array that are told apart
	maxReportText     = 300       // bytes of what an error says
	maxReportCode     = 60
)

// furtherErrors is what the elements of an array say together that are not told apart.
const furtherErrors = "further errors of an array that has too many to tell apart"

// Reported is the answer to an error webhook: the incidents on which it counts, each
// once.
type Reported struct{ Incidents []string }

// Report takes an error webhook of any tool: a JSON value, authenticated as an event is.
// An array is an error for each element. It returns *Error for a request that is not
// accepted.
func (s *Service) Report(ctx context.Context, req Request) (Reported, error) {
	req = req.WithoutToken()
	src, err := s.authenticate(ctx, req)
	if err != nil {
		return Reported{}, s.refuse(ctx, req, err)
	}
	plain, err := decode(req)
	if err != nil {
		return Reported{}, s.refuse(ctx, req, err)
	}
	opts := s.options(src, req)
	list, err := readReport(plain, opts)
	if err != nil {
		return Reported{}, s.refuse(ctx, req, err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.policy.ClaimTimeout)
	defer cancel()
	answer := Reported{Incidents: []string{}}
	known := map[string]bool{}
	for _, e := range list {
		e.Source, e.At = src.Name, s.Now().UTC()
		id, err := s.Errors.ReportError(ctx, e)
		if err != nil {
			return answer, &Error{Kind: Unavailable, Cause: "not_durable", Err: err}
		}
		if !known[id] {
			known[id] = true
			answer.Incidents = append(answer.Incidents, id)
		}
	}
	return answer, nil
}

// readReport reads the errors of a body, the same ones as one.
func readReport(body []byte, opts smartlead.Options) ([]ReportedError, error) {
	if len(body) > maxReport {
		public := fmt.Sprintf("an error report may have %d bytes, this one has %d", maxReport, len(body))
		return nil, &Error{Kind: TooLarge, Cause: "too_large", Public: public, Err: errors.New(public)}
	}
	refused := func(cause, public string) error {
		return &Error{
			Kind: BadBody, Cause: cause, Public: public, Err: errors.New(public),
			excerpt: smartlead.Excerpt(body, excerptBytes, opts),
		}
	}
	if !utf8.Valid(body) {
		return nil, refused("encoding", "the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil || !ended(decoder) {
		return nil, refused("not_json", "one JSON value is expected: an object, an array or a text that says what went wrong")
	}
	elements, isArray := value.([]any)
	if !isArray {
		elements = []any{value}
	}
	var list []ReportedError
	at := map[ReportedError]int{}
	for i, element := range elements {
		if i >= maxReportElements {
			list = append(list, ReportedError{Text: furtherErrors, Times: len(elements) - i})
			break
		}
		e := readError(element, opts)
		n, known := at[e]
		if !known {
			n, at[e] = len(list), len(list)
			list = append(list, e)
		}
		list[n].Times++
	}
	return list, nil
}

// ended tells whether nothing follows a value.
func ended(decoder *json.Decoder) bool {
	_, err := decoder.Token()
	return errors.Is(err, io.EOF)
}

// readError finds what an error is called and what it says, in the words of whatever
// tool; a value that has neither is shown as it begins.
func readError(value any, opts smartlead.Options) ReportedError {
	var e ReportedError
	switch v := value.(type) {
	case string:
		e.Text = v
	case map[string]any:
		e.Code, e.Text = findError(v, 0)
	}
	if e.Code == "" && e.Text == "" {
		form, err := json.Marshal(value)
		if err != nil {
			form = nil // it was JSON: it cannot fail
		}
		e.Text = string(form)
	}
	e.Code = smartlead.Excerpt([]byte(e.Code), maxReportCode, opts)
	e.Text = smartlead.Excerpt([]byte(e.Text), maxReportText, opts)
	return e
}

// The members that name an error and that say it, the most telling first, and those that
// hold an object that does. They are those of RFC 9457, of Sentry, Datadog, n8n and
// Zapier, and of what languages call an exception.
var (
	codeMembers = []string{"code", "error_code", "errorCode", "errorType", "error_type", "type", "name", "class", "exception", "kind", "status"}
	textMembers = []string{
		"message", "error_message", "errorMessage", "error", "detail", "details", "description", "reason", "msg", "title", "text", "summary",
		"exception", "body",
	}
	innerMembers = []string{"error", "err", "exception", "data", "event", "payload", "execution", "issue", "context"}
)

// maxReportDepth bounds how deep an error is looked for.
const maxReportDepth = 4

func findError(object map[string]any, depth int) (code, text string) {
	code, text = scalarOf(object, codeMembers), scalarOf(object, textMembers)
	if depth >= maxReportDepth || code != "" && text != "" {
		return code, text
	}
	for _, name := range innerMembers {
		if inner, ok := object[name].(map[string]any); ok {
			innerCode, innerText := findError(inner, depth+1)
			code, text = cmp.Or(innerCode, code), cmp.Or(innerText, text)
		}
	}
	return code, text
}

func scalarOf(object map[string]any, names []string) string {
	for _, name := range names {
		switch v := object[name].(type) {
		case string:
			if v != "" {
				return v
			}
		case json.Number:
			return v.String()
		}
	}
	return ""
}
