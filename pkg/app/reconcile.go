package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/erasure"
	"smartlead-receiver/pkg/incident"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/receive"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/repair"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// longestWait is how long a slice waits for one call: what is longer is left to the next.
const longestWait = time.Minute

// Reconcile builds the function that compares with Smartlead. It makes no call.
func Reconcile(e Env) (lambdaio.ScheduleHandler, error) {
	e = e.WithDefaults()
	svc, err := ReconcileService(e)
	if err != nil {
		return nil, err
	}
	var drifts *incident.Drifts
	if !e.Unwatched {
		drifts = incident.NewDrifts(incident.NewStore(e.Ledger(), e.Now))
	}
	return lambdaio.Reconcile(svc, drifts, e.Telemetry()), nil
}

// ReconcileService builds the use case of the function that compares with Smartlead.
func ReconcileService(e Env) (*scheduled.Service, error) {
	e = e.WithDefaults()
	key, err := sourcestore.NewAPIKeyReader(e.Clients.SSM, e.Config.ParameterPrefix)
	if err != nil {
		return nil, err
	}
	types, err := comparedTypes(e.Config.ReconcileTypes)
	if err != nil {
		return nil, err
	}
	plan := smartleadapi.Standard
	if e.Config.ReconcilePlan == config.PlanPro {
		plan = smartleadapi.Pro
	}
	policy := scheduled.DefaultPolicy
	policy.Every, policy.SecondEvery, policy.LookBack = e.Config.ReconcileEvery, e.Config.ReconcileAgain, e.Config.ReconcileLookBack
	policy.CallsPerHour, policy.RepairEvents = plan.HourlyHalf(), e.Config.ReconcileBudget
	policy.Types, policy.Retention, policy.Past = types, e.Config.Retention, e.Past
	l := e.Ledger()
	repairer, err := e.repairer()
	if err != nil {
		return nil, err
	}
	return scheduled.New(scheduled.Ports{
		Documents: l, Ledger: l, Now: e.Now, Nonce: e.Nonce, Repair: repairer,
		Connect: func(ctx context.Context, maxCalls int) (scheduled.API, error) {
			secret, err := key.Get(ctx)
			switch {
			case errors.Is(err, sourcestore.ErrNotFound):
				return nil, fmt.Errorf("%w: smartleadctl reconcile set-key keeps one", scheduled.ErrNoKey)
			case err != nil:
				return nil, err
			}
			return smartleadapi.New(smartleadapi.Options{
				Key: secret, URL: e.Config.SmartleadURL, Plan: plan, MaxCalls: maxCalls, Share: smartleadapi.Half, MaxWait: longestWait,
				HTTP: smartleadTransport, Now: e.Now, Sleep: e.Sleep,
			})
		},
	}, policy), nil
}

// repairer closes what is missing, as far as that is switched on; nil: nothing is. Events
// enter by the receiver's own use case, in the name of a source of which it is known what
// is no secret.
func (e Env) repairer() (scheduled.Repairer, error) {
	mode := repair.Mode(e.Config.ReconcileRepair)
	if mode != repair.Retrigger && mode != repair.Synthesize {
		return nil, nil //nolint:nilnil // nothing is repaired
	}
	l := e.Ledger()
	ports := repair.Ports{
		Documents: l, Incidents: repairIncidents{incident.NewStore(l, e.Now)}, Now: e.Now, Nonce: e.Nonce,
	}
	if mode == repair.Synthesize {
		store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
		if err != nil {
			return nil, err
		}
		key, err := sourcestore.NewErasureKeyReader(e.Clients.SSM, e.Config.ParameterPrefix)
		if err != nil {
			return nil, err
		}
		policy := receive.DefaultPolicy
		policy.Grace, policy.Retention = e.Config.Grace, e.Config.Retention
		ports.Entrance = receive.New(receive.Ports{Bodies: store, Ledger: l, Queue: e.Queues(), Erasures: l, Now: e.Now, Nonce: e.Nonce}, policy)
		ports.Sources, ports.Erased = sourcestore.NewOutlines(l), erasure.Records{Documents: l, Key: key}
	}
	return repair.Scheduled{Mode: mode, Service: repair.New(ports)}, nil
}

// repairIncidents keeps that a repair was needed.
type repairIncidents struct{ store *incident.Store }

func (r repairIncidents) RepairNeeded(ctx context.Context, n repair.Need) error {
	return r.store.RepairNeeded(ctx, incident.Repair{
		Campaign: n.Campaign, Account: n.Account, Made: n.Events, Asked: n.Asked, Example: string(n.Example), Unsure: string(n.Unsure),
	})
}

// smartleadTransport is kept from one invocation to the next.
var smartleadTransport = http.DefaultTransport

// comparedTypes reads RECONCILE_TYPES.
func comparedTypes(names []string) ([]webhook.Type, error) {
	var types []webhook.Type
	for _, name := range names {
		typ := webhook.Type(name)
		if !slices.Contains(reconcile.Types, typ) {
			return nil, fmt.Errorf("RECONCILE_TYPES: Smartlead has no statistics of %q", name)
		}
		types = append(types, typ)
	}
	return types, nil
}
