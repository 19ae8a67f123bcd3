package desthubspot

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// Waits where HubSpot names none, which it does not with a 429
// (developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
const (
	burstWait = 10 * time.Second // the window of TEN_SECONDLY_ROLLING
	dailyWait = time.Hour        // the count ends at the account's midnight, which nobody tells
	lockWait  = 2 * time.Second  // of 423
)

// Statuses of HubSpot's own (developers.hubspot.com/docs/api-reference/error-handling).
const statusMigration = 477

// refusal is an error: of a call, or of one input of it. Each member may be missing.
type refusal struct {
	Category   string
	Message    string
	PolicyName string
	Errors     []detail
	Context    json.RawMessage
}

type detail struct {
	Code    string
	Context json.RawMessage
}

// context returns the texts that stand under these names: a list, or one.
func (r refusal) context(names ...string) []string { return textsIn(r.Context, names...) }

func textsIn(context json.RawMessage, names ...string) (texts []string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(context, &members) != nil {
		return nil
	}
	for _, name := range names {
		var list []string
		var one string
		if json.Unmarshal(members[name], &list) == nil {
			texts = append(texts, list...)
		} else if json.Unmarshal(members[name], &one) == nil {
			texts = append(texts, one)
		}
	}
	return texts
}

func succeeded(a destination.Answer) bool { return a.Err == nil && a.Status >= 200 && a.Status < 300 }

// aboutInputs tells whether a status speaks of what was sent, and not of who sent it.
func aboutInputs(status int) bool {
	return status >= 400 && status < 500 && !aboutSender(status)
}

// aboutSender tells whether a status speaks of who sent it: of the token.
func aboutSender(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// whole is the outcome of a call that failed as such.
func (w *writer) whole(a destination.Answer, what string) webhook.Outcome {
	out := destination.Decide(a, host, w.now())
	if a.Err != nil {
		return out
	}
	var told refusal
	if json.Unmarshal(a.Body, &told) != nil {
		told = refusal{} // whoever stands between answered
	}
	switch {
	case a.Status == http.StatusTooManyRequests && told.PolicyName == "DAILY":
		out.RetryAfter = max(out.RetryAfter, dailyWait)
		out.Error += " (the account's calls of this day are used up: tried again each hour, until its midnight)"
	case a.Status == http.StatusTooManyRequests:
		if out.RetryAfter == 0 {
			out.RetryAfter = burstWait
		}
	case a.Status == http.StatusConflict: // somebody else wrote it at this moment
		out.Result = webhook.ResultRetry
	case a.Status == http.StatusLocked, a.Status == statusMigration:
		out.Result = webhook.ResultRetry
		out.RetryAfter = max(destination.LongestRetryAfter(a.RetryAfter, w.now()), lockWait)
	case a.Status == http.StatusUnauthorized:
		out.Error = host + " answered 401 Unauthorized (the token is not valid: set a new one with destinations set NAME --token)"
	case a.Status == http.StatusForbidden:
		out.Error = host + " answered 403 Forbidden (give the service key the scopes crm.objects.contacts.read and crm.objects.contacts.write)"
	case aboutInputs(a.Status) && told.Category != "":
		return w.refused(told, a.Status, what)
	}
	return out
}

// passing are the categories that pass by themselves.
var passing = []string{"RATE_LIMITS", "CONFLICT", "INTERNAL_ERROR", "TRANSIENT", "LOCKED"}

// refused is the outcome of what was refused, in an operator's words.
func (w *writer) refused(r refusal, status int, what string) webhook.Outcome {
	out := webhook.Outcome{Result: webhook.ResultPermanent, Status: status, ErrorClass: "refused"}
	if isWord(r.Category) {
		out.ErrorClass = r.Category
	}
	if slices.Contains(passing, r.Category) {
		out.Result = webhook.ResultRetry
	}
	out.Error = host + " refused " + what
	problems := r.problems()
	for i, p := range problems {
		out.Error += map[bool]string{true: ": ", false: "; "}[i == 0] + w.explain(p)
		out.ErrorClass = p.code
	}
	if text := destination.Clean(r.Message, maxMessage); len(problems) == 0 && text != "" && !destination.Leaks(text, []string{w.token}) {
		out.Error += ": " + text
	}
	return out
}

const (
	maxMessage  = 160 // bytes of HubSpot's own words
	maxProblems = 3
)

// problem is what is wrong with one property.
type problem struct{ code, property string }

// problems are in "errors", or in the text of "message", as JSON.
func (r refusal) problems() (all []problem) {
	for _, d := range r.Errors {
		if names := textsIn(d.Context, "propertyName"); len(names) > 0 && isWord(d.Code) {
			all = append(all, problem{d.Code, names[0]})
		}
	}
	if at := strings.Index(r.Message, "["); len(all) == 0 && at >= 0 {
		var list []struct{ Error, Name string }
		if json.NewDecoder(strings.NewReader(r.Message[at:])).Decode(&list) == nil {
			for _, e := range list {
				if isWord(e.Error) {
					all = append(all, problem{e.Error, e.Name})
				}
			}
		}
	}
	return all[:min(len(all), maxProblems)]
}

// isWord tells whether text looks like a name that HubSpot gives to an error.
func isWord(s string) bool {
	return s != "" && len(s) <= 40 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// explain says what is wrong with a property, and what to do. A value is not quoted.
func (w *writer) explain(p problem) string {
	name := "a property"
	if _, ours := w.programs[p.property]; ours || p.property == "email" {
		name = p.property
	}
	switch p.code {
	case "PROPERTY_DOESNT_EXIST":
		return "contacts have no property " + name + ": create it in HubSpot, or drop it with --property " + name + "="
	case "INVALID_EMAIL":
		return "it takes the lead's address for no address (INVALID_EMAIL)"
	case "INVALID_OPTION":
		return name + " has no such option: the program has to make one of the options' internal names (INVALID_OPTION)"
	case "READ_ONLY_VALUE":
		return name + " is read only: drop it with --property " + name + "="
	}
	return name + " does not take the value that its program makes (" + p.code + ")"
}
