// Package desthubspot keeps the contacts of a HubSpot account up to date with what their
// leads do, and writes notes on them.
package desthubspot

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// Type is the type "hubspot".
var Type = destination.Type{
	Name: "hubspot",
	Help: `makes the lead a contact of HubSpot, sets the
properties that programs make (--property), and writes a note of replies and the
like (--note). It needs a service key (--token).`,
	New: func() destination.Settings { return new(Config) },
}

const (
	host    = "api.hubapi.com"
	timeout = 10 * time.Second // of one call, its answer included

	// MaxProperties bounds the properties that are set.
	MaxProperties = 30
)

// defaultNotes are the types of which a note is written where none is named: what a person
// who looks at a contact wants to know.
var defaultNotes = []webhook.Type{
	webhook.EmailReply, webhook.UntrackedReplies, webhook.EmailBounce, webhook.LeadUnsubscribed, webhook.LeadCategoryUpdated,
}

// Config is which account, and what is written there.
type Config struct {
	// Token is a service key, or the token of a private app, with the scopes
	// crm.objects.contacts.read and crm.objects.contacts.write.
	Token string `json:"token,omitempty"`
	// Properties are programs of package jq over the event, by the internal name of the
	// contact's property that each makes. What is null or empty is not set.
	Properties map[string]string `json:"properties,omitempty"`
	// Notes are the types of which a note is written; without any, and without NoNotes,
	// those of a default.
	Notes []webhook.Type `json:"notes,omitempty"`
	// NoNotes: contacts alone are written.
	NoNotes bool `json:"no_notes,omitempty"`
}

// Validate reports every broken rule.
func (c Config) Validate(report func(field, problem string)) {
	switch {
	case c.Token == "":
		report("token", "is needed: a service key of HubSpot")
	case len(c.Token) > 255 || strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }):
		report("token", "is a service key of HubSpot, which has no space")
	}
	if len(c.Properties) > MaxProperties {
		report("properties", fmt.Sprintf("at most %d", MaxProperties))
	}
	for name, source := range c.Properties {
		switch _, err := jq.Compile(source); {
		case !isProperty(name):
			report("properties", "a name is the internal one of HubSpot: a-z, 0-9 and _, at most 100 of them, and begins with a letter")
		case name == "email":
			report("properties.email", "is what the contact is found by: it is the lead's address")
		case err != nil:
			report("properties."+name, err.Error())
		}
	}
	for i, typ := range c.Notes {
		if !slices.Contains(webhook.Types, typ) {
			report(fmt.Sprintf("notes[%d]", i), "is not a known event type")
		}
	}
	if c.NoNotes && len(c.Notes) > 0 {
		report("no_notes", "is given beside notes")
	}
}

// isProperty tells whether name is one that HubSpot gives to a property
// (knowledge.hubspot.com/properties/create-and-edit-properties).
func isProperty(name string) bool {
	if name == "" || len(name) > 100 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// notes are the types of which a note is written.
func (c Config) notes() []webhook.Type {
	switch {
	case c.NoNotes:
		return nil
	case len(c.Notes) > 0:
		return c.Notes
	}
	return defaultNotes
}

// NoUse refuses an event without a lead: it is no contact's.
func (c Config) NoUse(e webhook.Event) string {
	if e.Lead == nil || strings.TrimSpace(e.Lead.Email) == "" {
		return "it has no lead's address, and HubSpot is given contacts alone"
	}
	return ""
}

// Open returns a destination of that account.
func (c Config) Open(name string, deps destination.Deps) (webhook.Destination, error) {
	w := &writer{
		client: destination.NewClient(deps, timeout), now: deps.Now, logger: deps.Logger, name: name,
		token: c.Token, programs: map[string]*jq.Program{}, notes: c.notes(),
	}
	for property, source := range c.Properties {
		program, err := jq.Compile(source)
		if err != nil {
			return nil, fmt.Errorf("%w: properties.%s %w", destination.ErrConfig, property, err)
		}
		w.programs[property] = program
	}
	return w, nil
}

// String says where events go, never a credential.
func (c Config) String() string { return "https://" + host }

// GoString keeps %#v from printing a credential.
func (c Config) GoString() string { return c.String() }

// LogValue shows what String does.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Summary shows the properties' names and of what notes are written.
func (c Config) Summary() map[string]any {
	shown := map[string]any{"host": c.String(), "notes": append([]webhook.Type{}, c.notes()...)}
	if len(c.Properties) > 0 {
		shown["properties"] = slices.Sorted(maps.Keys(c.Properties))
	}
	return shown
}

// Flags declares --token, --property, --note and --no-notes.
func (c *Config) Flags(flags *flag.FlagSet) {
	flags.StringVar(&c.Token, "token", c.Token, "`token` of the service: a service key of HubSpot")
	flags.Func("property", "contact's property of HubSpot and the `program` of jq that makes it, such as 'jobtitle=.lead.title'; 'jobtitle=' drops it", func(text string) error {
		name, source, ok := strings.Cut(text, "=")
		if !ok {
			return errors.New("it is written as 'name=program'")
		}
		if name = strings.TrimSpace(name); strings.TrimSpace(source) == "" {
			delete(c.Properties, name)
			return nil
		}
		if c.Properties == nil {
			c.Properties = map[string]string{}
		}
		c.Properties[name] = strings.TrimSpace(source)
		return nil
	})
	anew := true // what is named takes the place of what was
	flags.Func("note", "event `type` of which HubSpot gets a note (default: replies, bounces, unsubscriptions and new categories)", func(text string) error {
		typ := webhook.Type(strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(text), "-", "_")))
		if !slices.Contains(webhook.Types, typ) {
			return errors.New("it is an event type, such as EMAIL_REPLY")
		}
		if anew {
			c.Notes, c.NoNotes, anew = nil, false, false
		}
		c.Notes = append(c.Notes, typ)
		return nil
	})
	flags.Var(noNotes{c}, "no-notes", "write no notes to HubSpot")
}

// noNotes is the switch of a configuration, which drops the types that were named.
type noNotes struct{ c *Config }

func (n noNotes) String() string   { return strconv.FormatBool(n.c != nil && n.c.NoNotes) }
func (n noNotes) IsBoolFlag() bool { return true }

// Set returns an error for what is neither true nor false.
func (n noNotes) Set(text string) error {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("it is on or off")
	}
	if n.c.NoNotes = on; on {
		n.c.Notes = nil
	}
	return nil
}
