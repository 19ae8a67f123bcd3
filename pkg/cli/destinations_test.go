package cli

import (
	"flag"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/destlog"
	"smartlead-receiver/pkg/destination/registry"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/webhook"
)

// A destination that signs nothing has no secret to show, and one that only the
// worker reaches is not tested from here.
func TestDestinationOfTheLog(t *testing.T) {
	s := newTestStack(t)
	if r := s.ok("destinations", "add", "audit", "--kind", "log"); r.out != "" || strings.Contains(r.err, "destinations test") {
		t.Errorf("added with %q and %q, want neither a secret nor a test proposed", r.out, r.err)
	}
	s.fails(2, "kind log: there is nothing to post to", "destinations", "test", "audit")
	s.fails(2, "kind log: it signs nothing", "destinations", "rotate", "audit")
	for _, v := range lines(t, s.ok("destinations", "list", "--json").out) {
		if _, signs := v["secrets"]; v["name"] == "audit" && (v["type"] != "log" || signs) {
			t.Errorf("listed as %v, want type log without secrets", v)
		}
	}
}

func TestDestinationListShowsABrokenOne(t *testing.T) {
	s := newTestStack(t)
	form := []byte(`{"type":"http","config":{"url":"https://x.example/hidden-path","retries":3}}`)
	store, err := sourcestore.NewStore(s.clients.SSM, s.env.Config.ParameterPrefix)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(t.Context(), sourcestore.Destinations, "odd", form, false); err != nil {
		t.Fatal(err)
	}
	const want = "config.retries: is no member"
	if list := s.ok("destinations", "list").out; !strings.Contains(list, "broken, its events wait") || !strings.Contains(list, want) {
		t.Errorf("the list does not hold %q:\n%s", want, list)
	}
	for _, v := range lines(t, s.ok("destinations", "list", "--json").out) {
		if text, _ := v["error"].(string); (v["name"] == "odd") != strings.Contains(text, want) {
			t.Errorf("listed as %v", v)
		}
	}
	s.fails(1, want, "destinations", "test", "odd")
	s.ok("destinations", "remove", "odd", "-y")
}

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
		o := destOptions{given: typeFlags(flags, types)}
		if err := flags.Parse(c.args); err != nil {
			t.Fatalf("%v: %v", c.args, err)
		}
		got, err := o.settings(types[c.kind])
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
		if got := tookText(out); got != want {
			t.Errorf("%+v: got %q, want %q", out, got, want)
		}
	}
}

// A flag of a type must not take the place of one that every command has.
func TestFlagsOfTypesHideNoOther(t *testing.T) {
	common := (&program{}).root().PersistentFlags()
	for name := range typeFlags(pflag.NewFlagSet("add", pflag.ContinueOnError), registry.Types) {
		if common.Lookup(name) != nil {
			t.Errorf("--%s of a type hides the flag of every command", name)
		}
	}
}
