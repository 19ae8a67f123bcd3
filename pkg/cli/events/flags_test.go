package events

import (
	"testing"

	"smartlead-receiver/pkg/webhook"
)

func TestEveryFlagIsExplained(t *testing.T) {
	for _, flag := range webhook.Flags {
		if flagTexts[flag] == "" {
			t.Errorf("nothing says what %s means", flag)
		}
	}
	if len(flagTexts) != len(webhook.Flags) {
		t.Errorf("%d flags are explained, and there are %d", len(flagTexts), len(webhook.Flags))
	}
}
