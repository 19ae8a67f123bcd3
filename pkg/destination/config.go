package destination

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// ErrConfig is returned, wrapped with every problem found, for a configuration
// that cannot be used.
var ErrConfig = errors.New("invalid destination")

// FieldError is one problem of a configuration. It never quotes a secret.
type FieldError struct {
	Field   string // path in the stored form, such as "filter.types[1]"; empty for the form itself
	Problem string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Problem
	}
	return e.Field + ": " + e.Problem
}

// Duration is a time.Duration written as text, such as "10s".
type Duration time.Duration

// MarshalText writes the duration as Go does: "1m30s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New(`a duration looks like "10s"`)
	}
	*d = Duration(parsed)
	return nil
}

// Config is the configuration of a destination; its JSON is the stored form.
type Config struct {
	Type     string   `json:"type"`
	Filter   Filter   `json:"filter,omitzero"`
	Limits   Limits   `json:"limits,omitzero"`
	Settings Settings `json:"config"` // those of Type; never nil
}

// Parse reads the stored form strictly: an unknown member is refused, because a
// misspelt filter would deliver what must not be delivered. It returns
// ErrConfig, wrapped, without secrets.
func (types Types) Parse(form []byte) (Config, error) {
	cfg, err := types.Decode(form)
	if err != nil {
		return Config{}, err
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// Decode is Parse without the rules that Validate checks, for who is about to change
// what breaks them.
func (types Types) Decode(form []byte) (Config, error) {
	var stored struct {
		Type   string          `json:"type"`
		Filter Filter          `json:"filter"`
		Limits Limits          `json:"limits"`
		Config json.RawMessage `json:"config"`
	}
	if problems := decode(form, &stored, ""); len(problems) > 0 {
		return Config{}, invalid(problems)
	}
	typ, known := types.Find(stored.Type)
	if !known {
		return Config{}, invalid([]*FieldError{{"type", "is one of " + strings.Join(types.Names(), ", ")}})
	}
	cfg := Config{Type: typ.Name, Filter: stored.Filter, Limits: stored.Limits, Settings: typ.New()}
	if stored.Config != nil {
		if problems := decode(stored.Config, cfg.Settings, "config"); len(problems) > 0 {
			return Config{}, invalid(problems)
		}
	}
	return cfg, nil
}

// Validate checks every rule and returns nil, or ErrConfig wrapped with a
// *FieldError for each problem.
func (c Config) Validate() error {
	problems := c.Filter.problems()
	c.Limits.Validate(func(field, problem string) {
		problems = append(problems, &FieldError{join("limits", field), problem})
	})
	c.Settings.Validate(func(field, problem string) {
		problems = append(problems, &FieldError{join("config", field), problem})
	})
	return invalid(problems)
}

// invalid returns the error of these problems, nil when there is none.
func invalid(problems []*FieldError) error {
	if len(problems) == 0 {
		return nil
	}
	slices.SortFunc(problems, func(a, b *FieldError) int { return cmp.Compare(a.Error(), b.Error()) })
	all := make([]error, len(problems))
	for i, p := range problems {
		all[i] = p
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(all...))
}

// ErrBadName is returned for a name that a destination cannot have.
var ErrBadName = errors.New("a name is 1 to 63 of a-z, 0-9 and -, and does not begin with -")

// ValidateName checks a destination's name: part of a parameter's name and of
// the ledger's items.
func ValidateName(name string) error {
	if name == "" || len(name) > 63 || name[0] == '-' {
		return ErrBadName
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return ErrBadName
		}
	}
	return nil
}

// Summary returns what may be shown, by its name in JSON: no path, query,
// credential or header value.
func (c Config) Summary() map[string]any {
	shown := maps.Clone(c.Settings.Summary())
	if shown == nil {
		shown = map[string]any{}
	}
	shown["type"] = c.Type
	if !c.Filter.IsZero() {
		shown["filter"] = c.Filter
	}
	if !c.Limits.IsZero() {
		shown["limits"] = c.Limits
	}
	return shown
}

// String shows the type and where events go, never secrets.
func (c Config) String() string { return strings.TrimSpace(c.Type + " " + c.Settings.String()) }

// GoString keeps %#v from printing secrets.
func (c Config) GoString() string { return c.String() }

// LogValue shows the summary.
func (c Config) LogValue() slog.Value {
	shown := c.Summary()
	attrs := make([]slog.Attr, 0, len(shown))
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		attrs = append(attrs, slog.Any(name, shown[name]))
	}
	return slog.GroupValue(attrs...)
}
