package desthttp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// MaxPrograms bounds the headers that programs make, and the members of the query.
const MaxPrograms = 10

// maxMember bounds the name and the value of a member of the query, in bytes.
const maxMember = 1024

// maxShaped bounds what a program makes of an event, in bytes.
const maxShaped = 1 << 20

// shape is a request that programs make of an event. The host is never theirs to choose.
type shape struct {
	path, body     *jq.Program // nil: that of the URL; the event
	query, headers map[string]*jq.Program
}

// programs are the sources, by the path of their fields.
func (c Config) programs() map[string]string {
	all := map[string]string{}
	if c.PathProgram != "" {
		all["path_program"] = c.PathProgram
	}
	if c.BodyProgram != "" {
		all["body_program"] = c.BodyProgram
	}
	for name, source := range c.HeaderPrograms {
		all["header_programs."+name] = source
	}
	for name, source := range c.QueryPrograms {
		all["query_programs."+name] = source
	}
	return all
}

// validatePrograms reports every broken rule of the programs.
func (c Config) validatePrograms(report func(field, problem string)) {
	if len(c.HeaderPrograms) > MaxPrograms {
		report("header_programs", fmt.Sprintf("at most %d", MaxPrograms))
	}
	for name := range c.HeaderPrograms {
		switch {
		case !isToken(name):
			report("header_programs", "a name holds a character that HTTP does not allow")
		case isOurs(name):
			report("header_programs."+name, "is set by the delivery itself")
		}
	}
	c.validateQuery(report)
	for field, source := range c.programs() {
		if _, err := jq.Compile(source); err != nil {
			report(field, err.Error())
		}
	}
}

// validateQuery reports names that no member of the query can have.
func (c Config) validateQuery(report func(field, problem string)) {
	if len(c.QueryPrograms) > MaxPrograms {
		report("query_programs", fmt.Sprintf("at most %d", MaxPrograms))
	}
	u, err := parseURL(c.URL)
	for name := range c.QueryPrograms {
		switch {
		case name == "" || len(name) > maxMember || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
			report("query_programs", "a name is empty, too long, or holds a control character")
		case err == nil && u.Query().Has(name):
			report("query_programs."+name, "is in the URL's query already")
		}
	}
}

// shape returns nil where no program is configured.
func (c Config) shape() (*shape, error) {
	sources := c.programs()
	if len(sources) == 0 {
		return nil, nil //nolint:nilnil // no shape is no failure
	}
	s := &shape{query: map[string]*jq.Program{}, headers: map[string]*jq.Program{}}
	for field, source := range sources {
		program, err := jq.Compile(source)
		if err != nil {
			return nil, fmt.Errorf("%w: %s %w", destination.ErrConfig, field, err)
		}
		kind, name, _ := strings.Cut(field, ".")
		switch kind {
		case "header_programs":
			s.headers[name] = program
		case "query_programs":
			s.query[name] = program
		case "path_program":
			s.path = program
		default:
			s.body = program
		}
	}
	return s, nil
}

// shaped is what the programs made.
type shaped struct {
	url     string
	body    []byte
	headers map[string]string
}

// make runs the programs over an event. Its errors hold nothing of it.
func (s *shape) make(ctx context.Context, d webhook.Delivery, base string, body []byte) (shaped, error) {
	out := shaped{url: base, body: body, headers: map[string]string{}}
	input, err := destination.Input(d)
	if err != nil {
		return out, err
	}
	if s.path != nil {
		path, err := text(ctx, s.path, input)
		if err != nil {
			return out, fmt.Errorf("the path: %w", err)
		}
		if out.url, err = withPath(base, path); err != nil {
			return out, err
		}
	}
	if out.url, err = s.withQuery(ctx, out.url, input); err != nil {
		return out, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.headers)) {
		value, err := text(ctx, s.headers[name], input)
		if err != nil {
			return out, fmt.Errorf("the header %s: %w", name, err)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return out, fmt.Errorf("the header %s holds a control character", name)
		}
		out.headers[name] = value
	}
	if s.body == nil {
		return out, nil
	}
	value, err := s.body.Run(ctx, input)
	if err != nil {
		return out, fmt.Errorf("the body: %w", err)
	}
	if out.body, err = json.Marshal(value); err == nil && len(out.body) > maxShaped {
		err = fmt.Errorf("the body has more than %d bytes", maxShaped)
	}
	return out, err
}

// text runs a program whose result is a text.
func text(ctx context.Context, p *jq.Program, input any) (string, error) {
	value, err := p.Run(ctx, input)
	if err != nil {
		return "", err
	}
	s, isText := value.(string)
	if !isText {
		return "", fmt.Errorf("the result is no text")
	}
	return s, nil
}

// withPath puts a path in the place of that of a URL. What is not encoded (@uri) and what
// leads up or elsewhere is refused: the event may have written it.
func withPath(base, path string) (string, error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("the URL cannot be parsed")
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "\\") || len(path) > 2048 {
		return "", fmt.Errorf("the path does not begin with one /, or is longer than 2048 bytes")
	}
	for _, part := range strings.Split(path, "/")[1:] {
		plain, err := url.PathUnescape(part)
		if err != nil || plain == "." || plain == ".." || strings.ContainsFunc(part, notInPath) {
			return "", fmt.Errorf("a part of the path is not encoded with @uri, or leads up")
		}
	}
	u.RawPath, u.Path = path, ""
	if u.Path, err = url.PathUnescape(path); err != nil {
		return "", fmt.Errorf("the path cannot be read")
	}
	return u.String(), nil
}

// withQuery adds what programs make to the query of a URL, encoded, behind what is there,
// which stays as it is written. A member whose program makes null is left out.
func (s *shape) withQuery(ctx context.Context, base string, input any) (string, error) {
	if len(s.query) == 0 {
		return base, nil
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("the URL cannot be parsed")
	}
	for _, name := range slices.Sorted(maps.Keys(s.query)) {
		value, err := s.query[name].Run(ctx, input)
		if err != nil {
			return "", fmt.Errorf("the member %s of the query: %w", name, err)
		}
		if value == nil {
			continue
		}
		member, ok := jq.Text(value)
		if !ok {
			return "", fmt.Errorf("the member %s of the query is a list or an object", name)
		}
		if len(member) > maxMember {
			return "", fmt.Errorf("the member %s of the query has more than %d bytes", name, maxMember)
		}
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += encoded(name) + "=" + encoded(member)
	}
	return u.String(), nil
}

// encoded writes a text as part of a query. A space is %20, which every reader of a query
// understands.
func encoded(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// notInPath tells whether a character may not stand in a path as it is (RFC 3986, 3.3).
func notInPath(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("-._~!$&'()*+,;=:@%", r)
}
