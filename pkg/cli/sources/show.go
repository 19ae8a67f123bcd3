package sources

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

func showCmd(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "show NAME", Short: "Show one source: its settings, and when its old secrets end; counts, never secrets",
		Example: "  smartleadctl sources show acme", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return show(cmd.Context(), s, args[0]) },
	}
}

func show(ctx context.Context, s *session.Session, name string) error {
	st, source, err := get(ctx, s, name)
	if err != nil {
		return err
	}
	rule, err := st.Silences.Get(ctx, name)
	if err != nil {
		return err
	}
	v := viewOf(source.Summary())
	if s.JSON {
		return s.Emit(struct {
			view
			silenceView
		}{v, silenceOf(rule)})
	}
	var f output.Fields
	f.Add("source", v.Name)
	f.Add("account", v.Account)
	f.Add("URLs", fmt.Sprint(v.Tokens))
	f.Add("signature", signatureText(v))
	f.Add("trusted keys", keysText(v))
	f.Add("X-Request-Id", requestIDText(v.Summary))
	f.Add("required", requiredText(v.SettingsForm))
	f.Add("level", output.OrText(string(v.ExpectedLevel), "any"))
	f.Add("window", windowText(v.WindowSeconds))
	f.Add("status window", windowText(v.StatusWindowSeconds))
	f.Add("events kept", retentionText(v.RetentionDays))
	f.Add("silence", silenceText(rule))
	f.Add("created", output.Stamp(v.CreatedAt))
	f.Add("changed", output.Stamp(v.UpdatedAt))
	s.PrintFields(f)
	for _, note := range secretsText(s, v) {
		s.Line("%s", note)
	}
	return nil
}

func requestIDText(v auth.Summary) string {
	if v.TrustRequestID {
		return "names the event"
	}
	return "is recorded, and names no event"
}

func requiredText(f auth.SettingsForm) string {
	switch {
	case f.RequireSecretKey && f.RequireSignature:
		return "a trusted secret_key, and a signature"
	case f.RequireSecretKey:
		return "a trusted secret_key"
	case f.RequireSignature:
		return "a signature"
	}
	return "nothing beyond the above"
}

func windowText(seconds int) string {
	if seconds == 0 {
		return "the receiver's own"
	}
	return output.Span(time.Duration(seconds) * time.Second)
}

func retentionText(days int) string {
	if days == 0 {
		return "as long as the stack says"
	}
	return output.Count(days, "day", "days")
}
