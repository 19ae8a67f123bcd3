package output

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/problem"
)

// AddYes adds the flag that answers a confirmation.
func AddYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// Confirm asks before something that changes many events or cannot be undone.
// what completes "This will …". Without a terminal nobody can answer, and to go
// on unasked would be a guess.
func (t *Terminal) Confirm(yes bool, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if yes {
		return nil
	}
	if !t.InTerminal || !t.ErrTerminal {
		return problem.Usage("this will %s; there is no terminal to ask on", Plain(what)).Hint("repeat with --yes to do it")
	}
	fmt.Fprintf(t.Err, "This will %s.\nGo on? [y/N] ", Plain(what))
	answer, err := t.line()
	if err != nil {
		fmt.Fprintln(t.Err) // the message begins on a line of its own
		return fmt.Errorf("not confirmed: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed: nothing was changed")
}

// Secret reads a secret: from the terminal without echo, else the first line of
// stdin.
func (t *Terminal) Secret(prompt string) (string, error) {
	var text []byte
	var err error
	if t.InTerminal && t.ReadSecret != nil {
		fmt.Fprintf(t.Err, "%s: ", prompt)
		text, err = t.ReadSecret()
		fmt.Fprintln(t.Err)
	} else {
		var s string
		s, err = t.line()
		text = []byte(s)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", problem.Usage("no secret was given").Hint("type it, or pipe it in: printf %%s \"$KEY\" | the same command")
	}
	return secret, nil
}
