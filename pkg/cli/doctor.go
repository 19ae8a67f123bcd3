package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/redrive"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

type doctorOptions struct {
	source, token string
}

func (p *program) doctorCmd() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check every part of the receiver, and say what to fix",
		Long: `Check every part of the receiver: stack, ledger, queues, sources, destinations, the
webhook URL from outside (with --source and a token), what is overdue, what is
dead, held or parked. It changes nothing. Exit code 1 when a check fails.`,
		Example: `  smartleadctl doctor
  SMARTLEAD_TOKEN=… smartleadctl doctor --source acme`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.doctor(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.source, "source", "", "check the webhook URL of this source")
	cmd.Flags().StringVar(&o.token, "token", "", "token of the source (better: "+tokenVariable+")")
	return cmd
}

// finding is the outcome of one check.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, note, bad
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`
}

func fine(format string, args ...any) finding {
	return finding{Result: "ok", Detail: fmt.Sprintf(format, args...)}
}

func noted(next, format string, args ...any) finding {
	return finding{Result: "note", Detail: fmt.Sprintf(format, args...), Next: next}
}

func broken(next, format string, args ...any) finding {
	return finding{Result: "bad", Detail: fmt.Sprintf(format, args...), Next: next}
}

// silent is the finding of a part that does not answer, or refuses.
func (p *program) silent(err error, what string) finding {
	switch {
	case p.target.local:
		return broken("start the local stack: make run", "%s", words(err))
	case denied(err):
		return broken("your credentials lack rights on "+what, "%s", words(err))
	}
	return broken("is "+what+" there, and reachable from here?", "%s", words(err))
}

type check struct {
	name string
	run  func(context.Context, *Stack) finding
}

// checkTimeout bounds one check, so that one silent part does not hide the
// others.
const checkTimeout = 15 * time.Second

func (p *program) doctor(ctx context.Context, o doctorOptions) error {
	if err := auth.ValidateName(o.source); o.source != "" && err != nil {
		return usage("--source %s: %v", o.source, err)
	}
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	checks := []check{
		{"stack", p.checkStack},
		{"ledger", p.checkLedger},
		{"queues", p.checkQueues},
		{"sources", p.checkSources},
		{"destinations", p.checkDestinations},
		{"webhook URL", func(ctx context.Context, s *Stack) finding { return p.checkURL(ctx, s, o) }},
		{"sweeper", p.checkDue},
		{"dead events", p.checkDead},
		{"held events", p.checkHeld},
		{"parked events", p.checkParked},
		{"redrive", p.checkRedrive},
		{"refused today", p.checkRefused},
	}
	t := newTable("CHECK", "RESULT", "DETAIL")
	var next []string
	said := map[string]bool{}
	bad := 0
	for _, c := range checks {
		within, cancel := context.WithTimeout(ctx, checkTimeout)
		f := c.run(within, s)
		cancel()
		f.Check = c.name
		if f.Result == "bad" {
			bad++
		}
		if p.json {
			if err := p.emit(f); err != nil {
				return err
			}
			continue
		}
		t.add(f.Check, f.Result, f.Detail)
		if f.Next != "" && !said[f.Next] {
			said[f.Next] = true
			next = append(next, f.Check+": "+f.Next)
		}
	}
	if !p.json {
		if err := p.print(t, ""); err != nil {
			return err
		}
		p.printNext(next)
	}
	if bad > 0 {
		return failed(nil, "%s failed", count(bad, "check", "checks"))
	}
	return nil
}

func (p *program) printNext(next []string) {
	if len(next) > 0 {
		p.line("")
		p.line("What to do next")
	}
	for _, n := range next {
		p.line("  %s", n)
	}
}

func (p *program) checkStack(_ context.Context, s *Stack) finding {
	if p.target.local {
		return fine("local, %s", s.APIURL)
	}
	return fine("%s in %s, %s", p.target.stack, s.Region, s.APIURL)
}

func (p *program) checkLedger(ctx context.Context, s *Stack) finding {
	page, err := s.Ledger.List(ctx, ledger.Query{Limit: 1, Now: p.Now()})
	switch {
	case err != nil:
		return p.silent(err, "the table")
	case len(page.Records) == 0:
		return noted("send one: "+p.self()+" send FILE", "table %s answers; no event in the last 31 days", s.TableName)
	}
	return fine("table %s answers; the latest event came %s", s.TableName, p.ago(page.Records[0].ReceivedAt))
}

// busy is a depth of the live queue at which events wait for workers.
const busy = 1000

func (p *program) checkQueues(ctx context.Context, s *Stack) finding {
	live, replay, dead, err := s.Queues.Depths(ctx)
	if err != nil {
		return p.silent(err, "the queues")
	}
	text := fmt.Sprintf("live %s, replay %s, dead letters %s",
		thousands(depth(live)), thousands(depth(replay)), thousands(depth(dead)))
	if live.Waiting > busy {
		return noted("see whether the worker runs, and what its destinations answer: "+p.self()+" events list --state pending",
			"%s: events wait for the worker", text)
	}
	return fine("%s", text)
}

func (p *program) checkSources(ctx context.Context, s *Stack) finding {
	entries, err := s.Store.List(ctx, sourcestore.Sources)
	if err != nil {
		return p.silent(err, "the parameters below "+s.ParameterPrefix)
	}
	var unreadable []string
	for _, e := range entries {
		if _, err := auth.ParseSource(e.Name, e.Value); err != nil {
			unreadable = append(unreadable, e.Name)
		}
	}
	switch {
	case len(entries) == 0:
		return broken("add one: "+p.self()+" sources add NAME", "there is no source: every request gets 401")
	case len(unreadable) > 0:
		return broken("see why: "+p.self()+" sources list", "cannot be read, so requests get 503: %s", strings.Join(unreadable, ", "))
	}
	return fine("%s", count(len(entries), "source", "sources"))
}

func (p *program) checkDestinations(ctx context.Context, s *Stack) finding {
	entries, err := s.Store.List(ctx, sourcestore.Destinations)
	if err != nil {
		return p.silent(err, "the parameters below "+s.ParameterPrefix)
	}
	var unusable []string
	for _, e := range entries {
		if _, err := registry.Types.Parse(e.Value); err != nil {
			unusable = append(unusable, e.Name)
		}
	}
	switch {
	case len(unusable) > 0:
		return broken("see why: "+p.self()+" destinations list", "broken, so their events are retried and die: %s", strings.Join(unusable, ", "))
	case len(entries) == 0:
		return noted("add one: "+p.self()+" destinations add NAME --url URL", "none: events are written to the worker's log")
	}
	return fine("%s", count(len(entries), "destination", "destinations"))
}

func (p *program) checkURL(ctx context.Context, s *Stack, o doctorOptions) finding {
	if o.source != "" {
		_, err := s.Store.Get(ctx, sourcestore.Sources, o.source)
		if errors.Is(err, sourcestore.ErrNotFound) {
			return broken("which there are: "+p.self()+" sources list", "there is no source %s", o.source)
		}
	}
	source, token := orText(o.source, s.Demo), orText(o.token, p.Getenv(tokenVariable))
	if source == s.Demo { // the variable may hold the token of another stack
		token = orText(o.token, orText(s.Token, token))
	}
	if source == "" || token == "" {
		return noted("check one: "+tokenVariable+"=… "+p.self()+" doctor --source NAME", "not checked: no source and token were given")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.HookURL(source, token), nil)
	if err != nil {
		return broken("deploy the stack anew", "the receiver's address %s cannot be used", s.APIURL)
	}
	started := p.Now()
	status, answer, err := p.roundTrip(req)
	took := span(p.Now().Sub(started))
	switch {
	case err != nil:
		if p.target.local {
			return broken("start the local stack: make run", "%s does not answer: %v", req.URL.Host, err)
		}
		return broken("is the receiver deployed, and reachable from here?", "%s does not answer: %v", req.URL.Host, err)
	case status == http.StatusOK && strings.Contains(string(answer), `"ready"`):
		return fine("source %s is ready, answered in %s", source, took)
	case status == http.StatusUnauthorized:
		return broken("a new token: "+p.self()+" sources rotate "+quote(source), "source %s: the token is wrong", source)
	}
	return broken("see the receiver's log", "source %s: HTTP %d after %s", source, status, took)
}

// checkDue looks for what the sweeper should have sent. Nothing overdue means
// that it runs, or that nothing needed it.
func (p *program) checkDue(ctx context.Context, s *Stack) finding {
	now := p.Now()
	overdue := 0
	var oldest time.Time
	for shard := range ledger.DueShards {
		ids, _, err := s.Ledger.Due(ctx, shard, now.Add(-patience), "", 100)
		if err != nil {
			return p.silent(err, "the table's indexes")
		}
		records, err := s.Ledger.GetMany(ctx, ids)
		if err != nil {
			return p.silent(err, "the table")
		}
		for _, r := range records { // the index may be older than the events
			if !p.overdue(r) {
				continue
			}
			overdue++
			if oldest.IsZero() || r.DueAt.Before(oldest) {
				oldest = r.DueAt
			}
		}
	}
	if overdue > 0 {
		return broken("see the sweeper's log; it must run every minute. The events are safe: it sends them when it runs again",
			"%s overdue, the oldest since %s: the sweeper does not run, or cannot keep up",
			count(overdue, "event is", "events are"), p.ago(oldest))
	}
	return fine("nothing is overdue")
}

// maxDead bounds the dead events that the check counts.
const maxDead = 1000

func (p *program) checkDead(ctx context.Context, s *Stack) finding {
	page, err := s.Ledger.List(ctx, ledger.Query{Dead: true, Limit: maxDead, Oldest: true, Now: p.Now()})
	if err != nil {
		return p.silent(err, "the table's indexes")
	}
	_, _, dead, err := s.Queues.Depths(ctx)
	if err != nil {
		return p.silent(err, "the queues")
	}
	events, deadLetters := len(page.Records), depth(dead)
	look := "see why: " + p.self() + " dlq list"
	text := fmt.Sprintf("%s, about %s", count(events, "dead event", "dead events"), count(deadLetters, "dead letter", "dead letters"))
	balance := redrive.Weigh(page.Records, deadLetters)
	switch {
	case balance == redrive.NothingDead:
		return fine("none")
	case page.Next != "":
		return noted(look, "more than %s dead events, about %s", thousands(maxDead), count(deadLetters, "dead letter", "dead letters"))
	case balance == redrive.Surplus:
		return noted(look, "%s: some dead letters are stale, unclaimed or foreign; the redrive function clears what is stale", text)
	case balance == redrive.Shortfall:
		return noted(look+". A replay and our redrive need no dead letter", "%s: some dead letters expired or were purged", text)
	}
	return noted(look, "%s", text)
}

func (p *program) checkRedrive(ctx context.Context, s *Stack) finding {
	job, err := s.Redrive.Status(ctx)
	switch {
	case errors.Is(err, redrive.ErrNoJob):
		return fine("none was ever started")
	case err != nil:
		return p.silent(err, "the table")
	case job.State.Active() && p.Now().Sub(job.UpdatedAt) > stalled:
		return broken("see the redrive function's log; it must run every minute",
			"running, but nothing moved for %s", span(p.Now().Sub(job.UpdatedAt)))
	case !job.State.Final():
		return noted(p.self()+" redrive status --watch", "%s: %s", job.State, job.Reason)
	}
	return fine("the latest ended %s: %s", p.ago(job.EndedAt), job.State)
}

func (p *program) checkRefused(ctx context.Context, s *Stack) finding {
	list, err := s.Ledger.RejectedRequests(ctx, p.Now(), 100)
	switch {
	case err != nil:
		return p.silent(err, "the table")
	case len(list) == 0:
		return fine("none")
	}
	number := fmt.Sprint(len(list))
	if len(list) == 100 {
		number = "100 or more"
	}
	return noted("see why: "+p.self()+" events refused", "%s, the latest %s: %s", number, p.ago(list[0].At), latestCause(list))
}

func latestCause(list []webhook.RejectedRequest) string {
	if list[0].Source == "" {
		return list[0].Cause
	}
	return list[0].Cause + " at source " + list[0].Source
}
