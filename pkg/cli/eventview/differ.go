package eventview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// Difference is how the body of a variant differs from that of its event.
type Difference struct {
	// Matters names the facts that somebody would act on, and that are other ones. A
	// variant without any is most likely the same fact in another envelope.
	Matters []string
	Members []string // of the body, at most a dozen
}

// Differ compares two stored bodies of an account; nil stands for one that cannot be
// read, of which nobody knows whether it matters.
func Differ(own, other []byte, account string) Difference {
	a, b := members(own), members(other)
	if a == nil || b == nil {
		unknown := []string{"a body that cannot be read"}
		return Difference{Matters: unknown, Members: unknown}
	}
	return Difference{Matters: differentFacts(own, other, account), Members: difference(a, b)}
}

// facts are what a person acts on, by the names that destinations receive.
var facts = []struct {
	name   string
	differ func(a, b webhook.Event) bool
}{
	{"lead", func(a, b webhook.Event) bool { return leadOf(a) != leadOf(b) }},
	{"reply", func(a, b webhook.Event) bool { return replyDiffers(valueOf(a.Reply), valueOf(b.Reply)) }},
	{"subject", func(a, b webhook.Event) bool { return a.Subject != b.Subject }},
	{"links", func(a, b webhook.Event) bool { return !slices.Equal(a.Links, b.Links) }},
	{"category", func(a, b webhook.Event) bool { return valueOf(a.Category) != valueOf(b.Category) }},
	{"status", func(a, b webhook.Event) bool { return valueOf(a.Status) != valueOf(b.Status) }},
	{"bounce", func(a, b webhook.Event) bool { return valueOf(a.Bounce) != valueOf(b.Bounce) }},
	{"alert", func(a, b webhook.Event) bool { return valueOf(a.Alert) != valueOf(b.Alert) }},
}

func differentFacts(own, other []byte, account string) []string {
	a, knownA := normalized(own, account)
	b, knownB := normalized(other, account)
	if !knownA || !knownB {
		return []string{"a body that cannot be parsed"}
	}
	var names []string
	for _, f := range facts {
		if f.differ(a, b) {
			names = append(names, f.name)
		}
	}
	return names
}

func normalized(body []byte, account string) (webhook.Event, bool) {
	batch, err := smartlead.Parse(body, smartlead.Options{Account: account})
	if err != nil || len(batch.Elements) != 1 || batch.Elements[0].Err != nil {
		return webhook.Event{}, false
	}
	return batch.Elements[0].Event, true
}

func leadOf(e webhook.Event) string {
	if e.Lead == nil {
		return ""
	}
	if e.Lead.Email != "" {
		return e.Lead.Email
	}
	return e.Lead.ID
}

// replyDiffers compares the words of two replies. The markup of one mail differs
// with whoever rendered it, and one dialect has the text alone.
func replyDiffers(a, b webhook.Reply) bool {
	textA, textB := words(a.Text), words(b.Text)
	htmlA, htmlB := words(withoutMarkup(a.HTML)), words(withoutMarkup(b.HTML))
	switch {
	case a.From != "" && b.From != "" && a.From != b.From:
		return true
	case textA != "" && textB != "" && textA != textB:
		return true
	case htmlA != "" && htmlB != "":
		return htmlA != htmlB
	case textA != "" && textB != "":
		return false
	}
	return textA+htmlA != textB+htmlB
}

var markup = regexp.MustCompile(`<[^>]*>`)

func withoutMarkup(text string) string {
	return html.UnescapeString(markup.ReplaceAllString(text, " "))
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// valueOf is what a pointer points to, and its zero value where there is none.
func valueOf[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// members are the values of a body by their path; nil when it cannot be read.
func members(body []byte) map[string]string {
	var value any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // as it is written: a long id is no float
	if d.Decode(&value) != nil {
		return nil
	}
	out := map[string]string{}
	flatten(out, "", value)
	return out
}

func flatten(out map[string]string, path string, value any) {
	switch v := value.(type) {
	case nil:
		out[path] = "null"
	case string:
		if out[path] = v; json.Valid([]byte(v)) { // "7" is not 7
			out[path] = strconv.Quote(v)
		}
	case bool, json.Number:
		out[path] = fmt.Sprint(v)
	case map[string]any:
		if len(v) == 0 {
			out[path] = "{}"
		}
		for name, child := range v {
			flatten(out, strings.TrimPrefix(path+"."+name, "."), child)
		}
	case []any:
		if len(v) == 0 {
			out[path] = "[]"
		}
		for i, child := range v {
			flatten(out, fmt.Sprintf("%s[%d]", path, i), child)
		}
	}
}

// maxDiffers bounds the members that are named.
const maxDiffers = 12

// difference names the members that one body has and the other has not, or has
// with another value.
func difference(a, b map[string]string) []string {
	paths := map[string]bool{}
	for path, value := range a {
		if other, ok := b[path]; !ok || other != value {
			paths[path] = true
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			paths[path] = true
		}
	}
	all := slices.Sorted(maps.Keys(paths))
	if over := len(all) - maxDiffers; over > 0 {
		all = append(all[:maxDiffers], fmt.Sprintf("and %d more", over))
	}
	return all
}
