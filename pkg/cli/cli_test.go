package cli_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestUsageErrors(t *testing.T) {
	s := clitest.New(t)
	for _, args := range [][]string{
		{"nonsense"}, {"events", "nonsense"}, {"events", "list", "--nonsense"}, {"events", "list", "extra"},
		{"events", "list", "--state", "lost"}, {"events", "list", "--type", "nonsense"}, {"events", "list", "--since", "soon"},
		{"events", "list", "--since", "1h", "--until", "2h"}, {"events", "list", "--limit", "0"}, {"events", "show"},
		{"resend-guide", "nonsense"}, {"redrive", "start", "--id", "nonsense"}, {"tail", "--every", "1ms"}, {"tail", "--past", "25h"}, {"sources", "trust-key", "demo", "--until", "soon"},
	} {
		if r := s.Run(args...); r.Code != 2 || r.Out != "" || r.Err == "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, r.Code, r.Out, r.Err)
		}
	}
	if r := s.Run(); r.Code != 0 || !strings.Contains(r.Out, "Available Commands") {
		t.Errorf("exit %d", r.Code)
	}
	s.Fails(4, "UNKNOWN", "resend-guide", "unknown")
	if r := s.RunWith(t.Context(), "resend-guide", "reply"); r.Code != 0 || !strings.Contains(r.Out, "new reply time") || strings.Contains(r.Out, " send FILE") {
		t.Errorf("exit %d, got %s", r.Code, r.Out)
	}
	guide := s.OK("resend-guide", "reply") // Smartlead does not reach a local stack
	if !strings.Contains(guide.Out, "do:   post a payload of it: smartleadctl --local") {
		t.Errorf("got %s", guide.Out)
	}
	if r := s.OK("refire", "reply"); r.Out != guide.Out { // the former name
		t.Errorf("refire prints %q, want what resend-guide prints: %q", r.Out, guide.Out)
	}
	if r := s.OK("--help"); strings.Contains(r.Out, "refire") {
		t.Errorf("the help lists the former name:\n%s", r.Out)
	}
	if r := s.RunWith(t.Context(), "--local", "--state-dir", t.TempDir(), "doctor"); r.Code != 1 || !strings.Contains(r.Err, "make run") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}

// The outputs of a deployed stack lead to its parts.
func TestDeployedStack(t *testing.T) {
	s := clitest.New(t)
	id := s.Post(clitest.Reply(1))
	target, err := url.Parse(clitest.EngineURL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			proxy.ServeHTTP(w, r)
			return
		}
		if err := r.ParseForm(); err != nil || r.Form.Get("StackName") != "mine" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id x does not exist</Message></Error></ErrorResponse>`))
			return
		}
		outputs := map[string]string{
			"ApiUrl": s.Front.URL, "TableName": s.At.Table, "LiveQueueUrl": s.At.Live.URL, "ReplayQueueUrl": s.At.Replay.URL,
			"DlqUrl": s.At.DLQ.URL, "LiveQueueArn": s.At.Live.ARN, "DlqArn": s.At.DLQ.ARN, "BodyBucket": s.At.Bucket,
			"ParameterPrefix": s.Env.Config.ParameterPrefix, "RetentionDays": "30", "SweepGrace": "5s",
		}
		if r.Form.Get("StackName") == "mine" {
			_, _ = w.Write([]byte(stackXML(outputs)))
		}
	}))
	defer gateway.Close()
	t.Setenv("AWS_ENDPOINT_URL", gateway.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(s.Dir, "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(s.Dir, "none"))

	r := s.RunWith(t.Context(), "--stack", "mine", "events", "list", "--json")
	if r.Code != 0 || !strings.Contains(r.Out, id) {
		t.Errorf("exit %d: %s%s", r.Code, r.Out, r.Err)
	}
	if r := s.RunWith(t.Context(), "--stack", "mine", "events", "show", id); !strings.Contains(r.Out, "Re: hello 1") {
		t.Errorf("the body cannot be read: %s%s", r.Out, r.Err)
	}
	dead := s.DeadReplies(1)[0]
	if r := s.RunWith(t.Context(), "--stack", "mine", "events", "discard", "--yes", dead); r.Code != 0 {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
	if got, want := s.Record(dead).ExpiresAt, s.Clock().AddDate(0, 0, 30); want.Sub(got).Abs() > time.Second {
		t.Errorf("discarded and kept until %s, want %s", got, want)
	}
	r = s.RunWith(t.Context(), "doctor")
	if r.Code != 4 || !strings.Contains(r.Err, "make deploy") {
		t.Errorf("exit %d: %s", r.Code, r.Err)
	}
}

func stackXML(outputs map[string]string) string {
	var b strings.Builder
	b.WriteString(`<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>` +
		`<StackName>mine</StackName><CreationTime>2026-03-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>`)
	for key, value := range outputs {
		b.WriteString("<member><OutputKey>" + key + "</OutputKey><OutputValue>" + value + "</OutputValue></member>")
	}
	b.WriteString(`</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	return b.String()
}

