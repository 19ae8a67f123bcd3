package destinations

import (
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/destination"
)

// kindsHelp says what each type does, the default first.
func kindsHelp(types destination.Types) string {
	var help strings.Builder
	for i, t := range types {
		fmt.Fprintf(&help, "\n\n--kind %s ", t.Name)
		if i == 0 {
			help.WriteString("(the default) ")
		}
		help.WriteString(t.Help)
	}
	return help.String()
}

// inputHelp says how a secret is given.
const inputHelp = `A secret (--token, --webhook-url, --header) need not stand in the command: the value -
is read from the terminal without echo, or is a line of stdin.`

// typeFlag is a flag of one or several types of destination. Its values wait as
// text, because only when all flags are read is the type known.
type typeFlag struct {
	kind   string // of value, in the help
	values []string
}

func (f *typeFlag) Set(value string) error { f.values = append(f.values, value); return nil }
func (f *typeFlag) Type() string           { return f.kind }

// String tells whether there is a value, and no more: it may be a secret.
func (f *typeFlag) String() string {
	if n := len(f.values); n > 0 && f.values[n-1] != "" {
		return "given"
	}
	return ""
}

// typeFlags declares the flags of all types. Of a name that several have, the
// first type's help is shown.
func typeFlags(f *pflag.FlagSet, types destination.Types) map[string]*typeFlag {
	given := map[string]*typeFlag{}
	for _, t := range types {
		own := flag.NewFlagSet(t.Name, flag.ContinueOnError)
		t.New().Flags(own)
		own.VisitAll(func(declared *flag.Flag) {
			if given[declared.Name] != nil {
				return
			}
			kind, usage := flag.UnquoteUsage(declared)
			given[declared.Name] = &typeFlag{kind: kind}
			if added := f.VarPF(given[declared.Name], declared.Name, "", usage); kind == "" { // a switch
				added.NoOptDefVal, given[declared.Name].kind = "true", "bool"
			}
		})
	}
	return given
}
