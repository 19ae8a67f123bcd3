package resendguide_test

import (
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
)

func TestResendGuideOfAWordThatMeansTwoTypes(t *testing.T) {
	s := clitest.New(t)
	r := s.OK("resend-guide", "replies")
	if !strings.Contains(r.Out, "EMAIL_REPLY fires") || !strings.Contains(r.Out, "UNTRACKED_REPLIES fires") || strings.Count(r.Out, "fires when") != 2 {
		t.Errorf("got\n%s", r.Out)
	}
	if r := s.OK("resend-guide", "opens"); strings.Count(r.Out, "fires when") != 1 {
		t.Errorf("got\n%s", r.Out)
	}
}
