package sources

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/filter"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/stack"
)

type setOptions struct {
	requireKey, requireSignature, trustRequestID bool
	level, window, statusWindow                  string
	oldURL, oldSecret, retention                 string
	silence                                      silenceOptions
	yes                                          bool
}

func setCmd(s *session.Session) *cobra.Command {
	var o setOptions
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Change what a source asks of its sender, and how its events are told apart",
		Long: `Change settings of a source. What is not named stays as it is; sources show NAME
says what that is.

--require-secret-key holds every body without a secret_key of the list, also while the
list is empty, so that taking the last key off it does not open the source.
--require-signature refuses every request without a signature, and keeps anybody from
taking that away with rotate --no-hmac.

--window is how soon a repeat of an event that has neither a time nor an id counts as
a duplicate; --status-window is that of a campaign status. The receiver's own are 24h
and 30m.

--level is the level that the webhook should have at Smartlead (user, client,
campaign). Events of another level are taken like any other; doctor tells of them.

--retention-days is how long an event of the source is kept after it was delivered,
unrouted or discarded, where that is not as long as the stack keeps events. It holds for
what is received from then on. Less than 15 days is refused: a dead letter, or a resend
of Smartlead's, could outlive the event, and the resend would be delivered as new.

--silent-after is how long a source may send nothing before an incident is opened, and
the alarm SourceSilentAlarm raised. Learned is twice the longest gap of 14 days, once it
sent for a week; after requests of it failed, as long as that gap. --quiet-hours are not
counted: with nights and weekends among them, a silence is seen within hours.

--trust-request-id makes X-Request-Id the identity of each event, where the sender
guarantees that it names the event and not the delivery. An event that came before and
comes again then counts as another one, and is delivered once more.`,
		Example: `  smartleadctl sources set acme --require-secret-key --level user
  smartleadctl sources set acme --window 6h
  smartleadctl sources set acme --retention-days 30
  smartleadctl sources set acme --quiet-hours 20:00-07:00,sat,sun --silent-after 6h
  smartleadctl sources set acme --old-url-ends 7d
  smartleadctl sources set relay --trust-request-id=false`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return set(cmd, s, args[0], o) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.requireKey, "require-secret-key", false, "hold every body without a trusted secret_key, also while none is trusted")
	f.BoolVar(&o.requireSignature, "require-signature", false, "refuse what is not signed, whatever becomes of the signing secrets")
	f.BoolVar(&o.trustRequestID, "trust-request-id", false, "X-Request-Id names the event (only where the sender guarantees it)")
	f.StringVar(&o.level, "level", "", "level that the webhook should have: user, client, campaign, or any")
	f.StringVar(&o.window, "window", "", "a repeat this soon is a duplicate, where an event has neither time nor id: 1m to 7d, or default")
	f.StringVar(&o.statusWindow, "status-window", "", "the same for a campaign status")
	f.StringVar(&o.retention, "retention-days", "", "how long settled events are kept: 15 to 3650, or default (the stack's)")
	f.StringVar(&o.oldURL, "old-url-ends", "", "when the old URL of a rotation ends: a length of time from now (7d), a time, or never")
	f.StringVar(&o.oldSecret, "old-signing-secret-ends", "", "the same for the old signing secret")
	o.silence.addTo(f)
	output.AddYes(cmd, &o.yes)
	return cmd
}

func set(cmd *cobra.Command, s *session.Session, name string, o setOptions) error {
	ctx := cmd.Context()
	named := func(flag string) bool { return cmd.Flags().Changed(flag) }
	silence := named(silentAfter) || named(quietHours)
	own := false // of the source itself
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		own = own || f.Changed && f.Name != "yes" && f.Name != silentAfter && f.Name != quietHours
	})
	if !own && !silence {
		return problem.Usage("there is nothing to set").Hint("what can be set: %s sources set --help", s.Self())
	}
	change, err := changeOf(named, o)
	if err != nil {
		return err
	}
	changeSilence, err := o.silence.changeOf(named)
	if err != nil {
		return err
	}
	ends, err := endsOf(s, named, o)
	if err != nil {
		return err
	}
	st, source, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	if own {
		if err := setSource(ctx, s, st, source, o, named, change, ends); err != nil {
			return err
		}
	}
	if silence {
		if err := setSilence(ctx, s, st, name, changeSilence); err != nil {
			return err
		}
	}
	return s.Finished(name, "source %s is set. %s", name, wording.Settles)
}

// setSource changes the source itself.
func setSource(
	ctx context.Context, s *session.Session, st *stack.Stack, source auth.Source, o setOptions,
	named func(flag string) bool, change func(auth.Settings) auth.Settings, ends []func(auth.Source) (auth.Source, error),
) error {
	settings := change(source.Settings)
	requestID := source.TrustRequestID
	if named("trust-request-id") {
		requestID = o.trustRequestID
	}
	if err := agreeToSettings(s, source, settings, requestID, o.yes); err != nil {
		return err
	}
	after, err := source.WithSettings(settings, s.Now())
	if err != nil {
		return err
	}
	after.TrustRequestID = requestID
	for _, end := range ends {
		if after, err = end(after); err != nil {
			return problem.Failed(err, "source %s has no older one beside the newest: nothing was set", source.Name).
				Hint("rotate first: %s sources rotate %s", s.Self(), source.Name)
		}
	}
	return put(ctx, s, st, after)
}

