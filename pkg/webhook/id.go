package webhook

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// EventID is the identity of an event: the natural key of its first
// occurrence, or the natural key and "~n" from the second on. It is never a
// queue's message id.
type EventID string

// MaxEventID bounds the length of an id that is accepted from outside, in
// bytes. A natural key is about 60.
const MaxEventID = 120

// ErrBadEventID is returned for text that cannot be an EventID.
var ErrBadEventID = errors.New("not an event id")

// NewEventID returns the id of one occurrence of a natural key. Occurrences
// count from 1.
func NewEventID(key string, occurrence int) EventID {
	if occurrence <= 1 {
		return EventID(key)
	}
	return EventID(key + "~" + strconv.Itoa(occurrence))
}

// ParseEventID checks text that came from outside. It returns ErrBadEventID
// (wrapped) when the text has not the form "v1:TYPE:BASE32" or
// "v1:TYPE:BASE32~n".
func ParseEventID(s string) (EventID, error) {
	if len(s) > MaxEventID {
		return "", fmt.Errorf("%w: longer than %d bytes", ErrBadEventID, MaxEventID)
	}
	key, occurrence, repeated := strings.Cut(s, "~")
	parts := strings.Split(key, ":")
	if len(parts) != 3 || parts[0] != "v1" || !isUpperWord(parts[1]) || !isUpperWord(parts[2]) {
		return "", fmt.Errorf("%w: it looks like v1:EMAIL_REPLY:…", ErrBadEventID)
	}
	if repeated {
		n, err := strconv.Atoi(occurrence)
		if err != nil || n < 2 || n > 999_999 || strconv.Itoa(n) != occurrence {
			return "", fmt.Errorf("%w: the occurrence after ~ is a number from 2", ErrBadEventID)
		}
	}
	return EventID(s), nil
}

// Key returns the natural key.
func (id EventID) Key() string {
	key, _, _ := strings.Cut(string(id), "~")
	return key
}

// Type returns the type of event that the natural key names; "" where it names
// none.
func (id EventID) Type() Type {
	parts := strings.Split(id.Key(), ":")
	if len(parts) != 3 {
		return ""
	}
	return Type(parts[1])
}

// Occurrence returns which repeat of the natural key this is, from 1.
func (id EventID) Occurrence() int {
	_, n, repeated := strings.Cut(string(id), "~")
	if !repeated {
		return 1
	}
	i, err := strconv.Atoi(n)
	if err != nil {
		return 1
	}
	return i
}

func isUpperWord(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range s {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}
