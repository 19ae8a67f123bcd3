package smartleadapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"smartlead-receiver/pkg/smartleadapi"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/test/testclock"
)

const key = "0b9f6a4e/the account+key"

// clock is time that passes by sleeping alone.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{now: testclock.Noon()} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(_ context.Context, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
}

func (c *clock) total() (sum time.Duration) {
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

type world struct {
	*clock
	account *fakeapi.Account
	api     *fakeapi.Server
	url     string
	client  *smartleadapi.Client
}

func newWorld(t *testing.T, change func(*fakeapi.Options)) *world {
	t.Helper()
	w := &world{clock: newClock()}
	w.account = fakeapi.Simulate(key, w.now, 40)
	o := fakeapi.Options{Account: w.account, Now: w.Now}
	if change != nil {
		change(&o)
	}
	w.api = fakeapi.New(o)
	server := httptest.NewServer(w.api)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.client = w.connect(t, smartleadapi.Options{})
	return w
}

func (w *world) connect(t *testing.T, o smartleadapi.Options) *smartleadapi.Client {
	t.Helper()
	o.Now, o.Sleep = w.Now, w.Sleep
	if o.Key == "" {
		o.Key = key
	}
	if o.URL == "" {
		o.URL = w.url
	}
	client, err := smartleadapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (w *world) window() smartleadapi.Window {
	return smartleadapi.Window{Since: w.Now().Add(-7 * 24 * time.Hour), Until: w.Now()}
}

func (w *world) mails(t *testing.T, client *smartleadapi.Client) ([]smartleadapi.Mail, smartleadapi.Mails, error) {
	t.Helper()
	var all []smartleadapi.Mail
	read, err := client.Mails(t.Context(), "4100001", w.window(), func(m smartleadapi.Mail) error {
		all = append(all, m)
		return nil
	})
	return all, read, err
}

func TestEveryMailIsReadOnceOverShortPages(t *testing.T) {
	w := newWorld(t, func(o *fakeapi.Options) { o.PageLimit = 7 })
	all, read, err := w.mails(t, w.client)
	want := w.account.Campaigns[0].Mails
	if err != nil || len(all) != len(want) || read.Read != len(want) || read.Total != len(want) {
		t.Fatalf("%d mails of %d, read %+v, %v", len(all), len(want), read, err)
	}
	for i, m := range all {
		made := want[i]
		if m.StatsID != made.StatsID || m.LeadEmail != made.Lead || !m.SentAt.Equal(made.SentAt) ||
			m.Opens != len(made.Opens) || m.Opened != (len(made.Opens) > 0) || m.Clicks != len(made.Clicks) || m.Bounced != (made.Bounced != nil) {
			t.Errorf("mail %d is %+v, made as %+v", i, m, made)
		}
	}
}

// A mail that was sent meanwhile moves the rows behind it to the next page.
func TestRowsThatMoveAreReadOnce(t *testing.T) {
	w := newWorld(t, func(o *fakeapi.Options) { o.PageLimit = 10 })
	c := w.account.Campaigns[0]
	n := 0
	_, err := w.client.Mails(t.Context(), "4100001", w.window(), func(smartleadapi.Mail) error {
		if n++; n == 5 {
			c.Mails = slices.Insert(c.Mails, 0, &fakeapi.Mail{StatsID: "new", Lead: "new@acme.example.com", SentAt: w.now.Add(-time.Minute)})
		}
		return nil
	})
	if err != nil || n != len(c.Mails)-1 {
		t.Errorf("%d mails were handed over, want %d: %v", n, len(c.Mails)-1, err)
	}
}

func TestStatisticsThatTellNothingOfEachMailAreAnError(t *testing.T) {
	for _, c := range []struct {
		shape fakeapi.Shape
		cause string
	}{{fakeapi.Totals, "totals"}, {fakeapi.Steps, "totals"}, {fakeapi.Flags, "no stats_id"}} {
		w := newWorld(t, func(o *fakeapi.Options) { o.Shape = c.shape })
		all, _, err := w.mails(t, w.client)
		if !errors.Is(err, smartleadapi.ErrAnswer) || !strings.Contains(err.Error(), c.cause) || len(all) != 0 {
			t.Errorf("shape %d: %d mails, %v", c.shape, len(all), err)
		}
	}
}

// Every kind of failure is told, tried again where that may help, and without the key.
func TestFailures(t *testing.T) {
	html := fakeapi.Fault{Status: 200, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>maintenance</html>"}
	for name, c := range map[string]struct {
		fault fakeapi.Fault
		kind  error
		tries int
		says  string
	}{
		"key":              {fakeapi.Fault{Status: 401, Body: `{"message":"Invalid API Key ` + key + `"}`}, smartleadapi.ErrKey, 1, "Invalid API Key [API key]"},
		"not found":        {fakeapi.Fault{Status: 404, Body: `{"error":"Campaign not found"}`}, smartleadapi.ErrNotFound, 1, "Campaign not found"},
		"validation":       {fakeapi.Fault{Status: 400, Body: `{"statusCode":400,"error":"Bad Request","message":"\"x\" is not allowed","validation":{"keys":["x"]}}`}, smartleadapi.ErrRefused, 1, `Bad Request: "x" is not allowed`},
		"code":             {fakeapi.Fault{Status: 422, Body: `{"error":{"code":"INVALID","message":"no"}}`}, smartleadapi.ErrRefused, 1, "INVALID: no"},
		"limited":          {fakeapi.Fault{Status: 429, Body: `{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"slow down","retry_after":"7"}}`}, smartleadapi.ErrRateLimited, 5, "asks to wait 7s"},
		"limited for long": {fakeapi.Fault{Status: 429, Header: map[string]string{"Retry-After": "900"}, Body: `{}`}, smartleadapi.ErrRateLimited, 1, "asks to wait 15m0s"},
		"failure":          {fakeapi.Fault{Status: 503, Body: "upstream\x1b[31m for " + key}, smartleadapi.ErrUnavailable, 5, "upstream [31m for [API key]"},
		"page":             {html, smartleadapi.ErrUnavailable, 5, "web page"},
		"text":             {fakeapi.Fault{Status: 200, Body: "Internal error"}, smartleadapi.ErrUnavailable, 5, "text, no JSON"},
		"empty":            {fakeapi.Fault{Status: 200}, smartleadapi.ErrUnavailable, 5, "empty"},
		"cut off":          {fakeapi.Fault{Status: 200, Body: `{"total_stats":"7","data":[{"stats_id":`}, smartleadapi.ErrUnavailable, 5, "cut off"},
		"dropped":          {fakeapi.Fault{}, smartleadapi.ErrUnavailable, 5, "EOF"},
		"redirect":         {fakeapi.Fault{Status: 302, Header: map[string]string{"Location": "http://elsewhere.example/"}}, smartleadapi.ErrRefused, 1, "302"},
		"too large":        {fakeapi.Fault{Status: 200, Body: `{"x":"` + strings.Repeat("y", 17<<20) + `"}`}, smartleadapi.ErrAnswer, 1, "larger than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			for range 6 {
				w.api.Fail(c.fault)
			}
			_, err := w.client.Campaigns(t.Context())
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v, saying %q", err, c.kind, c.says)
			}
			if n := len(w.api.Requests()); n != c.tries || w.client.Calls() != n {
				t.Errorf("%d requests, counted %d, want %d", n, w.client.Calls(), c.tries)
			}
			for _, secret := range []string{key, "0b9f6a4e", "api_key", "\x1b"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error holds %q: %v", secret, err)
				}
			}
		})
	}
}

