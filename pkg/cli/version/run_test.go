package version_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestVersion(t *testing.T) {
	s := clitest.New(t)
	if r := s.OK("version"); !strings.HasPrefix(r.Out, "smartleadctl ") || !strings.Contains(r.Out, "built by  go1") {
		t.Errorf("got %s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("version", "--json").Out)[0]; v["version"] == "" || v["go"] == "" {
		t.Errorf("got %v", v)
	}
}
