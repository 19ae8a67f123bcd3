package eventview

import (
	"maps"
	"slices"
)

// Compared is a member of two bodies, by its path.
type Compared struct {
	Path        string
	Own, Other  string
	InOwn, InIt bool // whether the event's body has it, and whether the variant's has
}

// Differs tells whether the bodies do not agree on the member.
func (c Compared) Differs() bool { return c.InOwn != c.InIt || c.Own != c.Other }

// Compare lays two stored bodies side by side, member by member in the order of
// their paths; ok is false where one cannot be read.
func Compare(own, other []byte) (all []Compared, ok bool) {
	a, b := members(own), members(other)
	if a == nil || b == nil {
		return nil, false
	}
	paths := maps.Clone(a)
	maps.Copy(paths, b)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		c := Compared{Path: path}
		c.Own, c.InOwn = a[path]
		c.Other, c.InIt = b[path]
		all = append(all, c)
	}
	return all, true
}
