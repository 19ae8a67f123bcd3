package stack

import (
	"context"

	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/sourcestore"
)

// newRepair makes the repair of what a comparison with Smartlead finds missing: its events
// enter by the receiver's own use case.
func (s *Stack) newRepair(env Env) *repair.Service {
	nonce := func() string {
		n, err := env.Nonce()
		if err != nil {
			panic(err) // no randomness: crypto/rand does the same
		}
		return n
	}
	policy := receive.DefaultPolicy
	policy.Grace, policy.Retention = s.Grace, s.Retention
	entrance := receive.New(receive.Ports{Bodies: s.Bodies, Ledger: s.Ledger, Queue: s.Queues, Erasures: s.Ledger, Now: env.Now, Nonce: nonce}, policy)
	return repair.New(repair.Ports{
		Entrance: entrance, Sources: sourcestore.NewOutlines(s.Ledger), Erased: s.erased(), Documents: s.Ledger,
		Incidents: repairIncidents{s.Incidents}, Now: env.Now, Nonce: nonce,
	})
}

type repairIncidents struct{ store *incident.Store }

func (r repairIncidents) RepairNeeded(ctx context.Context, n repair.Need) error {
	return r.store.RepairNeeded(ctx, incident.Repair{
		Campaign: n.Campaign, Account: n.Account, Made: n.Events, Asked: n.Asked, Example: string(n.Example), Unsure: string(n.Unsure),
	})
}
