package checks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"smartlead-receiver/pkg/cli/hook"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

func checkStack(_ context.Context, s Asker, st *stack.Stack) Finding {
	if s.Local {
		return fine("local, %s", st.APIURL)
	}
	return fine("%s in %s, %s", s.Stack, st.Region, st.APIURL)
}

func checkLedger(ctx context.Context, s Asker, st *stack.Stack) Finding {
	page, err := st.Ledger.List(ctx, ledger.Query{Limit: 1, Now: s.Now()})
	if err != nil {
		return silent(s, err, "the table")
	}
	// The one index that no other check asks.
	if _, err := st.Ledger.List(ctx, ledger.Query{Lead: "nobody@example.invalid", Limit: 1, Now: s.Now()}); err != nil {
		return silent(s, err, "the table's indexes")
	}
	if len(page.Records) == 0 {
		return noted("send one: "+s.Self+" send FILE", "table %s answers; no event in the last 31 days", st.TableName)
	}
	return fine("table %s answers; the latest event came %s", st.TableName, s.Ago(page.Records[0].ReceivedAt))
}

// busy is a depth of the live queue at which events wait for workers.
const busy = 1000

func checkQueues(ctx context.Context, s Asker, st *stack.Stack) Finding {
	live, replay, dead, err := st.Queues.Depths(ctx)
	if err != nil {
		return silent(s, err, "the queues")
	}
	text := fmt.Sprintf("live %s, replay %s, dead letters %s",
		output.Thousands(live.Total()), output.Thousands(replay.Total()), output.Thousands(dead.Total()))
	if live.Waiting > busy {
		return noted("see whether the worker runs, and what its destinations answer: "+s.Self+" events list --state pending",
			"%s: events wait for the worker", text)
	}
	return fine("%s", text)
}

func checkSources(ctx context.Context, s Asker, st *stack.Stack) Finding {
	entries, err := st.Sources.List(ctx)
	if err != nil {
		return silent(s, err, "the table, and the parameters below "+st.ParameterPrefix)
	}
	synced, err := st.Sources.Synced(ctx)
	if err != nil {
		return silent(s, err, "the bucket "+st.Bucket)
	}
	var unreadable []string
	for _, e := range entries {
		if e.Err != nil {
			unreadable = append(unreadable, e.Name)
		}
	}
	switch {
	case len(entries) == 0:
		return broken("add one: "+s.Self+" sources add NAME", "there is no source: every request gets 401")
	case len(unreadable) > 0:
		return broken("see why: "+s.Self+" sources list", "cannot be opened here: %s", strings.Join(unreadable, ", "))
	}
	if !synced {
		return broken("write it anew: "+s.Self+" sources list", "the copy of the sources that serves while the table is down is older than the table")
	}
	return fine("%s", output.Count(len(entries), "source", "sources"))
}

func checkDestinations(ctx context.Context, s Asker, st *stack.Stack) Finding {
	entries, err := st.Destinations.List(ctx)
	if err != nil {
		return silent(s, err, "the parameters below "+st.ParameterPrefix)
	}
	var unusable []string
	for _, e := range entries {
		if _, err := registry.Types.Parse(e.Value); err != nil {
			unusable = append(unusable, e.Name)
		}
	}
	switch {
	case len(unusable) > 0:
		return broken("see why: "+s.Self+" destinations list", "broken, so their events are retried and die: %s", strings.Join(unusable, ", "))
	case len(entries) > 0:
		if halted := haltedOf(ctx, st, entries); halted != "" {
			return noted("see "+s.Self+" destinations list; then: "+s.Self+" destinations resume NAME", "their events wait: %s", halted)
		}
	default:
		return noted("add one: "+s.Self+" destinations add NAME --url URL", "none: events are written to the worker's log")
	}
	return fine("%s", output.Count(len(entries), "destination", "destinations"))
}

// haltedOf names the destinations that are sent nothing. Where that cannot be read,
// other findings say so.
func haltedOf(ctx context.Context, st *stack.Stack, entries []sourcestore.Entry) string {
	states, err := gate.List(ctx, st.Ledger)
	if err != nil {
		return ""
	}
	var halted []string
	for _, e := range entries {
		name := e.Name
		switch state := states[name]; {
		case !state.Paused.IsZero():
			halted = append(halted, fmt.Sprintf("%s is paused since %s by %s", name, output.Stamp(state.Paused), output.Clean(state.PausedBy)))
		case state.Open:
			halted = append(halted, fmt.Sprintf("%s fails, and its breaker is open since %s (%s)", name, output.Stamp(state.Since), output.Clean(state.Cause)))
		}
	}
	return strings.Join(halted, "; ")
}

func checkURL(ctx context.Context, s Asker, st *stack.Stack) Finding {
	if s.Source != "" {
		if err := st.Sources.Exists(ctx, s.Source); errors.Is(err, sourcestore.ErrNotFound) {
			return broken("which there are: "+s.Self+" sources list", "there is no source %s", s.Source)
		}
	}
	source, token := urlOf(s, st)
	if source == "" || token == "" {
		return noted("check one: "+hook.TokenVariable+"=… "+s.Self+" doctor --source NAME", "not checked: %s", notGiven(source, token))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, st.HookURL(source, token), nil)
	if err != nil {
		return broken("deploy the stack anew", "the receiver's address %s cannot be used", st.APIURL)
	}
	started := s.Now()
	status, answer, err := hook.Do(s.HTTP, req)
	took := output.Span(s.Now().Sub(started))
	switch {
	case err != nil:
		if s.Local {
			return broken("start the local stack: make run", "%s does not answer: %v", req.URL.Host, err)
		}
		return broken("is the receiver deployed, and reachable from here?", "%s does not answer: %v", req.URL.Host, err)
	case status == http.StatusOK && strings.Contains(string(answer), `"ready"`):
		return fine("source %s is ready, answered in %s", source, took)
	case status == http.StatusUnauthorized:
		return broken("a new token: "+s.Self+" sources rotate "+output.Quote(source), "source %s: the token is wrong", source)
	}
	return broken("see the receiver's log", "source %s: HTTP %d after %s", source, status, took)
}
