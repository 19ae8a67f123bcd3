package smartlead

import "time"

// ParseTime reads a time in any spelling in which Smartlead was seen to write one, and
// takes one without an offset as UTC. The result is UTC, cut to milliseconds; ok is
// false for what is none, and for placeholders such as 0001-01-01.
func ParseTime(text string) (t time.Time, ok bool) { return parseTime(text) }
