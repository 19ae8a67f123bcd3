package sources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
)

func listCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the sources; counts, never secrets",
		Example: "  smartleadctl sources list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s) },
	}
}

// view is a source as JSON, with times as everywhere in JSON.
type view struct {
	auth.Summary
	Created string `json:"created_at,omitempty"`
	Updated string `json:"updated_at,omitempty"`
	Error   string `json:"error,omitempty"`
}

func viewOf(source auth.Summary) view {
	return view{Summary: source, Created: output.Wire(source.CreatedAt), Updated: output.Wire(source.UpdatedAt)}
}

func list(ctx context.Context, s *session.Session) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	entries, err := st.Sources.List(ctx)
	if err != nil {
		return err
	}
	t := output.NewTable("NAME", "ACCOUNT", ">TOKENS", "SIGNATURE", ">TRUSTED KEYS", "CREATED", "CHANGED", "~NOTE").Dispose("CREATED", "CHANGED", "TRUSTED KEYS")
	for _, e := range entries {
		v := view{}
		if e.Err != nil {
			v.Name, v.Error = e.Name, e.Err.Error()
		} else {
			v = viewOf(e.Source.Summary())
		}
		if s.JSON {
			if err := s.Emit(v); err != nil {
				return err
			}
			continue
		}
		t.Add(v.Name, v.Account, fmt.Sprint(v.Tokens), signatureText(v), keysText(v), output.Stamp(v.CreatedAt), output.Stamp(v.UpdatedAt), noteOf(s, v, e.Err))
	}
	switch {
	case s.JSON:
	case len(entries) == 0:
		s.Say("there is no source yet: %s sources add NAME", s.Self())
	default:
		if err := s.Print(t, ""); err != nil {
			return err
		}
	}
	if err := complete(ctx, s, st, entries); err != nil {
		return err
	}
	return repair(ctx, s, st)
}

// complete writes what the function that makes missing events needs to know of the sources
// and of who was erased, where it is not there.
func complete(ctx context.Context, s *session.Session, st *stack.Stack, entries []sourcestore.Listed) error {
	if len(entries) == 0 {
		return nil
	}
	written, err := st.Sources.Outline(ctx, entries)
	if err == nil {
		_, err = st.Sources.ErasureKey(ctx)
	}
	if err != nil {
		return problem.Failed(err, "what is no secret of the sources cannot be written beside them")
	}
	if written > 0 {
		s.Say("what is no secret of %s was missing beside it: it is written", output.Count(written, "source", "sources"))
	}
	return nil
}

// repair writes the copy that serves while the table is down, where a command
// before ended between the table and the copy.
func repair(ctx context.Context, s *session.Session, st *stack.Stack) error {
	repaired, err := st.Sources.Sync(ctx)
	if err != nil {
		return problem.Failed(err, "the copy of the sources that serves while the table is down cannot be checked")
	}
	if repaired {
		s.Say("the copy of the sources that serves while the table is down was older than the table: it is written anew")
	}
	return nil
}

func signatureText(v view) string {
	switch {
	case v.Error != "":
		return ""
	case v.HMACSecrets == 0 && v.RequireSignature:
		return "no secret: all refused"
	case v.HMACSecrets == 0:
		return "not asked for"
	}
	return output.Count(v.HMACSecrets, "secret", "secrets")
}

func keysText(v view) string {
	switch {
	case v.Error != "":
		return ""
	case v.BodySecrets == 0 && v.RequireSecretKey:
		return "none: all held"
	case v.BodySecrets == 0:
		return "any"
	}
	return fmt.Sprint(v.BodySecrets)
}

// settingsText says what was set of a source, other than by default.
func settingsText(f auth.SettingsForm) (notes []string) {
	if f.RequireSecretKey {
		notes = append(notes, "requires a trusted secret_key")
	}
	if f.RequireSignature {
		notes = append(notes, "requires a signature")
	}
	if f.ExpectedLevel != "" {
		notes = append(notes, "should be of the level "+string(f.ExpectedLevel))
	}
	if f.WindowSeconds > 0 {
		notes = append(notes, "window "+output.Span(time.Duration(f.WindowSeconds)*time.Second))
	}
	if f.StatusWindowSeconds > 0 {
		notes = append(notes, "window of a campaign status "+output.Span(time.Duration(f.StatusWindowSeconds)*time.Second))
	}
	if f.RetentionDays > 0 {
		notes = append(notes, "events kept "+retentionText(f.RetentionDays))
	}
	return notes
}

// endingWords name what ends.
var endingWords = map[auth.Kind]string{
	auth.KindToken: "the old URL", auth.KindHMAC: "the old signing secret", auth.KindBody: "a trusted secret_key",
}

// ends tells whether an old secret of the kind has an end.
func (v view) ends(kind auth.Kind) bool {
	return slices.ContainsFunc(v.Ends, func(e auth.End) bool { return e.Secret == kind })
}

// endsText says when secrets of the source end, or that they have.
func endsText(v view, now time.Time) (notes []string) {
	for _, e := range v.Ends {
		verb := " ends "
		if !now.Before(e.EndsAt) {
			verb = " is refused since "
			if e.Secret == auth.KindBody {
				verb = " is not trusted since "
			}
		}
		notes = append(notes, endingWords[e.Secret]+verb+output.Stamp(e.EndsAt))
	}
	return notes
}

// secretsText says when old secrets of the source end, or how to end those that have no end.
func secretsText(s *session.Session, v view) []string {
	rotate := s.Self() + " sources rotate " + v.Name
	notes := endsText(v, s.Now())
	if v.Tokens > 1 && !v.ends(auth.KindToken) {
		notes = append(notes, "rotation under way: "+rotate+" --finish")
	}
	if v.HMACSecrets > 1 && !v.ends(auth.KindHMAC) {
		notes = append(notes, "rotation of the signing secret under way: "+rotate+" --finish --hmac")
	}
	return notes
}

func noteOf(s *session.Session, v view, err error) string {
	switch {
	case errors.Is(err, auth.ErrInvalidSource):
		return "unreadable, its requests get 503: " + v.Error + "; " + anew(s, v.Name)
	case err != nil:
		return "cannot be opened here: " + v.Error + "; " + anew(s, v.Name)
	}
	var notes []string
	notes = append(notes, secretsText(s, v)...)
	if v.TrustRequestID {
		notes = append(notes, "X-Request-Id names the event")
	}
	return strings.Join(append(notes, settingsText(v.SettingsForm)...), "; ")
}
