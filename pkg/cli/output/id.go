package output

import "strings"

const (
	idVersion = "v1:"
	// shownHash is how many characters of an id's hash a terminal shows: 40 bits, so
	// that two of a million events share them once in two million.
	shownHash = 8
)

// ShortID is an event id as a terminal shows it and every command takes it: the
// type, eight characters of the hash, and which occurrence it is. Text of another
// form stays as it is.
func ShortID(id string) string {
	rest, ok := strings.CutPrefix(id, idVersion)
	key, occurrence, _ := strings.Cut(rest, "~")
	typ, hash, named := strings.Cut(key, ":")
	if !ok || !named || len(hash) <= shownHash {
		return id
	}
	if occurrence != "" {
		occurrence = "~" + occurrence
	}
	return typ + ":" + hash[:shownHash] + occurrence
}

// isShortID tells what ShortID returns.
func isShortID(s string) bool {
	typ, hash, named := strings.Cut(s, ":")
	hash, _, _ = strings.Cut(hash, "~")
	return named && typ != "" && len(hash) == shownHash && strings.ToUpper(s) == s
}

// shortenType cuts the type of a short id. Commands take the rest of it, too.
func shortenType(id string, width int) string {
	typ, hash, _ := strings.Cut(id, ":")
	return Shorten(typ, width) + ":" + hash
}
