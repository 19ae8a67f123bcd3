package smartlead

import "strings"

// address returns the mail address in s, trimmed and lower-cased; s may be a
// bare address or "Name <address>". It returns "" when there is none, which
// includes the vendor's placeholder "untracked". Plus tags and international
// domains stay as they are.
func address(s string) string {
	if open := strings.LastIndexByte(s, '<'); open >= 0 {
		s = s[open+1:]
		if end := strings.IndexByte(s, '>'); end >= 0 {
			s = s[:end]
		}
	}
	s = strings.TrimSpace(s)
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || strings.ContainsAny(s, " \t\r\n,;<>") {
		return ""
	}
	return strings.ToLower(s)
}

// displayName is the name in "Name <address>".
func displayName(s string) string {
	name, _, ok := strings.Cut(s, "<")
	if !ok {
		return ""
	}
	return strings.Trim(strings.TrimSpace(name), `"'`)
}

// daemonNames are the local parts of senders that are never a person.
var daemonNames = [...]string{
	"mailer-daemon", "mailerdaemon", "mail-daemon", "postmaster",
	"no-reply", "noreply", "no_reply", "no.reply",
	"do-not-reply", "donotreply", "do_not_reply", "do.not.reply",
}

// isDaemon tells whether an address belongs to a mail system or takes no
// answers: the local part is one of daemonNames, alone or before a separator.
func isDaemon(addr string) bool {
	local, _, _ := strings.Cut(addr, "@")
	for _, name := range daemonNames {
		if rest, ok := strings.CutPrefix(local, name); ok && (rest == "" || strings.ContainsAny(rest[:1], "+-_.0123456789")) {
			return true
		}
	}
	return false
}

// isDaemonName is isDaemon for a display name.
func isDaemonName(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "mail delivery subsystem", "mail delivery system", "mail delivery service":
		return true
	}
	return name != "" && isDaemon(strings.ReplaceAll(name, " ", "-"))
}

// messageID is an RFC 5322 message id without white space and angle brackets.
func messageID(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, "<")
	s = strings.TrimSuffix(s, ">")
	return strings.TrimSpace(s)
}
