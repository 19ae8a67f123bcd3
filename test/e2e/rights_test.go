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

// watch stands between one function and the engine and notes what the function
// does. The engine lets everybody do everything, so that this is the only place
// where a missing right shows before the template meets AWS.
type watch struct {
	server *httptest.Server

	mu   sync.Mutex
	seen map[string]bool // "action on arn"
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
		w.note(s, request, body)
		proxy.ServeHTTP(answer, request)
	}))
	return w, nil
}

func (w *watch) note(s *stack, request *http.Request, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, call := range s.calls(request, body) {
		w.seen[call] = true
	}
}

func (w *watch) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.seen))
}

// call is what the JSON protocols tell about a request.
type call struct {
	TableName    string
	IndexName    string
	RequestItems map[string]any
	QueueURL     string `json:"QueueUrl"`
	Path         string
}

// calls returns what a request needs the right to do, as "action on arn".
func (s *stack) calls(request *http.Request, body []byte) []string {
	service, action, ok := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	if !ok {
		return s.objectCalls(request)
	}
	var c call
	if err := json.Unmarshal(body, &c); err != nil {
		return []string{"unreadable " + service + "." + action}
	}
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		for table := range c.RequestItems {
			c.TableName = table
		}
		arn := "arn:aws:dynamodb:" + region + ":000000000000:table/" + c.TableName
		if c.IndexName != "" {
			arn += "/index/" + c.IndexName
		}
		return []string{"dynamodb:" + action + " on " + arn}
	case service == "AmazonSQS":
		queue := c.QueueURL[strings.LastIndexByte(c.QueueURL, '/')+1:]
		return []string{"sqs:" + strings.TrimSuffix(action, "Batch") + " on arn:aws:sqs:" + region + ":000000000000:" + queue}
	case service == "AmazonSSM":
		return []string{"ssm:" + action + " on arn:aws:ssm:" + region + ":000000000000:parameter" + strings.TrimSuffix(c.Path, "/")}
	}
	return []string{service + "." + action + " on ?"}
}

func (s *stack) objectCalls(request *http.Request) []string {
	object := " on arn:aws:s3:::" + strings.TrimPrefix(request.URL.Path, "/")
	var actions []string
	switch request.Method {
	case http.MethodGet, http.MethodHead:
		actions = append(actions, "s3:GetObject"+object)
	case http.MethodPut:
		actions = append(actions, "s3:PutObject"+object)
	default:
		actions = append(actions, "s3:"+request.Method+object)
	}
	if source, err := url.PathUnescape(request.Header.Get("X-Amz-Copy-Source")); err == nil && source != "" {
		actions = append(actions, "s3:GetObject on arn:aws:s3:::"+strings.TrimPrefix(source, "/"))
	}
	if request.Header.Get("X-Amz-Tagging") != "" {
		actions = append(actions, "s3:PutObjectTagging"+object)
	}
	return actions
}

// rights are the statements of a role.
type rights struct {
	Statement []struct {
		Effect   string
		Action   oneOrMany
		Resource oneOrMany
	}
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

// allow tells whether a role allows "action on arn". A * at the end of a
// resource stands for any rest; the template uses it nowhere else.
func (r rights) allow(called string) bool {
	action, arn, _ := strings.Cut(called, " on ")
	for _, s := range r.Statement {
		if s.Effect != "Allow" || !slices.Contains(s.Action, action) {
			continue
		}
		for _, resource := range s.Resource {
			prefix, open := strings.CutSuffix(resource, "*")
			if resource == arn || open && strings.HasPrefix(arn, prefix) {
				return true
			}
		}
	}
	return false
}

// rightsOf reads the deployed role's one policy, names filled in.
func (s *stack) rightsOf(ctx context.Context, role, policy string) (rights, error) {
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
