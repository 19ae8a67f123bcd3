package console_test

import (
	"html"
	"regexp"
	"testing"
)

var (
	anchor = regexp.MustCompile(`<a [^>]*href="([^"]*)"[^>]*>([^<]*)</a>`)
	row    = regexp.MustCompile(`<tr id="([^"]*)"`)
)

// linkNamed is the address of a link by its text.
func linkNamed(t *testing.T, body, name string) string {
	t.Helper()
	for _, m := range anchor.FindAllStringSubmatch(body, -1) {
		if m[2] == name {
			return html.UnescapeString(m[1])
		}
	}
	t.Fatalf("no link %q in\n%s", name, body)
	return ""
}

func rowIDs(body string) (ids []string) {
	for _, m := range row.FindAllStringSubmatch(body, -1) {
		ids = append(ids, m[1])
	}
	return ids
}

var formaction = regexp.MustCompile(`formaction="([^"]+)"`)

// formAction is where the first button of a page leads that has an address of its own.
func formAction(t *testing.T, body string) string {
	t.Helper()
	m := formaction.FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no such button in\n%s", body)
	}
	return html.UnescapeString(m[1])
}
