package console

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/wording"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

var (
	addDestinationPage = page{path: "/destinations/add", file: "destinationform.html", under: destinationsPage.path, title: "Add a destination", read: readAddDestination}
	setDestinationPage = page{path: "/destinations/{name}/set", file: "destinationform.html", under: destinationsPage.path, title: "Change a destination", read: readSetDestination}
	// secretPage has the template of a secret that is shown once.
	secretPage = page{file: "secret.html", under: destinationsPage.path, title: "A signing secret"}

	addDestinationAction = action{path: addDestinationPage.path, name: "destinations add, typed", back: toDestinations, shows: &addDestinationPage, do: draftNew}
	setDestinationAction = action{path: setDestinationPage.path, name: "destinations set, typed", back: toDestinations, shows: &setDestinationPage, do: draftChange}
	keepAction           = action{path: "/destinations/{name}/keep/{draft}", name: "destinations keep", back: toDestinations, shows: &secretPage, ask: askKeep, do: doKeep}
)

// desk takes care of the destinations of the stack.
func (q *request) desk() destcare.Desk {
	return destcare.Desk{Stack: q.st, Now: q.Now, Rand: rand.Reader, Self: q.Self, Local: q.Local, Say: func(string) {}}
}

// named destination of the address.
func (q *request) destinationName() (string, error) {
	name := q.PathValue("name")
	if destination.ValidateName(name) != nil {
		return "", problem.NotFound("there is no destination %s", output.Clean(name))
	}
	return name, nil
}

// A draft is a destination as it was typed, until somebody agrees to it. It stays in this
// process, because it may hold credentials: no page and no address does.
type draft struct {
	session *session
	name    string
	add     bool
	sign    bool
	seen    string // of what it changes
	config  destination.Config
	says    []string
	danger  bool
	at      time.Time
}

// drafts are those that wait. It is safe for concurrent use.
type drafts struct {
	mu  sync.Mutex
	all map[string]draft
}

const (
	// draftLasts is how long a draft waits, and maxDrafts how many do.
	draftLasts = 15 * time.Minute
	maxDrafts  = 50
)

// keep takes a draft, and returns its id.
func (d *drafts) keep(one draft) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]draft{}
	}
	for len(d.all) >= maxDrafts {
		oldest := ""
		for id, other := range d.all {
			if oldest == "" || other.at.Before(d.all[oldest].at) {
				oldest = id
			}
		}
		delete(d.all, oldest)
	}
	id := rand.Text()
	d.all[id] = one
	return id
}

// find returns the draft of an address, and takes it away where it is to be kept.
func (q *request) draft(take bool) (draft, error) {
	q.drafts.mu.Lock()
	defer q.drafts.mu.Unlock()
	id := q.PathValue("draft")
	one, known := q.drafts.all[id]
	if !known || one.session != q.session || one.name != q.PathValue("name") || q.clock.Now().Sub(one.at) > draftLasts {
		return draft{}, problem.Failed(webhook.ErrChanged, "nothing was done: what was typed is kept for a quarter of an hour, and is gone").Hint("fill the form in again")
	}
	if take {
		delete(q.drafts.all, id)
	}
	return one, nil
}

func readAddDestination(q *request) (any, error) {
	cfg, help, err := blank(q.arg("kind"))
	if err != nil {
		return nil, err
	}
	f, err := formOf(cfg)
	f.New, f.Kinds, f.Help, f.Sign, f.Name = true, registry.Types.Names(), labelled(help), f.Signs, output.Clean(q.arg("name"))
	for i := range f.Settings { // nothing is there that could stay
		f.Settings[i].Placeholder = ""
	}
	return f, err
}

func readSetDestination(q *request) (any, error) {
	name, err := q.destinationName()
	if err != nil {
		return nil, err
	}
	stored, err := q.desk().GetToChange(q.ctx(), name)
	if err != nil {
		return nil, err
	}
	f, err := formOf(stored.Config)
	f.Name = name
	return f, err
}

