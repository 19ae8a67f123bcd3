package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// SilenceRule is what an operator set of the silence of a source. The zero value is what
// holds where nobody did: what is usual is learned, and no hour is quiet.
type SilenceRule struct {
	After time.Duration // without an event, quiet hours left out; 0: learned
	Never bool          // nobody is to be told
	Quiet QuietHours
	SetAt time.Time
}

// The bounds of what may be set as silence.
const (
	MinSilence = time.Hour
	MaxSilence = 14 * 24 * time.Hour
)

// silenceForm is how a rule is written.
type silenceForm struct {
	AfterMinutes int       `json:"after_minutes,omitempty"`
	Never        bool      `json:"never,omitempty"`
	Quiet        string    `json:"quiet,omitempty"`
	SetAt        time.Time `json:"set_at"`
}

const (
	silenceKind = "silence"
	maxRules    = 500
)

// Silences keeps the rules of sources. It is safe for concurrent use.
type Silences struct {
	docs Documents
	now  func() time.Time
}

// NewSilences returns what keeps the rules in a ledger. It makes no call.
func NewSilences(docs Documents, now func() time.Time) *Silences { return &Silences{docs, now} }

// Get returns the rule of a source, the zero value where nothing was set.
func (s *Silences) Get(ctx context.Context, source string) (SilenceRule, error) {
	rule, _, err := s.load(ctx, source)
	return rule, err
}

func (s *Silences) load(ctx context.Context, source string) (SilenceRule, int, error) {
	body, version, err := s.docs.LoadDocument(ctx, silenceKind, source)
	if errors.Is(err, webhook.ErrNotFound) {
		return SilenceRule{}, 0, nil
	}
	if err != nil {
		return SilenceRule{}, 0, fmt.Errorf("what is set of the silence of %s: %w", source, err)
	}
	return ruleOf(body), version, nil
}

// ErrTooManySilences is returned for a time of silence where as many sources have one as
// are watched.
var ErrTooManySilences = fmt.Errorf("a time is set for %d sources, and no more are watched", maxRhythms)

// Put sets the rule of a source. It returns webhook.ErrChanged where somebody else did
// meanwhile, and ErrTooManySilences, wrapped.
func (s *Silences) Put(ctx context.Context, source string, rule SilenceRule) error {
	_, version, err := s.load(ctx, source)
	if err != nil {
		return err
	}
	if rule.After > 0 {
		if err := s.room(ctx, source); err != nil {
			return fmt.Errorf("set the silence of %s: %w", source, err)
		}
	}
	now := s.now().UTC()
	body, err := json.Marshal(silenceForm{int(rule.After / time.Minute), rule.Never, rule.Quiet.String(), now})
	if err != nil {
		return fmt.Errorf("encode what is set of the silence of %s: %w", source, err)
	}
	if err := s.docs.SaveDocument(ctx, silenceKind, source, body, version, now, time.Time{}); err != nil {
		return fmt.Errorf("set the silence of %s: %w", source, err)
	}
	return nil
}

// room returns ErrTooManySilences where other sources have all places.
func (s *Silences) room(ctx context.Context, source string) error {
	all, err := s.All(ctx)
	if err != nil {
		return err
	}
	others := 0
	for name, rule := range all {
		if name != source && rule.After > 0 {
			others++
		}
	}
	if others >= maxRhythms {
		return ErrTooManySilences
	}
	return nil
}

// All returns every rule, by source.
func (s *Silences) All(ctx context.Context) (map[string]SilenceRule, error) {
	docs, err := s.docs.ListDocuments(ctx, silenceKind, maxRules)
	if err != nil {
		return nil, fmt.Errorf("what is set of silences: %w", err)
	}
	all := make(map[string]SilenceRule, len(docs))
	for _, d := range docs {
		all[d.Name] = ruleOf(d.Body)
	}
	return all, nil
}

// ruleOf reads a rule. One that cannot be read is what holds without one.
func ruleOf(body []byte) SilenceRule {
	var f silenceForm
	if json.Unmarshal(body, &f) != nil {
		return SilenceRule{}
	}
	quiet, err := ParseQuiet(f.Quiet)
	if err != nil {
		quiet = QuietHours{}
	}
	return SilenceRule{After: time.Duration(f.AfterMinutes) * time.Minute, Never: f.Never, Quiet: quiet, SetAt: f.SetAt}
}
