package telemetry

import (
	"regexp"
	"strings"
	"sync"
)

// issued finds credentials of other services by the form in which these give them out,
// and those of an address's query by their names: Stripe, OpenAI, HubSpot, GitHub, Slack,
// Google, AWS, and JSON web tokens. It is compiled when it is first needed.
var issued = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(?:[sr]k_(?:live|test)_[0-9A-Za-z]{8,}|sk-[0-9A-Za-z_-]{20,}|pat-[a-z]{2}[0-9]-[0-9A-Za-z-]{8,}|` +
		`gh[opsur]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{20,}|xox[a-z]-[0-9A-Za-z-]{8,}|AIza[0-9A-Za-z_-]{20,}|` +
		`A[KS]IA[0-9A-Z]{16}\b|eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?)|` +
		`(hooks\.slack\.com/[a-z]+/|(?:^|[?&\s"'(,;])(?i:key|sig|token|secret|password|signature|x-(?:amz|goog)-(?:signature|security-token)|` +
		`(?:api|access|auth|refresh|client)[_-]?(?:key|token|secret))=)[^\s"'<>&#]+`)
})

// issuedBeginnings are parts of which each match of issued has one.
var issuedBeginnings = [...]string{
	"sk_", "rk_", "sk-", "pat-", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "xox", "AIza", "AKIA", "ASIA", "eyJ", "hooks.slack.com/", "=",
}

// maskIssued puts a mark in the place of what issued finds.
func maskIssued(s string) string {
	for _, begin := range issuedBeginnings {
		if strings.Contains(s, begin) {
			return issued().ReplaceAllString(s, "${1}"+masked)
		}
	}
	return s
}