// A part that does not answer is named in few words, with what to do.
func TestStoppedStack(t *testing.T) {
	s := clitest.New(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	info, err := os.ReadFile(filepath.Join(s.Dir, "stack.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(clitest.EngineURL(), gone.URL, s.DynamoDB, gone.URL, s.Front.URL, gone.URL).Replace(string(info))
	s.File("stack.json", text)
	s.Fails(1, "make run", "events", "list")
	s.Fails(1, "make run", "send", s.File("reply.json", clitest.Reply(1)))
	r := s.Run("doctor")
	if r.Code != 1 || !strings.Contains(r.Out, "connection refused") || strings.Contains(r.Out, "operation error") ||
		strings.Count(r.Out, "make run") != 1 {
		t.Errorf("exit %d:\n%s%s", r.Code, r.Out, r.Err)
	}
}

// What is refused is named as it was typed, with what to type instead.
func TestWhatIsRefusedIsNamed(t *testing.T) {
	s := clitest.New(t)
	flags, kinds := "one of: own_mailbox_sender, daemon_sender", "one of: http, log"
	for _, c := range []struct {
		code int
		want []string
		args []string
	}{
		{2, []string{"--flag nonsense is no flag", flags}, []string{"events", "list", "--flag", "nonsense"}},
		{2, []string{"--flag nonsense is no flag", flags}, []string{"events", "replay", "--flag", "nonsense", "--yes"}},
		{2, []string{"--flag nonsense", flags}, []string{"destinations", "add", "x", "--url", s.Dest.URL, "--flag", "nonsense"}},
		{2, []string{"--without-flag nonsense", flags}, []string{"destinations", "add", "x", "--url", s.Dest.URL, "--without-flag", "nonsense"}},
		{2, []string{"--kind ftp", kinds}, []string{"destinations", "add", "x", "--url", s.Dest.URL, "--kind", "ftp"}},
		{2, []string{"--max-rate NaN"}, []string{"redrive", "plan", "--max-rate", "nan"}},
		{2, []string{"--max-rate +Inf"}, []string{"redrive", "start", "--yes", "--max-rate", "inf"}},
		{2, []string{"--max-rate -Inf"}, []string{"redrive", "start", "--yes", "--max-rate", "-inf"}},
		{2, []string{"--canary x is no whole number"}, []string{"redrive", "plan", "--canary", "x"}},
		{2, []string{"--timeout 5 is no length of time"}, []string{"events", "replay", "--timeout", "5"}},
		{2, []string{"--limit is at least 1"}, []string{"events", "replay", "--state", "dead", "--yes", "--limit", "0"}},
		{2, []string{"--limit is at least 1"}, []string{"events", "replay", "--state", "dead", "--yes", "--limit", "-1"}},
		{4, []string{"first delivery"}, []string{"events", "find", "request-of-a-repeat"}},
		{2, []string{"may be more than one event type", "one of: EMAIL_REPLY, UNTRACKED_REPLIES"}, []string{"events", "list", "--type", "replies"}},
		{2, []string{"--source No Good: a name is"}, []string{"doctor", "--source", "No Good"}},
		{1, []string{"1 file cannot be read"}, []string{"identify", "--json", "--explain", s.Dir}},
		{4, []string{"no source absent", "sources list"}, []string{"sources", "remove", "absent"}},
		{4, []string{"no destination absent", "destinations list"}, []string{"destinations", "remove", "absent"}},
	} {
		r := s.Run(c.args...)
		if r.Code != c.code || (r.Out != "" && c.args[0] != "identify") {
			t.Errorf("%v: exit %d, want %d: %s", c.args, r.Code, c.code, r.Out)
		}
		for _, want := range c.want {
			if !strings.Contains(r.Err, want) {
				t.Errorf("%v: no %q in\n%s", c.args, want, r.Err)
			}
		}
	}
	if r := s.OK("events", "list", "--flag", "Own-Mailbox-Sender"); !strings.Contains(r.Err, "no event matches") {
		t.Errorf("another spelling of a flag: %s", r.Err)
	}
}

func TestWhatASenderWroteIsDataOnly(t *testing.T) {
	s := clitest.New(t)
	evil := "\\u001b[31mred\\u0007\\u009b2J\\u202eabc"
	body := strings.NewReplacer("Re: hello 3", evil, "stats-3", "stats"+evil, "<p>Yes</p>", evil).Replace(clitest.Reply(3))
	id := s.Post(body)
	s.Post(strings.Replace(body, "Yes", "No"+evil, 1))
	s.Work()
	for _, args := range [][]string{
		{"events", "list"}, {"events", "list", "--json"}, {"events", "show", id}, {"events", "show", id, "--json"},
		{"events", "show", id, "--raw"}, {"events", "variants", id}, {"events", "find", "lead3@acme.example.com"},
		{"stats"}, {"dlq", "list"},
	} {
		s.OK(args...) // the test stack searches every output for control characters
	}
	s.Fails(4, "", "events", "find", "\x1b[31mx\u009b")
	if raw := s.OK("events", "show", id, "--raw").Out; !strings.Contains(raw, `\u009b2J`) && !strings.Contains(raw, `\u009B2J`) {
		t.Errorf("the raw body must mean the same: %s", raw)
	}
}

func TestHelpAndCompletionOfWhatIsNoCommand(t *testing.T) {
	s := clitest.New(t)
	for _, args := range [][]string{
		{"help", "nonsense"}, {"help", "events", "nonsense"}, {"completion", "tcsh"}, {"completion", "bash", "extra"},
	} {
		if r := s.Run(args...); r.Code != 2 || r.Out != "" || r.Err == "" {
			t.Errorf("%v: exit %d, stdout %.100q, stderr %q", args, r.Code, r.Out, r.Err)
		}
	}
	for want, args := range map[string][]string{
		"Available Commands":                     {"help"},
		"smartleadctl sources rotate NAME":       {"help", "sources", "rotate"},
		"--no-hmac":                              {"help", "sources", "rotate"},
		"bash completion V2 for smartleadctl":    {"completion", "bash"},
		"Say what a command does":                {"--help"},
		"smartleadctl completion [command]":      {"completion"},
		"Generate the autocompletion script for": {"completion", "--help"},
	} {
		if r := s.OK(args...); !strings.Contains(r.Out, want) {
			t.Errorf("%v: no %q in %.300s", args, want, r.Out)
		}
	}
}

// An unset variable in a script must not turn a filter into all events.
func TestEmptyFlagsAreRefused(t *testing.T) {
	s := clitest.New(t)
	s.DeadReplies(1)
	for _, args := range [][]string{
		{"events", "replay", "--state", "dead", "--lead=", "--yes"},
		{"events", "list", "--source", ""},
		{"redrive", "start", "--campaign", "", "--yes"},
		{"redrive", "start", "--type", "", "--yes"},
		{"redrive", "plan", "--id", ""},
		{"destinations", "add", "crm2", "--url", "http://127.0.0.1:1/hook", "--campaign", ""},
		{"destinations", "add", "crm2", "--url", ""},
		{"events", "list", "--stack", ""},
	} {
		if r := s.Run(args...); r.Code != 2 || !strings.Contains(r.Err, " is empty") || r.Out != "" {
			t.Errorf("%q: exit %d, stdout %q, stderr %q, want exit 2 and what is empty", args, r.Code, r.Out, r.Err)
		}
	}
	if r := s.OK("events", "list", "--state", "dead", "--json"); strings.Count(r.Out, "\n") != 1 {
		t.Errorf("the dead event was moved: %s", r.Out)
	}
}

func TestExitCodesAreExplained(t *testing.T) {
	s := clitest.New(t)
	for _, args := range [][]string{{"help", "exit-codes"}, {"exit-codes"}} {
		r := s.OK(args...)
		for _, want := range []string{"0  ", "1  ", "2  ", "4  ", "130  ", "141  ", "143  "} {
			if !strings.Contains(r.Out, "\n  "+want) && !strings.HasPrefix(r.Out, "  "+want) {
				t.Errorf("%v: no exit code %s:\n%s", args, want, r.Out)
			}
		}
	}
}
