package desthubspot_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthubspot"
	"smartlead-receiver/pkg/webhook"
)

// account is an account of HubSpot that listens, over TLS, and answers in the shapes of
// developers.hubspot.com (docs/api-reference/2026-03).
type account struct {
	*testing.T
	server *httptest.Server
	log    strings.Builder

	// fault answers a call in the account's stead. Its effect may have happened.
	fault func(call string, w http.ResponseWriter) bool
	late  bool // the fault comes after the effect
	// whole: one bad contact has the whole call refused, as without trace ids.
	whole bool
	// mute: results tell neither trace id nor address.
	mute bool

	mu       sync.Mutex
	calls    []string // the last part of each path
	contacts map[string]map[string]string
	ids      map[string]string // of contacts, by address
	notes    []note
}

type note struct{ contact, at, body string }

const token = "pat-na1-0123-secret"

func newAccount(t *testing.T) *account {
	a := &account{T: t, contacts: map[string]map[string]string{}, ids: map[string]string{}}
	a.server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	return a
}

func (a *account) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.Errorf("a request breaks off: %v", err)
	}
	call, found := strings.CutPrefix(r.URL.Path, "/crm/objects/2026-03/")
	if !found || r.Host != "api.hubapi.com" || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		a.Errorf("%s %s%s", r.Method, r.Host, r.URL.Path)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, call)
	if a.fault != nil && !a.late && a.fault(call, w) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+token {
		refuse(w, 401, `{"status":"error","message":"Authentication credentials not found.","category":"INVALID_AUTHENTICATION"}`)
		return
	}
	recorded := httptest.NewRecorder()
	switch call {
	case "contacts/batch/upsert":
		a.upsert(recorded, body)
	case "notes":
		a.note(recorded, body)
	case "notes/search":
		a.search(recorded, body)
	default:
		a.Errorf("an unknown call: %s", call)
	}
	if a.fault != nil && a.late && a.fault(call, w) {
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(recorded.Code)
	_, _ = w.Write(recorded.Body.Bytes())
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the connection may be gone
}

// known are the properties that this account's contacts have.
var known = []string{"email", "jobtitle", "last_reply", "score", "opted_out"}

// invalid is the text that HubSpot has for what is wrong with a contact, "" for nothing.
func invalid(email string, properties map[string]string) string {
	var problems []map[string]any
	problem := func(code, name, message string) {
		problems = append(problems, map[string]any{
			"isValid": false, "message": message, "error": code, "name": name, "localizedErrorMessage": message, "portalId": 891936587,
		})
	}
	if !strings.Contains(email, "@") || strings.Contains(email, " ") {
		problem("INVALID_EMAIL", "email", "Email address "+email+" is invalid")
	}
	for name, value := range properties {
		if !slices.Contains(known, name) {
			problem("PROPERTY_DOESNT_EXIST", name, `Property "`+name+`" does not exist`)
		}
		if name == "score" && strings.Trim(value, "0123456789.") != "" {
			problem("INVALID_FLOAT", name, value+" was not a valid number")
		}
	}
	if len(problems) == 0 {
		return ""
	}
	text, _ := json.Marshal(problems)
	return "Property values were not valid: " + string(text)
}

