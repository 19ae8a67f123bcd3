package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/redrive"
)

func (p *program) redriveCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "Bring many dead events back, at a pace that the destination keeps up with",
		Long: `Bring many dead events back: a few first, then faster while nothing fails, slower
when something does, not at all while most of it fails. The redrive function does
the work; these commands tell it what to do. One redrive runs at a time.`,
	}
	cmd.AddCommand(
		p.planCmd(), p.startCmd(), p.statusCmd(),
		p.jobCmd("pause", "Stop releasing until resume; what was released goes on", (*redrive.Service).Pause),
		p.jobCmd("resume", "Go on with a paused redrive, beginning with a few", (*redrive.Service).Resume),
		p.jobCmd("cancel", "End the redrive; the rest stays dead", (*redrive.Service).Cancel),
		p.historyCmd(),
	)
	return cmd
}

type orderOptions struct {
	types     []string
	campaign  string
	account   string
	source    string
	class     string
	olderThan string
	ids       []string
	limit     int
	maxRate   float64
	canary    int
}

func (o *orderOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.types, "type", nil, "only of these types")
	f.StringVar(&o.campaign, "campaign", "", "only of this campaign id")
	f.StringVar(&o.account, "account", "", "only of this account")
	f.StringVar(&o.source, "source", "", "only received through this source")
	f.StringVar(&o.class, "error-class", "", "only with this error class, such as http_503")
	f.StringVar(&o.olderThan, "older-than", "", "only dead for at least this long (2h, 2d3h, 1w)")
	f.StringSliceVar(&o.ids, "id", nil, "only these event ids")
	f.IntVar(&o.limit, "limit", 0, "events to bring back at most (0: all that match)")
	f.Float64Var(&o.maxRate, "max-rate", 0, "events a second at most (0: no limit of yours)")
	f.IntVar(&o.canary, "canary", 0, "events to try first (0: the usual number)")
	_ = cmd.RegisterFlagCompletionFunc("type", cobra.FixedCompletions(typeNames(), cobra.ShellCompDirectiveNoFileComp))
}

func (p *program) request(o orderOptions) (redrive.Request, error) {
	request := redrive.Request{
		Filter: redrive.Filter{Campaign: o.campaign, Account: o.account, Source: o.source, ErrorClass: o.class},
		Limit:  o.limit, MaxRate: o.maxRate, Canary: o.canary,
	}
	for _, name := range o.types {
		typ, err := parseType(name)
		if err != nil {
			return redrive.Request{}, err
		}
		request.Filter.Types = append(request.Filter.Types, typ)
	}
	if o.olderThan != "" {
		d, err := parseSpan(o.olderThan)
		if err != nil {
			return redrive.Request{}, usage("--older-than %s is no length of time (2h, 2d3h, 1w)", o.olderThan)
		}
		request.Filter.OlderThan = d
	}
	var err error
	if request.Filter.IDs, err = p.ids(o.ids); err != nil {
		return redrive.Request{}, err
	}
	if math.IsNaN(o.maxRate) || math.IsInf(o.maxRate, 0) {
		return redrive.Request{}, usage("--max-rate %g is no number of events a second", o.maxRate)
	}
	if err := request.Validate(); err != nil {
		return redrive.Request{}, usage("%v", err)
	}
	return request, nil
}

func (p *program) planCmd() *cobra.Command {
	var o orderOptions
	cmd := &cobra.Command{
		Use:     "plan",
		Short:   "Say what a redrive would do; nothing is changed",
		Example: "  smartleadctl redrive plan --error-class http_503 --older-than 10m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := p.request(o)
			if err != nil {
				return err
			}
			s, err := p.connected(cmd.Context())
			if err != nil {
				return err
			}
			plan, err := s.Redrive.Plan(cmd.Context(), request)
			if err != nil {
				return err
			}
			return p.showPlan(plan)
		},
	}
	o.flags(cmd)
	return cmd
}

func (p *program) startCmd() *cobra.Command {
	var o orderOptions
	var yes, watch bool
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a redrive of the dead events that match",
		Example: `  smartleadctl redrive start --error-class http_503 --max-rate 20
  smartleadctl redrive start --type EMAIL_REPLY --limit 10 --yes --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := p.request(o)
			if err != nil {
				return err
			}
			return p.start(cmd.Context(), request, yes, watch)
		},
	}
	o.flags(cmd)
	addYes(cmd, &yes)
	cmd.Flags().BoolVar(&watch, "watch", false, "watch until it is over")
	return cmd
}

func (p *program) start(ctx context.Context, request redrive.Request, yes, watch bool) error {
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	plan, err := s.Redrive.Plan(ctx, request)
	if err != nil {
		return err
	}
	if plan.Release == 0 && plan.Park == 0 {
		return fmt.Errorf("nothing was started: %w", redrive.ErrNothing)
	}
	what := "bring " + count(plan.Release, "dead event", "dead events") + " back to work"
	if plan.Park > 0 {
		what += fmt.Sprintf(", and park %d that were redriven too often", plan.Park)
	}
	if err := p.confirm(yes, "%s, in about %s if nothing fails", what, span(plan.Estimate)); err != nil {
		return err
	}
	job, err := s.Redrive.Start(ctx, request)
	if errors.Is(err, redrive.ErrActive) {
		return failed(err, "nothing was started").hint("see it: %s redrive status", p.self()).
			hint("end it: %s redrive cancel", p.self())
	}
	if err != nil {
		return err
	}
	if watch {
		return p.watch(ctx, s)
	}
	p.say("the redrive function takes it up within a minute: %s redrive status --watch", p.self())
	return p.showJob(job)
}

func (p *program) statusCmd() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the current or latest redrive",
		Example: `  smartleadctl redrive status
  smartleadctl redrive status --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connected(cmd.Context())
			if err != nil {
				return err
			}
			if watch {
				return p.watch(cmd.Context(), s)
			}
			job, err := s.Redrive.Status(cmd.Context())
			if err != nil {
				return p.noJob(err)
			}
			return p.showJob(job)
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "watch until it is over")
	return cmd
}

