package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
)

// helpCmd refuses what is no command, which cobra's own answers with success.
func helpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Say what a command does",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return problem.Usage("%s has no command %q", cmd.CommandPath(), output.Plain(rest[0])).Hint("see: %s --help", cmd.CommandPath())
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}

// group refuses an unknown subcommand, which cobra answers with help and
// success.
func group(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		group(c)
	}
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return problem.Usage("%s has no command %q", cmd.CommandPath(), output.Plain(args[0])).Hint("see: %s --help", cmd.CommandPath())
		}
	}
}

// flagProblem says what is wrong with the flags, without the words of the
// function that reads a number.
func flagProblem(cmd *cobra.Command, err error) error {
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
	return problem.Usage("%s", text).Hint("see: %s --help", cmd.CommandPath())
}

// checkArgs makes a wrong number of arguments a usage error everywhere, and a flag
// whose value is empty: an unset variable of a script would widen a filter to all
// events.
func checkArgs(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		checkArgs(c)
	}
	check := cmd.Args
	if check == nil {
		return
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return problem.Usage("%v", err).Hint("usage: %s", cmd.UseLine())
		}
		return checkEmpty(cmd)
	}
}

// checkEmpty looks at the flags whose values are text.
func checkEmpty(cmd *cobra.Command) (err error) {
	empty := map[string]string{"string": "", "stringSlice": "[]"}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if text, held := empty[f.Value.Type()]; held && f.Value.String() == text {
			err = problem.Usage("--%s is empty", f.Name).Hint("leave it out, or give it a value: %s --help", cmd.CommandPath())
		}
	})
	return err
}
