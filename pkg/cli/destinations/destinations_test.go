package destinations_test

import (
	"reflect"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
)

func TestDestinations(t *testing.T) {
	s := clitest.New(t)
	added := clitest.Lines(t, s.OK("destinations", "add", "slack", "--url", s.Dest.URL+"/secret-path?key=hidden-query",
		"--type", "reply", "--without-flag", "test_event", "--json").Out)[0]
	first := added["signing_secret"].(string)
	s.Said = nil
	s.Secrets = append(s.Secrets, first, "secret-path", "hidden-query")
	if !strings.HasPrefix(first, "whsec_") {
		t.Errorf("secret %q", first)
	}
	list := s.OK("destinations", "list").Out
	if !strings.Contains(list, "type EMAIL_REPLY; without flag test_event") || !strings.Contains(list, s.Dest.URL) {
		t.Errorf("got\n%s", list)
	}
	if r := s.OK("destinations", "test", "slack"); !strings.Contains(r.Out, "answered 200") {
		t.Errorf("got %s", r.Out)
	}
	s.Answer.Store(401)
	s.Fails(1, "answered 401", "destinations", "test", "slack")
	s.Fails(1, "would be refused for good", "destinations", "test", "slack")
	second := strings.TrimSpace(s.OK("destinations", "rotate", "slack").Out)
	s.Said = nil
	s.Secrets = append(s.Secrets, second)
	s.Fails(1, "a rotation of slack is under way: both secrets sign\n  end it first: ", "destinations", "rotate", "slack")
	s.OK("destinations", "rotate", "slack", "--finish", "-y")
	s.Fails(1, "exists already", "destinations", "add", "slack", "--url", s.Dest.URL, "--no-sign")
	s.Fails(2, "url", "destinations", "add", "x", "--url", "ftp://example.com")
	s.Fails(2, "smartleadctl: --url: is needed", "destinations", "add", "x")
	s.Fails(2, "no event type", "destinations", "add", "x", "--url", s.Dest.URL, "--type", "nonsense")
	s.Fails(2, "--url is not for --kind log", "destinations", "add", "x", "--kind", "log", "--url", s.Dest.URL)
	s.Fails(2, "--timeout: a duration looks like", "destinations", "add", "x", "--url", s.Dest.URL, "--timeout", "5")
	s.Fails(2, "--timeout: 100ms to 1m0s", "destinations", "add", "x", "--url", s.Dest.URL, "--timeout", "5m")
	s.Fails(2, "written as 'Name: value'", "destinations", "add", "x", "--url", s.Dest.URL, "--header", "X-Team")
	s.OK("destinations", "add", "plain", "--url", s.Dest.URL, "--no-sign")
	s.Fails(2, "--yes", "destinations", "remove", "slack")
	s.OK("destinations", "remove", "slack", "-y")
	s.Fails(4, "no destination slack", "destinations", "remove", "slack", "-y")
	s.Fails(4, "no destination slack", "destinations", "test", "slack")
}

// A destination that signs nothing has no secret to show, and one that only the
// worker reaches is not tested from here.
func TestDestinationOfTheLog(t *testing.T) {
	s := clitest.New(t)
	if r := s.OK("destinations", "add", "audit", "--kind", "log"); r.Out != "" || strings.Contains(r.Err, "destinations test") {
		t.Errorf("added with %q and %q, want neither a secret nor a test proposed", r.Out, r.Err)
	}
	s.Fails(2, "kind log: there is nothing to post to", "destinations", "test", "audit")
	s.Fails(2, "kind log: it signs nothing", "destinations", "rotate", "audit")
	for _, v := range clitest.Lines(t, s.OK("destinations", "list", "--json").Out) {
		if _, signs := v["secrets"]; v["name"] == "audit" && (v["type"] != "log" || signs) {
			t.Errorf("listed as %v, want type log without secrets", v)
		}
	}
}

func TestDestinationListShowsABrokenOne(t *testing.T) {
	s := clitest.New(t)
	form := []byte(`{"type":"http","config":{"url":"https://x.example/hidden-path","retries":3}}`)
	store, err := sourcestore.NewDestinations(ssmstore.New(s.Clients.SSM), s.Env.Config.ParameterPrefix, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "odd", form, false); err != nil {
		t.Fatal(err)
	}
	const want = "config.retries: is no member"
	if list := s.OK("destinations", "list").Out; !strings.Contains(list, "broken, its events wait") || !strings.Contains(list, want) {
		t.Errorf("the list does not hold %q:\n%s", want, list)
	}
	for _, v := range clitest.Lines(t, s.OK("destinations", "list", "--json").Out) {
		if text, _ := v["error"].(string); (v["name"] == "odd") != strings.Contains(text, want) {
			t.Errorf("listed as %v", v)
		}
	}
	s.Fails(1, want, "destinations", "test", "odd")
	s.OK("destinations", "remove", "odd", "-y")
}

// What is in a URL of a new destination ends in no listing and no error.
func TestURLsThatAreRefused(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "user-0001", "password-0002")
	for url, want := range map[string]string{
		"http://user-0001:password-0002@crm.example.com/": "holds a user or password",
		"http://user-0001@crm.example.com/":               "Authorization",
		"http://127.0.0.1:99999/":                         "a port is 1 to 65535",
		"http://127.0.0.1:0/":                             "a port is 1 to 65535",
		"crm.example.com":                                 "begins with https://",
	} {
		s.Fails(2, want, "destinations", "add", "other", "--url", url)
	}
	s.OK("destinations", "add", "other", "--url", "http://127.0.0.1:65535/")
}

