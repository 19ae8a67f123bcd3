package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// TrustKey puts a secret_key on the source's list, and returns the source as it is
// then. It comes before the look for what was held: what arrives in between is
// trusted already. Functions that are running may hold for it until they have read
// the source anew.
//
// It returns auth.ErrInvalidSource, wrapped, for a key that cannot be trusted, and
// the store's errors.
func (s *Service) TrustKey(ctx context.Context, source auth.Source, key string) (auth.Source, error) {
	trusted, err := source.TrustBodySecret(key, s.Now())
	if err != nil {
		return auth.Source{}, err
	}
	return trusted, s.Sources.PutSource(ctx, trusted)
}

// What a look for held events reads at once, and at most.
const (
	heldPage = 200
	MaxHeld  = 20_000 // events that one look covers
)

// HeldUnder is the held events of a source, sorted by a key.
type HeldUnder struct {
	Matches    []webhook.Record // bodies that carry the key, the latest first
	Others     int              // another key, or none: they stay held
	Unreadable []Unreadable     // they stay held

	Looked int       // events looked at, of other sources too
	Until  time.Time // where to go on; zero when every held event was seen
}

// Unreadable is an event whose body could not be read.
type Unreadable struct {
	ID  webhook.EventID
	Err error
}

// HeldUnder finds the held events of a source whose bodies carry the key, the
// latest first, up to MaxHeld. Until zero means now. Stored bodies hold a keyed
// fingerprint in the key's place, which equal keys have in common. Beside an
// error it returns what it found before.
func (s *Service) HeldUnder(ctx context.Context, source auth.Source, key string, since, until time.Time) (HeldUnder, error) {
	var h HeldUnder
	want, err := fingerprintOf(source, key)
	if err != nil {
		return h, err
	}
	q := HeldQuery{Source: source.Name, Since: since, Until: until, Now: s.Now()}
	oldest := q.Now
	for {
		q.Limit = min(heldPage, MaxHeld-h.Looked)
		page, err := s.HeldEvents.Held(ctx, q)
		if err != nil {
			return h, err
		}
		q.After, h.Looked = page.Next, h.Looked+page.Looked
		for _, listed := range page.Records {
			oldest = listed.ReceivedAt
			if err := s.sortHeld(ctx, &h, listed.ID, want); err != nil {
				return h, err
			}
		}
		if q.After == "" {
			return h, nil
		}
		if h.Looked >= MaxHeld {
			h.Until = oldest.Add(time.Millisecond)
			return h, nil
		}
	}
}

// sortHeld reads one event with its body. One that was moved meanwhile is no
// longer held, and counts nowhere.
func (s *Service) sortHeld(ctx context.Context, h *HeldUnder, id webhook.EventID, want string) error {
	rec, err := s.Events.Get(ctx, id)
	if err != nil {
		return err
	}
	if rec.State != webhook.Held {
		return nil
	}
	body, err := s.Bodies.Load(ctx, rec.Payload)
	switch {
	case err != nil:
		h.Unreadable = append(h.Unreadable, Unreadable{ID: id, Err: err})
	case carries(body) == want:
		h.Matches = append(h.Matches, rec)
	default:
		h.Others++
	}
	return nil
}

// Carries tells whether the stored body of an event carries the key. It returns the
// errors of the stores.
func (s *Service) Carries(ctx context.Context, source auth.Source, key string, id webhook.EventID) (bool, error) {
	want, err := fingerprintOf(source, key)
	if err != nil {
		return false, err
	}
	event, err := s.Events.Get(ctx, id) // a listing does not hold the bodies
	if err != nil {
		return false, err
	}
	body, err := s.Bodies.Load(ctx, event.Payload)
	return err == nil && carries(body) == want, err
}

// fingerprintOf is what the receiver stores in place of the key.
func fingerprintOf(source auth.Source, key string) (string, error) {
	body, err := json.Marshal(map[string]string{"secret_key": key})
	if err != nil {
		return "", fmt.Errorf("the key cannot be read as text: %w", err)
	}
	batch, err := smartlead.Parse(body, smartlead.Options{Account: source.Account, RedactionKey: source.RedactionKey, Outside: true})
	if err != nil || len(batch.Elements) != 1 {
		return "", errors.New("the key cannot be compared with stored bodies")
	}
	want := carries(batch.Elements[0].Payload)
	if want == "" { // it would match every body without a key
		return "", errors.New("the key cannot be compared with stored bodies")
	}
	return want, nil
}

// carries is the fingerprint in a stored body; empty for none.
func carries(body []byte) string {
	var b struct {
		SecretKey any `json:"secret_key"`
	}
	if json.Unmarshal(body, &b) != nil || b.SecretKey == nil {
		return ""
	}
	return fmt.Sprint(b.SecretKey)
}
