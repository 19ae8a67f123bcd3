package sourcestore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

var errDown = fmt.Errorf("%w: down", webhook.ErrUnavailable)

// container is one running receiver by the clock of the test.
type container struct {
	*SourceReader
	b *backing
}

func (b *backing) container() container {
	return container{NewSourceReader(b.table, b.bucket, b.name, Settings{Now: func() time.Time { return b.now }}), b}
}

// wants asks for a source; authenticated says whether its secrets are open.
func (c container) wants(name, token string, want error) {
	c.b.Helper()
	source, err := c.Source(c.b.Context(), name, token)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		c.b.Errorf("%s: got %v, want %v", name, err, want)
	}
	if err == nil && source.Authenticate(auth.Credentials{Token: token}) == nil != (len(source.RedactionKey) > 0) {
		c.b.Errorf("%s: what is authenticated is not what is open", name)
	}
}

// refuses asks for a source that is there, with a token that is none of its own.
func (c container) refuses(name, token string) {
	c.b.Helper()
	source, err := c.Source(c.b.Context(), name, token)
	if err != nil || source.Authenticate(auth.Credentials{Token: token}) == nil || source.RedactionKey != nil {
		c.b.Errorf("%s was let in, or %v", name, err)
	}
}

func TestOneReadServesAMinute(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	c, before := b.container(), b.table.asked()
	for range 59 {
		c.wants("acme", token, nil)
		b.now = b.now.Add(time.Second)
	}
	if n := b.table.asked() - before; n != 1 {
		t.Errorf("%d reads in a minute", n)
	}
	b.now = b.now.Add(time.Second)
	c.wants("acme", token, nil)
	if n := b.table.asked() - before; n != 2 || b.bucket.gets == 0 {
		t.Errorf("%d reads after it", n)
	}
}

func TestWhatIsNewIsKnownWithinSecondsAndWhatIsWithdrawnEndsWithinAMinute(t *testing.T) {
	b := newBacking(t)
	ctx := t.Context()
	c := b.container()
	_, token := newSource(t, "acme")
	c.wants("acme", token, auth.ErrUnknownSource)
	b.add("acme")
	b.now = b.now.Add(doubtTTL)
	c.wants("acme", token, nil)

	source, err := b.sources.Get(ctx, "acme")
	b.must(err)
	c.refuses("acme", "rotated")
	rotated, err := source.AddToken("rotated", b.now)
	b.must(err)
	b.must(b.sources.PutSource(ctx, rotated))
	b.now = b.now.Add(doubtTTL)
	c.wants("acme", "rotated", nil)

	rotated, err = b.sources.Get(ctx, "acme")
	b.must(err)
	b.must(b.sources.PutSource(ctx, rotated.KeepNewestToken(b.now)))
	b.now = b.now.Add(time.Minute)
	c.refuses("acme", token)
	c.wants("acme", "rotated", nil)
	b.must(b.sources.Remove(ctx, "acme"))
	b.now = b.now.Add(time.Minute)
	c.wants("acme", "rotated", auth.ErrUnknownSource)
}

// An unknown name and a known one with a wrong token cost the same reads, and
// names fill no memory.
func TestStrangersCostNoMoreThanOneReadAName(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	c := b.container()
	cost := func(name string) int {
		before := b.table.asked()
		for range 50 { // in ten seconds
			_, _ = c.Source(t.Context(), name, "guess")
			b.now = b.now.Add(200 * time.Millisecond)
		}
		return b.table.asked() - before
	}
	if known, unknown := cost("acme"), cost("nobody"); known != unknown || unknown > 4 {
		t.Errorf("50 guesses in ten seconds: %d reads for a known name, %d for an unknown one", known, unknown)
	}
	b.now = b.now.Add(time.Minute)
	c.wants("acme", token, nil)
	before := b.table.asked()
	for i := range 5000 {
		c.wants(fmt.Sprintf("stranger-%d", i), "guess", auth.ErrUnknownSource)
	}
	if n := b.table.asked() - before; n != 5000 {
		t.Errorf("5000 names cost %d reads", n)
	}
	if len(c.unknown) > maxUnknown || len(c.order) > maxUnknown || len(c.busy) != 0 {
		t.Errorf("%d names are remembered, %d in order, %d busy", len(c.unknown), len(c.order), len(c.busy))
	}
	before = b.table.asked()
	c.wants("acme", token, nil)
	if n := b.table.asked() - before; n != 0 {
		t.Error("strangers drove a source out")
	}
}

