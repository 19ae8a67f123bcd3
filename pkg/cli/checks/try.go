package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

const (
	// tryEvery is between two looks at the test event, and tryFor the time that it has.
	tryEvery = 500 * time.Millisecond
	tryFor   = time.Minute
)

// Try posts a test event to the webhook URL of the asker's source, and waits until it has
// gone the whole way: it is a finding of the check "test event". Destinations get it, with
// the flag test_event; it stays as such an event. The secret signs it, if there is one.
func Try(ctx context.Context, s Asker, st *stack.Stack, secret string, sleep func(context.Context, time.Duration)) Finding {
	f := try(ctx, s, st, secret, sleep)
	f.Check = "test event"
	return f
}

func try(ctx context.Context, s Asker, st *stack.Stack, secret string, sleep func(context.Context, time.Duration)) Finding {
	started := s.Now()
	id, fault := postTest(ctx, s, st, secret, started)
	if fault != nil {
		return *fault
	}
	show := "see why: " + s.Self + " events show " + string(id)
	for {
		r, err := st.Ledger.Get(ctx, id)
		took := s.Now().Sub(started)
		switch {
		case err != nil && !errors.Is(err, webhook.ErrNotFound): // until a worker has claimed it, there is none
			return silent(s, err, "the table")
		case err == nil && r.Finished():
			return settled(r, show, took)
		case ctx.Err() != nil || took >= tryFor:
			return broken(show, "%s was accepted and is not settled after %s", id, output.Span(took))
		}
		sleep(ctx, tryEvery)
	}
}

// settled says what became of the test event.
func settled(r webhook.Record, show string, took time.Duration) Finding {
	var names []string
	for _, p := range r.Destinations {
		if p.Result == webhook.ResultDelivered {
			names = append(names, p.Name)
		}
	}
	switch {
	case r.State == webhook.Delivered && len(names) == 0: // they are not named where there is but the log
		return fine("received, kept, queued and delivered in %s", output.Span(took))
	case r.State == webhook.Delivered:
		return fine("received, kept, queued and delivered to %s in %s", strings.Join(names, ", "), output.Span(took))
	case r.State == webhook.Unrouted:
		return noted("add one, or see what the filters want: smartleadctl destinations list", "received, kept and queued in %s; no destination wants it", output.Span(took))
	}
	return broken(show, "received, kept and queued; then %s: %s", r.State, output.Clean(r.ErrorClass))
}

// postTest sends the event. It returns its id, or what is wrong.
func postTest(ctx context.Context, s Asker, st *stack.Stack, secret string, now time.Time) (webhook.EventID, *Finding) {
	wrong := func(f Finding) (webhook.EventID, *Finding) { return "", &f }
	source, token := urlOf(s, st)
	if source == "" || token == "" {
		return wrong(broken(hook.TokenVariable+"=… "+s.Self+" doctor --try --source NAME", "not sent: %s", notGiven(source, token)))
	}
	body, err := json.Marshal(map[string]any{
		"event_type": string(webhook.EmailOpen), "secret_key": "secretkey", "campaign_id": 0, "campaign_name": "smartleadctl doctor",
		"stats_id": fmt.Sprintf("doctor-%d", now.UnixNano()), "to_email": "doctor@example.invalid", "event_timestamp": now.UTC().Format(time.RFC3339Nano),
	})
	if err != nil {
		return wrong(broken("report this", "the test event cannot be written: %v", err))
	}
	status, answer, err := hook.Post(ctx, s.HTTP, st.HookURL(source, token), body, secret)
	if err != nil {
		return wrong(broken("is the receiver reachable from here?", "not sent: %v", err))
	}
	var read struct {
		Results []struct {
			EventID webhook.EventID `json:"event_id"`
			Status  string          `json:"status"`
		} `json:"results"`
	}
	if status != http.StatusOK || json.Unmarshal(answer, &read) != nil || len(read.Results) != 1 || read.Results[0].Status != "accepted" {
		return wrong(broken("see why: "+s.Self+" events refused; a source that asks for a signature needs "+hook.SecretVariable, "source %s: HTTP %d, not accepted", source, status))
	}
	return read.Results[0].EventID, nil
}

// urlOf is which source's URL is checked, and with which token: the variable may hold the
// token of another stack.
func urlOf(s Asker, st *stack.Stack) (source, token string) {
	source, token = output.OrText(s.Source, st.Demo), output.OrText(s.Token, s.UsualToken)
	if source == st.Demo {
		token = output.OrText(s.Token, output.OrText(st.Token, token))
	}
	return source, token
}

// notGiven says what is missing of a webhook URL.
func notGiven(source, token string) string {
	switch {
	case source != "":
		return "no token of source " + source + " was given"
	case token != "":
		return "no source was given"
	}
	return "no source and token were given"
}
