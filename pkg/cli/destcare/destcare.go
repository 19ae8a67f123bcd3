// Package destcare adds, changes, tries and removes destinations, for whoever asks: the
// command line and the console alike. It shows no credential, and returns a signing secret
// once: when it is made.
package destcare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

// Desk is a person's tool, which has connected.
type Desk struct {
	Stack *stack.Stack
	Now   func() time.Time
	Rand  io.Reader // for secrets and samples
	Self  string    // how smartleadctl is called
	Local bool      // the stack is that of make run
	Say   func(line string)
}

// Absent is the failure about a destination that does not exist.
func (d Desk) Absent(name string) error {
	return problem.NotFound("there is no destination %s", output.Clean(name)).Hint("which there are: %s destinations list", d.Self)
}

// Stored is a destination as it is kept.
type Stored struct {
	Name   string
	Config destination.Config
	// Seen tells it from what somebody else makes of it meanwhile.
	Seen string

	form []byte
}

// seenOf is Stored.Seen of an entry.
func seenOf(e sourcestore.Entry) string {
	return strconv.FormatInt(e.Version, 10) + "." + strconv.FormatInt(e.UpdatedAt.UnixMilli(), 10)
}

// Unchanged returns webhook.ErrChanged, wrapped, where a destination is not any more as it
// was seen, or is gone.
func (d Desk) Unchanged(ctx context.Context, name, seen string) error {
	e, err := d.Stack.Destinations.Get(ctx, name)
	if err != nil && !errors.Is(err, sourcestore.ErrNotFound) {
		return err
	}
	if err != nil || seenOf(e) != seen {
		return problem.Failed(webhook.ErrChanged, "nothing was done: somebody changed destination %s meanwhile", name).Hint("look at it again")
	}
	return nil
}

// Get reads a destination that must exist, and that delivers.
func (d Desk) Get(ctx context.Context, name string) (Stored, error) {
	return d.read(ctx, name, registry.Types.Parse)
}

// GetToChange reads a destination also where it breaks a rule: a change may mend it, and
// its events wait meanwhile.
func (d Desk) GetToChange(ctx context.Context, name string) (Stored, error) {
	return d.read(ctx, name, registry.Types.Decode)
}

func (d Desk) read(ctx context.Context, name string, parse func([]byte) (destination.Config, error)) (Stored, error) {
	entry, err := d.Stack.Destinations.Get(ctx, name)
	switch {
	case errors.Is(err, sourcestore.ErrNotFound):
		return Stored{}, d.Absent(name)
	case err != nil:
		return Stored{}, err
	}
	cfg, err := parse(entry.Value)
	if err != nil {
		return Stored{}, problem.Failed(err, "destination %s is broken", name).
			Hint("remove it and add it again: %s destinations remove %s", d.Self, name)
	}
	return Stored{Name: name, Config: cfg, Seen: seenOf(entry), form: entry.Value}, nil
}

// Put keeps a destination that exists.
func (d Desk) Put(ctx context.Context, name string, cfg destination.Config) error {
	return d.put(ctx, name, cfg, true)
}

func (d Desk) put(ctx context.Context, name string, cfg destination.Config, overwrite bool) error {
	form, err := json.Marshal(cfg)
	if err != nil {
		return fmt.Errorf("encode destination %s: %w", name, err)
	}
	return d.Stack.Destinations.Put(ctx, name, form, overwrite)
}

// Sign gives a new configuration its signing secret, where it signs at all, and returns
// it; empty where it does not.
func (d Desk) Sign(cfg destination.Config) (secret string, err error) {
	signer, signs := cfg.Settings.(destination.Signer)
	if !signs {
		return "", nil
	}
	return signer.AddSigningSecret(d.Rand)
}

// Add keeps a new destination, which is valid.
func (d Desk) Add(ctx context.Context, name string, cfg destination.Config) error {
	err := d.put(ctx, name, cfg, false)
	if errors.Is(err, sourcestore.ErrExists) {
		return problem.Failed(nil, "destination %s exists already", name).
			Hint("change it: %s destinations set %s --help", d.Self, name)
	}
	return err
}

