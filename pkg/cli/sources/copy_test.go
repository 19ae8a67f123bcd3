package sources_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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

// An item that somebody changed by hand is named, and can be replaced.
func TestABrokenSourceIsNamedAndReplaced(t *testing.T) {
	for name, body := range map[string]types.AttributeValue{
		"another type": &types.AttributeValueMemberS{Value: "{}"},
		"another form": &types.AttributeValueMemberB{Value: []byte(`{"name":"acme","keys":["topsecret"]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			s := clitest.New(t)
			s.OK("sources", "add", "acme")
			s.Said = nil // the one time that it is shown
			s.Secrets = append(s.Secrets, "topsecret")
			_, err := s.Clients.DynamoDB.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: &s.At.Table, UpdateExpression: aws.String("SET body = :b"),
				Key: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberS{Value: "source"}, "sk": &types.AttributeValueMemberS{Value: "acme"},
				},
				ExpressionAttributeValues: map[string]types.AttributeValue{":b": body},
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Terminal, s.Width = true, 400
			r := s.OK("sources", "list")
			s.Terminal = false
			for _, want := range []string{"demo", "unreadable, its requests get 503", "smartleadctl --local", "sources remove acme"} {
				if !strings.Contains(r.Out, want) {
					t.Errorf("%q is missing:\n%s", want, r.Out)
				}
			}
			list := clitest.Lines(t, s.OK("sources", "list", "--json").Out)
			if len(list) != 2 || list[0]["name"] != "acme" || list[0]["error"] == nil || list[1]["error"] != nil {
				t.Errorf("got %v", list)
			}
			if r := s.Run("doctor"); r.Code != 1 || !strings.Contains(r.Out, "acme") {
				t.Errorf("exit %d:\n%s", r.Code, r.Out)
			}
			s.Fails(1, "sources remove acme", "sources", "rotate", "acme")
			s.OK("sources", "remove", "acme", "-y")
			s.OK("sources", "add", "acme")
			s.Said = nil
			s.OK("doctor")
		})
	}
}
