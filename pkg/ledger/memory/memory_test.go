package memory_test

import (
	"testing"

	"smartlead-receiver/pkg/ledger/ledgertest"
	"smartlead-receiver/pkg/ledger/memory"
)

func TestLedger(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledgertest.Ledger { return memory.New() })
}

func TestLedgerThatReceives(t *testing.T) {
	ledgertest.RunReceiving(t, func(*testing.T) ledgertest.Ledger { return memory.New() })
}
