package cli

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// The variables that hold secrets, so that none stands in a process listing.
const (
	tokenVariable = "SMARTLEAD_TOKEN"
	hmacVariable  = "SMARTLEAD_HMAC_SECRET"
)

type sendOptions struct {
	url, source, token, hmacSecret, requestID string
}

func (p *program) sendCmd() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send FILE…",
		Short: "Post payloads to the receiver, as Smartlead does",
		Long: `Post each file as it is and show what became of each event in it. '-' reads
stdin. With --local the demo source is used. To a deployed stack, name the source
and give its token in ` + tokenVariable + `; a source with a signature takes its
secret from ` + hmacVariable + `.

Sending a payload again is safe: the receiver knows the event by its identity.`,
		Example: `  smartleadctl --local send events/payloads/help/reply.json
  SMARTLEAD_TOKEN=… smartleadctl send --source acme reply.json
  smartleadctl events show ID --raw | smartleadctl --local send -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.send(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.source, "source", "", "source to send as")
	f.StringVar(&o.token, "token", "", "token of the source (better: "+tokenVariable+")")
	f.StringVar(&o.hmacSecret, "hmac-secret", "", "sign with this secret (better: "+hmacVariable+")")
	f.StringVar(&o.requestID, "request-id", "", "X-Request-Id to send")
	f.StringVar(&o.url, "url", "", "address of the receiver, without /webhooks (default: the stack's)")
	return cmd
}

// sent is what became of one element of one file.
type sent struct {
	File    string `json:"file"`
	Status  int    `json:"http_status"`
	Index   int    `json:"index"`
	EventID string `json:"event_id,omitempty"`
	Result  string `json:"status,omitempty"`
	Error   string `json:"error,omitempty"`
	TookMS  int64  `json:"took_ms"`
	unseen  bool   // the receiver did not see it, so that it notes no refusal
}

func (p *program) send(ctx context.Context, o sendOptions, files []string) error {
	hook, err := p.hook(ctx, o)
	if err != nil {
		return err
	}
	o.hmacSecret = orText(o.hmacSecret, p.Getenv(hmacVariable))
	t := newTable("FILE", ">#", ">HTTP", "RESULT", "EVENT ID", "~ERROR")
	bad, whole := 0, 0
	for _, file := range files {
		body, err := p.read(file)
		if err != nil {
			return failed(err, "%s cannot be read", file)
		}
		results, err := p.post(ctx, o, hook, file, body)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Error != "" || r.Status != http.StatusOK {
				bad++
			}
			if r.Status != http.StatusOK && !r.unseen {
				whole++
			}
			if p.json {
				if err := p.emit(r); err != nil {
					return err
				}
			}
			t.add(r.File, fmt.Sprint(r.Index), fmt.Sprint(r.Status), r.Result, r.EventID, r.Error)
		}
	}
	if !p.json {
		if err := p.print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case whole > 0:
		return failed(nil, "%s not accepted", count(bad, "element was", "elements were")).
			hint("refused requests and their causes: %s events refused", p.self())
	case bad > 0:
		return failed(nil, "%s not accepted", count(bad, "element was", "elements were"))
	}
	return nil
}

// hook is the URL to post to.
func (p *program) hook(ctx context.Context, o sendOptions) (string, error) {
	token := orText(o.token, p.Getenv(tokenVariable))
	if o.url == "" || (p.target.local && token == "") {
		s, err := p.connected(ctx)
		if err != nil {
			return "", err
		}
		o.url = orText(o.url, s.APIURL)
		if o.source == "" || o.source == s.Demo {
			// The variable may hold the token of another stack.
			o.source, token = orText(o.source, s.Demo), orText(o.token, orText(s.Token, token))
		}
	}
	switch {
	case o.source == "":
		return "", usage("--source is needed").hint("which ones there are: %s sources list", p.self())
	case token == "":
		return "", usage("the token of source %s is needed", o.source).
			hint("set %s; it was shown by sources add, and cannot be shown again", tokenVariable).
			hint("a new one: %s sources rotate %s", p.self(), quote(o.source))
	}
	base, err := url.Parse(o.url)
	if err != nil || base.Host == "" {
		return "", usage("--url is no http:// or https:// address")
	}
	return Place{APIURL: base.Scheme + "://" + base.Host + trimSlash(base.Path)}.HookURL(o.source, token), nil
}

func trimSlash(path string) string {
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

// sendTimeout is that of API Gateway.
const sendTimeout = 30 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

func (p *program) post(ctx context.Context, o sendOptions, hook, file string, body []byte) ([]sent, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook, bytes.NewReader(body))
	if err != nil {
		return nil, usage("the receiver's address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	if o.requestID != "" {
		req.Header.Set("X-Request-Id", o.requestID)
	}
	if o.hmacSecret != "" {
		mac := hmac.New(sha256.New, []byte(o.hmacSecret))
		mac.Write(body)
		req.Header.Set("X-Smartlead-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	started := p.Now()
	status, answer, err := p.roundTrip(req)
	if err != nil {
		e := failed(err, "%s was not sent: the receiver at %s does not answer", file, req.URL.Host)
		if p.target.local {
			return nil, e.hint("start the local stack: make run")
		}
		return nil, e.hint("see: %s doctor", p.self())
	}
	return readAnswer(file, status, answer, p.Now().Sub(started).Milliseconds()), nil
}

// roundTrip never returns an error that names the URL, which holds the token.
func (p *program) roundTrip(req *http.Request) (int, []byte, error) {
	client := &http.Client{
		Transport: p.HTTP, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, answer, err
}

func readAnswer(file string, status int, answer []byte, took int64) []sent {
	var body struct {
		Results []struct {
			EventID string `json:"event_id"`
			Status  string `json:"status"`
			Error   string `json:"error"`
		} `json:"results"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer, &body); err != nil {
		return []sent{{File: file, Status: status, Error: "the answer is not the receiver's: is the address right?", TookMS: took}}
	}
	if body.Results == nil && body.Error == "" && status == http.StatusRequestEntityTooLarge { // the gateway's answer
		return []sent{{File: file, Status: status, Error: tooLargeText, TookMS: took, unseen: true}}
	}
	if body.Results == nil {
		return []sent{{File: file, Status: status, Error: orText(body.Error, fmt.Sprintf("HTTP %d", status)), TookMS: took}}
	}
	out := make([]sent, 0, len(body.Results))
	for i, r := range body.Results {
		out = append(out, sent{
			File: file, Status: status, Index: i, EventID: r.EventID, Result: r.Status, Error: r.Error, TookMS: took,
		})
	}
	return out
}