// changeOf returns what the flags make of settings.
func changeOf(named func(flag string) bool, o setOptions) (func(auth.Settings) auth.Settings, error) {
	level := auth.Level(strings.ToLower(o.level))
	if level == "any" {
		level = ""
	}
	if level != "" && !slices.Contains(auth.Levels, level) {
		return nil, problem.Usage("--level is user, client, campaign or any, not %s", output.Clean(o.level))
	}
	window, err := windowOf("--window", o.window)
	if err != nil {
		return nil, err
	}
	statusWindow, err := windowOf("--status-window", o.statusWindow)
	if err != nil {
		return nil, err
	}
	retention, err := retentionOf(o.retention)
	if err != nil {
		return nil, err
	}
	return func(set auth.Settings) auth.Settings {
		if named("require-secret-key") {
			set.RequireSecretKey = o.requireKey
		}
		if named("require-signature") {
			set.RequireSignature = o.requireSignature
		}
		if named("level") {
			set.ExpectedLevel = level
		}
		if named("window") {
			set.Window = window
		}
		if named("status-window") {
			set.StatusWindow = statusWindow
		}
		if named("retention-days") {
			set.RetentionDays = retention
		}
		return set
	}, nil
}

// windowOf reads a receipt window, in whole seconds; 0 is the receiver's own.
func windowOf(flag, text string) (time.Duration, error) {
	if text == "" || text == "default" {
		return 0, nil
	}
	d, err := filter.ParseSpan(text)
	if err != nil || d < auth.MinWindow || d > auth.MaxWindow || d != d.Truncate(time.Second) {
		return 0, problem.Usage("%s is a length of time in whole seconds, 1m to 7d, or default", flag)
	}
	return d, nil
}

// retentionOf reads for how many days events are kept; 0 is as the stack says.
func retentionOf(text string) (int, error) {
	if text == "" || text == "default" {
		return 0, nil
	}
	days, err := strconv.Atoi(text)
	switch {
	case err != nil || days > auth.MaxRetentionDays:
		return 0, problem.Usage("--retention-days is a number of days, %d to %d, or default", auth.MinRetentionDays, auth.MaxRetentionDays)
	case days < auth.MinRetentionDays:
		return 0, problem.Usage("--retention-days %d is too short: at least %d, because dead letters are kept for 14 days and Smartlead may resend", days, auth.MinRetentionDays)
	}
	return days, nil
}

// endsOf returns what gives old secrets their ends.
func endsOf(s *session.Session, named func(flag string) bool, o setOptions) (list []func(auth.Source) (auth.Source, error), err error) {
	for _, f := range []struct {
		name, text string
		set        func(auth.Source, time.Time, time.Time) (auth.Source, error)
	}{
		{"old-url-ends", o.oldURL, auth.Source.EndOldToken},
		{"old-signing-secret-ends", o.oldSecret, auth.Source.EndOldHMACSecret},
	} {
		if !named(f.name) {
			continue
		}
		end, err := filter.ParseEnd("--"+f.name, f.text, s.Now())
		if err != nil {
			return nil, err
		}
		list = append(list, func(source auth.Source) (auth.Source, error) { return f.set(source, end, s.Now()) })
	}
	return list, nil
}

// agreeToSettings asks before a change that refuses, holds or lets in what was not
// before, and refuses one that would refuse everything.
func agreeToSettings(s *session.Session, source auth.Source, after auth.Settings, requestID, yes bool) error {
	name, before := source.Name, source.Settings
	var asked []string
	switch {
	case after.RequireSignature && !before.RequireSignature && len(source.HMACSecrets) == 0:
		return problem.Usage("source %s has no signing secret: every request would be refused", name).
			Hint("add one that asks for a signature, and enter its URL at the sender: %s sources add NAME --account %s --hmac", s.Self(), source.Account)
	case after.RequireSecretKey && !before.RequireSecretKey && len(source.BodySecrets) == 0:
		asked = append(asked, "hold every body of "+name+" until a key is trusted (sources trust-key)")
	case before.RequireSecretKey && !after.RequireSecretKey && len(source.BodySecrets) == 0:
		asked = append(asked, "trust every body that comes through "+name)
	}
	if requestID != source.TrustRequestID {
		asked = append(asked, "change what tells the events of "+name+" apart: what came before and comes again is delivered once more")
	}
	if len(asked) == 0 {
		return nil
	}
	return s.Confirm(yes, "%s", strings.Join(asked, ", and "))
}
