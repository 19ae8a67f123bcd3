package auth

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Level is the level of a webhook at Smartlead, as X-Webhook-Level names it.
type Level string

// Levels lists every level.
var Levels = []Level{"user", "client", "campaign"}

// A repeat of what carries neither a time nor an id is a duplicate within a window of
// this length at least, and at most.
const (
	MinWindow = time.Minute
	MaxWindow = 7 * 24 * time.Hour
)

// An event is kept for longer than the dead letter queue keeps a message (14 days), and
// so for longer than any resend of the provider: what is forgotten sooner could come back
// as new. At most as long as a stack may keep it.
const (
	MinRetentionDays = 15
	MaxRetentionDays = 3650
)

// Settings are what an operator may set of one source. The zero value is how a source
// without settings behaves.
type Settings struct {
	// RequireSecretKey: bodies are trusted by their secret_key alone. Without a list, or
	// with one that was emptied, every body is held; without it, every body is trusted.
	RequireSecretKey bool
	// RequireSignature: no request without a signature is taken, also where the source
	// has no secret to check one with.
	RequireSignature bool
	// StatusWindow is the receipt window of a campaign status, Window that of every other
	// timeless event. 0: the receiver's own.
	StatusWindow time.Duration
	Window       time.Duration
	// ExpectedLevel is the level that the source's webhook should have. Another one is a
	// finding for an operator, and refuses nothing. Empty: any.
	ExpectedLevel Level
	// RetentionDays is how long a settled event of the source is kept. 0: as long as the
	// stack keeps it.
	RetentionDays int
}

// validate checks every rule.
func (s Settings) validate() error {
	var problems []error
	for _, w := range []struct {
		name   string
		length time.Duration
	}{{"status_window_seconds", s.StatusWindow}, {"window_seconds", s.Window}} {
		if w.length != 0 && (w.length < MinWindow || w.length > MaxWindow) {
			problems = append(problems, fmt.Errorf("%s: from %s to %s", w.name, MinWindow, MaxWindow))
		}
	}
	if s.ExpectedLevel != "" && !slices.Contains(Levels, s.ExpectedLevel) {
		problems = append(problems, fmt.Errorf("expected_level: one of %v", Levels))
	}
	if d := s.RetentionDays; d != 0 && (d < MinRetentionDays || d > MaxRetentionDays) {
		problems = append(problems, fmt.Errorf("retention_days: from %d to %d", MinRetentionDays, MaxRetentionDays))
	}
	return errors.Join(problems...)
}

// Retention is how long a settled event of the source is kept; 0: as long as the stack
// keeps it.
func (s Settings) Retention() time.Duration { return time.Duration(s.RetentionDays) * 24 * time.Hour }

// SettingsForm is how settings are written and shown. What is not set is left out.
type SettingsForm struct {
	RequireSecretKey    bool  `json:"require_secret_key,omitempty"`
	RequireSignature    bool  `json:"require_signature,omitempty"`
	StatusWindowSeconds int   `json:"status_window_seconds,omitempty"`
	WindowSeconds       int   `json:"window_seconds,omitempty"`
	ExpectedLevel       Level `json:"expected_level,omitempty"`
	RetentionDays       int   `json:"retention_days,omitempty"`
}

func (s Settings) form() SettingsForm {
	return SettingsForm{
		RequireSecretKey: s.RequireSecretKey, RequireSignature: s.RequireSignature,
		StatusWindowSeconds: int(s.StatusWindow / time.Second), WindowSeconds: int(s.Window / time.Second),
		ExpectedLevel: s.ExpectedLevel, RetentionDays: s.RetentionDays,
	}
}

func (f SettingsForm) settings() Settings {
	return Settings{
		RequireSecretKey: f.RequireSecretKey, RequireSignature: f.RequireSignature,
		StatusWindow: seconds(f.StatusWindowSeconds), Window: seconds(f.WindowSeconds),
		ExpectedLevel: f.ExpectedLevel, RetentionDays: f.RetentionDays,
	}
}

// seconds is a length of time; one that is no length at all stays out of every bound.
func seconds(n int) time.Duration {
	if n < 0 || n > int(MaxWindow/time.Second) {
		return MaxWindow + 1
	}
	return time.Duration(n) * time.Second
}

// WithSettings returns the source under other settings. It returns ErrInvalidSource for
// settings that no source can have.
func (s Source) WithSettings(settings Settings, now time.Time) (Source, error) {
	s = s.touched(now)
	s.Settings = settings
	if err := s.validate(); err != nil {
		return Source{}, err
	}
	return s, nil
}
