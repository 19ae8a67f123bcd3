// Package notices says where notices of incidents go.
package notices

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/notice"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

// New returns the command notices and those below it.
func New(s *session.Session) *cobra.Command {
	cmd := &cobra.Command{
		Use: "notices", Aliases: []string{"notice"}, Short: "Say where notices of incidents go: Slack, or any HTTPS URL",
		Long: `Say where notices of incidents go, beside the mails of the alarms. The sweeper sends one
request a minute at most to each target, when incidents are opened, opened again or
closed, and tries again each minute for a day until the target has answered 2xx.`,
	}
	cmd.AddCommand(setCmd(s), listCmd(s), testCmd(s), removeCmd(s))
	return cmd
}

func setCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "set TARGET", Short: "Set where notices go; the URL is read without echo, or from stdin",
		Long: `Set where notices go. slack takes the URL of an incoming webhook of Slack. http takes any
URL: it gets a JSON document (schema smartlead.incidents.v1), signed after Standard
Webhooks with a secret that is shown this once. The URL is a secret: it is asked for,
or read from stdin, kept in Parameter Store, and never shown.`,
		Example: `  smartleadctl notices set slack
  smartleadctl notices set http < url.txt`,
		Args: cobra.ExactArgs(1), ValidArgs: notice.Names,
		RunE: func(cmd *cobra.Command, args []string) error { return set(cmd.Context(), s, args[0]) },
	}
}

func set(ctx context.Context, s *session.Session, name string) error {
	if err := known(s, name); err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	url, err := s.Secret("URL of " + name)
	if err != nil {
		return err
	}
	var secrets []string
	if name == notice.HTTP {
		secret, err := notice.NewSecret(s.Rand)
		if err != nil {
			return err
		}
		secrets = []string{secret}
	}
	target, err := notice.NewTarget(name, strings.TrimSpace(url), secrets, s.Target.Local)
	if err != nil {
		return problem.Usage("%v", err)
	}
	form, err := target.Encode()
	if err != nil {
		return err
	}
	if err := st.Notices.Put(ctx, name, form, true); err != nil {
		return err
	}
	if s.JSON {
		return s.Emit(struct {
			Target string   `json:"target"`
			Host   string   `json:"host"`
			Secret []string `json:"signing_secrets,omitempty"`
		}{name, target.String(), secrets})
	}
	for _, secret := range secrets {
		s.Line("%s", secret)
		s.Say("This is the signing secret of the notices (Standard Webhooks). It is shown this once.")
	}
	s.Say("notices go to %s at %s, of what changes and of what changed in the last 24 hours. The sweeper takes it up within two minutes.", name, target)
	s.Say("try it: %s notices test %s", s.Self(), name)
	return nil
}

func known(s *session.Session, name string) error {
	if slices.Contains(notice.Names, name) {
		return nil
	}
	return problem.Usage("there is no target %s", output.Plain(name)).DidYouMean(output.Nearest(name, notice.Names), s.Self()+" notices set %s").
		Hint("the targets: %s", strings.Join(notice.Names, ", "))
}

func listCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls", "show"}, Short: "List where notices go; hosts, no URL",
		Example: "  smartleadctl notices list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s) },
	}
}

func list(ctx context.Context, s *session.Session) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	entries, err := st.Notices.List(ctx)
	if err != nil {
		return err
	}
	t := output.NewTable("TARGET", "HOST", "CHANGED", "+PROBLEM")
	for _, e := range entries {
		target, err := notice.Decode(e.Name, e.Value)
		wrong := ""
		if err != nil {
			wrong = problem.Words(err)
		}
		if s.JSON {
			err := s.Emit(struct {
				Target    string `json:"target"`
				Host      string `json:"host"`
				ChangedAt string `json:"changed_at"`
				Problem   string `json:"problem,omitempty"`
			}{e.Name, target.String(), output.Wire(e.UpdatedAt), wrong})
			if err != nil {
				return err
			}
			continue
		}
		t.Add(e.Name, target.String(), output.Stamp(e.UpdatedAt), wrong)
	}
	switch {
	case s.JSON:
		return nil
	case len(entries) == 0:
		s.Say("notices go nowhere; set a target: %s notices set slack", s.Self())
		return nil
	}
	return s.Print(t, "")
}

func testCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "test TARGET", Short: "Send a clearly marked sample notice, from here",
		Example: "  smartleadctl notices test slack", Args: cobra.ExactArgs(1), ValidArgs: notice.Names,
		RunE: func(cmd *cobra.Command, args []string) error { return test(cmd.Context(), s, args[0]) },
	}
}

// stackOf is how notices call the stack.
func stackOf(s *session.Session) string {
	if s.Target.Local {
		return "local"
	}
	return s.Target.Stack
}

func test(ctx context.Context, s *session.Session, name string) error {
	_, target, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	now := s.Now().UTC()
	sample := incident.Notice{Change: "opened", Incident: incident.Incident{
		ID: "aaaaaaaaaa", Key: incident.Key{Kind: incident.KindError, Cause: "TEST, nothing is wrong", Source: "smartleadctl-test"},
		Text: "A sample, sent by smartleadctl notices test.", Count: 1, State: incident.Open, OpenedAt: now, LastAt: now, Openings: 1,
	}}
	m := incident.MessageOf(stackOf(s), []incident.Notice{sample}, 0)
	err = target.Send(ctx, destination.Deps{Now: s.Now}, notice.Message{ID: m.ID, Text: m.Text, Document: m.Document})
	if err != nil {
		return problem.Failed(err, "the notice was not taken").Hint("set the target anew: %s notices set %s", s.Self(), name)
	}
	if s.JSON {
		return s.Emit(struct {
			Target string `json:"target"`
			Result string `json:"result"`
		}{name, "delivered"})
	}
	s.Line("%s at %s took the sample", name, target)
	return nil
}

func removeCmd(s *session.Session) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "remove TARGET", Aliases: []string{"rm", "delete"}, Short: "Send no more notices to a target",
		Example: "  smartleadctl notices remove slack", Args: cobra.ExactArgs(1), ValidArgs: notice.Names,
		RunE: func(cmd *cobra.Command, args []string) error { return remove(cmd.Context(), s, args[0], yes) },
	}
	output.AddYes(cmd, &yes)
	return cmd
}

func remove(ctx context.Context, s *session.Session, name string, yes bool) error {
	if err := known(s, name); err != nil {
		return err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	if _, err := st.Notices.Get(ctx, name); err != nil {
		return absent(s, name, err)
	}
	if err := s.Confirm(yes, "send no more notices to %s", name); err != nil {
		return err
	}
	if err := st.Notices.Delete(ctx, name); err != nil {
		return absent(s, name, err)
	}
	s.Say("no more notices go to %s", name)
	return nil
}

// get reads a target that must exist, and can be read.
func get(ctx context.Context, s *session.Session, name string) (*stack.Stack, notice.Target, error) {
	if err := known(s, name); err != nil {
		return nil, notice.Target{}, err
	}
	st, err := s.Connect(ctx)
	if err != nil {
		return nil, notice.Target{}, err
	}
	entry, err := st.Notices.Get(ctx, name)
	if err != nil {
		return nil, notice.Target{}, absent(s, name, err)
	}
	target, err := notice.Decode(name, entry.Value)
	if err != nil {
		return nil, notice.Target{}, problem.Failed(err, "the target %s is broken", name).Hint("set it anew: %s notices set %s", s.Self(), name)
	}
	return st, target, nil
}

func absent(s *session.Session, name string, err error) error {
	if errors.Is(err, sourcestore.ErrNotFound) {
		return problem.NotFound("no notices go to %s", name).Hint("set it: %s notices set %s", s.Self(), name)
	}
	return err
}
