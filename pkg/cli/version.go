package cli

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what the build noted of itself.
type version struct {
	Version  string `json:"version"` // "(devel)" for one that was not built from a tag
	Revision string `json:"revision,omitempty"`
	Time     string `json:"commit_time,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from files that are not in the commit
	Go       string `json:"go"`
}

func versionOf(info *debug.BuildInfo) version {
	v := version{Version: orText(info.Main.Version, "(devel)"), Go: info.GoVersion}
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

func (p *program) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print which build this is", Example: "  smartleadctl version --json", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return failed(nil, "this program was built without a note of its version")
			}
			return p.showVersion(versionOf(info))
		},
	}
}

func (p *program) showVersion(v version) error {
	if p.json {
		return p.emit(v)
	}
	p.line("smartleadctl %s", v.Version)
	var f fields
	f.add("commit", v.Revision)
	f.add("of", v.Time)
	if v.Modified {
		f.add("with", "changes that are in no commit")
	}
	f.add("built by", v.Go)
	p.printFields(f)
	return nil
}

// helpCmd refuses what is no command, which cobra's own answers with success.
func helpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND…]", Short: "Say what a command does",
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usage("%s has no command %q", cmd.CommandPath(), plain(rest[0])).hint("see: %s --help", cmd.CommandPath())
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	}
}
