// Package replay drives a redrive of many events against a running stack, in
// processes of its own, and measures what operators and live traffic see. Its
// tests wait for minutes of real time and hardly compute, so they have a build tag and
// a step of their own, which make test runs beside others: make test/replay. What they
// hold does not depend on how busy the machine is; TEST_SPEED=1, on an idle one, adds
// bounds of time.
package replay
