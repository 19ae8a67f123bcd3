package smartlead

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// hookPath is the path of one of our hooks, with its token.
var hookPath = regexp.MustCompile(`/webhooks/[a-z]+/([A-Za-z0-9]+)`)

const piecesSecret = "Sup3rS3cr3tT0k3n"

// textPieces are what the redaction looks for, and what may stand beside it.
var textPieces = []string{
	"/webhooks/", "%2Fwebhooks%2f", "%2fwebhooks%2f", `\/webhooks\/`, "webhooks", "/", "%2F", `\/`, "?", "%3F", "#", "%", "%2", "&", "%26",
	"demo", "abc", ".", "~", "\u00e9", "\xff", " ", "\n", `"`, "'", `\`, "<", ",", "{", "}",
	"api_key", "Secret-Key", "Authorization", "=", ":", "%3D", "%3a", "Bearer ", "basic ",
	piecesSecret, piecesSecret[:8], piecesSecret[8:], "t0k%2Fn%2Bwith%3Dsigns", redactedMark, "redacted:hmac:0123456789ab", testSecret,
}

// redactPieces holds for every text: it ends, no credential shows, and doing it
// again changes nothing.
func redactPieces(t rapid.TB, text string) {
	opts := Options{RedactionKey: []byte("k"), Secrets: []string{piecesSecret, "t0k/n+with=signs"}}
	r := newRedactor(opts)
	got, _ := r.text(strings.ToValidUTF8(text, "\uFFFD"))
	if strings.Contains(got, piecesSecret) {
		t.Fatalf("got %q of %q, want none of the secret", got, text)
	}
	if again, _ := r.text(got); again != got {
		t.Fatalf("again: got %q, want %q, of %q", again, got, text)
	}
	for _, m := range hookPath.FindAllStringSubmatch(got, -1) {
		if m[1] != redactedMark {
			t.Fatalf("got %q of %q, want no hook's token", got, text)
		}
	}
	checkElement(t, one(t, `{"a":`+quoted(strings.ToValidUTF8(text, ""))+`}`, opts), opts)
}

func TestRedactPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		redactPieces(t, strings.Join(rapid.SliceOfN(rapid.SampledFrom(textPieces), 0, 12).Draw(t, "pieces"), ""))
	})
}

// FuzzRedact takes each byte of the input for a piece.
func FuzzRedact(f *testing.F) {
	for i := range textPieces {
		f.Add([]byte{byte(i), byte(i + 1)})
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var text strings.Builder
		for _, b := range input[:min(len(input), 64)] {
			text.WriteString(textPieces[int(b)%len(textPieces)])
		}
		redactPieces(t, text.String())
	})
}
