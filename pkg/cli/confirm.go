package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// addYes adds the flag that answers a confirmation.
func addYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do not ask")
}

// confirm asks before something that changes many events or cannot be undone.
// what completes "This will …". Without a terminal nobody can answer, and to go
// on unasked would be a guess.
func (p *program) confirm(yes bool, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if yes {
		return nil
	}
	if !p.InTerminal || !p.ErrTerminal {
		return usage("this will %s, and there is no terminal to ask on", plain(what)).hint("repeat with --yes to do it")
	}
	fmt.Fprintf(p.Err, "This will %s.\nGo on? [y/N] ", plain(what))
	answer, err := p.in.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("not confirmed: nothing was changed")
}

// secret reads a secret: from the terminal without echo, else the first line of
// stdin.
func (p *program) secret(prompt string) (string, error) {
	var text []byte
	var err error
	if p.InTerminal && p.ReadSecret != nil {
		fmt.Fprintf(p.Err, "%s: ", prompt)
		text, err = p.ReadSecret()
		fmt.Fprintln(p.Err)
	} else {
		var s string
		if s, err = p.in.ReadString('\n'); errors.Is(err, io.EOF) {
			err = nil
		}
		text = []byte(s)
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", usage("no secret was given").hint("type it, or pipe it in: printf %%s \"$KEY\" | smartleadctl …")
	}
	return secret, nil
}
