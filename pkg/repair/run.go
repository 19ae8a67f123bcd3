package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// run is one repair, and what was learnt in it.
type run struct {
	*Service
	api    API
	r      Request
	result Result

	found   []reconcile.Campaign
	proofs  map[proofKey]proof
	threads map[string]thread
	erased  map[string]erasing
	record  Record
	version int  // of the record; 0: it is not written
	made    int  // events, or of a dry run, that would be
	broken  bool // nothing more can be made
}

func (r *run) do(ctx context.Context, found []reconcile.Campaign) error {
	r.found, r.proofs = append(slices.Clone(found), r.r.Others...), map[proofKey]proof{}
	for _, c := range found {
		if !c.Judged || c.Cause != nil {
			continue
		}
		r.result.Unnamed += c.Unnamed
		before := len(r.result.Items)
		err := r.campaign(ctx, c)
		if err != nil { // what was done until then is told all the same
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWrites)
			defer cancel()
			r.needed(last, c, r.result.Items[before:])
			return errors.Join(err, r.end(last))
		}
		r.needed(ctx, c, r.result.Items[before:])
	}
	return r.end(ctx)
}

// lastWrites bounds the writes of a run whose time is over.
const lastWrites = 5 * time.Second

// campaign repairs one campaign.
func (r *run) campaign(ctx context.Context, c reconcile.Campaign) error {
	var missing []reconcile.Finding
	for _, f := range c.Findings {
		if f.Verdict == reconcile.Missing {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if r.r.Mode == Off || r.r.Mode == "" {
		for _, f := range missing {
			r.leave(c, f, f.Type, WhyOff, nil)
		}
		return nil
	}
	if c.ID == "" { // the inbox of the account: Smartlead cannot be asked for what failed
		return r.make(ctx, c, missing, StepSynthesize)
	}
	asked, version, err := r.loadAsks(ctx, c.ID)
	if err != nil {
		return err
	}
	var unasked, waiting, ready []reconcile.Finding
	for _, f := range missing {
		switch until, was := asked.askedFor(f, r.r.Wait); {
		case !was:
			unasked = append(unasked, f)
		case r.p.Now().Before(until):
			r.waitUntil(until)
			waiting = append(waiting, f)
		default:
			ready = append(ready, f)
		}
	}
	if err := r.awaits(ctx, c, waiting, StepWait); err != nil {
		return err
	}
	if len(unasked) > 0 && r.ask(ctx, c, unasked, asked, version) {
		ready = append(ready, unasked...)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.make(ctx, c, ready, StepSynthesize)
}

func (r *run) waitUntil(t time.Time) {
	if t.After(r.result.WaitUntil) {
		r.result.WaitUntil = t
	}
}

func (r *run) add(i Item) { r.result.Items = append(r.result.Items, i) }

func (r *run) leave(c reconcile.Campaign, f reconcile.Finding, typ webhook.Type, why Why, err error) {
	r.add(Item{Campaign: c.ID, Finding: f, Type: typ, Step: StepNone, Why: why, Err: err})
}

// ask lets Smartlead post again what failed since the first of the facts. It tells whether
// they need not be waited for, because nothing will come.
func (r *run) ask(ctx context.Context, c reconcile.Campaign, facts []reconcile.Finding, before asks, version int) bool {
	now := r.p.Now().UTC()
	a := ask{At: now, Since: now, By: r.r.By}
	for _, f := range facts {
		if t := timeOf(f); t.Before(a.Since) {
			a.Since = t
		}
	}
	if r.r.DryRun {
		r.waitUntil(now.Add(r.r.Wait))
		_ = r.awaits(ctx, c, facts, StepRetrigger) // the end of the context, which the caller sees
		return false
	}
	if err := r.begin(ctx); err != nil {
		r.leaveAll(c, facts, WhyFailed, err)
		return false
	}
	got, err := r.api.Retrigger(ctx, c.ID, smartleadapi.Window{Since: a.Since, Until: now})
	said := Asked{Campaign: c.ID, Count: got.Count, Message: got.Message, Err: err}
	switch {
	case err == nil:
		a.Nothing = got.Count == 0
	case errors.Is(err, smartleadapi.ErrUnavailable), errors.Is(err, smartleadapi.ErrAnswer):
		said.Count = -1 // it may have been done all the same
	case errors.Is(err, smartleadapi.ErrNotFound), errors.Is(err, smartleadapi.ErrKey), errors.Is(err, smartleadapi.ErrRefused):
		said.Count, a.Nothing = 0, true // it cannot be asked, today or tomorrow
	default:
		r.leaveAll(c, facts, WhyUnasked, err)
		return false
	}
	r.result.Asked = append(r.result.Asked, said)
	a.Count = said.Count
	// Where this is not kept, Smartlead is asked again next time, which does no harm.
	if err := r.saveAsk(ctx, c.ID, before, a, version); err != nil && !errors.Is(err, webhook.ErrChanged) {
		r.leaveAll(c, facts, WhyFailed, err)
		return false
	}
	if !a.Nothing {
		r.waitUntil(now.Add(r.r.Wait))
		_ = r.awaits(ctx, c, facts, StepRetrigger)
	}
	return a.Nothing
}

// awaits says of facts that Smartlead is asked for them, or was. A dry run also tells what
// becomes of each that does not come.
func (r *run) awaits(ctx context.Context, c reconcile.Campaign, facts []reconcile.Finding, step Step) error {
	if r.r.DryRun && r.r.Mode == Synthesize && len(facts) > 0 {
		return r.make(ctx, c, facts, step)
	}
	for _, f := range facts {
		r.add(Item{Campaign: c.ID, Finding: f, Type: f.Type, Step: step})
	}
	return nil
}

func (r *run) leaveAll(c reconcile.Campaign, missing []reconcile.Finding, why Why, err error) {
	for _, f := range missing {
		r.leave(c, f, f.Type, why, err)
	}
}

// timeOf is when a fact was, or at the earliest.
func timeOf(f reconcile.Finding) time.Time {
	if f.At.IsZero() {
		return f.SentAt
	}
	return f.At
}

// make makes what is missing of a campaign, the oldest first, as they stand in the result
// of the comparison. With another step than StepSynthesize, of a dry run, it says what
// will become of what does not come.
func (r *run) make(ctx context.Context, c reconcile.Campaign, missing []reconcile.Finding, step Step) error {
	stay := StepNone
	if step != StepSynthesize {
		stay = step
	}
	if len(missing) == 0 {
		return nil
	}
	if r.r.Mode != Synthesize {
		r.leaveAll(c, missing, WhyOff, nil)
		return nil
	}
	w, err := r.wants(ctx, c)
	if err != nil {
		r.leaveAll(c, missing, WhyUnasked, err)
		return ctx.Err()
	}
	src, err := r.sourceOf(ctx, c, w)
	if err != nil {
		r.leaveAll(c, missing, WhyNoSource, err)
		return ctx.Err()
	}
	for _, f := range missing {
		types := w.typesOf(f)
		if len(types) == 0 {
			r.add(Item{Campaign: c.ID, Finding: f, Type: f.Type, Step: stay, Why: WhyUnticked})
		}
		for _, typ := range types {
			i := r.makeOne(ctx, c, src, f, typ)
			if i.Step == StepNone || i.Step == StepSynthesize && step != StepSynthesize {
				i.Step = stay
			}
			r.add(i)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// makeOne makes one event, or says why not.
func (r *run) makeOne(ctx context.Context, c reconcile.Campaign, src auth.Source, f reconcile.Finding, typ webhook.Type) Item {
	item := Item{Campaign: c.ID, Finding: f, Type: typ, Step: StepNone}
	switch {
	case r.broken:
		item.Why = WhyFailed
		return item
	case !r.r.Until.IsZero() && !r.p.Now().Before(r.r.Until):
		item.Why = WhyTime
		return item
	case r.made >= r.r.Budget:
		item.Why = WhyBudget
		return item
	}
	m := made{campaign: c.ID, typ: typ, finding: f}
	item.EventID, item.Why, item.Err = r.judge(ctx, c, src, &m)
	item.Finding = m.finding
	if item.Why != "" {
		return item
	}
	if !r.r.DryRun {
		// It may take minutes from the one to the other: the lead may be erased since.
		if item.Why, item.Err = r.askErased(ctx, m.finding.Lead); item.Why != "" {
			return item
		}
		item.Status, item.Why, item.Err = r.enter(ctx, src, m, item.EventID)
	}
	if item.undone() {
		return item
	}
	item.Step = StepSynthesize
	switch {
	case item.Unsure():
		r.made++
		r.broken = true
	case item.Err != nil:
		item.Step, item.Why, r.broken = StepNone, WhyFailed, true
	case r.r.DryRun || item.Status == webhook.ClaimAccepted:
		r.made++
	}
	return item
}

// judge decides whether the event may be made, and under which id.
func (r *run) judge(ctx context.Context, c reconcile.Campaign, src auth.Source, m *made) (id webhook.EventID, why Why, err error) {
	p, err := r.proofOf(ctx, c, src.Account, m.typ, m.finding.Times > 1)
	switch {
	case err != nil:
		return "", WhyUnasked, err
	case !p.tried():
		return "", WhyUnproven, nil
	case !p.holds(m.finding.Times > 1):
		return "", WhyDiffers, nil
	}
	if why, err := r.mayBeKept(ctx, m.finding.Lead); why != "" {
		return "", why, err
	}
	if needsThread(m.typ) {
		m.reply, err = r.replyOf(ctx, c.ID, &m.finding)
		switch {
		case err != nil:
			return "", WhyUnasked, err
		case m.reply == nil:
			return "", WhyNoHistory, nil
		}
	} else if m.finding.Reply != nil {
		m.reply = m.finding.Reply
	}
	id, whole, err := m.identity(src.Account)
	switch {
	case err != nil:
		return "", WhyFailed, err
	case !whole:
		return "", WhyNoTime, nil
	}
	return id, "", nil
}

// proofOf tries the identities of a type by the facts of the campaign, else by those of the
// other campaigns of the account.
func (r *run) proofOf(ctx context.Context, c reconcile.Campaign, account string, typ webhook.Type, repeated bool) (proof, error) {
	own := proofKey{account + "\x00" + c.ID, typ, repeated}
	p, known := r.proofs[own]
	if known {
		return p, nil
	}
	all := append([]reconcile.Campaign{c}, slices.DeleteFunc(slices.Clone(r.found), func(o reconcile.Campaign) bool {
		return o.ID == c.ID || o.Account != account
	})...)
	for _, of := range all {
		of.Account = account
		var err error
		if p, err = r.prove(ctx, of, typ, repeated); err != nil {
			return proof{}, err
		}
		if p.tried() {
			break
		}
	}
	r.proofs[own] = p
	return p, nil
}

// enter lets the event in, as a request of the source would.
// The record of the run and a large body are written before, which may take seconds: so
// it is asked once more whether the lead was erased, behind the claim. Why is then that it
// was, or that nobody could tell.
func (r *run) enter(ctx context.Context, src auth.Source, m made, want webhook.EventID) (status webhook.ClaimStatus, why Why, err error) {
	if err := r.begin(ctx); err != nil {
		return "", "", err
	}
	body, err := m.body(Mark{Run: r.result.Run, By: r.r.By, At: wire(r.p.Now())})
	if err != nil {
		return "", "", err
	}
	id, status, err := r.p.Entrance.Enter(ctx, src, r.result.Run, body, func(ctx context.Context) (bool, error) {
		var err error
		why, err = r.askErased(ctx, m.finding.Lead)
		return why == WhyErased, err
	})
	switch {
	case why != "" && err != nil:
		err = fmt.Errorf("%s was made, and its lead may be erased (leads forget erases it): %w", id, err)
	case err == nil && id != want:
		err = errOtherID
	}
	return status, why, err
}

// errOtherID: a defect of this package: what was tried is not what was made.
var errOtherID = errors.New("the event has another identity than was tried")

// needed tells that a campaign needed a repair. That it could not be told is no reason to
// stop: the record of the run says the same.
func (r *run) needed(ctx context.Context, c reconcile.Campaign, items []Item) {
	n := Need{Campaign: c.ID, Account: c.Account}
	for _, i := range items {
		n.Asked = n.Asked || i.Step == StepRetrigger
		if i.Step == StepSynthesize && i.Status == webhook.ClaimAccepted {
			n.Events++
			n.Example = i.EventID
		}
		if i.Unsure() {
			n.Unsure = i.EventID
		}
	}
	if r.r.DryRun || r.p.Incidents == nil || !n.Asked && n.Events == 0 {
		return
	}
	if err := r.p.Incidents.RepairNeeded(ctx, n); err != nil {
		r.record.Untold++
	}
}
