package filter

import (
	"slices"
	"strings"
	"testing"
)

func TestIDsInText(t *testing.T) {
	for text, want := range map[string]string{
		"a b\n\n c\n": "a b c",
		`{"event_id":"a","state":"dead"}` + "\n" + `  {"event_id":"b"}` + "\nc":                                          "a b c",
		`{"kind":"cause","example_event_id":"a"}` + "\n" + `{"kind":"event","event_id":"b"}` + "\n" + `{"kind":"queue"}`: "b",
		"": "",
	} {
		if got, err := idsIn([]byte(text)); err != nil || !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"a\n{\"state\":\"dead\"}": "line 2 of stdin has no event_id",
		`{"event_id":`:            "line 1 of stdin is no JSON object",
		`{"event_id":5}`:          "line 1 of stdin is no JSON object",
		`{"kind":"event"}`:        "line 1 of stdin has no event_id",
	} {
		if got, err := idsIn([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}
