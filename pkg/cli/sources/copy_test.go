package sources_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"smartlead-receiver/pkg/cli/clitest"
)

// A command that ended between the table and the copy leaves an older copy.
func TestAnOldCopyIsReportedAndRepaired(t *testing.T) {
	s := clitest.New(t)
	if r := s.OK("sources", "list"); strings.Contains(r.Err, "anew") {
		t.Errorf("nothing was old, and yet: %s", r.Err)
	}
	_, err := s.Clients.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &s.At.Bucket, Key: aws.String("_sources/bundle.json"), Body: bytes.NewReader([]byte(`{"sources":[]}`)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.Run("doctor"); r.Code != 1 || !strings.Contains(r.Out, "older than the table") || !strings.Contains(r.Out, "sources list") {
		t.Errorf("exit %d:\n%s", r.Code, r.Out)
	}
	if r := s.OK("sources", "list"); !strings.Contains(r.Err, "it is written anew") {
		t.Errorf("said %s", r.Err)
	}
	s.OK("doctor")
}

func TestASourceChangedMeanwhileIsLeftAlone(t *testing.T) {
	s := clitest.New(t)
	key := "somebody-elses-key-0001"
	s.Secrets = append(s.Secrets, key, "my-key-0002")
	s.Input = key + "\n"
	s.OK("sources", "trust-key", "demo", "--no-release", "--yes")
	before := s.Source("demo")
	s.OK("sources", "rotate", "demo")
	s.Said = nil // it shows the URL
	if err := s.Sources().PutSource(t.Context(), before); err == nil {
		t.Error("a write that did not see the rotation took effect")
	}
	if n := len(s.Source("demo").Tokens); n != 2 {
		t.Errorf("%d tokens after a rotation", n)
	}
}
