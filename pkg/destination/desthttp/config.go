package desthttp

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
)

// Type is the type "http".
var Type = destination.Type{
	Name: "http",
	Help: `posts events to --url. Deliveries are signed after
Standard Webhooks; the secret (whsec_…) is shown this once. The endpoint must
answer 2xx and dedupe by the header webhook-id.`,
	New: func() destination.Settings { return new(Config) },
}

// Limits of a configuration.
const (
	DefaultTimeout = 10 * time.Second
	MinTimeout     = 100 * time.Millisecond
	MaxTimeout     = time.Minute
	MaxSecrets     = 4
	MaxHeaders     = 20
)

// Config is where and how to post. What shows it has value receivers, so that
// neither a Config nor a pointer to one prints a secret.
type Config struct {
	// URL is where events are posted. It may hold credentials, in any of its
	// parts.
	URL string `json:"url,omitempty"`
	// Secrets sign deliveries: "whsec_" and base64 of 24 to 64 bytes. With
	// several, each signs, so that a receiver can change from one to another.
	// Without any, deliveries are not signed.
	Secrets []string `json:"secrets,omitempty"`
	// Timeout bounds one attempt. Zero means DefaultTimeout.
	Timeout destination.Duration `json:"timeout,omitzero"`
	// Headers are added to deliveries, such as an Authorization.
	Headers map[string]string `json:"headers,omitempty"`
	// PathProgram, QueryPrograms, HeaderPrograms and BodyProgram are programs of package jq
	// over the event. They take the place of the URL's path, add members to its query, add
	// headers, and take the place of the event.
	PathProgram    string            `json:"path_program,omitempty"`
	QueryPrograms  map[string]string `json:"query_programs,omitempty"`
	HeaderPrograms map[string]string `json:"header_programs,omitempty"`
	BodyProgram    string            `json:"body_program,omitempty"`
	// AllowHTTP lets the URL begin with http://: whoever is between reads the events.
	AllowHTTP bool `json:"allow_http,omitempty"`
	// AllowPrivate lets the URL lead into a network that is not public.
	AllowPrivate bool `json:"allow_private,omitempty"`
}

var (
	_ destination.Signer = (*Config)(nil)
	_ destination.Nearby = (*Config)(nil)
)

// Validate reports every broken rule.
func (c Config) Validate(report func(field, problem string)) {
	if u, err := parseURL(c.URL); err != nil {
		report("url", err.Error())
	} else if err := c.allowed(u); err != nil {
		report("url", err.Error())
	}
	if len(c.Secrets) > MaxSecrets {
		report("secrets", fmt.Sprintf("at most %d", MaxSecrets))
	}
	for i, secret := range c.Secrets {
		if _, err := signingKey(secret); err != nil {
			report(fmt.Sprintf("secrets[%d]", i), err.Error())
		}
	}
	if t := time.Duration(c.Timeout); t != 0 && (t < MinTimeout || t > MaxTimeout) {
		report("timeout", fmt.Sprintf("%s to %s", MinTimeout, MaxTimeout))
	}
	c.validatePrograms(report)
	if len(c.Headers) > MaxHeaders {
		report("headers", fmt.Sprintf("at most %d", MaxHeaders))
	}
	for name, value := range c.Headers {
		switch {
		case !isToken(name):
			report("headers", "a name holds a character that HTTP does not allow")
		case isOurs(name):
			report("headers."+name, "is set by the delivery itself")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			report("headers."+name, "holds a control character")
		}
	}
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

// allowed returns an error for a URL that can never be delivered to. A name is judged
// when it is resolved: at each connection.
func (c Config) allowed(u *url.URL) error {
	if u.Scheme == "http" && !c.AllowHTTP {
		return errors.New("begins with http://, so that anybody between reads the events; use https://, or allow it with --allow-http")
	}
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		name = "127.0.0.1"
	}
	address, err := netip.ParseAddr(name)
	if err != nil {
		return nil //nolint:nilerr // a name, not an address
	}
	var refused *destination.AddressError
	if errors.As(destination.CheckAddress(c.reach(), address), &refused) {
		return errors.New("leads to " + destination.RefusedText(refused))
	}
	return nil
}

func (c Config) reach() destination.Reach {
	if c.AllowPrivate {
		return destination.Private
	}
	return destination.Public
}

