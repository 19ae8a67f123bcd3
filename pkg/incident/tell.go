package incident

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Notice is one change of an incident: it was opened, opened again, or closed.
type Notice struct {
	Incident
	Change string // opened, reopened, closed
}

// Teller sends notices to targets outside.
type Teller interface {
	// Targets are the names of where notices go.
	Targets(ctx context.Context) ([]string, error)
	// Tell sends notices to a target in one request. more is how many there are besides.
	// It returns an error where the target did not take it.
	Tell(ctx context.Context, target string, notices []Notice, more int) error
}

const (
	tellTime = 24 * time.Hour // after which a change is no news
	maxTold  = 20             // notices of one request
)

// tell tells every target of what it was not told yet, in one request to each a look.
// What a target did not take it is told at the next look; a crash between the answer and
// its note tells it again.
func (w *Watcher) tell(ctx context.Context, all map[string]*Incident, r *Report) error {
	if w.Tell == nil || !slices.ContainsFunc(slices.Collect(maps.Values(all)), w.isNews) {
		return nil
	}
	targets, err := w.Tell.Targets(ctx)
	for _, target := range targets {
		var news []Notice
		for _, in := range all {
			if w.isNews(in) && in.Told[target] != in.stage() {
				news = append(news, Notice{*in, in.change()})
			}
		}
		if len(news) == 0 {
			continue
		}
		slices.SortFunc(news, func(a, b Notice) int { return a.ChangedAt.Compare(b.ChangedAt) })
		told := news[:min(len(news), maxTold)]
		if failed := w.Tell.Tell(ctx, target, told, len(news)-len(told)); failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		r.Told += len(told)
		for _, n := range news { // those beyond the request, too: it counted them
			err = errors.Join(err, w.note(ctx, all, n, target))
		}
	}
	return err
}

// note keeps that a target was told.
func (w *Watcher) note(ctx context.Context, all map[string]*Incident, n Notice, target string) error {
	stage := n.stage()
	in, err := w.store.write(ctx, all[n.ID], n.ID, func(in *Incident) bool {
		if in.ID == "" {
			return false
		}
		in.Told = maps.Clone(in.Told)
		if in.Told == nil {
			in.Told = map[string]string{}
		}
		in.Told[target], in.NotifiedAt = stage, w.Now().UTC()
		return true
	})
	if err == nil && in.ID != "" {
		all[n.ID] = &in
	}
	return err
}

// isNews tells whether the latest change of an incident is young enough to be told.
func (w *Watcher) isNews(in *Incident) bool {
	return w.Now().Sub(in.ChangedAt) < tellTime
}

func (in Incident) change() string {
	switch {
	case in.State == Closed:
		return "closed"
	case in.Openings > 1:
		return "reopened"
	}
	return "opened"
}
