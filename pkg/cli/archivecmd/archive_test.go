package archivecmd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	apparchiver "smartlead-receiver/pkg/app/archiver"
	"smartlead-receiver/pkg/cli/clitest"
)

// archive runs the archiver of the stack, as its schedule does.
func archive(t *testing.T, s *clitest.Stack) {
	t.Helper()
	env := s.Env
	env.Config.ArchiveBucket, env.Config.ArchivePrefix, env.Config.ArchiveEvery = s.At.Archive, "smartlead/", time.Hour
	env.Clients.Archive = s.Clients.S3
	svc, err := apparchiver.Service(env)
	if err != nil {
		t.Fatal(err)
	}
	if sum := svc.Run(t.Context()); sum.Err != nil {
		t.Fatal(sum.Err)
	}
}

func TestAnOperatorSeesReadsVerifiesAndErasesTheArchive(t *testing.T) {
	s := clitest.New(t)
	s.Fails(4, "nothing is archived", "archive", "status")
	for n := range 4 {
		s.Post(clitest.Reply(n + 1))
	}
	s.Work()
	s.Advance(80 * time.Minute)
	archive(t, s)

	if r := s.OK("archive", "status"); !strings.Contains(r.Out, "off: nothing is added any more") || !strings.Contains(r.Out, "default") {
		t.Errorf("got %s", r.Out)
	}
	v := clitest.Lines(t, s.OK("archive", "status", "--json").Out)[0]
	if v["events"] != 4.0 || v["objects"] != 1.0 || v["behind_s"] != 0.0 || v["archived_until"] != "2126-03-04T13:00:00.000Z" {
		t.Errorf("got %v", v)
	}
	if first := v["accounts"].([]any)[0].(map[string]any)["first_hour"].(string); !strings.HasPrefix(first, "2126-03-04T") || !strings.HasSuffix(first, ":00:00.000Z") {
		t.Errorf("a time that is not written as the others: %s", first)
	}
	lines := clitest.Lines(t, s.OK("archive", "read", "--since", "3h", "--account", "default").Out)
	if len(lines) != 4 || lines[0]["state"] != "delivered" || lines[0]["schema"] != "smartlead.event.v1" {
		t.Errorf("got %v", lines)
	}
	if r := s.OK("archive", "read", "--since", "3h", "--account", "other"); r.Out != "" {
		t.Errorf("got %s", r.Out)
	}
	s.Fails(2, "--account", "archive", "read", "--account", "../x")
	if r := s.OK("archive", "verify"); !strings.Contains(r.Out, "4 events") || !strings.Contains(r.Out, "4 equal") {
		t.Errorf("got %s", r.Out)
	}
	if r := s.OK("archive", "athena"); !strings.Contains(r.Out, "'projection.account.values' = 'default'") || !strings.Contains(r.Out, "'s3://"+s.At.Archive+"/smartlead/'") {
		t.Errorf("got %s", r.Out)
	}

	// A lead is forgotten: in the ledger, and in the archive.
	if r := s.OK("leads", "forget", "lead2@acme.example.com", "--yes"); !strings.Contains(r.Out, "1 event, 1 archived line") {
		t.Errorf("got %s", r.Out)
	}
	if r := s.OK("archive", "read", "--since", "3h"); strings.Contains(r.Out, "lead2@") || len(clitest.Lines(t, r.Out)) != 3 {
		t.Errorf("got %s", r.Out)
	}
	if v := clitest.Lines(t, s.OK("archive", "verify", "--json").Out)[0]; v["equal"] != 3.0 || v["erased"] != 1.0 || v["whole"] != true {
		t.Errorf("got %v", v)
	}
	s.Fails(1, "the archive is off", "archive", "again", "--since", "1d")

	// What is lost of the archive is found.
	list, err := s.Clients.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.At.Archive})
	if err != nil || len(list.Contents) != 1 {
		t.Fatal(list, err)
	}
	if _, err := s.Clients.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &s.At.Archive, Key: aws.String(*list.Contents[0].Key)}); err != nil {
		t.Fatal(err)
	}
	s.Fails(1, "archive again --since 2126-", "archive", "verify", "--ids")
	s.Fails(1, "3 events are wrong", "archive", "verify")
}

// Nobody can say whether an archive that is not reached keeps something of a lead: with
// --yes the lead is recorded all the same, so that no repair makes an event of it.
func TestALeadIsRecordedAsErasedWhereTheArchiveIsNotReached(t *testing.T) {
	s := clitest.New(t)
	s.Post(clitest.Reply(1))
	s.Work()
	s.Advance(80 * time.Minute)
	archive(t, s)
	list, err := s.Clients.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.At.Archive})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		if _, err := s.Clients.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &s.At.Archive, Key: o.Key}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Clients.S3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &s.At.Archive}); err != nil {
		t.Fatal(err)
	}

	s.Fails(1, "nothing was found; not reached: the archive", "leads", "forget", "nobody@acme.example.com")
	s.Fails(4, "never erased", "leads", "forgotten", "nobody@acme.example.com")
	s.Fails(1, "erased: 0 events; not reached: the archive", "leads", "forget", "nobody@acme.example.com", "--yes")
	s.Fails(1, "did not come to its end", "leads", "forgotten", "nobody@acme.example.com")
}
