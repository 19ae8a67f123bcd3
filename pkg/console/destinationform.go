package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/cli/destcare"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/registry"
)

// formField is a field of a form about a destination. Its name is that of the flag of the
// command line.
type formField struct {
	Name, Label, Usage string
	Value              string // never of what may be a credential
	Placeholder        string
	As                 string // text, password, switch or lines
	echoed             bool   // what was typed may be shown again
}

// hiddenField stands in a field whose value may be a credential.
const hiddenField = "not shown; stays unless given"

// destinationForm is the form that adds or changes a destination.
type destinationForm struct {
	New      bool
	Name     string
	Kind     string
	Kinds    []string
	Help     string
	Settings []formField
	Filters  []formField
	Limits   []formField
	Signs    bool // it may be signed
	Sign     bool
	Wrong    *failure
}

// PageTitle names the destination.
func (f destinationForm) PageTitle() string {
	if f.New {
		return "Add a destination"
	}
	return "Change " + f.Name
}

// Status is that of a form that was refused.
func (f destinationForm) Status() int {
	if f.Wrong != nil {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// filterFields are the filters, each with where it lies.
var filterFields = []struct {
	name, usage string
	of          func(f *destcare.Filters) *[]string
}{
	{"type", "event types", func(f *destcare.Filters) *[]string { return &f.Types }},
	{"campaign", "ids of campaigns", func(f *destcare.Filters) *[]string { return &f.Campaigns }},
	{"campaign-name", "names of campaigns; * stands for anything", func(f *destcare.Filters) *[]string { return &f.CampaignNames }},
	{"category", "new categories; * stands for anything", func(f *destcare.Filters) *[]string { return &f.Categories }},
	{"sentiment", "sentiments of the new category, such as positive", func(f *destcare.Filters) *[]string { return &f.Sentiments }},
	{"lead-domain", "domains of leads; *.example.com for those below it", func(f *destcare.Filters) *[]string { return &f.LeadDomains }},
	{"account", "accounts", func(f *destcare.Filters) *[]string { return &f.Accounts }},
	{"client", "client ids", func(f *destcare.Filters) *[]string { return &f.Clients }},
	{"flag", "with one of these flags", func(f *destcare.Filters) *[]string { return &f.WithFlags }},
	{"without-flag", "with none of these flags", func(f *destcare.Filters) *[]string { return &f.WithoutFlags }},
}

// typedFilters are the filters of a destination as they would be typed.
func typedFilters(f destination.Filter) destcare.Filters {
	return destcare.Filters{
		Types: output.Names(f.Types), Campaigns: f.CampaignIDs, CampaignNames: f.CampaignNames, Categories: f.Categories, Sentiments: f.Sentiments,
		LeadDomains: f.LeadDomains, Accounts: f.Accounts, Clients: f.ClientIDs, WithFlags: f.Flags, WithoutFlags: f.NotFlags, If: f.If,
	}
}

// formOf is the form of a destination as it stands.
func formOf(cfg destination.Config) (destinationForm, error) {
	f := destinationForm{Kind: cfg.Type}
	fields, err := destcare.FieldsOf(cfg)
	if err != nil {
		return f, err
	}
	for _, s := range fields {
		field := formField{Name: s.Name, Label: fieldLabel(s.Name), Usage: s.Usage, Value: s.Value, As: "text", echoed: s.Plain}
		switch secret := strings.Contains(s.Name, "token") || strings.Contains(s.Name, "webhook"); {
		case s.Switch:
			field.As = "switch"
		case secret:
			field.As = "password"
		case s.Repeats && s.Name != "url", strings.HasSuffix(s.Name, "-program"):
			field.As = "lines"
		}
		if s.Hidden {
			field.Placeholder = hiddenField
		}
		f.Settings = append(f.Settings, field)
	}
	slices.SortStableFunc(f.Settings, func(a, b formField) int { return cmp.Compare(rank(a.Name), rank(b.Name)) })
	filters := typedFilters(cfg.Filter)
	for _, of := range filterFields {
		f.Filters = append(f.Filters, formField{Name: of.name, Label: fieldLabel(of.name), Usage: of.usage, Value: strings.Join(*of.of(&filters), ", "), As: "text", echoed: true})
	}
	f.Filters = append(f.Filters, formField{Name: "if", Label: "If", Usage: `a program of jq that is true, such as .bounce.class == "hard"`, Value: filters.If, As: "lines", echoed: true})
	number := func(n float64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatFloat(n, 'g', -1, 64)
	}
	f.Limits = []formField{
		{Name: "per-second", Label: fieldLabel("per-second"), Usage: "deliveries a second at most, of all workers together", Value: number(cfg.Limits.PerSecond), Placeholder: "any number", As: "text", echoed: true},
		{Name: "at-once", Label: fieldLabel("at-once"), Usage: "deliveries at once at most, of all workers together", Value: number(float64(cfg.Limits.Concurrency)), Placeholder: "any number", As: "text", echoed: true},
		{Name: "breaker", Label: "Breaker", Usage: "let events wait while nearly every delivery fails", As: "switch"},
	}
	if !cfg.Limits.NoBreaker {
		f.Limits[2].Value = "true"
	}
	_, f.Signs = cfg.Settings.(destination.Signer)
	return f, nil
}

// rank lets a form begin with where events go.
func rank(name string) int {
	if at := slices.Index([]string{"url", "arn", "webhook-url", "token", "channel"}, name); at >= 0 {
		return at
	}
	return 99
}

// refused is the form with what was typed, but for what may be a credential, and what is
// wrong with it.
func (f destinationForm) refused(q *request, err error) destinationForm {
	for _, group := range [][]formField{f.Settings, f.Filters, f.Limits} {
		for i, field := range group {
			switch {
			case field.As == "switch" && q.PostFormValue(field.Name) != "":
				group[i].Value = "true"
			case field.As == "switch":
				group[i].Value = ""
			case field.echoed:
				group[i].Value = q.arg(field.Name)
			}
		}
	}
	f.Sign = q.PostFormValue("sign") != ""
	f.Wrong = q.named(err)
	return f
}

// typed is the configuration that the form says, made of what a destination has.
func (q *request) typed(before destination.Config) (after destination.Config, err error) {
	after = before
	if after.Settings, err = q.typedSettings(before); err != nil {
		return after, err
	}
	q.desk().AllowNearby(after.Settings)
	var filters destcare.Filters
	for _, of := range filterFields {
		*of.of(&filters) = listed(q.PostFormValue(of.name))
	}
	filters.If = q.arg("if")
	if after.Filter, err = filters.Filter(); err != nil {
		return after, err
	}
	after.Limits = destination.Limits{NoBreaker: q.PostFormValue("breaker") == ""}
	if text := q.arg("per-second"); text != "" {
		if after.Limits.PerSecond, err = strconv.ParseFloat(text, 64); err != nil {
			return after, problem.Usage("--per-second %s is no number", output.Plain(text))
		}
	}
	if text := q.arg("at-once"); text != "" {
		if after.Limits.Concurrency, err = strconv.Atoi(text); err != nil {
			return after, problem.Usage("--at-once %s is no number", output.Plain(text))
		}
	}
	return after, nil
}

// typedSettings are those of the type. What is hidden and left empty stays; what is shown
// and emptied is the default again.
func (q *request) typedSettings(before destination.Config) (destination.Settings, error) {
	fields, err := destcare.FieldsOf(before)
	if err != nil {
		return nil, err
	}
	given := destcare.Given{}
	for _, f := range fields {
		text := q.arg(f.Name)
		switch {
		case f.Switch && (text != "") != (f.Value == "true"):
			given[f.Name] = []string{strconv.FormatBool(text != "")}
		case f.Switch, text == f.Value:
		case text == "":
			given[f.Name] = []string{f.Default}
		case f.Repeats:
			given[f.Name] = slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), func(line string) bool { return strings.TrimSpace(line) == "" })
		default:
			given[f.Name] = []string{text}
		}
	}
	return given.Changed(before)
}

// listed are the values of a field, with commas or line breaks between.
func listed(text string) (all []string) {
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// fieldNames are the names of the settings of a configuration, for words about them.
func fieldNames(cfg destination.Config) (names []string) {
	fields, err := destcare.FieldsOf(cfg)
	if err != nil {
		return nil
	}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// blank is a new configuration of a kind.
func blank(kind string) (destination.Config, string, error) {
	typ, err := destcare.Kind(output.OrText(kind, registry.Types[0].Name))
	if err != nil {
		return destination.Config{}, "", err
	}
	return destination.Config{Type: typ.Name, Settings: typ.New()}, typ.Help, nil
}
