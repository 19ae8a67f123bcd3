// Package comparing compares what arrived with what Smartlead says happened, and repairs
// what is missing, for whoever asks: the command line and the console alike.
package comparing

import (
	"context"
	"slices"
	"time"

	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/smartleadkey"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/stack"
)

// Inbox is how what belongs to no campaign is called.
const Inbox = "master inbox"

// Types are what can be compared.
var Types = slices.Concat(reconcile.Types, reconcile.FurtherTypes)

// Defaults of the options, as they are typed.
const (
	DefaultSince   = "7d"
	DefaultLag     = "10h"
	DefaultThreads = 100
)

// Options are what is compared, as it was typed. An error about one names it as the
// command line does.
type Options struct {
	Campaigns    []string // ids; none: all but drafts and archived ones
	Since, Until string   // of the mails that were sent; Until may be empty
	Types        []string // none: all that cost no further calls
	Lag          string   // how long after a fact its event may come
	Deep         bool     // also what costs calls of its own
	Threads      int      // with Deep: leads whose message history is read at most
}

// Request is what is compared.
func (o Options) Request(now time.Time) (reconcile.Request, error) {
	var r reconcile.Request
	var err error
	if r.Window, err = WindowOf(o.Since, o.Until, now); err != nil {
		return r, err
	}
	if r.Lag, err = filter.ParseSpan(o.Lag); err != nil || r.Lag <= 0 {
		return r, problem.Usage("--lag %s is no length of time, such as 10h", output.Plain(o.Lag))
	}
	for _, name := range o.Types {
		typ, err := filter.ParseType(name)
		if err != nil {
			return r, err
		}
		if !slices.Contains(Types, typ) {
			return r, problem.Usage("Smartlead tells nothing of %s that could be compared", typ).Hint("one of: %s", output.Join(Types))
		}
		r.Types = append(r.Types, typ)
	}
	if o.Threads < 0 {
		return r, problem.Usage("--threads is at least 0")
	}
	if o.Deep {
		r.Threads, r.Counts = o.Threads, true
		if r.Types == nil {
			r.Types = Types
		}
	}
	return r, nil
}

// WindowOf is the time between two that were typed; without until, that up to now.
func WindowOf(since, until string, now time.Time) (w smartleadapi.Window, err error) {
	if w.Since, err = filter.ParseTime("--since", since, now); err != nil {
		return w, err
	}
	if w.Until, err = filter.ParseTime("--until", until, now); err != nil {
		return w, err
	}
	if w.Until.IsZero() {
		w.Until = now.UTC()
	}
	if !w.Since.Before(w.Until) {
		return w, problem.Usage("--since is not before --until")
	}
	return w, nil
}

// Watch hears how far a comparison or a repair is. It need not be safe for concurrent use.
type Watch interface {
	Doing(what string) // begins a part; empty: nothing is under way
	Add(n int)         // parts of it that are done
	Say(line string)   // a warning
}

// Tool is a person's tool, which has connected.
type Tool struct {
	Stack  *stack.Stack
	Client *smartleadapi.Client
	Now    func() time.Time
	Self   string // how smartleadctl is called
	Local  bool   // the stack is that of make run
	Watch  Watch
}

// Comparison is a report with the names of the campaigns.
type Comparison struct {
	reconcile.Report

	Names map[string]string
	Calls int // of Smartlead's API, by the tool so far
}

// Compare compares. Its errors say what to do about them.
func (t Tool) Compare(ctx context.Context, o Options) (Comparison, error) {
	r, err := o.Request(t.Now())
	if err != nil {
		return Comparison{}, err
	}
	t.Watch.Doing("reading campaigns")
	campaigns, err := smartleadkey.Campaigns(ctx, t.Self, t.Client, o.Campaigns)
	if err != nil {
		return Comparison{}, err
	}
	if len(campaigns) == 0 {
		return Comparison{}, problem.NotFound("the API key of Smartlead leads to no campaign that has sent")
	}
	c := Comparison{Names: map[string]string{}}
	for _, campaign := range campaigns {
		r.Campaigns = append(r.Campaigns, campaign.ID)
		c.Names[campaign.ID] = campaign.Name
	}
	r.Retention, r.Began = t.Stack.Retention, t.Began(ctx)
	threads := false
	service := reconcile.Service{
		Provider: t.Client, Ledger: t.Stack.Ledger, Now: t.Now, Heard: func(string) { t.Watch.Add(1) },
		Asked: func() {
			if !threads {
				t.Watch.Doing("reading message histories")
				threads = true
			}
			t.Watch.Add(1)
		},
		People: t.Client, Inbox: t.Client, Payloads: t.Stack.Ledger, Bodies: t.Stack.Bodies, Summary: t.Client, Refusals: t.Stack.Ledger,
	}
	c.Report, err = service.Run(ctx, r)
	c.Calls = t.Client.Calls()
	return c, err
}

// Began is when the first source was made: nothing can have arrived before. A local stack
// makes its source anew with its data, and who may not read sources does not know.
func (t Tool) Began(ctx context.Context) (first time.Time) {
	if t.Local {
		return time.Time{}
	}
	listed, err := t.Stack.Sources.List(ctx)
	if err != nil {
		t.Watch.Say("the sources cannot be read: what happened before the first of them counts as missing")
		return time.Time{}
	}
	for _, l := range listed {
		if l.Err == nil && (first.IsZero() || l.Source.CreatedAt.Before(first)) {
			first = l.Source.CreatedAt
		}
	}
	return first
}

// Results are those of the campaigns and, where it was compared, of the inbox.
func (c Comparison) Results() []reconcile.Campaign {
	if c.Inbox == nil {
		return c.Campaigns
	}
	return append(slices.Clone(c.Campaigns), *c.Inbox)
}

// Title names a campaign, or the inbox.
func Title(campaign reconcile.Campaign) string {
	if campaign.ID == "" {
		return Inbox
	}
	return "campaign " + output.Clean(campaign.ID)
}
