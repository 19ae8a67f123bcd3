package version

import (
	"bytes"
	"runtime/debug"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/session"
)

func TestVersionOfABuild(t *testing.T) {
	v := versionOf(&debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0a1b2c"}, {Key: "vcs.time", Value: "2026-03-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}})
	if want := (version{"v1.2.3", "0a1b2c", "2026-03-01T00:00:00Z", true, "go1.26"}); v != want {
		t.Errorf("got %v", v)
	}
	var out bytes.Buffer
	s := &session.Session{Terminal: output.Terminal{Out: &out}}
	if err := show(s, v); err != nil || !strings.Contains(out.String(), "0a1b2c") || !strings.Contains(out.String(), "in no commit") {
		t.Errorf("%v: %s", err, out.String())
	}
}
