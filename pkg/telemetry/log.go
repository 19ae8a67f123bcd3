// Package telemetry is how the functions are seen from outside: one JSON line
// for a unit of work, which says its metrics, too.
package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync"
)

const (
	// maxText bounds each text of a line, in bytes.
	maxText = 1024
	// maxStack bounds a stack trace, which is of no use without its end.
	maxStack = 8 << 10
	masked   = "[redacted]"
	// Lambda reads a line's time under this name (docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html).
	timeKey  = "timestamp"
	timeForm = "2006-01-02T15:04:05.000Z07:00"
)

// NewLogger returns a logger that writes one JSON object a line to w, in one
// Write. It masks what looks like a credential or an address, whatever part of the
// program logs it, and cuts long text. It is safe for concurrent use.
func NewLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: guard}))
}

// ParseLevel reads "debug", "info", "warn" or "error" in any letter case.
func ParseLevel(s string) (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s)); err != nil {
		return 0, fmt.Errorf("log level %q: it is debug, info, warn or error", Clean(s, 20))
	}
	return level, nil
}

// sensitive parts of a key. Numbers and booleans pass: a count of tokens or a
// fencing token tells nothing.
var sensitive = []string{
	"token", "secret", "api_key", "apikey", "authorization", "password", "passwd",
	"cookie", "credential", "webhook_url", "webhookurl", "redaction_key", "private_key",
}

func isSensitive(key string) bool {
	key = strings.ToLower(strings.ReplaceAll(key, "-", "_"))
	for _, part := range sensitive {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}

// recognisable finds by their looks what no line may hold: of credentials our own
// tokens, Standard Webhooks secrets, bearer tokens, and user and password in a URL; and
// addresses of people, which a destination may quote in its answer, as they are, in a
// form's escapes, or in JSON's.
var recognisable = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`slr_[0-9A-Za-z]{8,}|whsec_[0-9A-Za-z+/=]{8,}|(?i:bearer\s+)[^\s"]{8,}|://[^\s/?#"@]+@|` +
		`[^\s"'<>()\[\]{},;:=&@\\]+(?:@|%40|\\u0040)[^\s"'<>()\[\]{},;:=&@\\]*`)
})

// mayShow tells whether a text may hold what recognisable finds: most hold none of its
// beginnings.
func mayShow(s string) bool {
	for _, begin := range [...]string{"slr_", "whsec_", "://", "@", "%40", `\u0040`} {
		if strings.Contains(s, begin) {
			return true
		}
	}
	const word = "bearer"
	for i := range len(s) - len(word) + 1 {
		if s[i]|0x20 == word[0] && strings.EqualFold(s[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// Mask puts a mark in the place of what looks like a credential, of whatever service, or
// an address of a person. It is for texts of others that are kept.
func Mask(s string) string { return maskText(maskIssued(s)) }

func maskText(s string) string {
	if !mayShow(s) {
		return s
	}
	return recognisable().ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasPrefix(found, "://") {
			return "://" + masked + "@"
		}
		return masked
	})
}

// guard is the last line of defence, not the rule: nothing should log a secret.
func guard(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(timeKey, a.Value.Time().UTC().Format(timeForm))
	}
	hidden := isSensitive(a.Key)
	for _, group := range groups {
		hidden = hidden || isSensitive(group)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		if hidden {
			return slog.String(a.Key, masked)
		}
		limit := maxText
		if a.Key == "stack" {
			limit = maxStack
		}
		return slog.String(a.Key, cut(maskText(a.Value.String()), limit))
	case slog.KindAny:
		if hidden {
			return slog.String(a.Key, masked)
		}
		return slog.Attr{Key: a.Key, Value: guardAny(a.Value.Any())}
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindUint64, slog.KindTime,
		slog.KindGroup, slog.KindLogValuer: // no text, or guarded member by member
	}
	return a
}

// guardAny walks through a structured value as it would be written.
func guardAny(v any) slog.Value {
	switch v := v.(type) {
	case error:
		return slog.StringValue(Clean(maskText(v.Error()), maxText))
	case slog.Level, *slog.Source, metadata: // our own words
		return slog.AnyValue(v)
	}
	form, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(Clean(fmt.Sprintf("value of type %T cannot be written", v), maxText))
	}
	var tree any
	decoder := json.NewDecoder(strings.NewReader(string(form)))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return slog.StringValue(masked)
	}
	return slog.AnyValue(maskTree(tree))
}

func maskTree(v any) any {
	switch v := v.(type) {
	case string:
		return cut(maskText(v), maxText)
	case []any:
		for i := range v {
			v[i] = maskTree(v[i])
		}
	case map[string]any:
		for key, value := range v {
			switch value.(type) {
			case json.Number, bool, nil:
				continue
			}
			if isSensitive(key) {
				v[key] = masked
			} else {
				v[key] = maskTree(value)
			}
		}
	}
	return v
}
