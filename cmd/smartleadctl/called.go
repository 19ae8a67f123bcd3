package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"smartlead-receiver/pkg/cli/output"
)

// goRun is where go run keeps what it has built: a folder of its own at the first time
// (go-build123/b001/exe/), Go's build cache from then on (af/af16…-d/).
var goRun = regexp.MustCompile(`/go-build[0-9]+/b[0-9]+/exe/|/[0-9a-f]{2}/[0-9a-f]{64}-d/`)

// fromSource is how the README runs the program in a checkout.
const fromSource = "go run ./cmd/smartleadctl"

// called is how the program was called whose first argument is arg0, as a shell takes
// it again: the commands that it prints can be pasted.
func called(arg0 string) string {
	name := strings.TrimSuffix(filepath.Base(arg0), ".exe")
	switch slashed := filepath.ToSlash(arg0); {
	case goRun.MatchString(slashed):
		if _, err := os.Stat("cmd/smartleadctl/main.go"); err != nil {
			return name
		}
		return fromSource
	case !strings.Contains(slashed, "/"): // found by PATH
		return output.Quote(name)
	}
	return output.Quote(arg0)
}