// AllowNearby allows what is on this machine, without TLS.
func (c *Config) AllowNearby() { c.AllowHTTP, c.AllowPrivate = true, true }

// typedURL refuses what no new configuration should hold; an error does not quote
// the URL. Stored ones that hold it go on working.
func typedURL(text string) error {
	u, err := parseURL(text)
	if err != nil {
		return err
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errors.New("a port is 1 to 65535")
		}
	}
	if u.User != nil {
		return errors.New("holds a user or password; give them as a header: --header 'Authorization: Basic …'")
	}
	return nil
}

// isOurs tells whether a delivery sets the header itself.
func isOurs(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "content-type", "content-length", "transfer-encoding", "connection", "host", "user-agent", HeaderIdempotencyKey:
		return true
	}
	return strings.HasPrefix(name, "webhook-")
}

// isToken tells whether name is a header's name (RFC 9110, 5.6.2).
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// String shows scheme and host of the URL, never a credential.
func (c Config) String() string {
	u, err := parseURL(c.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// GoString keeps %#v from printing secrets.
func (c Config) GoString() string { return c.String() }

// LogValue shows what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Summary shows the host, how many secrets sign, and the headers' names.
func (c Config) Summary() map[string]any {
	shown := map[string]any{"host": c.String(), "secrets": len(c.Secrets)}
	if c.Timeout != 0 {
		shown["timeout"] = c.Timeout
	}
	if c.AllowHTTP {
		shown["allow_http"] = true
	}
	if c.AllowPrivate {
		shown["allow_private"] = true
	}
	if n := len(c.programs()); n > 0 {
		shown["programs"] = n
	}
	if len(c.Headers) > 0 {
		shown["headers"] = slices.Sorted(maps.Keys(c.Headers))
	}
	return shown
}

// Flags declares --url, --header, --timeout, --allow-http and --allow-private.
func (c *Config) Flags(flags *flag.FlagSet) {
	flags.Func("url", "`address` to post to", func(text string) error {
		c.URL = text
		return typedURL(text)
	})
	flags.Func("header", "header to send, as 'Name: value'", func(text string) error {
		name, value, ok := strings.Cut(text, ":")
		if !ok {
			return errors.New("it is written as 'Name: value'")
		}
		if c.Headers == nil {
			c.Headers = map[string]string{}
		}
		c.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
		return nil
	})
	flags.StringVar(&c.PathProgram, "path-program", c.PathProgram, "`program` of jq that makes the URL's path, such as '\"/leads/\\(.lead.email|@uri)\"'")
	flags.StringVar(&c.BodyProgram, "body-program", c.BodyProgram, "`program` of jq that makes the body, such as '{email: .lead.email}'")
	flags.Func("header-program", "header that a program of jq makes, as 'Name: program'", named(&c.HeaderPrograms, ":"))
	flags.Func("query-program", "member of the URL's query that a program of jq makes, as 'name=program'", named(&c.QueryPrograms, "="))
	flags.BoolVar(&c.AllowHTTP, "allow-http", false, "take a URL that begins with http://: whoever is between reads the events")
	flags.BoolVar(&c.AllowPrivate, "allow-private", false, "let it be on this machine or in a private network (default: at public addresses only)")
	flags.TextVar(&c.Timeout, "timeout", destination.Duration(0), "`duration` that one attempt may take (default 10s)")
}

// named reads a name and a program into a map.
func named(into *map[string]string, between string) func(string) error {
	return func(text string) error {
		name, source, ok := strings.Cut(text, between)
		if !ok {
			return errors.New("it is written as 'name" + between + " program'")
		}
		if *into == nil {
			*into = map[string]string{}
		}
		(*into)[strings.TrimSpace(name)] = strings.TrimSpace(source)
		return nil
	}
}

// SigningSecrets returns how many sign.
func (c *Config) SigningSecrets() int { return len(c.Secrets) }

// AddSigningSecret adds a secret of 32 random bytes.
func (c *Config) AddSigningSecret(random io.Reader) (string, error) {
	secret, err := NewSecret(random)
	if err != nil {
		return "", err
	}
	c.Secrets = append(c.Secrets, secret)
	return secret, nil
}

// DropOldSigningSecrets leaves the newest alone.
func (c *Config) DropOldSigningSecrets() { c.Secrets = c.Secrets[max(0, len(c.Secrets)-1):] }