func TestNobodyThereIsToldWithoutTheKey(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	w := newWorld(t, nil)
	_, err := w.connect(t, smartleadapi.Options{URL: gone.URL}).Campaigns(t.Context())
	if !errors.Is(err, smartleadapi.ErrUnavailable) || strings.Contains(err.Error(), "api_key") || strings.Contains(err.Error(), "0b9f6a4e") {
		t.Errorf("got %v", err)
	}
}

func TestAReadSucceedsAfterFailures(t *testing.T) {
	w := newWorld(t, nil)
	w.api.Fail(fakeapi.Fault{Status: 502, Body: "bad gateway"}, fakeapi.Fault{Status: 429, Header: map[string]string{"Retry-After": "30"}}, fakeapi.Fault{})
	all, err := w.client.Campaigns(t.Context())
	if err != nil || len(all) != 1 || all[0].ID != "4100001" || all[0].Name != "Spring outreach" || all[0].Status != "ACTIVE" {
		t.Fatalf("%+v, %v", all, err)
	}
	if slept := w.total(); slept < 30*time.Second || slept > time.Minute {
		t.Errorf("waited %s in all, want at least what was asked for", slept)
	}
}

func TestNothingIsAskedOnceTheCallsAreSpentOrTheContextHasEnded(t *testing.T) {
	w := newWorld(t, func(o *fakeapi.Options) { o.PageLimit = 5 })
	_, _, err := w.mails(t, w.connect(t, smartleadapi.Options{MaxCalls: 3}))
	if !errors.Is(err, smartleadapi.ErrSpent) || len(w.api.Requests()) != 3 {
		t.Errorf("%d requests, %v", len(w.api.Requests()), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.client.Campaigns(ended); !errors.Is(err, context.Canceled) || len(w.api.Requests()) != 3 {
		t.Errorf("%d requests, %v", len(w.api.Requests()), err)
	}
}

// A page with long mails is asked for in smaller parts.
func TestAPageThatIsTooLargeIsAskedForInParts(t *testing.T) {
	w := newWorld(t, nil)
	w.api.Fail(fakeapi.Fault{Status: 200, Body: `{"data":["` + strings.Repeat("y", 17<<20) + `"]}`})
	all, read, err := w.mails(t, w.client)
	if err != nil || len(all) != read.Total || len(w.api.Requests()) < 3 {
		t.Errorf("%d mails in %d requests, %+v, %v", len(all), len(w.api.Requests()), read, err)
	}
}

// In no second, minute or hour are more than four fifths of a plan used.
func TestFourFifthsOfThePlanAreUsed(t *testing.T) {
	for _, plan := range []smartleadapi.Plan{smartleadapi.Standard, smartleadapi.Pro} {
		w := newWorld(t, nil)
		client := w.connect(t, smartleadapi.Options{Plan: plan})
		var at []time.Time
		for range plan.PerHour + 100 {
			if _, err := client.Campaigns(t.Context()); err != nil {
				t.Fatal(err)
			}
			at = append(at, w.Now())
		}
		for span, most := range map[time.Duration]int{time.Second: plan.PerSecond, time.Minute: plan.PerMinute, time.Hour: plan.PerHour} {
			densest := 0
			for i, j := 0, 0; j < len(at); j++ {
				for at[j].Sub(at[i]) >= span {
					i++
				}
				densest = max(densest, j-i+1)
			}
			if allowed := most * 4 / 5; densest > allowed || densest < allowed/2 {
				t.Errorf("%d calls in %s, want at most %d, and at least half of that", densest, span, allowed)
			}
		}
	}
}

// A server that says that nothing is left is not asked before it says.
func TestNothingLeftIsWaitedOut(t *testing.T) {
	w := newWorld(t, nil)
	for _, reset := range []string{"45", "at"} { // seconds, or a time
		if reset == "at" {
			reset = strconv.FormatInt(w.Now().Add(45*time.Second).Unix(), 10)
		}
		w.api.Fail(fakeapi.Fault{Status: 200, Header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, Body: "[]"})
		if _, err := w.client.Campaigns(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := w.Now()
		if _, err := w.client.Campaigns(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := w.Now().Sub(before); waited != 45*time.Second {
			t.Errorf("reset %s: waited %s", reset, waited)
		}
	}
}

func TestHooksAndDeliveriesInBothShapes(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := newWorld(t, func(o *fakeapi.Options) { o.Documented = documented })
		c := w.account.Campaigns[0]
		c.Failed = 3
		c.Hooks = []fakeapi.Hook{
			{ID: 1, Name: "CRM", URL: "https://hooks.example/a", Events: []string{"EMAIL_OPEN", "EMAIL_REPLY"}},
			{ID: 2, Name: "Old", URL: "https://hooks.example/b", Off: true},
		}
		hooks, err := w.client.Hooks(t.Context(), "4100001")
		want := []smartleadapi.Hook{
			{ID: "1", Name: "CRM", URL: "https://hooks.example/a", Events: []string{"EMAIL_OPEN", "EMAIL_REPLY"}},
			{ID: "2", Name: "Old", URL: "https://hooks.example/b", Off: true},
		}
		if err != nil || len(hooks) != 2 || !slices.Equal(hooks[0].Events, want[0].Events) || hooks[0].URL != want[0].URL || hooks[0].Off || !hooks[1].Off || hooks[1].ID != "2" {
			t.Errorf("documented %v: %+v, %v", documented, hooks, err)
		}
		d, err := w.client.Deliveries(t.Context(), "4100001", w.window())
		if total := len(c.Posts(w.now)); err != nil || d != (smartleadapi.Deliveries{Total: total, Succeeded: total - 3, Failed: 3}) {
			t.Errorf("documented %v: %+v of %d, %v", documented, d, total, err)
		}
		if _, err := w.client.Hooks(t.Context(), "7"); !errors.Is(err, smartleadapi.ErrNotFound) {
			t.Errorf("a campaign that is not there: %v", err)
		}
	}
}

// What failed is posted again by either path, and asked for once, whatever the answer.
func TestRetrigger(t *testing.T) {
	for _, documented := range []bool{false, true} {
		w := newWorld(t, func(o *fakeapi.Options) { o.Documented = documented })
		var got []string
		hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			got = append(got, string(body))
		}))
		c := w.account.Campaigns[0]
		c.Hooks = []fakeapi.Hook{{URL: hook.URL}, {URL: "http://127.0.0.1:1/", Off: true}}
		c.Lost = c.Posts(w.now)[:3]
		window := w.window()
		window.Until = c.Lost[2].At // which is not within
		r, err := w.client.Retrigger(t.Context(), "4100001", window)
		hook.Close()
		want := smartleadapi.Retriggered{Count: -1, Message: "Webhooks are retriggered"}
		if documented {
			want = smartleadapi.Retriggered{Count: len(got)}
		}
		if err != nil || r != want || len(got) == 0 || len(got)+len(c.Lost) != 3 {
			t.Errorf("documented %v: %+v, %v; %d posted, %d left", documented, r, err, len(got), len(c.Lost))
		}
		before := len(w.api.Requests())
		for _, fault := range []fakeapi.Fault{{Status: 503}, {}, {Status: 200, Body: "<html>"}, {Status: 429}} {
			w.api.Fail(fault)
			if _, err := w.client.Retrigger(t.Context(), "4100001", window); err == nil {
				t.Error("no error")
			}
		}
		if n := len(w.api.Requests()) - before; n != 4 {
			t.Errorf("%d requests, want one for each", n)
		}
	}
}

