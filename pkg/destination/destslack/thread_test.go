package destslack_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destslack"
	"smartlead-receiver/pkg/ledger/memory"
	"smartlead-receiver/pkg/webhook"
)

// workspace is a workspace of Slack that listens, over TLS, and answers as
// chat.postMessage does (docs.slack.dev/reference/methods/chat.postMessage).
type workspace struct {
	*testing.T
	server *httptest.Server
	fault  func(thread string, w http.ResponseWriter) bool // answers in its stead
	arrive func()                                          // called as a message comes

	mu       sync.Mutex
	messages []message
	deleted  []string
}

type message struct{ channel, ts, thread, event string }

func newWorkspace(t *testing.T) *workspace {
	w := &workspace{T: t}
	w.server = httptest.NewTLSServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	return w
}

func (ws *workspace) serve(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Channel  string
		ThreadTS string `json:"thread_ts"`
		Metadata struct {
			EventPayload struct {
				EventID string `json:"event_id"`
			} `json:"event_payload"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/api/chat.postMessage" || r.Host != "slack.com" || r.Header.Get("Authorization") != "Bearer xoxb-topsecret" {
		ws.Errorf("%v, %s%s", err, r.Host, r.URL.Path)
	}
	if ws.arrive != nil {
		ws.arrive()
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.fault != nil && ws.fault(in.ThreadTS, w) {
		return
	}
	thread := in.ThreadTS
	if slices.Contains(ws.deleted, thread) {
		thread = "" // posted by itself, without an error (slack-go/slack, #1571)
	}
	m := message{in.Channel, fmt.Sprintf("1772704800.%06d", len(ws.messages)+1), thread, in.Metadata.EventPayload.EventID}
	ws.messages = append(ws.messages, m)
	shown := map[string]any{"type": "message", "text": "…", "ts": m.ts, "bot_id": "B0"}
	if thread != "" {
		shown["thread_ts"] = thread
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "channel": "C0123ABCD", "ts": m.ts, "message": shown}) // the connection may be gone
}

// store is what the table remembers; each call may fail.
type store struct {
	*memory.Ledger
	find, save func() error
	mu         sync.Mutex
	writes     int
	expires    time.Time
	kind, name string
	body       []byte
}

func (s *store) LoadDocument(ctx context.Context, kind, name string) ([]byte, int, error) {
	body, version, err := s.Ledger.LoadDocument(ctx, kind, name)
	if s.find != nil {
		if err := s.find(); err != nil {
			return nil, 0, err
		}
	}
	return body, version, err
}

func (s *store) SaveDocument(ctx context.Context, kind, name string, body []byte, seen int, now, expiresAt time.Time) error {
	if s.save != nil {
		if err := s.save(); err != nil {
			return err
		}
	}
	err := s.Ledger.SaveDocument(ctx, kind, name, body, seen, now, expiresAt)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.writes++
		s.expires, s.kind, s.name, s.body = expiresAt, kind, name, body
	}
	return err
}

var now = time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)

// worker is a worker's view of a channel.
type worker struct {
	*testing.T
	target *destination.Target
	log    bytes.Buffer
}

func (ws *workspace) worker(s *store, channel string) *worker {
	ws.Helper()
	w := &worker{T: ws.T}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, ws.server.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "example.com", RootCAs: x509.NewCertPool()},
	}
	transport.TLSClientConfig.RootCAs.AddCert(ws.server.Certificate())
	ws.Cleanup(transport.CloseIdleConnections)
	cfg := destination.Config{Type: "slack", Settings: &destslack.Config{Token: "xoxb-topsecret", Channel: channel, Threads: true}}
	var err error
	w.target, err = destination.New("sales", cfg, destination.Deps{
		Transport: transport, Documents: s, Now: func() time.Time { return now }, Logger: slog.New(slog.NewJSONHandler(&w.log, nil)),
	})
	if err != nil {
		ws.Fatal(err)
	}
	return w
}

// deliver delivers an event of a lead and expects it to be taken.
func (w *worker) deliver(id, lead string) {
	w.Helper()
	e := webhook.Event{ID: webhook.EventID(id), Type: webhook.EmailReply, Lead: &webhook.Lead{Email: lead}}
	if lead == "" {
		e.Lead = nil
	}
	if out := w.target.Deliver(w.Context(), webhook.Delivery{Event: e, IdempotencyKey: id}); out.Result != webhook.ResultDelivered {
		w.Errorf("%s of %s: %+v", id, lead, out)
	}
}

// threads are the events of each thread, by the event that is first.
func (ws *workspace) threads() map[string][]string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	first, all := map[string]string{}, map[string][]string{}
	for _, m := range ws.messages {
		if m.thread == "" {
			first[m.ts] = m.event
			all[m.event] = []string{}
			continue
		}
		all[first[m.thread]] = append(all[first[m.thread]], m.event)
	}
	return all
}

func (ws *workspace) want(want string) {
	ws.Helper()
	if got := fmt.Sprint(ws.threads()); got != want {
		ws.Errorf("threads %s\nwant    %s", got, want)
	}
}

func TestALeadHasAThreadOfItsOwn(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	sales := ws.worker(s, "C1")
	sales.deliver("a1", "tom@acme.example")
	sales.deliver("a2", " Tom@ACME.example")
	sales.deliver("b1", "ann@acme.example")
	sales.deliver("a3", "tom@acme.example")
	sales.deliver("c1", "")
	ws.worker(s, "C1").deliver("a4", "tom@acme.example") // another worker
	ws.worker(s, "C2").deliver("d1", "tom@acme.example") // another channel
	ws.want("map[a1:[a2 a3 a4] b1:[] c1:[] d1:[]]")
	if s.writes != 3 || !s.expires.Equal(now.Add(90*24*time.Hour)) {
		t.Errorf("%d writes for 3 threads; the last expires %s", s.writes, s.expires)
	}
	kept := (&destslack.Config{Token: "xoxb-topsecret", Channel: "C2", Threads: true}).Keeps("tom@acme.example")
	if want := []destination.Kept{{Kind: s.kind, Name: s.name}}; !slices.Equal(kept, want) {
		t.Errorf("kept %v, written %v", kept, want)
	}
	if other := (&destslack.Config{Token: "xoxb-another", Channel: "C2", Threads: true}).Keeps("tom@acme.example"); other[0].Name == s.name || len(s.name) != 64 {
		t.Errorf("the name %s needs no secret", s.name)
	}
	if string(s.body) != `{"ts":"1772704800.000007"}` {
		t.Errorf("kept is %s", s.body)
	}
	if none := (destslack.Config{Token: "xoxb-topsecret", Channel: "C2"}).Keeps("tom@acme.example"); none != nil {
		t.Errorf("without threads: %v", none)
	}
}

// In one worker, the events of a new lead that come at once are in one thread.
func TestANewLeadsEventsAtOnce(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	sales := ws.worker(s, "C1")
	var group sync.WaitGroup
	for n := range 10 {
		group.Go(func() { sales.deliver(fmt.Sprint(n), "tom@acme.example") })
	}
	group.Wait()
	if threads := ws.threads(); len(threads) != 1 || len(ws.messages) != 10 || s.writes != 1 {
		t.Errorf("threads %v with %d writes, want one of ten messages and one write", threads, s.writes)
	}
}

// Of two workers that post the first message of a lead, one has the thread.
func TestTwoWorkersWithANewLead(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	var found sync.WaitGroup
	found.Add(2)
	ws.arrive = func() { found.Done(); found.Wait() } // both have looked before either has posted
	var group sync.WaitGroup
	for _, id := range []string{"1", "2"} {
		w := ws.worker(s, "C1")
		group.Go(func() { w.deliver(id, "tom@acme.example") })
	}
	group.Wait()
	ws.arrive = nil
	third := ws.worker(s, "C1")
	third.deliver("3", "tom@acme.example")
	third.deliver("4", "tom@acme.example")
	if got := fmt.Sprint(ws.threads()); got != "map[1:[3 4] 2:[]]" && got != "map[1:[] 2:[3 4]]" {
		t.Errorf("threads %s, want what comes later in that of either", got)
	}
	if s.writes != 1 {
		t.Errorf("%d writes", s.writes)
	}
}

// Slack posts the answer to a deleted message by itself and says no word, or has an error.
func TestADeletedFirstMessage(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	sales := ws.worker(s, "C1")
	sales.deliver("1", "tom@acme.example")
	sales.deliver("2", "tom@acme.example")
	ws.deleted = []string{ws.messages[0].ts}
	sales.deliver("3", "tom@acme.example")
	sales.deliver("4", "tom@acme.example")
	ws.want("map[1:[2] 3:[4]]")
	for _, name := range []string{"thread_not_found", "message_not_found", "cannot_reply_to_message"} {
		ws, s := newWorkspace(t), &store{Ledger: memory.New()}
		sales := ws.worker(s, "C1")
		sales.deliver("1", "tom@acme.example")
		gone := ws.messages[0].ts
		ws.fault = func(thread string, w http.ResponseWriter) bool {
			if thread == gone {
				_, _ = fmt.Fprintf(w, `{"ok":false,"error":%q}`, name) // the connection may be gone
			}
			return thread == gone
		}
		sales.deliver("2", "tom@acme.example")
		sales.deliver("3", "tom@acme.example")
		ws.want("map[1:[] 2:[3]]")
		if s.writes != 2 {
			t.Errorf("%s: %d writes for two threads", name, s.writes)
		}
	}
}

// The message is worth more than its place: it is posted whatever the table does.
func TestATableThatDoesNotAnswer(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	sales := ws.worker(s, "C1")
	sales.deliver("1", "tom@acme.example")
	s.find = func() error { return errors.New("throttled") }
	sales.deliver("2", "tom@acme.example")
	s.find = nil
	sales.deliver("3", "tom@acme.example")
	ws.want("map[1:[3] 2:[]]")
	s.save = func() error { return errors.New("throttled") }
	sales.deliver("4", "ann@acme.example")
	s.save = nil
	sales.deliver("5", "ann@acme.example")
	sales.deliver("6", "ann@acme.example")
	ws.want("map[1:[3] 2:[] 4:[] 5:[6]]")
	for _, event := range []string{"slack.thread_unknown", "slack.thread_lost"} {
		if !strings.Contains(sales.log.String(), event) {
			t.Errorf("no %s in the log", event)
		}
	}
	if text := sales.log.String(); strings.Contains(text, "acme.example") || strings.Contains(text, "xoxb") {
		t.Errorf("the log: %s", text)
	}
}

// What is kept may have been emptied, or be none of ours.
func TestAnEmptiedThread(t *testing.T) {
	for _, body := range []string{`{}`, ``, `[]`, `{"ts":"<!channel>"}`} {
		ws, s := newWorkspace(t), &store{Ledger: memory.New()}
		sales := ws.worker(s, "C1")
		sales.deliver("1", "tom@acme.example")
		if err := s.Ledger.SaveDocument(t.Context(), s.kind, s.name, []byte(body), 1, now, now); err != nil {
			t.Fatal(err)
		}
		sales.deliver("2", "tom@acme.example")
		sales.deliver("3", "tom@acme.example")
		ws.want("map[1:[] 2:[3]]")
	}
}

// A first message that Slack refuses begins nothing, and others of the lead do not wait for
// it for ever.
func TestAFirstMessageThatFails(t *testing.T) {
	ws, s := newWorkspace(t), &store{Ledger: memory.New()}
	sales := ws.worker(s, "C1")
	ws.fault = func(_ string, w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	d := webhook.Delivery{Event: webhook.Event{ID: "1", Type: webhook.EmailReply, Lead: &webhook.Lead{Email: "tom@acme.example"}}, IdempotencyKey: "1"}
	if out := sales.target.Deliver(t.Context(), d); out.Result != webhook.ResultRetry || s.writes != 0 {
		t.Errorf("%+v, %d writes", out, s.writes)
	}
	ws.fault = nil
	release := make(chan struct{})
	ws.arrive = func() { <-release }
	var group sync.WaitGroup
	group.Go(func() { sales.deliver("2", "tom@acme.example") })
	for { // until the first one is on its way
		if out := deliverWithin(t, sales, d, 20*time.Millisecond); out.ErrorClass == "timeout" {
			break
		}
	}
	close(release)
	group.Wait()
	sales.deliver("3", "tom@acme.example")
	if threads := ws.threads(); len(threads["2"])+len(threads["1"]) == 0 {
		t.Errorf("threads %v", threads)
	}
}

func deliverWithin(t *testing.T, w *worker, d webhook.Delivery, within time.Duration) webhook.Outcome {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return w.target.Deliver(ctx, d)
}
