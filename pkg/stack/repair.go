package stack

import (
	"context"
	"errors"
	"fmt"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/operator"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
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
	policy.Grace = s.Grace
	entrance := receive.New(receive.Ports{Bodies: s.Bodies, Ledger: s.Ledger, Queue: s.Queues, Now: env.Now, Nonce: nonce}, policy)
	return repair.New(repair.Ports{
		Entrance: entrance, Sources: repairSources{s.Sources}, Forgotten: forgotten{s.Operator}, Documents: s.Ledger,
		Incidents: repairIncidents{s.Incidents}, Now: env.Now, Nonce: nonce,
	})
}

type repairSources struct{ *sourcestore.Sources }

func (r repairSources) Source(ctx context.Context, name string) (auth.Source, error) {
	src, err := r.Get(ctx, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		err = fmt.Errorf("%w: %w", webhook.ErrNotFound, err)
	}
	return src, err
}

type forgotten struct{ operator *operator.Service }

func (f forgotten) WasForgotten(ctx context.Context, address string) (bool, error) {
	runs, err := f.operator.Forgotten(ctx, address)
	return len(runs) > 0, err
}

type repairIncidents struct{ store *incident.Store }

func (r repairIncidents) RepairNeeded(ctx context.Context, n repair.Need) error {
	return r.store.RepairNeeded(ctx, incident.Repair{
		Campaign: n.Campaign, Account: n.Account, Made: n.Events, Asked: n.Asked, Example: string(n.Example),
	})
}
