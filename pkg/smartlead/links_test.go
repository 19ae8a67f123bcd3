package smartlead

import (
	"slices"
	"testing"
)

func TestLinks(t *testing.T) {
	for members, want := range map[string][]string{
		`"link_clicked":"https://a.example/1"`:                                                   {"https://a.example/1"},
		`"link_clicked":[" https://a.example/1 ","",null,"https://a.example/2"]`:                 {"https://a.example/1", "https://a.example/2"},
		`"link_clicked":["https://a.example/1"],"link_details":["https://a.example/2"]`:          {"https://a.example/2"},
		`"link_clicked":["https://a.example/1"],"link_details":[]`:                               {"https://a.example/1"},
		`"link_details":[{"url":"https://a.example/1"},{"link":{"href":"https://a.example/2"}}]`: {"https://a.example/1", "https://a.example/2"},
		`"link_details":{"link_clicked":"https://a.example/1"}`:                                  {"https://a.example/1"},
		`"link_details":[{"count":2,"where":"https://a.example/1"}]`:                             {"https://a.example/1"},
		`"link_details":"[{\"url\":\"https://a.example/1\"},\"https://a.example/2\"]"`:           {"https://a.example/1", "https://a.example/2"},
		`"link_details":"[broken"`:                                                               {"[broken"},
		`"link":{"url":"https://a.example/1","clicked_at":"2026-03-04T17:00:00Z"}`:               {"https://a.example/1"},
		`"link_clicked":null`:                              nil,
		`"link_clicked":[[[[[["https://a.example/1"]]]]]]`: nil,
	} {
		e := one(t, `{"event_type":"EMAIL_LINK_CLICK",`+members+`}`, corpusOptions)
		if !slices.Equal(e.Event.Links, want) {
			t.Errorf("%s: got %q, want %q", members, e.Event.Links, want)
		}
	}
}
