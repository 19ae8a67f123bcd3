package crash

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/webhook"
)

// destinations is the outside: one server for all worlds of the process.
var destinations outside

type outside struct {
	server *httptest.Server
	worlds sync.Map // name → *world
}

func (o *outside) start() {
	o.server = httptest.NewUnstartedServer(o)
	// A connection that is used again may be repeated by net/http itself, and
	// one that idles would look like a leak.
	o.server.Config.SetKeepAlivesEnabled(false)
	o.server.Start()
}

func (o *outside) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	name, dest, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	w, ok := o.worlds.Load(name)
	if !ok {
		hangUp(rw)
		return
	}
	w.(*world).arrive(rw, r, dest)
}

// effect is one event that a destination took.
type effect struct {
	destination string
	key         string // what a destination dedupes by
	id          string
	marker      string // of the body that was sent
	generation  int
	attempt     int
	life        *life // nil where several are under way

	lead, occurred string // whose state an event sets, and when
	late           bool   // it says that a newer one was delivered before
}

// behaviour decides what a destination answers. It may look around first.
type behaviour func(e effect) int

func answers(status int) behaviour { return func(effect) int { return status } }

var markerPattern = regexp.MustCompile(`mark-[0-9a-z]+-[0-9]+`)

// arrive is a delivery. It is a point of the plan as any other call is.
func (w *world) arrive(rw http.ResponseWriter, r *http.Request, dest string) {
	body, err := io.ReadAll(r.Body)
	l := w.current()
	if err != nil || l != nil && l.dead.Load() {
		hangUp(rw)
		return
	}
	e := readEffect(body, r, dest)
	e.life = l
	w.note("destination", l)
	w.attempted(e)
	m, hit := w.plan.next(true, "deliver")
	if !hit {
		m, hit = w.plan.next(false, "deliver")
	}
	switch {
	case hit && m == requestLost:
		l.kill()
		hangUp(rw)
		return
	case hit && m == throttledOnce:
		rw.WriteHeader(http.StatusTooManyRequests)
		return
	}
	status := w.behaviourOf(dest)(e)
	if status/100 == 2 {
		w.took(e)
	}
	switch {
	case hit && m == answerLost:
		l.kill()
		hangUp(rw)
	case hit && m == failedOnce:
		hangUp(rw)
	case status == 0:
		hangUp(rw)
	default:
		rw.WriteHeader(status)
	}
}

func readEffect(body []byte, r *http.Request, dest string) effect {
	var event struct {
		ID         string `json:"event_id"`
		Generation int    `json:"generation"`
		Type       webhook.Type
		Occurred   string `json:"occurred_at"`
		Flags      []string
		Campaign   string `json:"campaign_id"`
		Lead       struct{ Email string }
	}
	_ = json.Unmarshal(body, &event) // a body that is none has no id, which the checks see
	attempt, _ := strconv.Atoi(r.Header.Get(desthttp.HeaderAttempt))
	e := effect{
		destination: dest, key: r.Header.Get(desthttp.HeaderID), id: event.ID,
		marker: markerPattern.FindString(string(body)), generation: event.Generation, attempt: attempt,
		late: slices.Contains(event.Flags, webhook.FlagSuperseded),
	}
	if event.Type.SetsState() {
		e.lead, e.occurred = string(event.Type)+" "+event.Campaign+" "+event.Lead.Email, event.Occurred
	}
	return e
}

func (w *world) behaviourOf(dest string) behaviour {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.behaviours[dest]
}

// takes sets what a destination answers from now on.
func (w *world) takes(dest string, b behaviour) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.behaviours[dest] = b
}

func (w *world) heal() {
	for _, dest := range w.destinations {
		w.takes(dest, answers(http.StatusOK))
	}
}

func (w *world) took(e effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.effects = append(w.effects, e)
}

func (w *world) attempted(e effect) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, attempt{effect: e, at: w.now})
}

// hangUp ends the connection without an answer.
func hangUp(rw http.ResponseWriter) {
	conn, _, err := rw.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}