func (a *account) upsert(w http.ResponseWriter, body []byte) {
	var in struct {
		Inputs []struct {
			ID, IDProperty, ObjectWriteTraceID string
			Properties                         map[string]string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Inputs) == 0 || len(in.Inputs) > 100 {
		a.Errorf("%v, %d inputs", err, len(in.Inputs))
	}
	results, errors := []any{}, []any{}
	seen := map[string]bool{}
	for _, c := range in.Inputs {
		email := strings.ToLower(c.ID)
		if seen[email] || seen[c.ObjectWriteTraceID] {
			refuse(w, 400, `{"status":"error","message":"Duplicate IDs found in batch input: [`+email+`]. IDs must be unique","context":{"ids":["`+email+`"]},"category":"VALIDATION_ERROR"}`)
			return
		}
		seen[email], seen[c.ObjectWriteTraceID] = true, true
		if c.IDProperty != "email" || len(c.Properties) == 0 {
			a.Errorf("the input %+v", c)
		}
	}
	for _, c := range slices.Backward(in.Inputs) { // not in their order
		email := strings.ToLower(c.ID)
		if text := invalid(email, c.Properties); text != "" {
			one := map[string]any{"status": "error", "category": "VALIDATION_ERROR", "message": text, "correlationId": "8a3f6c3a"}
			if a.whole {
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(one)
				return
			}
			one["context"] = map[string][]string{"objectWriteTraceId": {c.ObjectWriteTraceID}}
			errors = append(errors, one)
			continue
		}
		if a.contacts[email] == nil {
			a.contacts[email], a.ids[email] = map[string]string{}, strconv.Itoa(500+len(a.ids))
		}
		for name, value := range c.Properties {
			if value == "" {
				a.Errorf("%s of %s is cleared", name, email)
			}
			a.contacts[email][name] = value
		}
		shown := map[string]string{"email": email, "hs_object_id": a.ids[email]}
		if a.mute {
			delete(shown, "email")
		}
		results = append(results, map[string]any{"id": a.ids[email], "new": true, "properties": shown, "createdAt": "2026-11-07T05:31:56Z", "archived": false})
	}
	out := map[string]any{"status": "COMPLETE", "results": results, "startedAt": "2026-11-07T05:31:56Z", "completedAt": "2026-11-07T05:31:56Z"}
	if len(errors) > 0 {
		out["numErrors"], out["errors"] = len(errors), errors
		w.WriteHeader(http.StatusMultiStatus)
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (a *account) note(w http.ResponseWriter, body []byte) {
	var in struct {
		Properties   map[string]string
		Associations []struct {
			To    struct{ ID string }
			Types []struct {
				AssociationCategory string
				AssociationTypeID   int
			}
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Associations) != 1 || in.Associations[0].Types[0].AssociationTypeID != 202 ||
		in.Associations[0].Types[0].AssociationCategory != "HUBSPOT_DEFINED" {
		a.Errorf("%v: %s", err, body)
		return
	}
	a.notes = append(a.notes, note{in.Associations[0].To.ID, in.Properties["hs_timestamp"], in.Properties["hs_note_body"]})
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"id":"%d","properties":{},"createdAt":"2026-11-07T05:31:56Z","archived":false}`, 7000+len(a.notes))
}

func (a *account) search(w http.ResponseWriter, body []byte) {
	var in struct {
		FilterGroups []struct {
			Filters []struct{ PropertyName, Operator, Value string }
		}
		Properties []string
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.FilterGroups) != 1 || !slices.Equal(in.Properties, []string{"hs_note_body"}) {
		a.Errorf("%v: %s", err, body)
		return
	}
	results := []any{}
	for i, n := range a.notes {
		fits := true
		for _, f := range in.FilterGroups[0].Filters {
			value := map[string]string{"associations.contact": n.contact, "hs_timestamp": n.at}[f.PropertyName]
			fits = fits && f.Operator == "EQ" && value == f.Value
		}
		if fits {
			results = append(results, map[string]any{"id": strconv.Itoa(7001 + i), "properties": map[string]string{"hs_note_body": n.body}})
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"total": len(results), "results": results})
}

// open opens the destination as the framework does, and as what takes a batch.
func (a *account) open(cfg desthubspot.Config) (*destination.Target, destination.Batch) {
	a.Helper()
	if cfg.Token == "" {
		cfg.Token = token
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, a.server.Listener.Addr().String())
		},
		TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "example.com", RootCAs: x509.NewCertPool()},
		DisableKeepAlives: true, // net/http would repeat a request by itself
	}
	transport.TLSClientConfig.RootCAs.AddCert(a.server.Certificate())
	deps := destination.Deps{Transport: transport, Logger: slog.New(slog.NewJSONHandler(&a.log, nil))}
	target, err := destination.New("crm", destination.Config{Type: "hubspot", Settings: &cfg}, deps)
	if err != nil {
		a.Fatal(err)
	}
	opened, err := cfg.Open("crm", deps.WithDefaults())
	if err != nil {
		a.Fatal(err)
	}
	return target, opened.(destination.Batch)
}

func (a *account) deliver(cfg desthubspot.Config, d webhook.Delivery) webhook.Outcome {
	a.Helper()
	target, _ := a.open(cfg)
	return target.Deliver(a.Context(), d)
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
