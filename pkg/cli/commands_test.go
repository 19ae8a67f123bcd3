package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (s *station) file(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func TestIdentify(t *testing.T) {
	s := newStation(t)
	good, bad := s.file("reply.json", reply(1)), s.file("bad.json", `{"event_type"`)
	status := `{"event_type":"CAMPAIGN_STATUS_CHANGED","campaign_id":9,"previous_status":"ACTIVE","current_status":"PAUSED"}`
	mixed := s.file("mixed.json", `[`+reply(2)+`,5,`+status+`]`)
	s.input = reply(3)
	r := s.ctl("identify", good, mixed, bad, s.dir+"/absent.json", "-")
	got := lines(t, r.out)
	if r.code != 1 || len(got) != 7 || !strings.Contains(r.err, "1 file cannot be read, and 2 payloads are refused") {
		t.Fatalf("exit %d, %d lines: %s%s", r.code, len(got), r.out, r.err)
	}
	first := got[0]
	if first["file"] != good || first["index"] != 0.0 || first["type"] != "EMAIL_REPLY" || first["dialect"] != "help" ||
		first["lead_email"] != "lead1@acme.example.com" || first["campaign_id"] != "4100001" ||
		first["occurred_at"] != "2126-03-04T11:59:58.500Z" || first["occurred_at_source"] != "event" ||
		len(first["flags"].([]any)) != 0 || first["error"] != nil {
		t.Errorf("got %v", first)
	}
	if got[2]["index"] != 1.0 || got[2]["error"] == nil || got[2]["flags"] != nil {
		t.Errorf("a refused element: %v", got[2])
	}
	if got[3]["timeless"] != true || got[3]["occurred_at"] != nil || got[3]["occurred_at_source"] != "receipt" {
		t.Errorf("a timeless element: %v", got[3])
	}
	if got[4]["file"] != bad || got[4]["error"] == nil || got[5]["error"] == nil || got[6]["file"] != "-" || got[6]["error"] != nil {
		t.Errorf("refused bodies and stdin: %v", got[4:])
	}
	posted := s.post(reply(1))
	if first["event_id"] != posted {
		t.Errorf("identify says %v, the receiver %s", first["event_id"], posted)
	}
	other := lines(t, s.ok("identify", "--account", "other", good).out)[0]
	if other["event_id"] == first["event_id"] {
		t.Error("the account must be part of the identity")
	}
	s.fails(2, "--account", "identify", "--account", "No Good", good)
	s.fails(2, "usage", "identify")
}

func TestIdentifyOnATerminal(t *testing.T) {
	s := newStation(t)
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("reply.json", []byte(reply(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bad.json", []byte(`no`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.terminal, s.width = true, 200
	s.golden("identify-table", s.ctl("identify", "reply.json", "bad.json").out)
	s.width = 80
	s.golden("identify-narrow", s.ctl("identify", "reply.json", "bad.json").out)
	s.golden("identify-explain", s.ok("identify", "--explain", "reply.json").out)
}

func TestSend(t *testing.T) {
	s := newStation(t)
	file := s.file("two.json", `[`+reply(1)+`,5]`)
	r := s.ctl("send", file, "--json")
	got := lines(t, r.out)
	if r.code != 1 || len(got) != 2 || got[0]["status"] != "accepted" || got[0]["http_status"] != 200.0 || got[1]["status"] != "rejected" {
		t.Errorf("exit %d: %v", r.code, got)
	}
	s.input = reply(1)
	if r := s.ok("send", "-"); !strings.Contains(r.out, "duplicate") {
		t.Errorf("stdin: %s", r.out)
	}
	s.fails(1, "cannot be read", "send", s.dir+"/absent.json")
	s.fails(2, "SMARTLEAD_TOKEN", "send", "--source", "acme", file)
	s.getenv["SMARTLEAD_TOKEN"] = "slr_a-token-of-nobody"
	s.secrets = append(s.secrets, "slr_a-token-of-nobody")
	s.fails(1, "does not answer", "send", "--source", "acme", "--url", "http://127.0.0.1:1", file)
	s.fails(1, "not accepted", "send", "--source", "acme", file)
}

func TestSignedSource(t *testing.T) {
	s := newStation(t)
	added := lines(t, s.ok("sources", "add", "signed", "--hmac", "--json").out)[0]
	hook, _ := url.Parse(added["webhook_url"].(string))
	s.getenv["SMARTLEAD_TOKEN"] = filepath.Base(hook.Path)
	file := s.file("reply.json", reply(1))
	s.fails(1, "not accepted", "send", "--source", "signed", file)
	s.getenv["SMARTLEAD_HMAC_SECRET"] = added["hmac_secret"].(string)
	s.ok("send", "--source", "signed", file)
	s.secrets = append(s.secrets, "typed-by-hand")
	s.input = "typed-by-hand\n"
	s.ok("sources", "add", "relay", "--hmac-stdin")
}

func TestSources(t *testing.T) {
	s := newStation(t)
	shown := strings.TrimSpace(s.ok("sources", "add", "acme", "--account", "default").out)
	if !strings.HasPrefix(shown, s.front.URL+"/webhooks/acme/slr_") {
		t.Fatalf("got %s", shown)
	}
	s.said = nil // the one time that it is shown
	token := filepath.Base(shown)
	s.secrets = append(s.secrets, token)
	s.fails(1, "sources rotate", "sources", "add", "acme")
	s.fails(2, "a name is", "sources", "add", "No Good")
	s.fails(2, "--account", "sources", "add", "x", "--account", "No Good")
	list := lines(t, s.ok("sources", "list", "--json").out)
	if len(list) != 2 || list[0]["name"] != "acme" || list[0]["account"] != "default" || list[0]["tokens"] != 1.0 {
		t.Errorf("got %v", list)
	}
	key := func(name string) string {
		s.t.Helper()
		_, source, err := s.program().source(s.t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return string(source.RedactionKey)
	}
	if key("acme") != key("demo") {
		t.Error("sources of one account must share the redaction key")
	}

	renewed := filepath.Base(strings.TrimSpace(s.ok("sources", "rotate", "acme").out))
	s.said = nil
	s.secrets = append(s.secrets, renewed)
	file := s.file("reply.json", reply(1))
	for _, valid := range []string{token, renewed} {
		s.getenv["SMARTLEAD_TOKEN"] = valid
		s.ok("send", "--source", "acme", file)
	}
	s.fails(1, "--finish", "sources", "rotate", "acme")
	s.fails(2, "--yes", "sources", "rotate", "acme", "--finish")
	s.ok("sources", "rotate", "acme", "--finish", "--yes")
	s.ok("send", "--source", "acme", file)
	s.getenv["SMARTLEAD_TOKEN"] = token
	s.fails(1, "not accepted", "send", "--source", "acme", file)
	s.fails(2, "--yes", "sources", "remove", "acme")
	s.ok("sources", "remove", "acme", "-y")
	s.fails(4, "no source acme", "sources", "remove", "acme", "-y")
	s.fails(4, "no source acme", "sources", "rotate", "acme")
}

// program is a run of the tool for tests that look behind the output.
func (s *station) program() *program {
	return &program{
		System: System{Now: s.clock, Sleep: func(context.Context, time.Duration) {}, Rand: &randomness{}},
		target: target{local: true, stateDir: s.dir},
	}
}

func TestTrustKeyReleasesWhatThatKeyIsIn(t *testing.T) {
	s := newStation(t)
	s.secrets = append(s.secrets, "first-key-0001", "second-key-0002")
	s.input = "first-key-0001\n"
	s.fails(2, "--yes", "sources", "trust-key", "demo")
	if r := s.ok("sources", "trust-key", "demo", "--yes"); !strings.Contains(r.err, "first key") {
		t.Errorf("the first key changes what is held, which must be said: %s", r.err)
	}
	mine := s.post(strings.Replace(reply(1), secretKey, "second-key-0002", 1))
	forged := s.post(strings.Replace(reply(2), secretKey, "third-key-0003", 1))
	if held := lines(t, s.ok("events", "list", "--state", "held", "--json").out); len(held) != 2 {
		t.Fatalf("%d events are held", len(held))
	}
	s.fails(1, "1 of 1", "events", "replay", mine)
	s.input = "second-key-0002\n"
	r := s.ok("sources", "trust-key", "demo", "--yes", "--json")
	if got := lines(t, r.out); len(got) != 1 || got[0]["event_id"] != mine || !strings.Contains(r.err, "1 event stays held") {
		t.Errorf("released %v, said %s", got, r.err)
	}
	s.work()
	if v := lines(t, s.ok("events", "show", mine, "--json").out)[0]; v["state"] != "delivered" {
		t.Errorf("state %v", v["state"])
	}
	if show := s.ok("events", "show", forged).out; !strings.Contains(show, "trust-key demo") || !strings.Contains(show, "If it is forged") {
		t.Errorf("held:\n%s", show)
	}
	s.ok("events", "release", forged)
	s.fails(1, "1 of 1", "events", "release", forged)
	s.input = "secretkey\n"
	s.fails(2, "cannot be trusted", "sources", "trust-key", "demo", "--yes")
	s.input = "\n"
	s.fails(2, "no secret", "sources", "trust-key", "demo", "--yes")
}

func TestDestinations(t *testing.T) {
	s := newStation(t)
	added := lines(t, s.ok("destinations", "add", "slack", "--url", s.dest.URL+"/secret-path?key=hidden-query",
		"--type", "reply", "--without-flag", "test_event", "--json").out)[0]
	first := added["signing_secret"].(string)
	s.said = nil
	s.secrets = append(s.secrets, first, "secret-path", "hidden-query")
	if !strings.HasPrefix(first, "whsec_") {
		t.Errorf("secret %q", first)
	}
	list := s.ok("destinations", "list").out
	if !strings.Contains(list, "type EMAIL_REPLY; without flag test_event") || !strings.Contains(list, s.dest.URL) {
		t.Errorf("got\n%s", list)
	}
	if r := s.ok("destinations", "test", "slack"); !strings.Contains(r.out, "answered 200") {
		t.Errorf("got %s", r.out)
	}
	s.answer.Store(401)
	s.fails(1, "answered 401", "destinations", "test", "slack")
	second := strings.TrimSpace(s.ok("destinations", "rotate", "slack").out)
	s.said = nil
	s.secrets = append(s.secrets, second)
	s.fails(1, "--finish", "destinations", "rotate", "slack")
	s.ok("destinations", "rotate", "slack", "--finish", "-y")
	s.fails(1, "exists already", "destinations", "add", "slack", "--url", s.dest.URL, "--no-sign")
	s.fails(2, "url", "destinations", "add", "x", "--url", "ftp://example.com")
	s.fails(2, "no event type", "destinations", "add", "x", "--url", s.dest.URL, "--type", "nonsense")
	s.ok("destinations", "add", "plain", "--url", s.dest.URL, "--no-sign")
	s.fails(2, "--yes", "destinations", "remove", "slack")
	s.ok("destinations", "remove", "slack", "-y")
	s.fails(4, "no destination slack", "destinations", "remove", "slack", "-y")
	s.fails(4, "no destination slack", "destinations", "test", "slack")
}

func TestRedriveFromStartToEnd(t *testing.T) {
	s := newStation(t)
	s.fails(4, "dlq list", "redrive", "status")
	s.fails(4, "no dead event matches", "redrive", "start", "--yes")
	s.deadReplies(3)
	s.fails(2, "3 dead events", "redrive", "start")
	s.fails(2, "no length of time", "redrive", "start", "--older-than", "long")
	s.fails(2, "not negative", "redrive", "start", "--limit", "-1")
	s.ok("redrive", "start", "--yes", "--limit", "2")
	s.fails(1, "redrive cancel", "redrive", "start", "--yes")
	s.ok("redrive", "pause")
	if v := lines(t, s.ok("redrive", "status", "--json").out)[0]; v["state"] != "paused" {
		t.Errorf("state %v", v["state"])
	}
	s.ok("redrive", "resume")
	s.onSleep = func(ctx context.Context) { s.redrive(ctx); s.work() }
	r := s.ok("redrive", "status", "--watch")
	if !strings.Contains(r.out, "done") || strings.Contains(r.err, "\r") {
		t.Errorf("got %q, %q", r.out, r.err)
	}
	v := lines(t, s.ok("redrive", "status", "--json").out)[0]
	counts := v["counts"].(map[string]any)
	if v["state"] != "done" || counts["delivered"] != 2.0 {
		t.Errorf("got %v", v)
	}
	if n := len(lines(t, s.ok("redrive", "history", "--json").out)); n != 1 {
		t.Errorf("%d in the history", n)
	}
	s.ok("redrive", "start", "--yes")
	s.ok("redrive", "cancel")
	s.fails(4, "cancelled", "redrive", "cancel")
	s.terminal, s.width = true, 100
	if r := s.ctl("redrive", "status", "--watch"); r.code != 0 || !strings.Contains(r.err, "[") {
		t.Errorf("exit %d: %q", r.code, r.err)
	}
}

func TestDoctor(t *testing.T) {
	s := newStation(t)
	if r := s.ok("doctor"); !strings.Contains(r.out, "source demo is ready") || !strings.Contains(r.out, "nothing is overdue") {
		t.Errorf("got\n%s", r.out)
	}
	s.deadReplies(1)
	s.post(reply(7))
	s.advance(time.Hour) // nobody swept
	r := s.ctl("doctor", "--json")
	if r.code != 1 {
		t.Errorf("exit %d", r.code)
	}
	found := map[string]map[string]any{}
	for _, v := range lines(t, r.out) {
		found[v["check"].(string)] = v
	}
	if found["sweeper"]["result"] != "bad" || !strings.Contains(found["sweeper"]["detail"].(string), "1 event is overdue") {
		t.Errorf("sweeper: %v", found["sweeper"])
	}
	if found["dead events"]["result"] != "note" || !strings.Contains(found["dead events"]["detail"].(string), "1 dead event") {
		t.Errorf("dead: %v", found["dead events"])
	}
	s.ok("sources", "remove", "demo", "-y")
	s.ok("destinations", "remove", "crm", "-y")
	r = s.ctl("doctor")
	if !strings.Contains(r.out, "there is no source") || !strings.Contains(r.out, "worker's log") || !strings.Contains(r.out, "token is wrong") {
		t.Errorf("got\n%s", r.out)
	}
}

func TestForeignMessagesAreShown(t *testing.T) {
	s := newStation(t)
	_, err := s.clients.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: aws.String(s.at.DLQ.URL), MessageBody: aws.String("not ours \x1b[31m"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.ok("dlq", "list")
	if !strings.Contains(r.out, "1 foreign") || !strings.Contains(r.out, "No dead event") {
		t.Errorf("got\n%s", r.out)
	}
}

func TestTailFollows(t *testing.T) {
	s := newStation(t)
	before := s.post(reply(1))
	s.advance(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	var arrived []string
	s.onSleep = func(context.Context) {
		if len(arrived) == 3 {
			cancel()
			return
		}
		arrived = append(arrived, s.post(reply(10+len(arrived))))
	}
	r := s.ctlWith(ctx, "--local", "--state-dir", s.dir, "tail", "--json")
	got := lines(t, r.out)
	if r.code != 0 || len(got) != 3 {
		t.Fatalf("exit %d: %s%s", r.code, r.out, r.err)
	}
	for i, v := range got {
		if v["event_id"] != arrived[i] || v["event_id"] == before {
			t.Errorf("line %d: %v", i, v["event_id"])
		}
	}
}

func TestStats(t *testing.T) {
	s := newStation(t)
	for i := range 4 {
		s.post(reply(i))
		s.advance(30 * time.Minute)
	}
	s.work()
	v := lines(t, s.ok("stats", "--json").out)[0]
	if v["count"] != 4.0 || len(v["hours"].(map[string]any)) != 2 {
		t.Errorf("got %v", v)
	}
	if r := s.ok("stats", "--max", "1"); !strings.Contains(r.err, "newest") {
		t.Errorf("a partial count must say so: %s", r.err)
	}
	s.fails(2, "31 days", "stats", "--since", "90d")
}

func TestUsageErrors(t *testing.T) {
	s := newStation(t)
	for _, args := range [][]string{
		{"nonsense"}, {"events", "nonsense"}, {"events", "list", "--nonsense"}, {"events", "list", "extra"},
		{"events", "list", "--state", "lost"}, {"events", "list", "--type", "nonsense"}, {"events", "list", "--since", "soon"},
		{"events", "list", "--since", "1h", "--until", "2h"}, {"events", "list", "--limit", "0"}, {"events", "show"},
		{"refire", "nonsense"}, {"redrive", "start", "--id", "nonsense"}, {"tail", "--every", "1ms"}, {"tail", "--past", "25h"}, {"sources", "trust-key", "demo", "--until", "soon"},
	} {
		if r := s.ctl(args...); r.code != 2 || r.out != "" || r.err == "" {
			t.Errorf("%v: exit %d, stdout %q, stderr %q", args, r.code, r.out, r.err)
		}
	}
	if r := s.ctl(); r.code != 0 || !strings.Contains(r.out, "Available Commands") {
		t.Errorf("exit %d", r.code)
	}
	s.fails(4, "UNKNOWN", "refire", "unknown")
	if r := s.ok("refire", "reply"); !strings.Contains(r.out, "new reply time") {
		t.Errorf("got %s", r.out)
	}
	if r := s.ctlWith(t.Context(), "--local", "--state-dir", t.TempDir(), "doctor"); r.code != 1 || !strings.Contains(r.err, "make run") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}

// The outputs of a deployed stack lead to its parts.
func TestDeployedStack(t *testing.T) {
	s := newStation(t)
	id := s.post(reply(1))
	target, err := url.Parse(engine.URL)
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
			"ApiUrl": s.front.URL, "TableName": s.at.Table, "LiveQueueUrl": s.at.Live.URL, "ReplayQueueUrl": s.at.Replay.URL,
			"DlqUrl": s.at.DLQ.URL, "LiveQueueArn": s.at.Live.ARN, "DlqArn": s.at.DLQ.ARN, "BodyBucket": s.at.Bucket,
			"ParameterPrefix": s.env.Config.ParameterPrefix, "RetentionDays": "30", "SweepGrace": "5s",
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
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(s.dir, "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(s.dir, "none"))

	r := s.ctlWith(t.Context(), "--stack", "mine", "events", "list", "--json")
	if r.code != 0 || !strings.Contains(r.out, id) {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := s.ctlWith(t.Context(), "--stack", "mine", "events", "show", id); !strings.Contains(r.out, "Re: hello 1") {
		t.Errorf("the body cannot be read: %s%s", r.out, r.err)
	}
	dead := s.deadReplies(1)[0]
	if r := s.ctlWith(t.Context(), "--stack", "mine", "events", "discard", "--yes", dead); r.code != 0 {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	if got, want := s.record(dead).ExpiresAt, s.clock().AddDate(0, 0, 30); want.Sub(got).Abs() > time.Second {
		t.Errorf("discarded and kept until %s, want %s", got, want)
	}
	r = s.ctlWith(t.Context(), "doctor")
	if r.code != 4 || !strings.Contains(r.err, "make deploy") {
		t.Errorf("exit %d: %s", r.code, r.err)
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
	s := newStation(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	info, err := os.ReadFile(filepath.Join(s.dir, "stack.json"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(engine.URL, gone.URL, s.dynamo, gone.URL, s.front.URL, gone.URL).Replace(string(info))
	s.file("stack.json", text)
	s.fails(1, "make run", "events", "list")
	s.fails(1, "make run", "send", s.file("reply.json", reply(1)))
	r := s.ctl("doctor")
	if r.code != 1 || !strings.Contains(r.out, "connection refused") || strings.Contains(r.out, "operation error") ||
		strings.Count(r.out, "make run") != 1 {
		t.Errorf("exit %d:\n%s%s", r.code, r.out, r.err)
	}
}
