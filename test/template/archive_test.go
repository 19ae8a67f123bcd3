package template

import (
	"maps"
	"slices"
	"testing"
)

// The rights on the archive are files of their own, for stacks that have one: a reader's
// are to look, an operator's also to take leads out.
func TestPoliciesOfTheArchive(t *testing.T) {
	const bucket, objects = "arn:aws:s3:::ARCHIVE", "arn:aws:s3:::ARCHIVE/PREFIX/*"
	for who, want := range map[string]map[string][]string{
		"reader-archive":   {bucket: {"s3:ListBucket"}, objects: {"s3:GetObject"}},
		"operator-archive": {bucket: {"s3:ListBucket"}, objects: {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}},
	} {
		if got, _ := policies(t, who); !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %v, want %v", who, got, want)
		}
	}
}
