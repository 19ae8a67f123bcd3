package desthubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/jq"
	"smartlead-receiver/pkg/webhook"
)

// contact is what is written of one address, by the events of a batch that have it.
type contact struct {
	email      string
	properties map[string]string
	events     []int               // where they are in the batch, by when they occurred
	made       []map[string]string // what each of them sets

	id      string // of HubSpot, once it is written
	outcome webhook.Outcome
}

// contacts gathers the events by their lead's address, so that none is twice in a call,
// which HubSpot refuses whole. Of two events that set one property, the later one does.
// What cannot be written has its outcome. Each event has a lead (Config.NoUse).
func (w *writer) contacts(ctx context.Context, all []webhook.Delivery, outcomes []webhook.Outcome) []*contact {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return all[a].Event.OccurredAt.Compare(all[b].Event.OccurredAt) })
	var contacts []*contact
	byEmail := map[string]*contact{}
	for _, i := range order {
		made, problem := w.properties(ctx, all[i])
		if problem != nil {
			outcomes[i] = *problem
			continue
		}
		email := strings.ToLower(strings.TrimSpace(all[i].Event.Lead.Email))
		c := byEmail[email]
		if c == nil {
			c = &contact{email: email, properties: map[string]string{}}
			byEmail[email] = c
			contacts = append(contacts, c)
		}
		c.events, c.made = append(c.events, i), append(c.made, made)
		for name, value := range made {
			c.properties[name] = value
		}
	}
	return contacts
}

// maxValue bounds a property's value, in characters (of a text, as HubSpot does).
const maxValue = 65_536

// properties runs the programs over an event. One that is older than what was delivered
// meanwhile sets nothing: a CRM must not be turned back.
func (w *writer) properties(ctx context.Context, d webhook.Delivery) (map[string]string, *webhook.Outcome) {
	made := map[string]string{}
	if len(w.programs) == 0 || slices.Contains(d.Event.Flags, webhook.FlagSuperseded) {
		return made, nil
	}
	input, err := destination.Input(d)
	if err != nil {
		return nil, failed(err)
	}
	for name, program := range w.programs {
		value, err := program.Run(ctx, input)
		if err != nil {
			return nil, failed(fmt.Errorf("the property %s: %w", name, err))
		}
		text, ok := jq.Text(value)
		if !ok {
			return nil, failed(fmt.Errorf("the property %s: the result is a list or an object, and a text, a number or true or false is needed", name))
		}
		if text = destination.Lines(text, maxValue); text != "" { // an empty one would clear what is there
			made[name] = text
		}
	}
	return made, nil
}

func failed(err error) *webhook.Outcome {
	out := webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: "program_failed", Error: "a program of the destination: " + err.Error()}
	if errors.Is(err, jq.ErrTime) {
		out.Result, out.ErrorClass = webhook.ResultRetry, "program_slow"
	}
	return &out
}

// input is a contact as the call has it.
type input struct {
	IDProperty string            `json:"idProperty"`
	ID         string            `json:"id"`
	Trace      string            `json:"objectWriteTraceId"` // makes HubSpot judge each input by itself
	Properties map[string]string `json:"properties"`
}

// upserted is an answer. Neither are the results in the order of the inputs, nor do they
// say for certain which is whose.
type upserted struct {
	Results []result
	Errors  []refusal
}

type result struct {
	ID         string
	Trace      string `json:"objectWriteTraceId"`
	Properties struct{ Email string }
}

// upsert writes contacts and notes down what became of each. A call of several that is
// refused whole is made again for each alone, so that none is condemned for another; so is
// one whose answer does not tell which contact is whose.
func (w *writer) upsert(ctx context.Context, contacts []*contact) {
	inputs := make([]input, len(contacts))
	for i, c := range contacts {
		inputs[i] = input{IDProperty: "email", ID: c.email, Trace: strconv.Itoa(i), Properties: c.properties}
		if len(c.properties) == 0 { // something has to be given
			inputs[i].Properties = map[string]string{"email": c.email}
		}
	}
	a := w.post(ctx, upsertURL, map[string]any{"inputs": inputs})
	if !succeeded(a) {
		out := w.whole(a, "the contact")
		if len(contacts) > 1 && out.Result == webhook.ResultPermanent && aboutInputs(a.Status) {
			w.eachAlone(ctx, contacts)
			return
		}
		for _, c := range contacts {
			c.outcome = out
		}
		return
	}
	var told upserted
	if json.Unmarshal(a.Body, &told) != nil || told.Results == nil && told.Errors == nil {
		for _, c := range contacts {
			c.outcome = destination.BadAnswer(host, a.Status)
		}
		return
	}
	if unclear := w.assign(contacts, told, a.Status); len(unclear) > 0 && len(contacts) > 1 {
		w.eachAlone(ctx, unclear)
	}
}

// apart writes again, for each event alone and in the order in which they occurred, what
// several events together had refused for good, so that none is condemned for another's
// property. Where all set the same, or the token is refused, each would fare alike.
func (w *writer) apart(ctx context.Context, contacts []*contact) []*contact {
	var all []*contact
	for _, c := range contacts {
		differ := slices.ContainsFunc(c.made, func(m map[string]string) bool { return !maps.Equal(m, c.made[0]) })
		if c.outcome.Result != webhook.ResultPermanent || aboutSender(c.outcome.Status) || !differ {
			all = append(all, c)
			continue
		}
		for n, i := range c.events {
			one := &contact{email: c.email, properties: c.made[n], events: []int{i}}
			w.upsert(ctx, []*contact{one})
			all = append(all, one)
		}
	}
	return all
}

func (w *writer) eachAlone(ctx context.Context, contacts []*contact) {
	for i := range contacts {
		w.upsert(ctx, contacts[i:i+1])
	}
}

// assign gives each contact its result or its error, and returns those that have none.
func (w *writer) assign(contacts []*contact, told upserted, status int) (unclear []*contact) {
	for _, c := range contacts {
		c.id, c.outcome = "", destination.BadAnswer(host, status)
	}
	for _, r := range told.Results {
		if c := pick(contacts, []string{r.Trace}, []string{r.Properties.Email}); c != nil && isNumber(r.ID) {
			c.id, c.outcome = r.ID, webhook.Outcome{Result: webhook.ResultDelivered, Status: status}
		}
	}
	for _, e := range told.Errors {
		if c := pick(contacts, e.context("objectWriteTraceId"), e.context("id", "ids", "email")); c != nil {
			c.outcome = w.refused(e, status, "the contact")
		}
	}
	for _, c := range contacts {
		if c.outcome.ErrorClass == destination.ClassBadAnswer {
			unclear = append(unclear, c)
		}
	}
	return unclear
}

// pick finds the contact that an answer speaks of: the only one, or by the number that it
// was given, or by its address.
func pick(contacts []*contact, traces, emails []string) *contact {
	if len(contacts) == 1 {
		return contacts[0]
	}
	for _, trace := range traces {
		if i, err := strconv.Atoi(trace); err == nil && i >= 0 && i < len(contacts) {
			return contacts[i]
		}
	}
	for _, email := range emails {
		if i := slices.IndexFunc(contacts, func(c *contact) bool { return strings.EqualFold(c.email, email) }); i >= 0 {
			return contacts[i]
		}
	}
	return nil
}

// isNumber tells whether text is an id of HubSpot's.
func isNumber(text string) bool {
	return text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == ""
}
