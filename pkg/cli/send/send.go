// Package send posts payloads to the receiver, as Smartlead does.
package send

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/payload"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

type options struct {
	url, source, token, hmacSecret, requestID, encoding string
}

// New returns the command send.
func New(s *session.Session) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "send FILE…",
		Short: "Post payloads to the receiver, as Smartlead does",
		Long: `Post each file as it is and show what became of each event in it. '-' reads
stdin. With --local the demo source is used. To a deployed stack, name the source
and give its token in ` + hook.TokenVariable + `; a source with a signature takes its
secret from ` + hook.SecretVariable + `.

Sending a payload again is safe: the receiver knows the event by its identity.`,
		Example: `  smartleadctl --local send events/payloads/help/reply.json
  SMARTLEAD_TOKEN=… smartleadctl send --source acme reply.json
  smartleadctl events show ID --raw | smartleadctl --local send -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return run(cmd.Context(), s, o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.source, "source", "", "source to send as")
	f.StringVar(&o.token, "token", "", "token of the source (better: "+hook.TokenVariable+")")
	f.StringVar(&o.hmacSecret, "hmac-secret", "", "sign with this secret (better: "+hook.SecretVariable+")")
	f.StringVar(&o.requestID, "request-id", "", "X-Request-Id to send")
	f.StringVar(&o.encoding, "encoding", "", "compress the body: gzip")
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

func run(ctx context.Context, s *session.Session, o options, files []string) error {
	if o.encoding != "" && o.encoding != gzipEncoding {
		return problem.Usage("--encoding %s is none that can be sent: use gzip", o.encoding)
	}
	address, err := addressOf(ctx, s, o)
	if err != nil {
		return err
	}
	o.hmacSecret = output.OrText(o.hmacSecret, s.Getenv(hook.SecretVariable))
	t := output.NewTable("FILE", ">#", ">HTTP", "*RESULT", "@EVENT ID", "+ERROR")
	bad, refused := 0, 0
	for _, file := range files {
		body, err := payload.Read(s.In, file)
		if err != nil {
			return problem.Failed(err, "%s cannot be read", file)
		}
		results, err := post(ctx, s, o, address, file, body)
		if err != nil {
			return err
		}
		for _, r := range results {
			if r.Error != "" || r.Status != http.StatusOK {
				bad++
			}
			if (r.Error != "" || r.Status != http.StatusOK) && !r.unseen {
				refused++
			}
			if s.JSON {
				if err := s.Emit(r); err != nil {
					return err
				}
			}
			t.Add(r.File, fmt.Sprint(r.Index), fmt.Sprint(r.Status), r.Result, r.EventID, r.Error)
		}
	}
	switch {
	case s.JSON:
	case t.Len() == 0:
		s.Say("the receiver answered, and took nothing: an empty array has no event")
	default:
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	switch {
	case refused > 0:
		return problem.Failed(nil, "%s not accepted", output.Count(bad, "element was", "elements were")).
			Hint("refused requests and their causes: %s events refused", s.Self())
	case bad > 0:
		return problem.Failed(nil, "%s not accepted", output.Count(bad, "element was", "elements were"))
	}
	return nil
}

// addressOf is the URL to post to.
func addressOf(ctx context.Context, s *session.Session, o options) (string, error) {
	token := output.OrText(o.token, s.Getenv(hook.TokenVariable))
	if o.url == "" || (s.Target.Local && token == "") {
		st, err := s.Connect(ctx)
		if err != nil {
			return "", err
		}
		o.url = output.OrText(o.url, st.APIURL)
		if o.source == "" || o.source == st.Demo {
			// The variable may hold the token of another stack.
			o.source, token = output.OrText(o.source, st.Demo), output.OrText(o.token, output.OrText(st.Token, token))
		}
	}
	switch {
	case o.source == "":
		return "", problem.Usage("--source is needed").Hint("which ones there are: %s sources list", s.Self())
	case token == "":
		return "", problem.Usage("the token of source %s is needed", o.source).
			Hint("set %s; it was shown by sources add, and cannot be shown again", hook.TokenVariable).
			Hint("a new one: %s sources rotate %s", s.Self(), output.Quote(o.source))
	}
	base, err := url.Parse(o.url)
	if err != nil || base.Host == "" {
		return "", problem.Usage("--url is no http:// or https:// address")
	}
	return stack.Place{APIURL: base.Scheme + "://" + base.Host + trimSlash(base.Path)}.HookURL(o.source, token), nil
}

func trimSlash(path string) string {
	for len(path) > 0 && path[len(path)-1] == '/' {
		path = path[:len(path)-1]
	}
	return path
}

func post(ctx context.Context, s *session.Session, o options, address, file string, body []byte) ([]sent, error) {
	if o.encoding != "" { // before it is signed: a signature is over what travels
		var err error
		if body, err = compress(body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, problem.Usage("the receiver's address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	if o.encoding != "" {
		req.Header.Set("Content-Encoding", o.encoding)
	}
	if o.requestID != "" {
		req.Header.Set("X-Request-Id", o.requestID)
	}
	if o.hmacSecret != "" {
		hook.Sign(req, body, o.hmacSecret)
	}
	started := s.Now()
	status, answer, err := hook.Do(s.HTTP, req)
	if err != nil {
		e := problem.Failed(err, "%s was not sent: the receiver at %s does not answer", file, req.URL.Host)
		if s.Target.Local {
			return nil, e.Hint("start the local stack: make run")
		}
		return nil, e.Hint("see: %s doctor", s.Self())
	}
	return readAnswer(file, status, answer, s.Now().Sub(started).Milliseconds()), nil
}

// gzipEncoding is the one coding that send applies: the others come from real senders.
const gzipEncoding = "gzip"

func compress(body []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
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
		return []sent{{File: file, Status: status, Error: payload.TooLargeText, TookMS: took, unseen: true}}
	}
	if body.Results == nil {
		return []sent{{File: file, Status: status, Error: output.OrText(body.Error, fmt.Sprintf("HTTP %d", status)), TookMS: took}}
	}
	out := make([]sent, 0, len(body.Results))
	for i, r := range body.Results {
		out = append(out, sent{
			File: file, Status: status, Index: i, EventID: r.EventID, Result: r.Status, Error: r.Error, TookMS: took,
		})
	}
	return out
}
