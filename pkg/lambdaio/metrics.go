package lambdaio

import (
	"smartlead-receiver/pkg/process"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/telemetry"
)

// Metric is one that the functions count. Each value of its dimension is a metric
// of its own, which CloudWatch bills for the hours in which it was counted.
type Metric struct {
	Name, Dimension string
	Values          []string
}

// Metrics lists every metric of the functions. All count, but nine: Delay is how long
// an event took from its receipt to its delivery, in milliseconds, unless it was
// replayed; DestinationsFailing, DestinationsPaused, SourcesSilent and HooksSilenced are how many there
// are at that minute; Missing and Unproven are how many events and campaigns are so at the end of a
// comparison with Smartlead; ReconcileAge is for how many hours none has succeeded; ArchiveAge
// is for how many hours the archive has lacked something. How long they work, how many
// requests there are and how old the queues' messages are is not among them: AWS
// counts that itself, at no price.
func Metrics() []Metric {
	return []Metric{
		{"Events", "outcome", texts(receive.Statuses)},
		{"Unclaimed", "function", []string{"receiver"}},
		{"SecondHooks", "function", []string{"receiver"}},
		{"Refused", "outcome", append(texts(receive.Kinds), string(noSuchPath))},
		{"Processed", "outcome", texts(process.Outcomes)},
		{"Delay", "outcome", []string{string(process.Delivered)}},
		{"Swept", "function", []string{"sweeper"}},
		{"WaitsEnded", "function", []string{"sweeper"}},
		{"SweepFailures", "function", []string{"sweeper"}},
		{"DestinationsFailing", "function", []string{"sweeper"}},
		{"DestinationsPaused", "function", []string{"sweeper"}},
		{"SourcesSilent", "function", []string{"sweeper"}},
		{"HooksSilenced", "function", []string{"sweeper"}},
		{"DeadLettersCleared", "function", []string{"redrive"}},
		{"ForeignDeadLetters", "function", []string{"redrive"}},
		{"Missing", "function", []string{"reconcile"}},
		{"Unproven", "function", []string{"reconcile"}},
		{"Repaired", "function", []string{"reconcile"}},
		{"ReconcileAge", "function", []string{"reconcile"}},
		{"ArchiveAge", "function", []string{"archiver"}},
	}
}

func texts[T ~string](names []T) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, string(n))
	}
	return out
}

// byOutcome is a count for each outcome. byFunction is one that has but one
// function to come from: the format wants a dimension all the same.
func byOutcome(name string, n int) []telemetry.Count {
	return []telemetry.Count{{Name: name, N: n, Dimension: "outcome"}}
}

func byFunction(name string, n int) telemetry.Count {
	return telemetry.Count{Name: name, N: n, Dimension: "function"}
}
