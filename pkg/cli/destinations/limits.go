package destinations

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/destination"
)

// limitFlags say how much a destination is sent.
type limitFlags struct {
	perSecond   float64
	concurrency int
	breaker     bool
	flags       *pflag.FlagSet
}

func (l *limitFlags) add(cmd *cobra.Command) {
	l.flags = cmd.Flags()
	l.flags.Float64Var(&l.perSecond, "per-second", 0, "at most so many deliveries a second, of all workers together; 0: any number")
	l.flags.IntVar(&l.concurrency, "at-once", 0, "at most so many deliveries at once, of all workers together; 0: any number")
	l.flags.BoolVar(&l.breaker, "breaker", true, "let events wait while nearly every delivery fails")
}

// apply changes what is given.
func (l *limitFlags) apply(limits *destination.Limits) {
	if l.flags.Changed("per-second") {
		limits.PerSecond = l.perSecond
	}
	if l.flags.Changed("at-once") {
		limits.Concurrency = l.concurrency
	}
	if l.flags.Changed("breaker") {
		limits.NoBreaker = !l.breaker
	}
}
