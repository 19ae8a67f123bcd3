//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// watch stands between one function, or the operator's tool, and the engine and notes
// what it does. The engine lets everybody do everything, so that this is the only place
// where a missing right shows before the template meets AWS.
type watch struct {
	server *httptest.Server

	mu   sync.Mutex
	seen map[string]bool // "action on arn"

	refuses string // what the calls begin with that are answered as AWS does without the right
}

func newWatch(s *stack) (*watch, error) {
	target, err := url.Parse(s.engine.url())
	if err != nil {
		return nil, err
	}
	w := &watch{seen: map[string]bool{}}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	w.server = httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			answer.WriteHeader(http.StatusBadGateway)
			return
		}
		request.Body = io.NopCloser(bytes.NewReader(body))
		if !w.note(s, request, body) {
			answer.Header().Set("Content-Type", "application/x-amz-json-1.1")
			answer.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(answer, `{"__type":"AccessDeniedException","Message":"not authorized"}`)
			return
		}
		proxy.ServeHTTP(answer, request)
	}))
	return w, nil
}

// note tells whether the engine may answer.
func (w *watch) note(s *stack, request *http.Request, body []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range s.calls(request, body) {
		if w.refuses != "" && strings.HasPrefix(call, w.refuses) {
			return false
		}
		w.seen[call] = true
	}
	return true
}

func (w *watch) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.seen))
}

// rights are the statements of a role, or of a policy.
type rights struct{ Statement []statement }

type statement struct {
	Effect    string
	Action    oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]oneOrMany
}

// holds tells whether the conditions of a statement are met for a write of a partition;
// those are the only ones that a role has.
func (s statement) holds(key string) bool {
	for _, of := range s.Condition {
		for name, values := range of {
			if name != "dynamodb:LeadingKeys" || !slices.ContainsFunc(values, func(v string) bool {
				prefix, open := strings.CutSuffix(v, "*")
				return v == key || open && strings.HasPrefix(key, prefix)
			}) {
				return false
			}
		}
	}
	return true
}

// oneOrMany is a text or a list of texts.
type oneOrMany []string

// UnmarshalJSON reads either form.
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*o = many
		return nil
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*o = oneOrMany{one}
	return nil
}

// allow tells whether a role allows "action on arn", or "action on arn with key". A * at
// the end of a resource stands for any rest; neither the template nor a policy uses it
// elsewhere.
func (r rights) allow(called string) (allowed bool) {
	action, arn, _ := strings.Cut(called, " on ")
	arn, key, _ := strings.Cut(arn, " with ")
	for _, s := range r.Statement {
		if !slices.Contains(s.Action, action) || !s.holds(key) {
			continue
		}
		for _, resource := range s.Resource {
			prefix, open := strings.CutSuffix(resource, "*")
			if resource != arn && (!open || !strings.HasPrefix(arn, prefix)) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

// unused returns the rights, as "action on arn", that no call needed.
func (r rights) unused(calls []string) []string {
	var idle []string
	for _, s := range r.Statement {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				one := rights{Statement: []statement{{Effect: s.Effect, Action: oneOrMany{action}, Resource: oneOrMany{resource}}}}
				if !slices.ContainsFunc(calls, one.allow) {
					idle = append(idle, action+" on "+resource)
				}
			}
		}
	}
	return idle
}

// rightsOf reads the deployed role's policies of those names, names of resources filled in.
func (s *stack) rightsOf(ctx context.Context, role string, policies ...string) (all rights, err error) {
	for _, policy := range policies {
		r, err := s.rightsBy(ctx, role, policy)
		if err != nil {
			return rights{}, err
		}
		all.Statement = append(all.Statement, r.Statement...)
	}
	return all, nil
}

func (s *stack) rightsBy(ctx context.Context, role, policy string) (rights, error) {
	query := url.Values{"Action": {"GetRolePolicy"}, "Version": {"2010-05-08"}, "RoleName": {role}, "PolicyName": {policy}}
	answer, err := s.service(ctx, "iam", http.MethodPost, "/?"+query.Encode(), nil)
	if err != nil {
		return rights{}, err
	}
	var got struct {
		Document string `xml:"GetRolePolicyResult>PolicyDocument"`
	}
	if err := xml.Unmarshal(answer, &got); err != nil {
		return rights{}, err
	}
	document, err := url.QueryUnescape(got.Document)
	if err != nil {
		return rights{}, err
	}
	var r rights
	if err := json.Unmarshal([]byte(document), &r); err != nil {
		return rights{}, fmt.Errorf("policy of %s: %w: %s", role, err, document)
	}
	return r, nil
}
