package incident

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Redrive is where a redrive stands.
type Redrive struct {
	Job    string
	State  string // in the redrive's words
	Reason string // of its latest decision
	Worked bool   // this run worked on it
	Over   bool   // it has ended
}

// Redrives keeps an incident for each redrive, from its first step to its end. It is safe
// for concurrent use.
type Redrives struct {
	store *Store

	mu    sync.Mutex
	known Redrive // what the incident of the latest redrive says
	at    time.Time
}

// NewRedrives returns what keeps the incidents of redrives. It makes no call.
func NewRedrives(store *Store) *Redrives { return &Redrives{store: store} }

// again is after how long a redrive that stands as before is noted again: well within the
// time after which an incident counts as quiet.
const again = time.Hour

// Saw notes where a redrive stands, if that has changed. A redrive that was over before
// anybody saw it opens nothing.
func (r *Redrives) Saw(ctx context.Context, saw Redrive) error {
	now := r.store.now().UTC()
	r.mu.Lock()
	defer r.mu.Unlock()
	if saw.Job == "" || r.known.Job == saw.Job && r.known.State == saw.State && (saw.Over || now.Sub(r.at) < again) {
		return nil
	}
	s := Sighting{
		Key: Key{Kind: KindRedrive, Cause: saw.Job}, Text: saw.State + ": " + saw.Reason, Count: 1, First: now, Last: now,
	}
	if saw.Over {
		s.Over = "the redrive is " + saw.State
	}
	s = s.bounded()
	_, err := r.store.change(ctx, s.ID(), func(in *Incident) bool {
		same := strings.HasPrefix(in.Text, saw.State+": ")
		if saw.Over && !in.Ongoing() && (in.ID != "" && same || !saw.Worked) || saw.Over && in.ID == "" && !saw.Worked {
			return false
		}
		if in.Ongoing() && same {
			if now.Sub(in.LastAt) < again {
				return false
			}
			s.Count = 0
		}
		in.see(s, now)
		return true
	})
	if err == nil {
		r.known, r.at = saw, now
	}
	return err
}