func TestOptionsThatWouldShowTheKeyAreRefused(t *testing.T) {
	for _, o := range []smartleadapi.Options{
		{Key: " "}, {Key: key, URL: "http://server.smartlead.example/api"}, {Key: key, URL: "https://a:b@server.example"},
		{Key: key, URL: "https://server.example/?x=1"}, {Key: key, URL: "ftp://127.0.0.1"}, {Key: key, URL: "://"},
	} {
		if _, err := smartleadapi.New(o); err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("%q: %v", o.URL, err)
		}
	}
	for _, u := range []string{"", "https://server.example/api", "http://localhost:1", "http://[::1]:1"} {
		if _, err := smartleadapi.New(smartleadapi.Options{Key: key, URL: u}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
}

// Numbers come as text and text as numbers, and what is null is absent.
func TestSpellingsOfARow(t *testing.T) {
	w := newWorld(t, nil)
	w.api.Fail(fakeapi.Fault{Status: 200, Body: `{"total_stats":1,"data":[{"stats_id":"s","lead_email":" Tom@Acme.example.com ","sequence_number":"2",
		"sent_time":"2126-03-01 08:00:01","open_time":null,"click_time":"null","reply_time":4922000000,"open_count":"3","click_count":null,
		"is_unsubscribed":1,"is_bounced":"false","ignore_reply":"true","lead_category":{"id":1}}]}`})
	all, read, err := w.mails(t, w.client)
	if err != nil || len(all) != 1 || read.Total != 1 {
		t.Fatalf("%+v, %+v, %v", all, read, err)
	}
	want := smartleadapi.Mail{
		StatsID: "s", LeadEmail: "tom@acme.example.com", Step: "2", SentAt: time.Date(2126, 3, 1, 8, 0, 1, 0, time.UTC),
		RepliedAt: time.Unix(4922000000, 0).UTC(), Opens: 3, Opened: true, Replied: true, Unsubscribed: true, IgnoredReply: true,
	}
	if all[0] != want {
		t.Errorf("got %+v, want %+v", all[0], want)
	}
}
