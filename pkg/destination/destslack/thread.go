package destslack

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Threads remembers the first message of each lead in a channel.
type Threads interface {
	// Find returns the zero Thread where there is none.
	Find(ctx context.Context, name string) (Thread, error)
	// Begin notes down the first message of a thread in the place of what was seen. It
	// returns webhook.ErrChanged where another message is the first by now.
	Begin(ctx context.Context, name, ts string, seen Thread) error
}

// Thread is the first message of a lead.
type Thread struct {
	TS      string // Slack's name of it in its channel; empty: there is none
	version int
}

const (
	threadKind    = "slack-thread"
	threadsKept   = 90 * 24 * time.Hour // from the first message on: then another one is the first
	threadTimeout = time.Second         // of one call
)

// Keeps names the thread of a lead.
func (c Config) Keeps(lead string) []destination.Kept {
	if !c.Threads || c.Token == "" {
		return nil
	}
	return []destination.Kept{{Kind: threadKind, Name: c.threadName(lead)}}
}

// threadName is a digest of the channel and the lead under the token, which the table does
// not have: whoever reads the table alone cannot try addresses.
func (c Config) threadName(lead string) string {
	mac := hmac.New(sha256.New, []byte(c.Token))
	mac.Write([]byte(threadKind + "\x00" + c.Channel + "\x00" + strings.ToLower(strings.TrimSpace(lead))))
	return hex.EncodeToString(mac.Sum(nil))
}

// documents are threads as documents beside the events.
type documents struct {
	in  destination.Documents
	now func() time.Time
}

type threadDocument struct {
	TS string `json:"ts"`
}

func (d documents) Find(ctx context.Context, name string) (Thread, error) {
	body, version, err := d.in.LoadDocument(ctx, threadKind, name)
	if errors.Is(err, webhook.ErrNotFound) {
		return Thread{}, nil
	}
	if err != nil {
		return Thread{}, err
	}
	var doc threadDocument
	if json.Unmarshal(body, &doc) != nil || !isTS(doc.TS) {
		doc.TS = "" // emptied, or not ours: it is written over
	}
	return Thread{TS: doc.TS, version: version}, nil
}

func (d documents) Begin(ctx context.Context, name, ts string, seen Thread) error {
	body, err := json.Marshal(threadDocument{ts})
	if err != nil {
		return err
	}
	now := d.now()
	return d.in.SaveDocument(ctx, threadKind, name, body, seen.version, now, now.Add(threadsKept))
}

// isTS tells whether text is what Slack names a message by.
func isTS(text string) bool {
	seconds, micros, found := strings.Cut(text, ".")
	return found && len(text) <= 30 && seconds != "" && micros != "" && strings.Trim(seconds+micros, "0123456789") == ""
}

// gone are the errors of a thread whose first message is no more
// (docs.slack.dev/reference/methods/chat.postMessage).
var gone = []string{"thread_not_found", "message_not_found", "cannot_reply_to_message"}

// deliverInThread posts the event into the thread of its lead, or as its first message. In
// one worker the first message of a lead is waited for by others of it; of two workers that
// post one at the same time, the one that was noted down first is the thread's, and the
// other stays by itself. Where the table does not answer, the message is posted by itself:
// it is worth more than its place.
func (p *poster) deliverInThread(ctx context.Context, d webhook.Delivery) webhook.Outcome {
	name := p.config.threadName(d.Event.Lead.Email)
	release, err := p.turns.take(ctx, name)
	if err != nil {
		return destination.Decide(destination.Answer{Err: err}, p.host, p.now())
	}
	defer release()
	thread, err := p.find(ctx, name)
	if err != nil {
		release()
		p.logger.WarnContext(ctx, "slack.thread_unknown", "outcome", "the message is posted by itself", "destination", p.name, "event_id", d.Event.ID, "error", err)
		out, _ := p.post(ctx, d, "")
		return out
	}
	if thread.TS != "" {
		release()
	}
	out, message := p.post(ctx, d, thread.TS)
	if thread.TS != "" && slices.Contains(gone, out.ErrorClass) {
		out, message = p.post(ctx, d, "")
	} else if thread.TS != "" && (message.Message == nil || message.Message.ThreadTS != "") {
		return out // Slack posts by itself what would answer a message that was deleted, and says so by leaving the thread out
	}
	if out.Result == webhook.ResultDelivered && isTS(message.TS) {
		p.begin(ctx, d, name, message.TS, thread)
	}
	return out
}

func (p *poster) find(ctx context.Context, name string) (Thread, error) {
	ctx, cancel := context.WithTimeout(ctx, threadTimeout)
	defer cancel()
	return p.threads.Find(ctx, name)
}

// begin notes a first message down, also where the attempt's time is over. Where it cannot,
// the next message of the lead is a first one again.
func (p *poster) begin(ctx context.Context, d webhook.Delivery, name, ts string, seen Thread) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*threadTimeout)
	defer cancel()
	err := p.threads.Begin(ctx, name, ts, seen)
	if err != nil && !errors.Is(err, webhook.ErrChanged) {
		p.logger.WarnContext(ctx, "slack.thread_lost", "outcome", "the lead's next message begins another thread", "destination", p.name, "event_id", d.Event.ID, "error", err)
	}
}

// turns lets one at a time of each name go on.
type turns struct {
	mu   sync.Mutex
	held map[string]*turn
}

type turn struct {
	free  chan struct{} // holds one while it is free
	users int
}

// take waits for the turn of a name and returns what gives it back, once. It returns the
// error of ctx.
func (t *turns) take(ctx context.Context, name string) (release func(), err error) {
	t.mu.Lock()
	own := t.held[name]
	if own == nil {
		own = &turn{free: make(chan struct{}, 1)}
		own.free <- struct{}{}
		if t.held == nil {
			t.held = map[string]*turn{}
		}
		t.held[name] = own
	}
	own.users++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.held, name)
		}
	}
	select {
	case <-own.free:
		return sync.OnceFunc(func() {
			own.free <- struct{}{}
			leave()
		}), nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