// noJob says how to start one.
func (p *program) noJob(err error) error {
	if errors.Is(err, redrive.ErrNoJob) {
		return failed(err, "nothing to do").hint("what is dead: %s dlq list", p.self()).hint("start one: %s redrive start", p.self())
	}
	return err
}

// asItStands refuses a command for a redrive that is under way as it wants it.
func (p *program) asItStands(name string, job redrive.Job) error {
	e := failed(nil, "nothing to %s: the redrive is %s", name, job.State)
	if job.State == redrive.Paused {
		return e.hint("go on: %s redrive resume", p.self()).hint("end it: %s redrive cancel", p.self())
	}
	return e.hint("see it: %s redrive status --watch", p.self()).hint("stop releasing: %s redrive pause", p.self())
}

func (p *program) jobCmd(name, short string, act func(*redrive.Service, context.Context) (redrive.Job, error)) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Example: "  smartleadctl redrive " + name, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.connected(cmd.Context())
			if err != nil {
				return err
			}
			job, err := act(s.Redrive, cmd.Context())
			switch {
			case errors.Is(err, redrive.ErrNoJob) && job.State != "" && !job.State.Final():
				return p.asItStands(name, job)
			case err != nil:
				return p.noJob(err)
			}
			return p.showJob(job)
		},
	}
}

func (p *program) historyCmd() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "history", Short: "List past redrives", Example: "  smartleadctl redrive history", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 1000 {
				return usage("--limit is 1 to 1,000")
			}
			return p.history(cmd.Context(), limit)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "redrives to list")
	return cmd
}

func (p *program) history(ctx context.Context, limit int) error {
	s, err := p.connected(ctx)
	if err != nil {
		return err
	}
	jobs, err := s.Redrive.History(ctx, limit)
	if err != nil {
		return err
	}
	t := newTable("STARTED", "STATE", ">RELEASED", ">DELIVERED", ">DIED AGAIN", ">PARKED", ">TOOK", "FILTER", "~HOW IT ENDED")
	for _, j := range jobs {
		end := j.Reason
		if left := leftBehind(j); left != "" {
			end += "; " + left
		}
		if p.json {
			if err := p.emit(jobOf(j)); err != nil {
				return err
			}
			continue
		}
		t.add(stamp(j.StartedAt), string(j.State), thousands(j.Counts.Released), thousands(j.Counts.Delivered),
			thousands(j.Counts.DiedAgain), thousands(j.Counts.Parked), span(j.EndedAt.Sub(j.StartedAt)), orderText(j.Request), end)
	}
	switch {
	case p.json:
		return nil
	case len(jobs) == 0:
		p.say("no redrive has ended yet")
		return nil
	}
	return p.print(t, "")
}

// watchEvery is how often a watched redrive is looked at.
const watchEvery = 2 * time.Second

// watch follows a redrive until it is over: with a bar on a terminal, silently
// otherwise. Its end is the command's: a redrive that stopped itself failed.
func (p *program) watch(ctx context.Context, s *Stack) error {
	for ctx.Err() == nil {
		job, err := s.Redrive.Status(ctx)
		if err != nil {
			return p.noJob(err)
		}
		p.progress("\r\x1b[K%s", shorten(plain(progressLine(job)), max(20, orNumber(p.Width, 80)-1)))
		if job.State.Final() {
			p.progress("\n")
			return p.showEnd(job)
		}
		p.Sleep(ctx, watchEvery)
	}
	p.progress("\n")
	p.say("the redrive goes on by itself: %s redrive status", p.self())
	return nil
}

// progress draws on a terminal only.
func (p *program) progress(format string, args ...any) {
	if p.ErrTerminal && !p.json {
		fmt.Fprintf(p.Err, format, args...)
	}
}

func (p *program) showEnd(job redrive.Job) error {
	if err := p.showJob(job); err != nil {
		return err
	}
	if job.State == redrive.Stopped {
		return failed(nil, "the redrive stopped itself: %s", job.Reason).hint("what died again: %s dlq list", p.self())
	}
	return nil
}

func orNumber(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}
