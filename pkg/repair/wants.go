package repair

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/reconcile"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/webhook"
)

// wants is what a campaign's webhooks send, and where to.
type wants struct {
	types   map[webhook.Type]bool
	sources []string // that the URLs of its webhooks name, or seem to
}

// wants tells which types the campaign sends: those that its webhooks tick, on or off;
// where it has none of its own, those that came. A type that nobody asked for is not
// missing, though it never comes.
func (r *run) wants(ctx context.Context, c reconcile.Campaign) (w wants, err error) {
	w.types = make(map[webhook.Type]bool)
	var hooks []smartleadapi.Hook
	if c.ID != "" { // the inbox of the account has no webhook of its own
		if hooks, err = r.api.Hooks(ctx, c.ID); err != nil {
			return w, err
		}
	}
	for _, h := range hooks {
		for _, name := range h.Events {
			if typ, known := smartlead.TypeNamed(name); known {
				w.types[typ] = true
			}
		}
		if name := sourceIn(h.URL); name != "" && !slices.Contains(w.sources, name) {
			w.sources = append(w.sources, name)
		}
	}
	if len(hooks) > 0 {
		return w, nil
	}
	for _, t := range c.Types {
		for _, s := range slices.Concat(t.Samples, t.Repeated) {
			for _, id := range s.Events {
				w.types[id.Type()] = true
			}
		}
	}
	return w, nil
}

// sourceIn is the source that a webhook URL names; "" where it names none.
func sourceIn(address string) string {
	at, err := url.Parse(address)
	if err != nil {
		return ""
	}
	_, rest, ours := strings.Cut(at.Path, "/webhooks/")
	name, _, _ := strings.Cut(rest, "/")
	if !ours || auth.ValidateName(name) != nil {
		return ""
	}
	return name
}

// typesOf are the events of a fact that are wanted. A first mail is reported twice, and
// neither report came.
func (w wants) typesOf(f reconcile.Finding) (types []webhook.Type) {
	all := []webhook.Type{f.Type}
	if f.Type == webhook.EmailSent && f.Step == "1" {
		all = append(all, webhook.FirstEmailSent)
	}
	for _, typ := range all {
		if w.types[typ] {
			types = append(types, typ)
		}
	}
	return types
}

var errNoSource = errors.New("no event of the campaign arrived, and its webhooks name no source of this stack")

// errRemoved says that the sources of a campaign are there no more.
func errRemoved(names []string) error {
	return fmt.Errorf("it came by the source %s, which was removed: name another one: reconcile repair --source NAME", strings.Join(names, ", "))
}

// sourceOf is in whose name the campaign's events enter: that of its webhook by which events
// came, else that by which the most came, else that of its webhook. One that was removed is
// passed over.
func (r *run) sourceOf(ctx context.Context, c reconcile.Campaign, w wants) (auth.Source, error) {
	var names []string
	for _, name := range w.sources {
		if slices.Contains(c.Sources, name) {
			names = append(names, name)
		}
	}
	names = slices.Concat(names, c.Sources, w.sources)
	if r.r.Source != "" {
		names = []string{r.r.Source}
	}
	for _, name := range names {
		src, err := r.p.Sources.Source(ctx, name)
		switch {
		case errors.Is(err, webhook.ErrNotFound):
		case err != nil:
			return auth.Source{}, err
		default:
			return src, nil
		}
	}
	if len(c.Sources) > 0 {
		return auth.Source{}, errRemoved(c.Sources)
	}
	return auth.Source{}, errNoSource
}

// erasing is whether a lead was erased, as it was asked once.
type erasing struct {
	why Why
	err error
}

// mayBeKept tells why nothing of a lead may be made; "": it may.
func (r *run) mayBeKept(ctx context.Context, lead string) (Why, error) {
	e, known := r.erased[lead]
	if !known {
		e.why, e.err = r.askErased(ctx, lead)
		r.erased[lead] = e
	}
	return e.why, e.err
}

func (r *run) askErased(ctx context.Context, lead string) (Why, error) {
	switch was, err := r.p.Erased.WasErased(ctx, lead); {
	case err != nil:
		return WhyUntold, err
	case was:
		return WhyErased, nil
	}
	return "", nil
}
