// Package testclock says when tests take place, so that none depends on the
// date of the machine.
package testclock

import "time"

// Noon is when the clock of every test begins: the same in each run, and so far
// ahead that whatever a test lets expire is still to come by the real clock.
//
// The engines that tests talk to delete expired items by the real clock, at
// moments of their own. On a clock whose expiries have passed, a test loses
// items at random; on one that is ahead of the machine's, it loses none. What a
// test wants to see expire it deletes itself.
func Noon() time.Time { return time.Date(2126, 3, 4, 12, 0, 0, 0, time.UTC) }
