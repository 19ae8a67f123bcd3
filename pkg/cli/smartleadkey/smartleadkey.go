// Package smartleadkey connects commands to Smartlead's API with the operator's key, which
// is in the environment or in the stack, and never on a command line.
package smartleadkey

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// Variable holds the key, before which that of the stack does not count.
const Variable = "SMARTLEAD_API_KEY"

// Flags are how the API is spoken to.
type Flags struct {
	url      string
	plan     string
	maxCalls int
}

// plans are the plans of Smartlead by name.
var plans = map[string]smartleadapi.Plan{"standard": smartleadapi.Standard, "pro": smartleadapi.Pro}

// Add adds the flags to a command.
func (f *Flags) Add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.url, "api-url", "", "address of the API (default: Smartlead's, or that of make run with --smartlead)")
	flags.StringVar(&f.plan, "plan", "standard", "plan of the account, of whose rate limit two fifths are used: standard, pro")
	flags.IntVar(&f.maxCalls, "max-calls", 500, "calls of the API at most")
	_ = cmd.RegisterFlagCompletionFunc("plan", cobra.FixedCompletions([]string{"standard", "pro"}, cobra.ShellCompDirectiveNoFileComp))
}

// Caller is a person's tool that asks Smartlead.
type Caller struct {
	Getenv func(name string) string
	HTTP   http.RoundTripper
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) // returns early when ctx ends
	Self   string                                     // how smartleadctl is called
}

// Connect returns a client with the operator's key.
func (f Flags) Connect(ctx context.Context, s *session.Session, st *stack.Stack) (*smartleadapi.Client, error) {
	plan, known := plans[f.plan]
	switch {
	case !known:
		return nil, problem.Usage("--plan %s is none of standard, pro", f.plan)
	case f.maxCalls < 1:
		return nil, problem.Usage("--max-calls is at least 1")
	}
	by := Caller{Getenv: s.Getenv, HTTP: s.HTTP, Now: s.Now, Sleep: s.Sleep, Self: s.Self()}
	return by.connect(ctx, st, smartleadapi.Options{URL: f.url, Plan: plan, MaxCalls: f.maxCalls})
}

// Connect returns a client with the operator's key, which makes so many calls at most.
func (by Caller) Connect(ctx context.Context, st *stack.Stack, maxCalls int) (*smartleadapi.Client, error) {
	return by.connect(ctx, st, smartleadapi.Options{MaxCalls: maxCalls})
}

func (by Caller) connect(ctx context.Context, st *stack.Stack, o smartleadapi.Options) (*smartleadapi.Client, error) {
	var err error
	if o.Key, err = by.key(ctx, st); err != nil {
		return nil, err
	}
	o.URL, o.Share, o.HTTP, o.Now, o.Sleep = output.OrText(o.URL, st.SmartleadURL), smartleadapi.Half, by.HTTP, by.Now, by.Sleep
	client, err := smartleadapi.New(o)
	if err != nil {
		return nil, problem.Usage("--api-url: %v", err)
	}
	return client, nil
}

func (by Caller) key(ctx context.Context, st *stack.Stack) (string, error) {
	if key := by.Getenv(Variable); key != "" {
		return key, nil
	}
	key, err := st.APIKey.Get(ctx)
	switch {
	case errors.Is(err, sourcestore.ErrNotFound):
		return "", problem.Usage("the API key of Smartlead is needed").
			Hint("keep it in the stack: %s reconcile set-key", by.Self).
			Hint("or set %s; the key is in Smartlead under Settings → API key", Variable)
	case err != nil:
		return "", problem.Failed(err, "the API key of Smartlead cannot be read").Hint("or set %s for this run", Variable)
	}
	return key, nil
}

// Advised adds what to do about a failure of the API; self is how smartleadctl is called.
func Advised(self string, err error) error {
	failed := problem.Failed(err, "Smartlead's API was asked in vain")
	switch {
	case errors.Is(err, smartleadapi.ErrKey):
		return failed.Hint("give another key: %s reconcile set-key, or %s", self, Variable)
	case errors.Is(err, smartleadapi.ErrNotFound):
		return problem.NotFound("%v", err).Hint("the ids of campaigns: %s hooks check", self)
	case errors.Is(err, smartleadapi.ErrRateLimited):
		return failed.Hint("other programs may use the same key: try again in a few minutes")
	case errors.Is(err, smartleadapi.ErrSpent):
		return failed.Hint("take fewer campaigns or a shorter time, or allow more: --max-calls")
	case errors.Is(err, smartleadapi.ErrUnavailable):
		return failed.Hint("try again in a few minutes")
	}
	return err
}

// Campaigns are those that are named, or all that have sent: not drafts and not archived
// ones.
func Campaigns(ctx context.Context, self string, client *smartleadapi.Client, named []string) ([]smartleadapi.Campaign, error) {
	all, err := client.Campaigns(ctx)
	if err != nil {
		return nil, Advised(self, err)
	}
	byID := map[string]smartleadapi.Campaign{}
	var running []smartleadapi.Campaign
	for _, c := range all {
		byID[c.ID] = c
		if c.Status != "DRAFTED" && c.Status != "ARCHIVED" {
			running = append(running, c)
		}
	}
	if len(named) == 0 {
		return running, nil
	}
	var found []smartleadapi.Campaign
	for _, id := range named {
		c, known := byID[id]
		if !known {
			return nil, problem.NotFound("the API key of Smartlead leads to no campaign %s", output.Clean(id)).Hint("all of them: %s hooks check", self)
		}
		found = append(found, c)
	}
	return found, nil
}
