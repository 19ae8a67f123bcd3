package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestParseEventID(t *testing.T) {
	const key = "v1:EMAIL_REPLY:ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	for text, want := range map[string]struct {
		occurrence int
		typ        webhook.Type
	}{
		key:             {1, webhook.EmailReply},
		key + "~2":      {2, webhook.EmailReply},
		key + "~999999": {999999, webhook.EmailReply},
		"v1:UNKNOWN:A":  {1, webhook.Unknown},
	} {
		id, err := webhook.ParseEventID(text)
		if err != nil || string(id) != text || id.Occurrence() != want.occurrence || id.Type() != want.typ {
			t.Errorf("%q: got %q, occurrence %d, type %s (%v), want occurrence %d, type %s", text, id, id.Occurrence(), id.Type(), err, want.occurrence, want.typ)
		}
		if got := webhook.NewEventID(id.Key(), id.Occurrence()); got != id {
			t.Errorf("%q: its key and occurrence make %q", text, got)
		}
	}
	for _, text := range []string{
		"", "v1", "v1:EMAIL_REPLY", "v1:EMAIL_REPLY:", "v1::ABC", "v2:EMAIL_REPLY:ABC", "v1:email_reply:ABC", "v1:EMAIL_REPLY:abc",
		"v1:EMAIL_REPLY:ABC:D", "v1:EMAIL_REPLY:A C", key + "~", key + "~0", key + "~1", key + "~02", key + "~+2", key + "~-2",
		key + "~1000000", key + "~2~3", key + "#1", "v1:EMAIL_REPLY:" + strings.Repeat("A", webhook.MaxEventID),
	} {
		if id, err := webhook.ParseEventID(text); !errors.Is(err, webhook.ErrBadEventID) || id != "" {
			t.Errorf("%q: got %q (%v), want ErrBadEventID", text, id, err)
		}
	}
}
