package sources

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/sourcestore"
)

func listCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the sources; counts, never secrets",
		Example: "  smartleadctl sources list", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), s) },
	}
}

// view is a source as JSON.
type view struct {
	auth.Summary
	Error string `json:"error,omitempty"`
}

func list(ctx context.Context, s *session.Session) error {
	st, err := s.Connect(ctx)
	if err != nil {
		return err
	}
	entries, err := st.Store.List(ctx, sourcestore.Sources)
	if err != nil {
		return err
	}
	t := output.NewTable("NAME", "ACCOUNT", ">TOKENS", "SIGNATURE", ">TRUSTED KEYS", "CREATED", "CHANGED", "~NOTE").Dispose("CREATED", "CHANGED", "TRUSTED KEYS")
	for _, e := range entries {
		v := view{}
		source, err := auth.ParseSource(e.Name, e.Value)
		if err != nil {
			v.Name, v.Error = e.Name, err.Error()
		} else {
			v.Summary = source.Summary()
		}
		if s.JSON {
			if err := s.Emit(v); err != nil {
				return err
			}
			continue
		}
		t.Add(v.Name, v.Account, fmt.Sprint(v.Tokens), signatureText(v), keysText(v), output.Stamp(v.CreatedAt), output.Stamp(v.UpdatedAt), noteOf(v))
	}
	switch {
	case s.JSON:
		return nil
	case len(entries) == 0:
		s.Say("there is no source yet: %s sources add NAME", s.Self())
		return nil
	}
	return s.Print(t, "")
}

func signatureText(v view) string {
	switch {
	case v.Error != "":
		return ""
	case v.HMACSecrets == 0:
		return "not asked for"
	}
	return output.Count(v.HMACSecrets, "secret", "secrets")
}

func keysText(v view) string {
	switch {
	case v.Error != "":
		return ""
	case v.BodySecrets == 0:
		return "any"
	}
	return fmt.Sprint(v.BodySecrets)
}

func noteOf(v view) string {
	if v.Error != "" {
		return "cannot be read, so its requests get 503: " + v.Error
	}
	var notes []string
	if v.Tokens > 1 {
		notes = append(notes, "rotation under way: sources rotate "+v.Name+" --finish")
	}
	if v.HMACSecrets > 1 {
		notes = append(notes, "rotation of the signing secret under way: sources rotate "+v.Name+" --finish --hmac")
	}
	if v.TrustRequestID {
		notes = append(notes, "X-Request-Id names the event")
	}
	return strings.Join(notes, "; ")
}
