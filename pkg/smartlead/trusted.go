package smartlead

import (
	"slices"
	"strconv"

	"smartlead-receiver/pkg/webhook"
)

// These name the fields of an identity that rests on the provider's request id.
const (
	basisRequestID = "request_id"
	basisIndex     = "index"
)

// basisTest names what sets the identity of a test apart.
const basisTest = "test_event"

// WithTrustedID returns the element under an identity that rests on the
// provider's X-Request-Id and the element's place in the batch, for sources
// whose configuration says that the header names the event. Two of the vendor's
// pages contradict each other on that (guides/webhook-integration: one id for
// each delivery; helpcenter article 403: one for each event), so it is never
// the default.
func (e Element) WithTrustedID(account, requestID string) Element {
	if e.Err != nil || requestID == "" {
		return e
	}
	var s basis
	s.add(basisAccount, account)
	s.add(basisType, string(e.Event.Type))
	s.add(basisRequestID, bounded(requestID))
	s.add(basisIndex, strconv.Itoa(e.Index))
	e.Key = naturalKey(e.Event.Type, s)
	e.Event.ID = webhook.NewEventID(e.Key, 1)
	e.Basis, e.BasisFields, e.Timeless = s.names(), s.shown(), false
	e.Event.Flags = slices.DeleteFunc(slices.Clone(e.Event.Flags), func(f string) bool { return f == webhook.FlagTimeless })
	return e
}

// Apart returns a test event under an identity of its own, in which it never meets the
// event that it looks like: for sources that trust certain secret_keys alone, since
// everybody knows the test's.
func (e Element) Apart() Element {
	if e.Err != nil {
		return e
	}
	e.Key = naturalKey(e.Event.Type, basis{{basisTest, e.Key}})
	e.Event.ID = webhook.NewEventID(e.Key, 1)
	e.Basis = append([]string{basisTest}, e.Basis...)
	e.BasisFields = append([]Field{{basisTest, testSecret}}, e.BasisFields...)
	return e
}
