//go:build race

package archive_test

// every: of the calls at which a run dies, every so manieth is tried under the race
// detector, which makes each ten times as slow. The whole sweep runs without it.
const every = 7
