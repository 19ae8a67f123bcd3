package crash

import (
	"maps"
	"strings"
	"testing"
)

// TestCalls counts what each function asks of AWS, once it is warm: latency and
// cost of an event are these calls.
func TestCalls(t *testing.T) {
	receives := map[string]int{"receiver PutItem": 1, "receiver SendMessageBatch": 1}
	delivers := map[string]int{"worker GetItem": 1, "worker UpdateItem": 1, "worker destination": 1}
	with := func(base map[string]int, more ...string) map[string]int {
		all := maps.Clone(base)
		for _, call := range more {
			all[call]++
		}
		return all
	}
	for _, c := range []struct {
		name    string
		make    func(w *world) *request
		receive map[string]int
		deliver map[string]int
	}{
		{"new", func(w *world) *request { return w.event(2) }, receives, delivers},
		{"timeless", func(w *world) *request { return w.timeless(2) }, with(receives, "receiver Query"), delivers},
		{
			"large", func(w *world) *request { return w.large(2) },
			with(receives, "receiver PutObject"), with(delivers, "worker GetObject", "worker CopyObject"),
		},
		{
			"duplicate", func(w *world) *request { return w.event(1) },
			map[string]int{"receiver UpdateItem": 1}, map[string]int{},
		},
		{
			"duplicate at another instance", func(w *world) *request {
				w.replace("receiver")
				w.send(w.event(4)) // it warms that one
				w.pump()
				w.calls = map[string]int{}
				return w.event(1)
			},
			map[string]int{"receiver PutItem": 1, "receiver UpdateItem": 1}, map[string]int{},
		},
		{"untrusted", func(w *world) *request { return w.untrusted(2) }, map[string]int{"receiver PutItem": 1}, map[string]int{}},
	} {
		for _, e := range []engine{kumoEngine, dynoxideEngine} {
			t.Run(c.name+"/"+e.name, func(t *testing.T) {
				w := newWorld(t, e.url(t), options{})
				defer w.close()
				w.send(w.event(1)) // it warms the functions
				w.send(w.untrusted(3))
				w.pump()
				w.calls = map[string]int{}
				r := c.make(w)
				w.send(r)
				if e.name == "kumo" && strings.HasPrefix(c.name, "duplicate") {
					delete(w.calls, "receiver GetItem") // it returns no item with a failed condition
				}
				if !maps.Equal(w.calls, c.receive) {
					t.Errorf("to receive it the receiver made %v, want %v", w.calls, c.receive)
				}
				w.calls = map[string]int{}
				w.pump()
				delete(w.calls, "poller DeleteMessage")
				if !maps.Equal(w.calls, c.deliver) {
					t.Errorf("to deliver it the worker made %v, want %v", w.calls, c.deliver)
				}
			})
		}
	}
}
