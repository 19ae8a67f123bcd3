package jq_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/jq"
)

const event = `{"type":"EMAIL_REPLY","campaign_id":"42","lead":{"email":"tom@acme.example","name":"Tom"},
	"reply":{"text":"Yes, \"please\""},"links":["https://a.example/x y","https://b.example"],"flags":["colleague"],"attempt":2}`

func decode(t testing.TB, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestProgramsOfUse(t *testing.T) {
	for source, want := range map[string]string{
		`.lead.email`:                                            `"tom@acme.example"`,
		`"/leads/\(.lead.email|@uri)/events"`:                    `"/leads/tom%40acme.example/events"`,
		`@uri "/leads/\(.lead.email)"`:                           `"/leads/tom%40acme.example"`,
		`.lead.email | split("@") | .[1]`:                        `"acme.example"`,
		`.type == "EMAIL_REPLY" and (.flags | index("x")|not)`:   `true`,
		`(.reply.text // "" | ascii_downcase | test("^yes\\b"))`: `true`,
		`{text: ("Reply of " + .lead.name + ": " + .reply.text), meta: {id: .campaign_id, tries: .attempt}}`: `{"text":"Reply of Tom: Yes, \"please\"","meta":{"id":"42","tries":2}}`,
		`{links: [.links[] | select(startswith("https://a"))]}`:                                              `{"links":["https://a.example/x y"]}`,
		`.links | map(ascii_upcase) | join(" ")`:                                                             `"HTTPS://A.EXAMPLE/X Y HTTPS://B.EXAMPLE"`,
		`if .attempt > 1 then "again" elif .x then "x" else "first" end`:                                     `"again"`,
		`.flags | any(. == "colleague")`:                                                                     `true`,
		`.reply.text | @json`:                                                                                `"\"Yes, \\\"please\\\"\""`,
		`[.lead.email, .lead.name]`:                                                                          `["tom@acme.example","Tom"]`,
		`.nothing.at.all?`:                                                                                   `null`,
		`.links[0:1] | length`:                                                                               `1`,
		`.links[-1]`:                                                                                         `"https://b.example"`,
	} {
		p, err := jq.Compile(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		got, err := p.Run(t.Context(), decode(t, event))
		if err != nil || !reflect.DeepEqual(decode(t, encode(t, got)), decode(t, want)) {
			t.Errorf("%s: %v, %v, want %s", source, got, err, want)
		}
	}
}

func encode(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// hostile are programs that take time or room, read what is not theirs, or might.
var hostile = []string{
	``, `.[`, `def f: f; f`, `"x" * 1000000000`, `[range(1000000000)]`, `range(10)`, `..`, `[..]`, `repeat(.)`, `until(false; .)`, `while(true; .)`,
	`recurse`, `recurse(.)`, `limit(10; .[])`, `reduce .[] as $x (0; . + 1)`, `foreach .[] as $x (0; . + 1)`, `. as $x | $x`, `.a as [$x] | $x`,
	`label $out | break $out`, `.a = 1`, `.a |= . + 1`, `.a += 1`, `.a //= 1`, `. - 1`, `. / 2`, `. % 2`, `-.`, `try error("x")`, `error`, `error("x")`,
	`env`, `$ENV`, `$ENV.AWS_SECRET_ACCESS_KEY`, `env.AWS_SECRET_ACCESS_KEY`, `$__loc__`, `input`, `inputs`, `debug`, `stderr`, `input_filename`, `now`, `localtime`,
	`import "a" as a; .`, `include "a"; .`, `modulemeta`, `getpath(["a"])`, `path(..)`, `paths`, `to_entries`, `with_entries(.)`, `walk(.)`, `tostream`, `fromjson`,
	`gsub("a"; "bbbbbbbb")`, `sub("a"; "b")`, `scan("a")`, `splits("a")`, `[match("a"; "g")]`, `test(.reply.text)`, `test("(a{100}){100}")`, `test("` + strings.Repeat("a*", 40) + `")`, `test("(")`,
	`ltrimstr(.x)`, `join(.x)`, `.links | join("` + strings.Repeat("x", 100) + `")`, `contains(.x)`, `has(.x)`, `split(.a; null)`, `ascii`, `implode`, `explode`, `@sh`, `@csv`, `@base32d`, `@base64d`,
	`.` + strings.Repeat(`|.+.`, 24), `.` + strings.Repeat(`|"\(.)\(.)"`, 24), `.` + strings.Repeat(`|[.,.]`, 24), `.` + strings.Repeat(`|(.,.)`, 24), `.` + strings.Repeat(`|{a:.,b:.}`, 24),
	`map(. + .)`, `map(map(.))`, `map("\(.)\(.)")`, `map([.,.])`, `[.links[] | .[] | .[]]`, `[.links[] + .links[]]`, `[{a: .links[], b: .links[]}]`, `["\(.links[])\(.links[])"]`, `.[][]`, `.a[].b[]`, `[.links[] as $x | .links[] as $y | 1]`,
	`select(.links[] | .links[])`, `[.links[], .links[] | .[]]`, `if .links[] then .links[] else .links[] end | .[]`, `.[.x]`, `.["\(.x)"]`, `.[.a:.b]`, `{(.x): 1}`, `{"\(.x)": 1}`, `{$__loc__}`, `{$x}`,
	`.a` + strings.Repeat(`+.a`, 200), strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500) + `|tojson|.+.`, `[` + strings.Repeat(`.links[],`, 20) + `1]`, `.a # ` + strings.Repeat("x", 3000), `infinite`, `nan`, `splits("a";"b")`, `ascii(1)`, `getpath(1)`, `builtins`, `halt`, `halt_error`, `get_search_list`, `ltrimstr("a";"b")`, `.` + strings.Repeat(`|tojson`, 30), `.` + strings.Repeat(`|@base64`, 30), `.a|(tojson|tojson)|tojson`, `map(tojson)|map(tojson)|map(tojson)`, `"\(.a|tojson|tojson|tojson)"`, `@json "\(.a|tojson|tojson)"|tojson`, `@html "\(.a)" | "\(.)\(.)"`, `first(.[])`, `last(range(1000000000))`, `any(.[]; .)`, `all(range(1000000000); .)`,
}

func TestHostileProgramsAreRefusedInOneLine(t *testing.T) {
	for _, source := range hostile {
		if _, err := jq.Compile(source); err == nil {
			if source == "" { // it is "."
				continue
			}
			t.Errorf("%.120s is taken", source)
		} else if text := err.Error(); strings.ContainsAny(text, "\n\r") || len(text) > 120 {
			t.Errorf("%.60s: the error is not one line: %q", source, text)
		}
	}
}

// The most that programs which are allowed make of the largest input.
func TestAProgramIsBoundInTimeAndRoom(t *testing.T) {
	long := strings.Repeat("ä<", jq.MaxInput/4)
	input := map[string]any{"a": long, "l": make([]any, 100_000)}
	for i := range input["l"].([]any) {
		input["l"].([]any)[i] = "x"
	}
	for _, source := range []string{
		`.a` + strings.Repeat(`+.a`, maxNamed-1), `[` + strings.Repeat(`.a,`, maxNamed-3) + `.a]|tojson`, `"` + strings.Repeat(`\(.a)`, maxNamed/2-1) + `"`, `.a | @html | @uri`,
		`.a | test("(ä<)*ä$")`, `.a | test("^(.|..|...|....)*$")`, `.l | map(ascii_upcase) | sort | reverse | join("0123456789abcdef")`,
		`[.l[] | select(test("^x*$"))]`, `.a | split("") | join("xx")`, `.l | map(tojson) | tojson`,
	} {
		p, err := jq.Compile(source)
		if err != nil {
			t.Errorf("%.60s: %v", source, err)
			continue
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err = p.Run(t.Context(), input)
		took := time.Since(began)
		runtime.ReadMemStats(&after)
		if err != nil && !errors.Is(err, jq.ErrTime) {
			t.Errorf("%.60s: %v", source, err)
		}
		allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
		t.Logf("%-60.60s %8s %5d MiB allocated", source, took.Round(time.Millisecond), allocated)
		if allocated > 2048 {
			t.Errorf("%.60s: %d MiB", source, allocated)
		}
	}
}

const maxNamed = 40

func TestOneResultIsNeeded(t *testing.T) {
	for source, want := range map[string]error{
		`empty`: jq.ErrResults, `.links[]`: jq.ErrResults, `1, 2`: jq.ErrResults, `.type.x`: jq.ErrFailed, `.attempt | test("a")`: jq.ErrFailed, `1, .type.x`: jq.ErrFailed,
	} {
		p, err := jq.Compile(source)
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		if _, err := p.Run(t.Context(), decode(t, event)); !errors.Is(err, want) || strings.Contains(err.Error(), "REPLY") {
			t.Errorf("%s: %v, want %v", source, err, want)
		}
	}
}
