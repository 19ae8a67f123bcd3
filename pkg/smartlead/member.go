package smartlead

import (
	"bytes"
	"slices"
)

// kindOfMember says how a member is redacted, by its name alone.
type kindOfMember byte

const (
	plainMember kindOfMember = iota
	credentialMember
	hookURLMember
)

// What makes a member's name, in lower case and without punctuation, that of a credential:
// the whole of it, its end, or a part.
var (
	memberNames = [...]string{"authorization", "proxyauthorization", "cookie", "setcookie", "passwd", "bearer"}
	memberEnds  = [...]string{"secret", "token", "password", "accesskey", "privatekey"}
	memberParts = [...]string{"apikey", "secretkey"}
)

const hookURLEnd = "webhookurl"

// specialTails has the last two letters of every name and end above, by the last one the
// bits of those before it; partLetter is in every part. A name with neither is plain.
var specialTails = func() (tails [256]uint32) {
	for _, s := range slices.Concat(memberNames[:], memberEnds[:], []string{hookURLEnd}) {
		tails[s[len(s)-1]] |= 1 << (s[len(s)-2] - 'a')
	}
	return tails
}()

const partLetter = 'k'

// memberKind compares names without case and punctuation, so that api_key,
// apiKey and X-API-Key are one.
func memberKind(name []byte) kindOfMember {
	if len(name) > 64 || !mayBeSpecial(name) {
		return plainMember
	}
	var stack [64]byte
	flat := flattened(stack[:0], name)
	switch {
	case bytes.HasSuffix(flat, []byte(hookURLEnd)):
		return hookURLMember
	case isCredentialName(flat):
		return credentialMember
	}
	return plainMember
}

// mayBeSpecial rules out most names at a glance.
func mayBeSpecial(name []byte) bool {
	if bytes.IndexByte(name, partLetter) >= 0 || bytes.IndexByte(name, partLetter-'a'+'A') >= 0 {
		return true
	}
	last := byte(0)
	for i := len(name) - 1; i >= 0; i-- {
		c := lower(name[i])
		switch {
		case c >= 'a' && c <= 'z' && last != 0:
			return specialTails[last]&(1<<(c-'a')) != 0
		case c >= 'a' && c <= 'z':
			last = c
		case c >= '0' && c <= '9':
			return false
		}
	}
	return false
}

// flattened appends a name in lower case and without punctuation.
func flattened(flat, name []byte) []byte {
	for _, c := range name {
		switch {
		case c >= 'A' && c <= 'Z':
			flat = append(flat, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			flat = append(flat, c)
		}
	}
	return flat
}

func isCredentialName(flat []byte) bool {
	for _, name := range memberNames {
		if string(flat) == name {
			return true
		}
	}
	for _, end := range memberEnds {
		if len(flat) >= len(end) && string(flat[len(flat)-len(end):]) == end {
			return true
		}
	}
	for _, part := range memberParts {
		if bytes.Contains(flat, []byte(part)) {
			return true
		}
	}
	return false
}