func TestTheCopyServesWhileTheTableIsDown(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	warm := b.container()
	warm.wants("acme", token, nil)
	b.table.set(errDown, false)
	cold, before := b.container(), b.table.asked()
	for range 20 {
		cold.wants("acme", token, nil)
	}
	if n := b.table.asked() - before; n != 1 {
		t.Errorf("20 requests asked a table that is down %d times", n)
	}
	// Nobody is refused on the word of a copy that may be behind.
	cold.wants("acme", "wrong", webhook.ErrUnavailable)
	cold.wants("nobody", "wrong", webhook.ErrUnavailable)
	b.now = b.now.Add(2 * time.Minute)
	warm.wants("acme", token, nil)

	b.bucket.set(errors.New("down"))
	b.container().wants("acme", token, webhook.ErrUnavailable)
	b.now = b.now.Add(2 * time.Minute)
	warm.wants("acme", token, webhook.ErrUnavailable)

	b.table.set(nil, false)
	b.now = b.now.Add(retryTable)
	warm.wants("acme", token, nil)
	warm.wants("nobody", "wrong", auth.ErrUnknownSource)
}

// A copy that was not written in time is behind what this container has read.
func TestAnOlderCopyDoesNotBringAWithdrawnTokenBack(t *testing.T) {
	b := newBacking(t)
	old := b.add("acme")
	source, err := b.sources.Get(t.Context(), "acme")
	b.must(err)
	source, err = source.AddToken("new", noon)
	b.must(err)
	b.bucket.set(errors.New("down"))
	if err := b.sources.PutSource(t.Context(), source.KeepNewestToken(noon)); !errors.Is(err, ErrCopyStale) {
		t.Fatal(err)
	}
	b.bucket.set(nil)
	c := b.container()
	c.wants("acme", "new", nil)
	b.table.set(errDown, false)
	b.now = b.now.Add(2 * time.Minute)
	c.wants("acme", "new", nil)
	c.wants("acme", old, webhook.ErrUnavailable)
}

func TestASourceThatCannotBeReadIsOurFault(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	other := b.add("beta")
	b.table.bodies["acme"] = b.table.bodies["beta"]
	c := b.container()
	c.wants("acme", token, webhook.ErrUnavailable)
	b.table.bodies["acme"] = []byte(`{"keys":["topsecret"]}`)
	c.wants("acme", token, webhook.ErrUnavailable)
	c.wants("beta", other, nil)
	b.must(b.sources.Remove(t.Context(), "acme"))
	c.wants("acme", token, auth.ErrUnknownSource)
}

// A table that does not answer takes no request beyond its own end, and leaves
// nothing that a later one would wait for.
func TestATableThatHangsHoldsNoRequestUp(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	b.table.set(nil, true)
	c := b.container()
	hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Source(hasty, "acme", token); !errors.Is(err, webhook.ErrUnavailable) {
		t.Errorf("a request that ends before the table answers: %v", err)
	}
	if len(c.busy) != 0 {
		t.Error("a read outlives its request")
	}
	c.wants("acme", token, nil) // from the copy, after tableTimeout
	before := b.table.asked()
	c.wants("acme", token, nil)
	if n := b.table.asked() - before; n != 0 {
		t.Errorf("a table that hangs is asked again at once")
	}
}

func TestOneOfManyRequestsAsksForAll(t *testing.T) {
	b := newBacking(t)
	token := b.add("acme")
	c, before := b.container(), b.table.asked()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { c.wants("acme", token, nil) })
	}
	group.Wait()
	if n := b.table.asked() - before; n != 1 {
		t.Errorf("%d reads", n)
	}
}
