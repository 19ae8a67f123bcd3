package cli

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestHelpAndCompletionOfWhatIsNoCommand(t *testing.T) {
	s := newTestStack(t)
	for _, args := range [][]string{
		{"help", "nonsense"}, {"help", "events", "nonsense"}, {"completion", "tcsh"}, {"completion", "bash", "extra"},
	} {
		if r := s.ctl(args...); r.code != 2 || r.out != "" || r.err == "" {
			t.Errorf("%v: exit %d, stdout %.100q, stderr %q", args, r.code, r.out, r.err)
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
		if r := s.ok(args...); !strings.Contains(r.out, want) {
			t.Errorf("%v: no %q in %.300s", args, want, r.out)
		}
	}
}

func TestVersion(t *testing.T) {
	s := newTestStack(t)
	if r := s.ok("version"); !strings.HasPrefix(r.out, "smartleadctl ") || !strings.Contains(r.out, "built by  go1") {
		t.Errorf("got %s", r.out)
	}
	if v := lines(t, s.ok("version", "--json").out)[0]; v["version"] == "" || v["go"] == "" {
		t.Errorf("got %v", v)
	}
	v := versionOf(&debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0a1b2c"}, {Key: "vcs.time", Value: "2026-03-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}})
	if want := (version{"v1.2.3", "0a1b2c", "2026-03-01T00:00:00Z", true, "go1.26"}); v != want {
		t.Errorf("got %v", v)
	}
	var out bytes.Buffer
	p := &program{System: System{Out: &out, Now: time.Now}}
	if err := p.showVersion(v); err != nil || !strings.Contains(out.String(), "0a1b2c") || !strings.Contains(out.String(), "in no commit") {
		t.Errorf("%v: %s", err, out.String())
	}
}
