// Package scale computes which limit of AWS, or setting of template.yaml, binds at
// which rate of events. It simulates, second by second, what arithmetic does not
// answer: the start of Lambda's environments, partitions that are hot, a queue that
// grows and drains, and a provider that sends again. The tables of docs/SCALE.md are
// its output.
package scale