// What is not given stays; what a change means is shown, and asked where events
// then go elsewhere.
func TestSet(t *testing.T) {
	s := clitest.New(t)
	s.Secrets = append(s.Secrets, "first-path", "second-path", "the-header-value")
	s.OK("destinations", "add", "other", "--url", s.Dest.URL+"/first-path", "--type", "EMAIL_REPLY", "--header", "X-Key: the-header-value")
	view := func() map[string]any {
		t.Helper()
		for _, v := range clitest.Lines(t, s.OK("destinations", "list", "--json").Out) {
			if v["name"] == "other" {
				delete(v, "updated_at")
				return v
			}
		}
		t.Fatal("the destination is gone")
		return nil
	}
	before := view()
	for _, c := range []struct {
		args, want []string
		asks       bool
	}{
		{[]string{"--timeout", "5s"}, []string{"timeout: 5s, was the default"}, false},
		{[]string{"--timeout", "5s"}, []string{"nothing to change"}, false},
		{[]string{"--url", s.Dest.URL + "/second-path"}, []string{"url: another, which is not shown"}, true},
		{[]string{"--type", "EMAIL_OPEN", "--campaign", "7"}, []string{"takes: type EMAIL_OPEN; campaign 7, took type EMAIL_REPLY"}, true},
		{[]string{"--no-filter"}, []string{"takes: everything, took type EMAIL_OPEN; campaign 7"}, true},
		{[]string{"--url", "https://new.example.com/second-path"}, []string{"host: https://new.example.com, was " + s.Dest.URL}, true},
	} {
		args := append([]string{"destinations", "set", "other"}, c.args...)
		if c.asks {
			was := view()
			s.Fails(2, "--yes", args...)
			if now := view(); !reflect.DeepEqual(now, was) {
				t.Errorf("%v: changed before anybody agreed: %v", c.args, now)
			}
			args = append(args, "--yes")
		}
		r := s.OK(args...)
		for _, want := range c.want {
			if !strings.Contains(r.Err, want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, r.Err)
			}
		}
	}
	after := view()
	if after["secrets"] != before["secrets"] || !reflect.DeepEqual(after["headers"], before["headers"]) || after["timeout"] != "5s" {
		t.Errorf("what was not given has changed: %v, was %v", after, before)
	}
	s.Fails(4, "destinations list", "destinations", "set", "absent", "--timeout", "5s")
	s.Fails(2, "holds a user or password", "destinations", "set", "other", "--url", "http://a:b@crm.example.com/", "--yes")
	s.Fails(2, "100ms to 1m0s", "destinations", "set", "other", "--timeout", "2m")
}

// What may not be reached is refused at once, with the flag that allows it. A local
// stack, which is on the machine of who uses it, allows it by itself.
func TestAddressesThatAreNotWithinReach(t *testing.T) {
	s := clitest.New(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--url", "http://crm.example.com/in"}, "allow it with --allow-http"},
		{[]string{"--url", "https://10.0.0.7/in"}, "--url: leads to a private address; allow it with --allow-private"},
		{[]string{"--url", "https://localhost/in"}, "--url: leads to a loopback address; allow it with --allow-private"},
		{[]string{"--url", "http://10.0.0.7/in", "--allow-private"}, "allow it with --allow-http"},
		{[]string{"--url", "https://169.254.169.254/in", "--allow-private"}, "the metadata service of the cloud, where no destination may be"},
	} {
		// Of a deployed stack; it is refused before any call.
		got := s.RunWith(t.Context(), append([]string{"destinations", "add", "x"}, c.args...)...)
		if got.Code != 2 || !strings.Contains(got.Err, c.want) || !strings.Contains(got.Err, "destinations add --help") || got.Out != "" {
			t.Errorf("%v: exit %d, %s\nwant exit 2 and %q", c.args, got.Code, got.Err, c.want)
		}
	}
	s.OK("destinations", "add", "near", "--url", s.Dest.URL, "--no-sign")
	listed := s.OK("destinations", "list", "--json").Out
	if !strings.Contains(listed, `"allow_http":true`) || !strings.Contains(listed, `"allow_private":true`) {
		t.Errorf("the list does not tell what is allowed: %s", listed)
	}
	s.Fails(2, "where no destination may be", "destinations", "add", "meta", "--url", "http://169.254.169.254/in")
	s.Fails(2, "destinations set --help", "destinations", "set", "near", "--url", "http://169.254.169.254/in", "--yes")
}

// A destination that was stored before its address was judged is mended in place, so
// that what waits for it is not settled by a removal.
func TestSetMendsWhatBreaksARule(t *testing.T) {
	s := clitest.New(t)
	store, err := sourcestore.NewDestinations(ssmstore.New(s.Clients.SSM), s.Env.Config.ParameterPrefix, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), "old", []byte(`{"type":"http","config":{"url":"http://crm.example.com/old","timeout":"5s"}}`), true); err != nil {
		t.Fatal(err)
	}
	if list := s.OK("destinations", "list").Out; !strings.Contains(list, "broken, its events wait") || !strings.Contains(list, "begins with http://") {
		t.Errorf("before: %s", list)
	}
	s.OK("destinations", "set", "old", "--url", "http://crm.example.com/in", "--yes")
	if list := s.OK("destinations", "list").Out; strings.Contains(list, "broken") || !strings.Contains(list, "crm.example.com") {
		t.Errorf("after: %s", list)
	}
}
