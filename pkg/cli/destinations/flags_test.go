package destinations

import (
	"flag"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destlog"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/webhook"
)

// parcel are settings with flags, one of which another type has, too.
type parcel struct {
	destlog.Config
	url    string
	labels []string
	fast   bool
}

func (p *parcel) Flags(flags *flag.FlagSet) {
	flags.StringVar(&p.url, "url", "", "where the `depot` is")
	flags.Func("label", "one of many", func(label string) error { p.labels = append(p.labels, label); return nil })
	flags.BoolVar(&p.fast, "fast", false, "do not wait")
}

type letterbox struct {
	destlog.Config
	url  string
	size int
}

func (l *letterbox) Flags(flags *flag.FlagSet) {
	flags.StringVar(&l.url, "url", "", "where it hangs")
	flags.IntVar(&l.size, "size", 0, "of the slot")
}

// Each type reads its own flags, also of a name that two have.
func TestEachTypeHasItsFlags(t *testing.T) {
	types := destination.Types{
		{Name: "parcel", New: func() destination.Settings { return new(parcel) }},
		{Name: "letterbox", New: func() destination.Settings { return new(letterbox) }},
	}
	for _, c := range []struct {
		kind    int
		args    []string
		want    destination.Settings
		refused string
	}{
		{0, nil, &parcel{}, ""},
		{0, []string{"--label=a,b", "--fast", "--url", "x", "--label", "c"}, &parcel{url: "x", labels: []string{"a,b", "c"}, fast: true}, ""},
		{1, []string{"--url", "y", "--size", "3"}, &letterbox{url: "y", size: 3}, ""},
		{1, []string{"--fast"}, nil, "--fast is not for --kind letterbox"},
		{0, []string{"--size", "3"}, nil, "--size is not for --kind parcel"},
		{1, []string{"--size", "big"}, nil, "--size: parse error"},
	} {
		flags := pflag.NewFlagSet("add", pflag.ContinueOnError)
		o := addOptions{given: typeFlags(flags, types)}
		if err := flags.Parse(c.args); err != nil {
			t.Fatalf("%v: %v", c.args, err)
		}
		given, err := o.typed(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := given.New(types[c.kind])
		if c.refused == "" && (err != nil || !reflect.DeepEqual(got, c.want)) {
			t.Errorf("%v: got %+v, error %v, want %+v", c.args, got, err, c.want)
		}
		if c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%v: error %v, want %q", c.args, err, c.refused)
		}
	}
	flags := pflag.NewFlagSet("add", pflag.ContinueOnError)
	typeFlags(flags, types)
	for _, want := range []string{"--url depot ", "where the depot is", "--label value ", "--size int ", "--fast ", "do not wait"} {
		if help := flags.FlagUsages(); !strings.Contains(help, want) {
			t.Errorf("the help does not hold %q:\n%s", want, help)
		}
	}
}

func TestTookText(t *testing.T) {
	for want, out := range map[string]webhook.Outcome{
		"answered 202": {Result: webhook.ResultDelivered, Status: 202},
		"took it":      {Result: webhook.ResultDelivered},
	} {
		if got := destcare.TookText(out); got != want {
			t.Errorf("%+v: got %q, want %q", out, got, want)
		}
	}
}

// A flag of a type must not take the place of one that every command has.
func TestFlagsOfTypesHideNoOther(t *testing.T) {
	cmd := &cobra.Command{}
	session.New(t.Context(), session.System{}).AddFlags(cmd)
	common := cmd.PersistentFlags()
	for name := range typeFlags(pflag.NewFlagSet("add", pflag.ContinueOnError), registry.Types) {
		if common.Lookup(name) != nil {
			t.Errorf("--%s of a type hides the flag of every command", name)
		}
	}
}
