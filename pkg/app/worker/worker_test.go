package worker

import (
	"log/slog"
	"testing"

	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/ledger/memory"
)

// What a type of destination remembers is in the table, and a gate stands before each.
func TestDestinationsRememberInTheTable(t *testing.T) {
	l := memory.New()
	got := deps(slog.New(slog.DiscardHandler), nil, l, gate.New(gate.Options{Documents: l}))
	if got.Documents != l || got.Guard == nil || got.Logger == nil {
		t.Errorf("destinations are built from %+v", got)
	}
}
