package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
)

// helpCmd refuses what is no command, which cobra's own answers with success.
func helpCmd(s *session.Session, root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Say what a command does",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return noCommand(s, cmd, rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// group refuses an unknown subcommand, which cobra answers with help and
// success.
func group(s *session.Session, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		group(s, c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return noCommand(s, cmd, args[0])
		}
	}
}

func noCommand(s *session.Session, cmd *cobra.Command, name string) error {
	e := problem.Usage("%s has no command %q", cmd.CommandPath(), output.Plain(name))
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if meant := oneBelow(cmd, name); len(meant) > 0 {
		return e.DidYouMean(meant, pathOf(s, cmd)+" %s").Hint("see: %s --help", pathOf(s, cmd))
	}
	return e.DidYouMean(output.Nearest(name, names), pathOf(s, cmd)+" %s").Hint("see: %s --help", pathOf(s, cmd))
}

// oneBelow are the commands of this name that stand one level deeper: of "show" it is
// "events show".
func oneBelow(cmd *cobra.Command, name string) []string {
	var paths []string
	for _, group := range cmd.Commands() {
		for _, c := range group.Commands() {
			if c.IsAvailableCommand() && (c.Name() == name || c.HasAlias(name)) {
				paths = append(paths, group.Name()+" "+c.Name())
			}
		}
	}
	return paths
}

// pathOf is how a command is called, with the flags that say which stack is meant.
func pathOf(s *session.Session, cmd *cobra.Command) string {
	return s.Self() + strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name())
}

// flagProblem says what is wrong with the flags, without the words of the
// function that reads a number.
func flagProblem(s *session.Session, cmd *cobra.Command, err error) error {
	see := fmt.Sprintf("see: %s --help", pathOf(s, cmd))
	text := err.Error()
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		kind, named := map[string]string{
			"int": "is no whole number", "float64": "is no number", "bool": "is neither true nor false",
			"duration": "is no length of time, such as 30s or 5m",
		}[wrong.GetFlag().Value.Type()]
		if named {
			text = fmt.Sprintf("--%s %s %s", wrong.GetFlag().Name, output.Plain(wrong.GetValue()), kind)
		}
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		name := unknown.GetSpecifiedName()
		return problem.Usage("%s has no flag --%s", cmd.CommandPath(), output.Plain(name)).DidYouMean(output.Nearest(name, names), "--%s").Hint("%s", see)
	}
	return problem.Usage("%s", text).Hint("%s", see)
}

// checkArgs makes a wrong number of arguments a usage error everywhere, and a flag
// whose value is empty: an unset variable of a script would widen a filter to all
// events.
func checkArgs(s *session.Session, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		checkArgs(s, c)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return wrongArgs(s, cmd, args)
		}
		if err := checkEmpty(s, cmd); err != nil {
			return err
		}
		return checkTarget(cmd)
	}
}

// argumentText says what stands for an argument in the line of use.
var argumentText = map[string]string{
	"ID": "an event id", "ID…": "event ids", "NAME": "a name", "FILE…": "files, or - for stdin", "TEXT": "a text to look for",
	"ADDRESS": "the address of a lead", "INCIDENT": "the id of an incident", "TARGET": "slack or http", "[TYPE]": "at most one event type",
}

// wrongArgs says what is missing, or too much, and shows how it is done.
func wrongArgs(s *session.Session, cmd *cobra.Command, args []string) error {
	wanted := "no argument"
	for _, word := range strings.Fields(cmd.Use)[1:] {
		if text, known := argumentText[word]; known {
			wanted = fmt.Sprintf("%s (%s)", text, word)
			break
		}
	}
	e := problem.Usage("%s needs %s", cmd.CommandPath(), wanted)
	if len(args) > 0 {
		e = problem.Usage("%s takes %s, and got %s", cmd.CommandPath(), wanted, output.Plain(strings.Join(args, " ")))
	}
	if example, _, _ := strings.Cut(strings.TrimSpace(cmd.Example), "\n"); example != "" {
		if rest, found := strings.CutPrefix(example, "smartleadctl "); found && !strings.HasPrefix(rest, "--") {
			example = s.Self() + " " + rest
		}
		e = e.Hint("for example: %s", example)
	}
	return e.Hint("see: %s --help", pathOf(s, cmd))
}

// checkTarget refuses two stacks at once: whichever is taken, somebody may mean the
// other.
func checkTarget(cmd *cobra.Command) error {
	for _, deployed := range []string{"stack", "profile", "region"} {
		if cmd.Flags().Changed("local") && cmd.Flags().Changed(deployed) {
			return problem.Usage("--local and --%s name two stacks", deployed).
				Hint("leave out --local for the deployed stack, or --%s for that of make run", deployed)
		}
	}
	return nil
}

// checkEmpty looks at the flags whose values are text.
func checkEmpty(s *session.Session, cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if text := f.Value.String(); text == "" || text == "[]" {
			err = problem.Usage("--%s is empty", f.Name).Hint("leave it out, or give it a value: %s --help", pathOf(s, cmd))
		}
	})
	return err
}
