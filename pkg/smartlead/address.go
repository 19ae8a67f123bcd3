package smartlead

import "strings"

const (
	// maxAddress is the longest mail address there can be, in bytes (RFC 5321).
	maxAddress = 320
	// maxAddresses is how much of a text is searched for one, in bytes.
	maxAddresses = 4 << 10
)

// address returns the first mail address in s, trimmed and lower-cased; s may
// be a bare address, "Name <address>", "Name (address)", or several of them. It returns "" when
// there is none, which includes the vendor's placeholder "untracked". Plus tags
// and international domains stay as they are.
func address(s string) string {
	s = cut(s, maxAddresses)
	if strings.IndexByte(s, '@') < 0 {
		return ""
	}
	for rest := s; ; {
		_, after, ok := strings.Cut(rest, "<")
		if !ok {
			break
		}
		inner, _, _ := strings.Cut(after, ">")
		if a := bareAddress(inner); a != "" {
			return a
		}
		rest = after
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ';' }) {
		if a := bareAddress(part); a != "" {
			return a
		}
	}
	word, _ := addressWord(s)
	return word
}

// addressWord finds the first word of a text that is an address, also in brackets
// or before a full stop, and returns what stands before it.
func addressWord(s string) (addr, before string) {
	for word := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(" \t\r\n,;<>()[]{}\"|", r) }) {
		if a := bareAddress(strings.Trim(word, `'.:!?`)); a != "" {
			before, _, _ = strings.Cut(s, word)
			return a, before
		}
	}
	return "", ""
}

func bareAddress(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || len(s) > maxAddress || strings.ContainsAny(s, " \t\r\n,;<>") {
		return ""
	}
	return strings.ToLower(s)
}

// displayName returns the name in "Name <address>", and in "Name address".
func displayName(s string) string {
	name, _, ok := strings.Cut(s, "<")
	if !ok {
		_, name = addressWord(cut(s, maxAddresses))
	}
	return strings.Trim(strings.TrimSpace(name), `"'([{|`+"`")
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

// isDaemonName does the same for a display name.
func isDaemonName(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "mail delivery subsystem", "mail delivery system", "mail delivery service":
		return true
	}
	return name != "" && isDaemon(strings.ReplaceAll(name, " ", "-"))
}

// messageID returns an RFC 5322 message id without white space and angle brackets.
func messageID(s string) string {
	return bounded(strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "<"), ">")))
}

// maxID bounds an id, in bytes: beyond it lie neither ids nor message ids, and
// a store's index takes no more.
const maxID = 512

// bounded shortens an id that is too long to its beginning and a hash, so that
// two such ids still differ.
func bounded(id string) string {
	if len(id) <= maxID {
		return id
	}
	return cut(id, maxID/2) + "~" + hashText(id)
}
