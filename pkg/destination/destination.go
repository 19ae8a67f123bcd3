// Package destination is what holds for destinations of every type: the common
// part of a configuration, which events a destination takes, what an attempt may
// end as, and which destinations there are. Each type is a package below this
// one and one line in package registry, whose tests hold it to what every type
// owes.
package destination

import (
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

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

// Deps are what destinations are built from; shared by all of them.
type Deps struct {
	Transport http.RoundTripper // nil means NewTransport, one per destination
	Logger    *slog.Logger      // nil discards
	Now       func() time.Time  // nil means time.Now
}

func (d Deps) withDefaults() Deps {
	if d.Transport == nil {
		d.Transport = NewTransport()
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

// NewTransport returns the transport to share between destinations. Idle
// connections are dropped early, because a frozen Lambda does not see that the
// other side closed them.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           100,
		MaxIdleConnsPerHost:    20,
		IdleConnTimeout:        20 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
	}
}
