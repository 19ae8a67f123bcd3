// Package incident is the use case that says what is wrong, since when, how often,
// whether it goes on, and where to look first. It reads what the ledger keeps anyway,
// beside the way of an event: an incident that is lost or late disturbs none.
package incident

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Kind is what sort of thing is wrong.
type Kind string

// These are the kinds.
const (
	KindAlert   Kind = "provider_alert" // Smartlead says that an account or a campaign is in trouble
	KindRefused Kind = "refused"        // requests were not accepted
	KindOutage  Kind = "outage"         // a store did not answer, or the sweeper did not run
	KindDead    Kind = "dead"           // events died
	KindVariant Kind = "variant"        // another body came under a known identity
	KindRedrive Kind = "redrive"        // a redrive is under way
	KindSweep   Kind = "sweep"          // the sweeper had to send what was owed
	KindDrift   Kind = "drift"          // a comparison with Smartlead found events missing, or could not be made
	KindRepair  Kind = "repair"         // events were missing, and were asked for or made
	KindSilence Kind = "silence"        // a source, or a webhook, does not send as it usually does
	KindError   Kind = "error"          // a tool reported an error to the error webhook
	KindBreaker Kind = "breaker"        // a destination fails, and is sent nothing
	KindPause   Kind = "pause"          // an operator has paused a destination
)

// Kinds lists every kind.
var Kinds = []Kind{
	KindAlert, KindRefused, KindOutage, KindDead, KindBreaker, KindPause, KindVariant, KindRedrive, KindSweep, KindDrift, KindRepair, KindSilence, KindError,
}

// State is where an incident stands.
type State string

// These are the states. An acknowledged incident goes on, and somebody knows.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Closed       State = "closed"
)

// States lists every state.
var States = []State{Open, Acknowledged, Closed}

// Others is the cause of the incident on which everything is counted that is beyond the
// number of incidents kept of a kind, or of a source.
const Others = "others"

// Key is what makes two sightings the same incident.
type Key struct {
	Kind    Kind   `json:"kind"`
	Cause   string `json:"cause"`             // error class, cause of a refusal, type of an alert, store …
	Subject string `json:"subject,omitempty"` // what it is about: destination, mailbox, campaign, redrive
	Source  string `json:"source,omitempty"`
	Account string `json:"account,omitempty"`
}

// ID names the incident of a key: ten letters and digits.
func (k Key) ID() string {
	h := sha256.New()
	for _, part := range []string{string(k.Kind), k.Cause, k.Subject, k.Source, k.Account} {
		_ = binary.Write(h, binary.BigEndian, uint32(len(part))) //nolint:gosec // a hash never fails; texts are short
		h.Write([]byte(part))
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)))[:idLength]
}

const idLength = 10

// ValidID tells whether a text can be the id of an incident.
func ValidID(id string) bool {
	return len(id) == idLength && !strings.ContainsFunc(id, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// others is the key on which a key beyond the limits is counted.
func (k Key) others() Key {
	if k.Kind == KindError {
		return Key{Kind: k.Kind, Cause: Others, Source: k.Source}
	}
	return Key{Kind: k.Kind, Cause: Others}
}

// Limits of what is kept, in bytes.
const (
	maxPart    = 120 // of each part of a key
	MaxText    = 300
	MaxNote    = 300
	maxExample = 100
)

// Sighting is what was seen of an incident. Texts are redacted by whoever saw it.
type Sighting struct {
	Key

	Text    string    `json:"text,omitempty"`    // in the words of whoever reports it
	Example string    `json:"example,omitempty"` // id of an event
	Count   int       `json:"count"`
	AtLeast bool      `json:"at_least,omitempty"` // there were more, that nobody counted
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Over    string    `json:"over,omitempty"` // why it is over; empty while it goes on
}

// bounded cuts what is too long.
func (s Sighting) bounded() Sighting {
	for _, part := range []*string{&s.Cause, &s.Subject, &s.Source, &s.Account} {
		*part = clip(*part, maxPart)
	}
	s.Text, s.Example = clip(s.Text, MaxText), clip(s.Example, maxExample)
	return s
}

// Incident is one line: what is wrong, since when, how often, and whether it goes on.
type Incident struct {
	ID string `json:"id"`
	Key

	Text    string `json:"text,omitempty"`    // the latest; text from outside
	Example string `json:"example,omitempty"` // id of the latest event
	Count   int    `json:"count"`             // sightings since it was opened
	AtLeast bool   `json:"at_least,omitempty"`

	State    State     `json:"state"`
	OpenedAt time.Time `json:"opened_at"`
	LastAt   time.Time `json:"last_at"`
	Openings int       `json:"openings"` // 1, and 1 more each time that it was opened again
	AckedAt  time.Time `json:"acknowledged_at,omitzero"`
	Note     string    `json:"note,omitempty"` // of whoever acknowledged it
	ClosedAt time.Time `json:"closed_at,omitzero"`
	Why      string    `json:"closed_because,omitempty"`

	ChangedAt time.Time `json:"changed_at"` // when somebody noticed that it was opened, or closed it

	// Told says by target which opening, or which closing, was told there.
	Told       map[string]string `json:"told,omitempty"`
	NotifiedAt time.Time         `json:"notified_at,omitzero"` // of the latest notice

	Batch   int `json:"batch,omitempty"` // of the watcher: the latest that is counted here
	version int
}

// see takes a sighting in. It opens an incident that is new, or closed before.
func (in *Incident) see(s Sighting, now time.Time) {
	late := in.State == Closed && !s.Last.After(in.ClosedAt) // seen before it was closed, and reported after
	if in.State == "" || in.State == Closed && !late {
		in.ID, in.Key = s.ID(), s.Key
		in.State, in.OpenedAt, in.ChangedAt, in.Count, in.AtLeast = Open, s.First, now, 0, false
		in.AckedAt, in.Note, in.ClosedAt, in.Why = time.Time{}, "", time.Time{}, ""
		in.Openings++
	}
	in.Count += s.Count
	in.AtLeast = in.AtLeast || s.AtLeast
	if s.First.Before(in.OpenedAt) {
		in.OpenedAt = s.First
	}
	if !s.Last.Before(in.LastAt) {
		in.LastAt = s.Last
		if s.Text != "" {
			in.Text = s.Text
		}
		if s.Example != "" {
			in.Example = s.Example
		}
	}
	if s.Over != "" {
		in.close(now, s.Over)
	}
}

func (in *Incident) close(at time.Time, why string) {
	if in.State != Closed {
		in.State, in.ClosedAt, in.ChangedAt, in.Why = Closed, at, at, why
	}
}

// stage names the latest thing to tell: this opening, or its end.
func (in Incident) stage() string {
	stage := "o"
	if in.State == Closed {
		stage = "c"
	}
	return stage + itoa(in.Openings)
}

// Ongoing tells whether the incident has not been closed.
func (in Incident) Ongoing() bool { return in.State != Closed }

// Newest orders incidents: those that go on first, then by the latest sighting.
func Newest(list []Incident) {
	slices.SortFunc(list, func(a, b Incident) int {
		if a.Ongoing() != b.Ongoing() {
			if a.Ongoing() {
				return -1
			}
			return 1
		}
		if c := b.LastAt.Compare(a.LastAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}
