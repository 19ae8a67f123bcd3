// Package version prints which build this is.
package version

import (
	"runtime/debug"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
)

// release is the version of a released build, which the linker sets; see
// .goreleaser.yaml. Otherwise Go's own note of the build counts.
var release string

// version is what the build noted of itself.
type version struct {
	Version  string `json:"version"` // "(devel)" for one that was not built from a tag
	Revision string `json:"revision,omitempty"`
	Time     string `json:"commit_time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that are not in the commit
	Go       string `json:"go"`
}

func versionOf(info *debug.BuildInfo) version {
	v := version{Version: output.OrText(release, output.OrText(info.Main.Version, "(devel)")), Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// New returns the command version.
func New(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print which build this is", Example: "  smartleadctl version --json", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return Show(s) },
	}
}

// Show prints which build this is.
func Show(s *session.Session) error {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return problem.Failed(nil, "this program was built without a note of its version").
			Hint("build it from its repository: go build ./cmd/smartleadctl")
	}
	return show(s, versionOf(info))
}

func show(s *session.Session, v version) error {
	if s.JSON {
		return s.Emit(v)
	}
	s.Line("smartleadctl %s", v.Version)
	var f output.Fields
	f.Add("commit", v.Revision)
	f.Add("of", v.Time)
	if v.Modified {
		f.Add("with", "changes that are in no commit")
	}
	f.Add("built by", v.Go)
	s.PrintFields(f)
	return nil
}
