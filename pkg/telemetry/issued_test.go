package telemetry

import (
	"strings"
	"testing"
)

// The credentials are put together here, so that no scanner takes this file for a leak.
func TestMaskKnowsCredentialsByTheirForm(t *testing.T) {
	const value = "Zq7Kx94TmWb2Zq7Kx94TmWb2"
	upper := strings.ToUpper(value)[:16]
	for text, want := range map[string]string{
		"cannot use sk_" + "live_" + value + " here":                                "cannot use [redacted] here",
		"rk_" + "test_" + value:                                                     "[redacted]",
		"key sk-" + "proj-" + value + ".":                                           "key [redacted].",
		"pat-" + "na1-" + value + " refused":                                        "[redacted] refused",
		"gh" + "p_" + value:                                                         "[redacted]",
		"github_" + "pat_" + value:                                                  "[redacted]",
		"xox" + "b-" + value:                                                        "[redacted]",
		"AI" + "za" + value:                                                         "[redacted]",
		"AK" + "IA" + upper + " is not allowed":                                     "[redacted] is not allowed",
		"ey" + "J" + value + "." + value + "." + value + " rejected":                "[redacted] rejected",
		"POST https://hooks.slack.com/services/T0/B0/" + value + " gave 404":        "POST https://hooks.slack.com/services/[redacted] gave 404",
		"GET https://x.example/a?key=" + value + "&b=1":                             "GET https://x.example/a?key=[redacted]&b=1",
		"https://x.example/k?X-Amz-Signature=" + value + "&X-Amz-Date=1":            "https://x.example/k?X-Amz-Signature=[redacted]&X-Amz-Date=1",
		"login failed: password=" + value + ", try again":                           "login failed: password=[redacted] try again",
		"https://x.example/k?a=1&client_secret=" + value:                            "https://x.example/k?a=1&client_secret=[redacted]",
		"v1:EMAIL_REPLY:AKIASS66FFVIJNRK2J6MKZMNO2XO5FSK died":                      "v1:EMAIL_REPLY:AKIASS66FFVIJNRK2J6MKZMNO2XO5FSK died",
		"a risk-based decision of task-force-members-and-others, sk_live is a word": "a risk-based decision of task-force-members-and-others, sk_live is a word",
		"GET https://x.example/a?status=403&page=2 gave 403":                        "GET https://x.example/a?status=403&page=2 gave 403",
	} {
		if got := Mask(text); got != want {
			t.Errorf("%q:\ngot  %q\nwant %q", text, got, want)
		}
	}
}
