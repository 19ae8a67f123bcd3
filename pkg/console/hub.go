package console

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"
)

const livePath = "/live"

// A topic is something that pages follow. Tabs that follow the same key share one
// poller, which looks only while there is one of them.
type topic struct {
	key   string
	every time.Duration
	// look returns what is news since it looked last; nil for nothing. One goroutine
	// calls it.
	look func(ctx context.Context) ([]message, error)
}

// message is one event of a stream.
type message struct {
	event string // "" for what htmx swaps by itself
	data  string
	id    string
}

// kept is how many messages a topic keeps for who comes back, and waiting how many more
// may wait for one tab that does not read: all that one look finds and its tick. A tab
// that were closed for less would come back to a new poller, whose first look finds as
// many, and be closed again, for as long as much arrives.
const (
	kept    = 100
	waiting = maxArrivals + maxOpen + 1
)

// hub has the topics that are followed. It is safe for concurrent use.
type hub struct {
	mu     sync.Mutex
	topics map[string]*followed
	epoch  int // rises with each poller, so that an id of an earlier one is known as that
}

// followed is a topic with those who follow it.
type followed struct {
	topic
	epoch int
	stop  context.CancelFunc

	mu   sync.Mutex
	tabs map[chan message]struct{}
	news []message // the latest
	last int       // number of the latest
}

func newHub() *hub { return &hub{topics: map[string]*followed{}} }

// follow returns what is sent of a topic until leave is called; after is the id of
// the latest message that the tab has, "" for none. The channel is closed for a tab
// that does not read.
func (h *hub) follow(ctx context.Context, t topic, after string) (news <-chan message, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.topics[t.key]
	if f == nil {
		h.epoch++
		polling, stop := context.WithCancel(context.WithoutCancel(ctx))
		f = &followed{topic: t, epoch: h.epoch, stop: stop, tabs: map[chan message]struct{}{}}
		h.topics[t.key] = f
		go f.poll(polling)
	}
	tab := f.join(after)
	return tab, func() { h.leave(f, tab) }
}

func (h *hub) leave(f *followed, tab chan message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tabs, tab)
	if len(f.tabs) == 0 && h.topics[f.key] == f {
		f.stop()
		delete(h.topics, f.key)
	}
}

// join adds a tab, and gives it what it has missed. Who missed more than is kept is
// told to load the page anew.
func (f *followed) join(after string) chan message {
	f.mu.Lock()
	defer f.mu.Unlock()
	tab := make(chan message, kept+waiting)
	f.tabs[tab] = struct{}{}
	first := f.last - len(f.news)
	epoch, number, _ := strings.Cut(after, "-")
	seen, err := strconv.Atoi(number)
	switch {
	case after == "":
		seen = first
	case err != nil || epoch != strconv.Itoa(f.epoch) || seen < first:
		tab <- message{event: "anew", data: "-"}
		seen = f.last
	}
	for i, m := range f.news {
		if first+i+1 > seen {
			tab <- m
		}
	}
	return tab
}

// poll looks, tick by tick, and tells every tab; the tick itself, too, so that a page
// knows that it is not stale.
func (f *followed) poll(ctx context.Context) {
	ticks := time.NewTicker(f.every)
	defer ticks.Stop()
	for {
		news, err := f.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.tell(message{event: "trouble", data: "-"})
		default:
			for _, m := range news {
				f.tell(m)
			}
			f.tell(message{event: "tick", data: "-"})
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// tell sends a message to every tab, and keeps what is news.
func (f *followed) tell(m message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m.event != "tick" && m.event != "trouble" {
		f.last++
		m.id = strconv.Itoa(f.epoch) + "-" + strconv.Itoa(f.last)
		if f.news = append(f.news, m); len(f.news) > kept {
			f.news = f.news[len(f.news)-kept:]
		}
	}
	for tab := range f.tabs {
		select {
		case tab <- m:
		default: // it does not read: it comes back, and is given what it missed
			close(tab)
			delete(f.tabs, tab)
		}
	}
}