// draftNew reads the form of a new destination.
func draftNew(q *request) (*done, error) {
	shown, err := readAddDestination(q)
	if err != nil {
		return nil, err
	}
	form, _ := shown.(destinationForm)
	name := q.arg("name")
	refuse := func(err error) (*done, error) {
		refused := form.refused(q, err)
		refused.Name = output.Clean(name)
		return &done{Show: refused, On: output.Clean(name)}, nil
	}
	if err := destination.ValidateName(name); err != nil {
		return refuse(problem.Usage("Name %s: %v", output.Plain(name), err))
	}
	before, _, _ := blank(form.Kind)
	cfg, err := q.typed(before)
	if err == nil {
		err = cfg.Validate()
		if err != nil {
			err = destcare.Invalid(err, fieldNames(before))
		}
	}
	if err != nil {
		return refuse(err)
	}
	d := draft{name: name, add: true, sign: form.Signs && q.PostFormValue("sign") != "", config: cfg}
	if there, err := q.desk().Exists(q.ctx(), name); err != nil {
		return nil, err
	} else if there {
		return refuse(problem.Usage("Name %s: there is such a destination already", name))
	}
	d.says = []string{
		strings.TrimSpace("Events go to " + output.Clean(cfg.String()) + "."), "It takes " + wording.Takes(cfg.Filter) + ". Limits: " + destcare.LimitsText(cfg.Limits) + ".",
	}
	if d.sign {
		d.says = append(d.says, "Its deliveries are signed (Standard Webhooks). The secret is made now, and shown once: on the next page.")
	}
	return q.drafted(d, refuse)
}

// draftChange reads the form of a destination that is there.
func draftChange(q *request) (*done, error) {
	name, err := q.destinationName()
	if err != nil {
		return nil, err
	}
	stored, err := q.desk().GetToChange(q.ctx(), name)
	if err != nil {
		return nil, err
	}
	form, err := formOf(stored.Config)
	if err != nil {
		return nil, err
	}
	form.Name = name
	refuse := func(err error) (*done, error) { return &done{Show: form.refused(q, err), On: name}, nil }
	after, err := q.typed(stored.Config)
	if err == nil {
		if err = after.Validate(); err != nil {
			err = destcare.Invalid(err, fieldNames(stored.Config))
		}
	}
	if err != nil {
		return refuse(err)
	}
	changes, elsewhere, err := destcare.Differences(stored.Config, after)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return &done{To: destinationsPage.path, On: name, Notice: notice{Text: "Nothing to change: destination " + name + " is so already."}}, nil
	}
	d := draft{name: name, seen: stored.Seen, config: after, danger: elsewhere}
	for _, c := range changes {
		d.says = append(d.says, output.Clean(c))
	}
	if elsewhere {
		d.says = append(d.says, "Other events go there then, or they go elsewhere: those that wait, too.")
	}
	return q.drafted(d, refuse)
}

// drafted keeps a draft, unless it names what is not there, and opens its question.
func (q *request) drafted(d draft, refuse func(error) (*done, error)) (*done, error) {
	desk := q.desk()
	desk.Say = func(line string) { d.says = append(d.says, line) }
	ctx, cancel := context.WithTimeout(q.ctx(), testPatience)
	defer cancel()
	if err := desk.CheckExists(ctx, d.name, d.config.Settings); err != nil {
		return refuse(err)
	}
	d.session, d.at = q.session, q.clock.Now()
	return &done{To: "/destinations/" + d.name + "/keep/" + q.drafts.keep(d), On: d.name}, nil
}

func askKeep(q *request) (*question, error) {
	d, err := q.draft(false)
	if err != nil {
		return nil, err
	}
	asked := question{Title: "Change the destination " + d.name, Button: "Change " + d.name, Says: d.says, Danger: d.danger, Back: "/destinations/" + d.name + "/set"}
	if d.add {
		asked.Title, asked.Button, asked.Back = "Add the destination "+d.name, "Add "+d.name, destinationsPage.path
	}
	asked.Says = append(slices.Clone(asked.Says), wording.Settles)
	return &asked, nil
}

// doKeep keeps what was agreed to, once.
func doKeep(q *request) (*done, error) {
	d, err := q.draft(true)
	if err != nil {
		return nil, err
	}
	desk := q.desk()
	if !d.add {
		if err := desk.Unchanged(q.ctx(), d.name, d.seen); err != nil {
			return nil, err
		}
		if err := desk.Put(q.ctx(), d.name, d.config); err != nil {
			return nil, err
		}
		return &done{To: destinationsPage.path, On: d.name, Notice: notice{Text: "The destination " + d.name + " is changed. " + wording.Settles}}, nil
	}
	secret := ""
	if d.sign {
		if secret, err = desk.Sign(d.config); err != nil {
			return nil, err
		}
	}
	if err := desk.Add(q.ctx(), d.name, d.config); err != nil {
		return nil, err
	}
	said := notice{Text: "The destination " + d.name + " is added. " + wording.Settles}
	if secret == "" {
		return &done{To: destinationsPage.path, On: d.name, Notice: said}, nil
	}
	return &done{Show: secretView{Name: d.name, Secret: secret, Test: "/destinations/" + d.name + "/test"}, On: d.name, Notice: said}, nil
}
