// Package destination is what holds for destinations of every type: the common
// part of a configuration, which events a destination takes, what an attempt may
// end as, and which destinations there are. Each type is a package below this
// one and one line in package registry, whose tests hold it to what every type
// owes.
package destination

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"smartlead-receiver/pkg/gate"
	"smartlead-receiver/pkg/webhook"
)

// Type is one type of destination, such as http.
type Type struct {
	// Name is the type's name in stored forms, and the operator's word for it.
	Name string
	// Help continues the sentence "--kind NAME …" in the operator's manual:
	// what the type does with an event and what the receiving side must do.
	Help string
	// NoTest says why an operator cannot deliver a sample event from where they
	// are. It is empty where they can.
	NoTest string
	// New returns settings without any value, to decode into or to set by flags.
	New func() Settings
}

// Settings are what a type alone knows of a configuration: the member "config"
// of the stored form. They are a pointer to a struct, whose JSON tags are the
// form; it is decoded strictly, here and not by the type. A member's
// UnmarshalText returns errors that quote nothing.
type Settings interface {
	// Validate reports each rule that is broken: the path of the field below
	// "config", such as "secrets[1]", and the problem, which quotes no value.
	Validate(report func(field, problem string))
	// Open builds the destination of that name; the settings are valid.
	Open(name string, deps Deps) (webhook.Destination, error)

	// String says where events go, such as a URL's scheme and host, and Summary
	// what may be shown in a listing, by the name that it has there. Neither
	// holds what may be a credential; nor do settings that are printed or logged.
	String() string
	Summary() map[string]any

	// Flags declares what an operator may set, with the fields as variables. Two
	// types may use one name.
	Flags(flags *flag.FlagSet)
}

// Signer is what Settings also are where deliveries are signed with secrets that
// this project makes: a new destination gets one unless the operator declines,
// and an operator can rotate it.
type Signer interface {
	// SigningSecrets returns how many there are. Each signs.
	SigningSecrets() int
	// AddSigningSecret makes one and returns it, to be shown once. It returns the
	// error of random.
	AddSigningSecret(random io.Reader) (string, error)
	// DropOldSigningSecrets leaves the newest alone.
	DropOldSigningSecrets()
}

// Nearby is what Settings also are where only an operator's word lets a destination be
// on the machine itself. A local stack, which is one person's, gives it without being
// asked.
type Nearby interface{ AllowNearby() }

// ErrAbsent is returned for a resource that is not there.
var ErrAbsent = errors.New("there is no such resource")

// Checker is what Settings also are that name something whose absence no delivery would
// show. An operator's tools ask before they write a configuration.
type Checker interface {
	// CheckExists returns ErrAbsent, wrapped, for what is not there, and another error
	// where that could not be found out.
	CheckExists(ctx context.Context, deps Deps) error
}

// Chooser is what Settings also are of a type that has no use for some events, whatever
// its filter says.
type Chooser interface {
	// NoUse says in an operator's words why the type has no use for an event: empty, and
	// it has.
	NoUse(e webhook.Event) string
}

// Types are the types that are known. The first is what an operator adds when
// no type is named.
type Types []Type

// Find returns the type of that name.
func (types Types) Find(name string) (Type, bool) {
	if i := slices.IndexFunc(types, func(t Type) bool { return t.Name == name }); i >= 0 {
		return types[i], true
	}
	return Type{}, false
}

// Names returns the names in their order.
func (types Types) Names() []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	return names
}

// Limits are how much a destination is sent (gate.Limits).
type Limits = gate.Limits

// Deps are what destinations are built from; shared by all of them.
type Deps struct {
	Transport http.RoundTripper // stands in for the network; nil means NewTransport of the reach
	Logger    *slog.Logger      // nil discards
	Now       func() time.Time  // nil means time.Now
	AWS       AWS               // calls services of AWS; nil: each call fails
	Documents Documents         // what types remember; nil: nothing, as in an operator's test
	// Guard stands before a destination, behind its filter, and may say that it has to
	// wait; nil lets everything pass, as an operator's test does.
	Guard func(name string, limits Limits, next webhook.Destination) webhook.Destination

	public, private http.RoundTripper
}

// To returns the transport for destinations of that reach. Each reach has connections
// of its own, so that none is shared with a destination that might not have made it.
func (d Deps) To(r Reach) http.RoundTripper {
	if r == Private {
		return d.private
	}
	return d.public
}

// WithDefaults fills in what is nil. Whoever opens many destinations calls it once, so
// that they share their connections.
func (d Deps) WithDefaults() Deps {
	if d.Transport != nil {
		d.public, d.private = d.Transport, d.Transport
	}
	if d.public == nil {
		d.public, d.private = NewTransport(Public), NewTransport(Private)
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.AWS == nil {
		d.AWS = noAWS{}
	}
	return d
}

// NewTransport returns a transport to share between destinations of that reach. Idle
// connections are dropped early, because a frozen Lambda does not see that the
// other side closed them. A proxy of the environment is used for Private alone: it
// looks names up itself, so that nobody could say what is reached.
func NewTransport(reach Reach) *http.Transport { return newTransport(reach, nil) }

func newTransport(reach Reach, resolver *net.Resolver) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second, Control: reach.control, Resolver: resolver}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
	if reach == Private {
		t.Proxy = http.ProxyFromEnvironment
	}
	return t
}
