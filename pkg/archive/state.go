package archive

import (
	"context"
	"slices"
	"time"

	"smartlead-receiver/pkg/turn"
)

// The document in the table.
const (
	stateKind = "archive"
	stateName = "state"
)

// Look is how far one look has come.
type Look struct {
	Until time.Time `json:"until"` // what was received before it is done
}

// Span is a time of receipt: from Since on, before Until.
type Span struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
}

// with is the least span that has both; one that is empty has nothing.
func (s Span) with(other Span) Span {
	if !other.Since.Before(other.Until) {
		return s
	}
	if !s.Since.Before(s.Until) {
		return other
	}
	if other.Since.Before(s.Since) {
		s.Since = other.Since
	}
	if other.Until.After(s.Until) {
		s.Until = other.Until
	}
	return s
}

// State is where the archive stands. There is one in a table.
type State struct {
	turn.Turn

	Place   Place     `json:"place"`
	Places  []Place   `json:"earlier_places,omitempty"` // where it was before: what is there stays
	OnSince time.Time `json:"on_since,omitzero"`        // when the first run began
	// Began is since when what was received is archived.
	Began time.Time `json:"began,omitzero"`
	Looks []Look    `json:"looks,omitempty"`
	Asked time.Time `json:"asked,omitzero"` // by an operator: look again at all that was received since
	Again Span      `json:"again,omitzero"` // what is left of that
	// Unreadable are the events that the latest run with such left out: this version of the
	// function cannot read them. UnreadableIn is where such may still be.
	Unreadable   int       `json:"unreadable,omitempty"`
	UnreadableIn Span      `json:"unreadable_in,omitzero"`
	UpToDateAt   time.Time `json:"up_to_date_at,omitzero"` // when every closed hour was archived
	Cause        string    `json:"cause,omitempty"`        // why the latest run ended early
	CauseSince   time.Time `json:"cause_since,omitzero"`
	UpdatedAt    time.Time `json:"updated_at,omitzero"`
}

// Wrote notes when the state is written.
func (s *State) Wrote(now time.Time) { s.UpdatedAt = now }

// TakeIn takes in what an operator wrote meanwhile.
func (s *State) TakeIn(theirs State) { s.Asked = theirs.Asked }

// ArchivedUntil is before which everything that was received is archived, but what came late.
func (s State) ArchivedUntil() time.Time {
	if len(s.Looks) == 0 {
		return time.Time{}
	}
	return s.Looks[0].Until
}

// couldRead notes a time in which a look, whichever it was, left nothing out. The first look
// never sees an hour twice: later ones and those that are asked for come to what it left
// out. They come to it from its beginning, so that nothing is taken for read behind what
// still is not.
func (s *State) couldRead(looked Span) {
	if looked.Since.After(s.UnreadableIn.Since) || !looked.Until.After(s.UnreadableIn.Since) {
		return
	}
	if s.UnreadableIn.Since = looked.Until; !s.UnreadableIn.Since.Before(s.UnreadableIn.Until) {
		s.Unreadable, s.UnreadableIn = 0, Span{}
	}
}

// AllPlaces are where objects may be, the present place first.
func (s State) AllPlaces() []Place {
	all := []Place{}
	for _, p := range append([]Place{s.Place}, s.Places...) {
		if p.Bucket != "" && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func standing(docs turn.Documents) turn.Kept[State, *State] {
	return turn.Kept[State, *State]{Docs: docs, Kind: stateKind, Name: stateName, What: "where the archive stands"}
}

// Standing returns where the archive stands; the zero State where it never ran.
func Standing(ctx context.Context, docs turn.Documents) (State, error) {
	return standing(docs).Load(ctx)
}

// Ask has the archiver look again at all that was received since then, for what is not
// archived.
func Ask(ctx context.Context, docs turn.Documents, since, now time.Time) (State, error) {
	return standing(docs).Change(ctx, now, func(st *State) error {
		if st.Asked.IsZero() || since.Before(st.Asked) {
			st.Asked = since.UTC()
		}
		return nil
	})
}

// Behind is how far the archive is behind what should be in it: 0, as long as each hour is
// archived when it is closed.
func (p Policy) Behind(s State, now time.Time) time.Duration {
	if len(s.Looks) == 0 {
		return 0
	}
	return max(0, p.closed(0, now).Sub(s.ArchivedUntil()))
}

// Age is for how long something has been lacking that is closed; 0: nothing is.
func (p Policy) Age(s State, now time.Time) time.Duration {
	if p.Behind(s, now) == 0 {
		return 0
	}
	since := s.UpToDateAt
	if s.OnSince.After(since) {
		since = s.OnSince
	}
	return now.Sub(since)
}

// closed is before which all that was received is looked at by a look, the first one is 0.
func (p Policy) closed(look int, now time.Time) time.Time {
	return now.UTC().Add(-p.Looks[look]).Truncate(p.Every)
}
