package scale

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the tables of docs/SCALE.md anew")

const document = "../../docs/SCALE.md"

// Accounts, as docs/SCALE.md lists where each number comes from.
var (
	young  = account{name: "new", apiRate: 10_000, apiBurst: 5_000, concurrency: 10, tableWarm: 4_000, tableMost: 40_000}
	grown  = account{name: "default", apiRate: 10_000, apiBurst: 5_000, concurrency: 1_000, tableWarm: 4_000, tableMost: 40_000}
	raised = account{name: "raised", apiRate: 150_000, apiBurst: 75_000, concurrency: 20_000, tableWarm: 400_000, tableMost: 400_000}
)

// minutes that each load lasts.
const minutes = 10

type scenario struct {
	account account
	set     string // what differs from the template
	stack   stack
	rate    float64
}

func scenarios(s stack) []scenario {
	open, fast, wide := s, s, s
	open.throttleRate, open.throttleBurst = 10_000, 5_000
	fast.throttleRate, fast.throttleBurst, fast.workers = 10_000, 5_000, 200
	wide.throttleRate, wide.throttleBurst, wide.workers = 150_000, 75_000, 1_000
	most := wide
	most.timeShards, most.dueShards = 128, 256
	const rate, both = "`ThrottleRate` 10,000", "`ThrottleRate` 10,000, `LiveConcurrency` 200"
	const beyond = "`ThrottleRate` 150,000, 1,000 workers"
	return []scenario{
		{young, "", s, 10},
		{young, "", s, 100},
		{young, "", s, 200},
		{grown, "", s, 10},
		{grown, "", s, 200},
		{grown, "a destination that takes 2 s", s.slower(2 * time.Second), 100},
		{grown, "", s, 1_000},
		{grown, "", s, 100_000},
		{grown, rate, open, 1_000},
		{grown, both, fast, 1_000},
		{grown, both, fast, 2_000},
		{grown, both, fast, 5_000},
		{raised, beyond, wide, 3_500},
		{raised, beyond, wide, 5_000},
		{raised, beyond, wide, 100_000},
		{raised, beyond + ", 128 shards of `time`, 256 of `due`", most, 100_000},
	}
}

// TestSimulate computes the tables of docs/SCALE.md. -v prints them.
func TestSimulate(t *testing.T) {
	s := deployed(t)
	var b strings.Builder
	b.WriteString("| events/s | account | set | accepted at once | in the end | environments in use (starts) | oldest message | all delivered after | binds, and when | alarms |\n|--:|---|---|--:|--:|--:|--:|--:|---|---|")
	for _, c := range scenarios(s) {
		r := simulate(c.account, c.stack, load{c.rate, minutes * 60})
		if sum := r.accepted + r.lost; math.Abs(sum-r.offered) > 1 {
			t.Errorf("%g events/s: %.0f came, %.0f were accepted or given up", c.rate, r.offered, sum)
		}
		fmt.Fprintf(&b, "\n| %s | %s | %s | %s | %s | %s (%s) | %s | %s | %s | %s |", thousands(c.rate), c.account.name, c.set,
			share(r.first, r.offered), share(r.accepted, r.offered), thousands(math.Ceil(r.environments)), thousands(r.coldStarts),
			spell(int(r.oldest)), ended(r.end), list(r.binds, r.hookAt), list(r.alarms, -1))
	}
	hold(t, map[string]string{"simulated": b.String(), "inputs": inputs(s)})
}

// inputs says what the simulation starts from.
func inputs(s stack) string {
	var b strings.Builder
	b.WriteString("| input | value | from |\n|---|--:|---|")
	for _, row := range [][3]string{
		{"`ThrottleRate`, `ThrottleBurst`", thousands(s.throttleRate) + ", " + thousands(s.throttleBurst), "template.yaml"},
		{"`LiveConcurrency`, messages a batch", thousands(s.workers) + ", " + thousands(s.batch), "template.yaml"},
		{"shards of `time` a day, of `due`", thousands(s.timeShards) + ", " + thousands(s.dueShards), "pkg/ledger"},
		{"an invocation of the receiver", s.receiver.String(), "[COST.md](COST.md)"},
		{"a full batch of the worker", s.worker.String(), "[COST.md](COST.md): a destination takes 200 ms"},
		{"write units of the table: receipt, delivery of a reply", fmt.Sprintf("%g, %g", s.claimUnits, s.settleUnits), "[COST.md](COST.md), without the indexes"},
		{"a start of an environment", fmt.Sprintf("%g s", cold), "assumed"},
		{"messages a second that the sweeper sends", fmt.Sprint(sweepRate), "assumed: one update of 5 ms each"},
		{"waits of Smartlead before it sends again", "1 m, 5 m, 15 m, 1 h, 6 h", "[SMARTLEAD.md](SMARTLEAD.md)"},
	} {
		fmt.Fprintf(&b, "\n| %s | %s | %s |", row[0], row[1], row[2])
	}
	return b.String()
}

func share(part, whole float64) string {
	p := 100 * part / whole
	if p > 99.95 || p == 0 {
		return fmt.Sprintf("%.0f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

func ended(second int) string {
	if second >= day-1 {
		return "over a day"
	}
	return spell(second)
}

// spell is a duration as a person says it.
func spell(seconds int) string {
	switch {
	case seconds < 120:
		return fmt.Sprintf("%d s", seconds)
	case seconds < 2*60*60:
		return fmt.Sprintf("%d min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", float64(seconds)/3600)
}

func list(bounds []bound, hookAt int) string {
	var words []string
	for _, b := range bounds {
		words = append(words, fmt.Sprintf("%s %s", b.what, spell(b.at)))
	}
	if hookAt >= 0 {
		words = append(words, "**the hook may be disabled** "+spell(hookAt))
	}
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}

func thousands(n float64) string {
	s := fmt.Sprintf("%.0f", n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// hold fails where the document's blocks say anything else, and writes them with -update.
func hold(t *testing.T, blocks map[string]string) {
	t.Helper()
	text := read(t, document)
	want := text
	for name, block := range blocks {
		begin, end := "<!-- begin "+name+" -->\n", "\n<!-- end "+name+" -->"
		before, rest, began := strings.Cut(want, begin)
		_, after, ended := strings.Cut(rest, end)
		if !began || !ended {
			t.Fatalf("%s has no block %s", document, name)
		}
		want = before + begin + block + end + after
		t.Log("\n" + block)
	}
	switch {
	case want == text:
	case *update:
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s says something else than is computed: go test ./test/scale -update, and read what changed", document)
	}
}