// AllowNearby lets a destination of a local stack be on the machine that both are on:
// nothing else is within reach of who tries things out, and there is nobody in between.
func (d Desk) AllowNearby(settings destination.Settings) {
	if nearby, ok := settings.(destination.Nearby); ok && d.Local {
		nearby.AllowNearby()
	}
}

// CheckExists refuses a destination that names what is not there, and one that is a queue
// of the stack's own: its events would go round for ever. Where nobody can say whether it
// is there, it says so and goes on: the operator may have fewer rights than the worker.
func (d Desk) CheckExists(ctx context.Context, name string, settings destination.Settings) error {
	checker, ok := settings.(destination.Checker)
	if !ok {
		return nil
	}
	if slices.Contains(ownQueues(d.Stack), settings.String()) {
		return problem.Usage("%s is a queue of this stack: its events would come back for ever", settings.String())
	}
	err := checker.CheckExists(ctx, destination.Deps{AWS: d.Stack.AWS, Now: d.Now}.WithDefaults())
	switch {
	case errors.Is(err, destination.ErrAbsent):
		return problem.Usage("%s is not there: %v", settings.String(), err).
			Hint("create it first, or correct --arn")
	case err != nil:
		d.Say(output.Clean("could not find out whether it is there: " + err.Error()))
		d.Say("An event for one that is absent fails, or is dropped without a word (EventBridge). Try it: " + d.Self + " destinations test " + name)
	}
	return nil
}

// ownQueues are the ARNs of the stack's queues. A deployed stack does not say that of the
// replay queue, which is named beside the live one.
func ownQueues(st *stack.Stack) []string {
	own := []string{st.LiveQueueARN, st.DLQARN, st.ReplayQueueARN}
	if at := strings.LastIndexByte(st.LiveQueueARN, ':'); at >= 0 {
		own = append(own, st.LiveQueueARN[:at+1]+st.ReplayQueueURL[strings.LastIndexByte(st.ReplayQueueURL, '/')+1:])
	}
	return slices.DeleteFunc(own, func(arn string) bool { return arn == "" })
}

// Rotation is where the signing secrets of a destination stand.
type Rotation struct {
	Stored

	signer destination.Signer
}

// Rotation reads it. A destination that signs nothing is refused.
func (d Desk) Rotation(ctx context.Context, name string) (Rotation, error) {
	stored, err := d.Get(ctx, name)
	if err != nil {
		return Rotation{}, err
	}
	signer, signs := stored.Config.Settings.(destination.Signer)
	if !signs {
		return Rotation{}, problem.Usage("destination %s is of kind %s: it signs nothing", name, stored.Config.Type)
	}
	return Rotation{stored, signer}, nil
}

// Secrets is how many sign.
func (r Rotation) Secrets() int { return r.signer.SigningSecrets() }

// UnderWay tells whether a rotation has begun and is to be ended.
func (r Rotation) UnderWay() bool { return r.Secrets() >= 2 }

// Rotate adds a secret, and returns it: the only time that it is shown. Both sign.
func (d Desk) Rotate(ctx context.Context, r Rotation) (secret string, err error) {
	if r.UnderWay() {
		return "", problem.Failed(nil, "a rotation of %s is under way: both secrets sign", r.Name).
			Hint("end it first: %s destinations rotate %s --finish", d.Self, r.Name)
	}
	if secret, err = r.signer.AddSigningSecret(d.Rand); err != nil {
		return "", err
	}
	if err := d.Put(ctx, r.Name, r.Config); err != nil {
		return "", err
	}
	return secret, nil
}

// Finish lets the newest secret sign alone.
func (d Desk) Finish(ctx context.Context, r Rotation) error {
	r.signer.DropOldSigningSecrets()
	return d.Put(ctx, r.Name, r.Config)
}

// Delete removes a destination. A pause goes with it: it would hold up another destination
// of that name.
func (d Desk) Delete(ctx context.Context, name string) error {
	err := d.Stack.Destinations.Delete(ctx, name)
	if errors.Is(err, sourcestore.ErrNotFound) {
		return d.Absent(name)
	}
	if err != nil {
		return err
	}
	_, _, _ = gate.Resume(ctx, d.Stack.Ledger, name, d.Now()) // a list shows one that stays
	return nil
}
