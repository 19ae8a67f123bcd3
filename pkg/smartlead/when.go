package smartlead

import (
	"strconv"
	"strings"
	"time"
)

// Times outside these years are placeholders (0001-01-01, 1970-01-01), not
// times at which an event happened.
const (
	firstYear = 2000
	lastYear  = 2199
)

// parseTime reads every spelling of a time that the provider's pages, captures
// and integrators show: RFC 3339 with any number of decimals, a blank for the
// T, an offset as Z, +00:00, +0000 or +00, no offset at all (UTC: every offset
// seen is zero), seconds, milliseconds or microseconds since 1970 as number or
// text, and the time of a mail's Date header (RFC 2822). The result is UTC, cut to milliseconds.
func parseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	var t time.Time
	var ok bool
	switch {
	case len(s) >= 19 && s[4] == '-':
		t, ok = parseISO(s)
	case len(s) > 16 && strings.Contains(s, " "):
		t, ok = parseMail(s)
	default:
		t, ok = parseEpoch(s)
	}
	if year := t.Year(); !ok || year < firstYear || year > lastYear {
		return time.Time{}, false
	}
	return t.Truncate(time.Millisecond), true
}

// mailTimes are the layouts of RFC 2822, section 3.3, without the day of the week.
var mailTimes = [...]string{"2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04 -0700"}

// maxMailTime bounds a text that is tried as the time of a mail, in bytes.
const maxMailTime = 60

// parseMail reads [day,] D Mon YYYY hh:mm[:ss] offset [(comment)]. The zones that
// RFC 2822 names are the obsolete UT and GMT, which are UTC; others are not read,
// because their offsets are not defined.
func parseMail(s string) (time.Time, bool) {
	if len(s) > maxMailTime {
		return time.Time{}, false
	}
	if _, rest, ok := strings.Cut(s, ","); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "(")
	s = strings.Join(strings.Fields(s), " ")
	for _, zone := range [...]string{" UT", " GMT", " UTC"} {
		if rest, ok := strings.CutSuffix(s, zone); ok {
			s = rest + " +0000"
		}
	}
	for _, layout := range mailTimes {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// parseISO reads YYYY-MM-DDThh:mm:ss[.fraction][offset].
func parseISO(s string) (time.Time, bool) {
	if s[7] != '-' || s[13] != ':' || s[16] != ':' || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') {
		return time.Time{}, false
	}
	year, ok1 := number(s[0:4])
	month, ok2 := number(s[5:7])
	day, ok3 := number(s[8:10])
	hour, ok4 := number(s[11:13])
	minute, ok5 := number(s[14:16])
	second, ok6 := number(s[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 ||
		month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	rest := s[19:]
	nanos := 0
	if rest != "" && (rest[0] == '.' || rest[0] == ',') {
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 1 {
			return time.Time{}, false
		}
		nanos = billionths(rest[1:n])
		rest = rest[n:]
	}
	offset, ok := parseOffset(strings.TrimSpace(rest))
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	return t.Add(-offset), true
}

func parseOffset(s string) (time.Duration, bool) {
	switch s {
	case "", "Z", "z", "UTC", "GMT":
		return 0, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	digits := strings.Replace(s[1:], ":", "", 1)
	if len(digits) != 2 && len(digits) != 4 {
		return 0, false
	}
	hours, ok1 := number(digits[:2])
	minutes, ok2 := 0, true
	if len(digits) == 4 {
		minutes, ok2 = number(digits[2:])
	}
	if !ok1 || !ok2 || hours > 15 || minutes > 59 {
		return 0, false
	}
	d := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// parseEpoch reads seconds, milliseconds or microseconds since 1970; which one
// follows from the number of digits, unambiguously for the years accepted.
func parseEpoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	if len(whole) < 9 || len(whole) > 16 {
		return time.Time{}, false
	}
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil {
		return time.Time{}, false
	}
	if _, ok := number(fraction); !ok {
		return time.Time{}, false
	}
	switch {
	case len(whole) <= 10:
		ms, _ := number((fraction + "000")[:3])
		return time.UnixMilli(int64(n)*1000 + int64(ms)).UTC(), true
	case len(whole) <= 13:
		return time.UnixMilli(int64(n)).UTC(), true
	}
	return time.UnixMicro(int64(n)).UTC(), true
}

// number reads decimal digits and nothing else; "" is 0. Of more than 18 digits
// the rest must be digits, too, but does not count.
func number(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if i < 18 {
			n = n*10 + int(s[i]-'0')
		}
	}
	return n, true
}

// billionths reads the digits of a fraction; those beyond the ninth do not count.
func billionths(digits string) int {
	n := 0
	for i := range 9 {
		n *= 10
		if i < len(digits) {
			n += int(digits[i] - '0')
		}
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
