// Package replay drives a redrive of many events against a running stack, in
// processes of its own, and measures what operators and live traffic see. Its
// tests need the machine for themselves, so they have a build tag and a step of
// their own: make test/replay.
package replay
