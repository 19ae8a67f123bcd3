package destination

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of a configuration.
const (
	DefaultTimeout = 10 * time.Second
	MinTimeout     = 100 * time.Millisecond
	MaxTimeout     = time.Minute
	MaxSecrets     = 4
	MaxHeaders     = 20
)

// ErrConfig is returned, wrapped with every problem found, for a configuration
// that cannot be used.
var ErrConfig = errors.New("invalid destination")

// FieldError is one problem of a configuration. It never quotes a secret.
type FieldError struct {
	Field   string // as in the JSON form, such as "filter.types[1]"
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

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

// Config is the stored form of a destination.
type Config struct {
	Type string `json:"type"`
	// URL is where http posts. It may hold credentials, in any of its parts.
	URL string `json:"url,omitempty"`
	// Secrets sign http deliveries: "whsec_" and base64 of 24 to 64 bytes. With
	// several, each signs, so that a receiver can change from one to another.
	// Without any, deliveries are not signed.
	Secrets []string `json:"secrets,omitempty"`
	// Timeout bounds one http attempt. Zero means DefaultTimeout.
	Timeout Duration `json:"timeout,omitzero"`
	// Headers are added to http deliveries, such as an Authorization.
	Headers map[string]string `json:"headers,omitempty"`
	Filter  Filter            `json:"filter,omitzero"`
}

// ParseConfig reads the stored form strictly: an unknown member is refused,
// because a misspelt filter would deliver what must not be delivered. It
// returns ErrConfig, wrapped, without secrets.
func ParseConfig(form []byte) (Config, error) {
	var cfg Config
	decoder := json.NewDecoder(bytes.NewReader(form))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) { // its own text names Go types
			err = &FieldError{mismatch.Field, "has the wrong JSON type"}
		}
		return Config{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Config{}, fmt.Errorf("%w: text after the JSON object", ErrConfig)
	}
	if err := cfg.Validate(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// Validate checks every rule and returns nil, or ErrConfig wrapped with a
// *FieldError for each problem.
func (c Config) Validate() error {
	var problems []error
	add := func(field, problem string) { problems = append(problems, &FieldError{field, problem}) }

	if _, known := builders[c.Type]; !known {
		add("type", "is one of "+strings.Join(Types(), ", "))
	}
	if c.Type == "http" {
		problems = append(problems, c.validateHTTP()...)
	} else {
		for field, set := range map[string]bool{
			"url": c.URL != "", "secrets": len(c.Secrets) > 0, "timeout": c.Timeout != 0, "headers": len(c.Headers) > 0,
		} {
			if set {
				add(field, "is for the type http only")
			}
		}
	}
	problems = append(problems, c.Filter.problems()...)
	if len(problems) == 0 {
		return nil
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(problems...))
}

func (c Config) validateHTTP() []error {
	var problems []error
	add := func(field, problem string) { problems = append(problems, &FieldError{field, problem}) }

	if _, err := parseURL(c.URL); err != nil {
		add("url", err.Error())
	}
	if len(c.Secrets) > MaxSecrets {
		add("secrets", fmt.Sprintf("at most %d", MaxSecrets))
	}
	for i, secret := range c.Secrets {
		if _, err := signingKey(secret); err != nil {
			add(fmt.Sprintf("secrets[%d]", i), err.Error())
		}
	}
	if t := time.Duration(c.Timeout); t != 0 && (t < MinTimeout || t > MaxTimeout) {
		add("timeout", fmt.Sprintf("%s to %s", MinTimeout, MaxTimeout))
	}
	if len(c.Headers) > MaxHeaders {
		add("headers", fmt.Sprintf("at most %d", MaxHeaders))
	}
	for name, value := range c.Headers {
		switch {
		case !isToken(name):
			add("headers", "a name holds a character that HTTP does not allow")
		case isOurs(name):
			add("headers."+name, "is set by the delivery itself")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			add("headers."+name, "holds a control character")
		}
	}
	return problems
}

// parseURL returns an error that does not quote the URL.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("is needed")
	case err != nil:
		return nil, errors.New("cannot be parsed")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("begins with https:// or http://")
	case u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.Fragment != "":
		return nil, errors.New("has a fragment, which is never sent")
	}
	return u, nil
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

// Summary is what may be shown of a Config: no path, query, credential or
// header value.
type Summary struct {
	Type    string   `json:"type"`
	Host    string   `json:"host,omitempty"` // scheme and host
	Signed  int      `json:"secrets"`
	Timeout Duration `json:"timeout,omitzero"`
	Headers []string `json:"headers,omitempty"` // names
	Filter  Filter   `json:"filter,omitzero"`
}

// Summary returns what may be shown.
func (c Config) Summary() Summary {
	s := Summary{
		Type: c.Type, Signed: len(c.Secrets), Timeout: c.Timeout,
		Headers: slices.Sorted(maps.Keys(c.Headers)), Filter: c.Filter,
	}
	if u, err := parseURL(c.URL); err == nil {
		s.Host = u.Scheme + "://" + u.Host
	}
	return s
}

// String shows type and host, never secrets.
func (c Config) String() string {
	s := c.Summary()
	return strings.TrimSpace(s.Type + " " + s.Host)
}

// GoString keeps %#v from printing secrets.
func (c Config) GoString() string { return c.String() }

// LogValue shows type, host and counts, never secrets.
func (c Config) LogValue() slog.Value {
	s := c.Summary()
	return slog.GroupValue(slog.String("type", s.Type), slog.String("host", s.Host), slog.Int("signing_keys", s.Signed))
}
