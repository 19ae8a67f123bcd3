package smartleadapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"smartlead-receiver/pkg/smartlead"
)

var (
	errTooLarge = fmt.Errorf("it is larger than %d MiB", maxBody>>20)
	errShape    = errors.New("it has none of the shapes that are known")
)

func reader(body []byte) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return bytes.NewReader(body)
}

// readBody reads an answer up to its bound.
func readBody(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		return nil, errTooLarge
	}
	return body, err
}

// isJSON tells an answer from a page for people, such as that of a proxy or of
// maintenance: those come with status 200, too.
func isJSON(contentType string, body []byte) error {
	begin := bytes.TrimLeft(body, " \t\r\n")
	if len(begin) > 0 && (begin[0] == '{' || begin[0] == '[') && json.Valid(body) {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(begin) == 0:
		return errors.New("the answer is empty")
	case begin[0] == '{' || begin[0] == '[':
		return errors.New("the JSON of the answer is cut off or damaged")
	case kind == "text/html" || begin[0] == '<':
		return errors.New("the answer is a web page, no JSON")
	}
	return errors.New("the answer is text, no JSON")
}

// maxMessage bounds what is kept of a message, in bytes.
const maxMessage = 200

// oneLine is a text without what a terminal obeys, cut short.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}

// messageOf reads what a failure says, in each of its documented and live shapes, and
// after how long to ask again.
func messageOf(body []byte) (message string, wait time.Duration) {
	var answer struct {
		Message text            `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			return "a web page", 0
		}
		return string(body[:min(len(body), 2*maxMessage)]), 0
	}
	var inner struct {
		Code       text  `json:"code"`
		Message    text  `json:"message"`
		RetryAfter count `json:"retry_after"`
	}
	var short text
	switch {
	case json.Unmarshal(answer.Error, &inner) == nil:
		wait = time.Duration(min(max(0, inner.RetryAfter), 24*3600)) * time.Second
		message = join(string(inner.Code), string(inner.Message))
	case json.Unmarshal(answer.Error, &short) == nil:
		message = string(short)
	}
	return join(message, string(answer.Message)), wait
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + ": " + b
}

// text is a JSON string, number or boolean; null is "".
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	switch {
	case string(raw) == "null":
		*t = ""
		return nil
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		if s = strings.TrimSpace(s); s == "null" { // seen in place of null
			s = ""
		}
		*t = text(s)
		return nil
	case raw[0] == '{' || raw[0] == '[':
		return fmt.Errorf("%w: a text was expected", errShape)
	}
	*t = text(raw)
	return nil
}

// maxSubject bounds a name or subject, in bytes: that of a line of a mail (RFC 5322,
// section 2.1.1).
const maxSubject = 998

// label is a name that is shown: a text, or the name in an object; what is neither is "".
type label string

func (l *label) UnmarshalJSON(raw []byte) error {
	var t text
	if raw[0] == '{' {
		var object struct {
			Name text `json:"name"`
		}
		if json.Unmarshal(raw, &object) == nil {
			t = object.Name
		}
	} else if raw[0] != '[' {
		if err := t.UnmarshalJSON(raw); err != nil {
			return err
		}
	}
	if len(t) > maxSubject {
		t = text(strings.ToValidUTF8(string(t[:maxSubject]), ""))
	}
	*l = label(strings.Clone(string(t))) // nothing of a page is kept for it
	return nil
}

// address is a mail address, trimmed and in lower case, without the name before it.
type address string

func (a *address) UnmarshalJSON(raw []byte) error {
	var t text
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		*a = "" // a list of several is no one's
		return nil
	}
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	if begin, end := strings.LastIndexByte(string(t), '<'), strings.LastIndexByte(string(t), '>'); begin >= 0 && end > begin {
		t = t[begin+1 : end]
	}
	*a = address(strings.ToLower(strings.TrimSpace(string(t))))
	return nil
}

// mailID is a Message-ID without the brackets.
type mailID string

func (m *mailID) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	*m = mailID(strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(string(t), "<"), ">")))
	return nil
}

// pages fetches the parts of a list until it ends. fetch returns how many rows it got and
// whether the answer says that they are the last: a part may be shorter than was asked
// for, so else only an empty one is the end. Where a part is too large, fewer are asked
// for.
func pages(limit int, fetch func(offset, limit int) (rows int, last bool, err error)) error {
	for offset := 0; ; {
		rows, last, err := fetch(offset, limit)
		switch {
		case errors.Is(err, errTooLarge) && limit > fewestRows:
			limit = max(fewestRows, limit/5)
			continue
		case err != nil:
			return err
		}
		if offset += rows; last || rows == 0 {
			return nil
		}
	}
}

// count is a whole number, also as text; whatever is none is 0.
type count int

func (c *count) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	n, err := strconv.ParseFloat(string(t), 64)
	if err != nil || math.IsNaN(n) || n > 1<<52 || n < -1<<52 {
		n = 0
	}
	*c = count(n)
	return nil
}

// flag is a boolean, also as text or number; null is false.
type flag bool

func (f *flag) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	switch strings.ToLower(string(t)) {
	case "true", "1", "yes":
		*f = true
	default:
		*f = false
	}
	return nil
}

// instant is a time in any spelling that Smartlead has; what is none is zero.
type instant struct{ time.Time }

func (i *instant) UnmarshalJSON(raw []byte) error {
	var t text
	if err := t.UnmarshalJSON(raw); err != nil {
		return err
	}
	i.Time, _ = smartlead.ParseTime(string(t))
	return nil
}

// list reads an answer that is a list: bare, or below one of the names.
func list[T any](body []byte, names ...string) ([]T, error) {
	var bare []T
	if begin := bytes.TrimLeft(body, " \t\r\n"); len(begin) > 0 && begin[0] == '[' {
		return bare, json.Unmarshal(body, &bare)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	for _, name := range names {
		raw, found := object[name]
		if !found || len(raw) == 0 || raw[0] != '[' {
			continue
		}
		return bare, json.Unmarshal(raw, &bare)
	}
	return nil, errShape
}
