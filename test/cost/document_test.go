package cost

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const document = "../../docs/COST.md"

// TestTheDocumentSaysWhatIsMeasured computes the tables of docs/COST.md from what
// the real receiver and worker use, and from docs/prices.json.
func TestTheDocumentSaysWhatIsMeasured(t *testing.T) {
	a, access, d, p := measureAll(t), accessLine(t), readTemplate(t), readPrices(t)
	holdDocument(t, document, map[string]string{
		"measured": measuredTable(a, access), "million": millionTable(t, a, access, d, p), "bills": billTable(t, a, access, d, p),
		"fixed": fixedTable(t, a, d, p), "flood": floodTable(t, a, access, d, p), "prices": priceTable(p),
		"memory": memoryTable(p), "extra": extraTable(t, a, access, d, p), "gates": gatesText(t, a, p),
	})
}

// holdDocument fails where a document's blocks say anything else, and writes them anew
// with -update.
func holdDocument(t *testing.T, path string, blocks map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, block := range blocks {
		want = replaceBlock(t, want, name, block)
	}
	if want == string(text) {
		return
	}
	if flag.Lookup("update").Value.String() == "true" { // of pkg/cli/clitest
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i, line := range strings.Split(want, "\n") {
		if old := strings.Split(string(text), "\n"); i >= len(old) || old[i] != line {
			t.Fatalf("%s differs from what is measured (go test ./test/cost -update writes it anew). Line %d is to be\n%s", path, i+1, line)
		}
	}
	t.Fatalf("%s is longer than what is measured (go test ./test/cost -update)", path)
}

// replaceBlock puts a block between its marks.
func replaceBlock(t *testing.T, text, name, block string) string {
	t.Helper()
	begin, end := "<!-- begin "+name+" -->\n", "\n<!-- end "+name+" -->"
	before, rest, found := strings.Cut(text, begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("the document has no block %s", name)
	}
	return before + begin + block + end + after
}

func measuredTable(a all, access int) string {
	var b strings.Builder
	b.WriteString("| | write units | read units | SQS requests of ours |\n|---|--:|--:|--:|\n")
	for _, row := range []struct {
		name string
		u    units
	}{
		{fmt.Sprintf("a reply of %s bytes: receipt", thousands(a.Reply.Body)), a.Reply.Claim}, {"and delivery", a.Reply.Settle},
		{fmt.Sprintf("an open of %s bytes: receipt", thousands(a.Open.Body)), a.Open.Claim}, {"and delivery", a.Open.Settle},
		{"a reply to five destinations: delivery", a.Gates.Five},
		{"a look at the gates of all destinations", a.Gates.Look},
		{"an event that waits for a destination (adds)", a.Gates.Wait}, {"and each time that it waits again", a.Gates.Again},
		{"a place in the line of a rate (adds)", a.Gates.Place},
		{"a duplicate of the reply", a.Duplicate.Claim}, {"the same at another instance", a.Elsewhere},
		{"a failed attempt that is tried again (adds)", a.Retry},
		{"a death, with its dead letter (instead of the delivery)", a.Death},
		{"a dead letter redriven in the SQS console, until delivered", a.Returned},
		{"a refused request that is kept", a.Refused}, {"a refused request of a flood that is not", a.NotKept},
		{"an idle minute: sweeper", a.IdleSweep}, {"and redrive", a.IdleRedrive},
		{"the sweeper's looks at a hundred events", a.Look},
	} {
		fmt.Fprintf(&b, "| %s | %g | %g | %g |\n", row.name, row.u.Write, row.u.Read, row.u.Queue)
	}
	fmt.Fprintf(&b, "\n| bytes | reply | open |\n|---|--:|--:|\n")
	for _, row := range []struct {
		name        string
		reply, open int
	}{
		{"item in the table", a.Reply.Item, a.Open.Item}, {"entries of the indexes", a.Reply.Index, a.Open.Index},
		{"line of the receiver", a.Reply.Receiver, a.Open.Receiver}, {"line of the worker", a.Reply.Worker, a.Open.Worker},
		{"line of the access log", access, access},
		{"**logged, in all**", a.Reply.Receiver + a.Reply.Worker + access, a.Open.Receiver + a.Open.Worker + access},
		{"body that the destination gets", a.Reply.Delivered, a.Open.Delivered},
	} {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.name, thousands(row.reply), thousands(row.open))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func millionTable(t *testing.T, a all, access int, d deployed, p prices) string {
	t.Helper()
	uses := []use{
		d.of(a, a.Reply, access, 1).times(million), d.of(a, a.Reply, access, 10).times(million),
		d.of(a, a.Open, access, 1).times(million), d.of(a, a.Open, access, 10).times(million),
	}
	return serviceTable(t, p, []string{"replies, one at a time", "replies, ten at a time", "opens, one at a time", "opens, ten at a time"}, uses)
}

func billTable(t *testing.T, a all, access int, d deployed, p prices) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| events a month | replies, list | replies, after allowances | opens, list | opens, after allowances |\n|--:|--:|--:|--:|--:|")
	fixed := d.fixed(a, usual)
	for _, n := range []float64{10_000, 100_000, 1_000_000, 10_000_000} {
		fmt.Fprintf(&b, "\n| %s |", thousands(int(n)))
		for _, m := range []measured{a.Reply, a.Open} {
			u := d.of(a, m, access, 1).times(n).plus(fixed)
			fmt.Fprintf(&b, " %.2f | %.2f |", p.usd(t, u, false), p.usd(t, u, true))
		}
	}
	return b.String()
}

func fixedTable(t *testing.T, a all, d deployed, p prices) string {
	t.Helper()
	u := d.fixed(a, usual)
	return serviceTable(t, p, []string{"a month"}, []use{u}) + fmt.Sprintf(
		"\n\n%d alarms; %d metrics that are counted in every hour of a busy stack, of %d that there can be (all of them, in every hour: $%.2f).",
		d.alarms, usual, metricsAtMost(), float64(metricsAtMost())*p["metric"].USD)
}

func floodTable(t *testing.T, a all, access int, d deployed, p prices) string {
	t.Helper()
	u, kept := d.refusedUse(a, access)
	return serviceTable(t, p, []string{"a million refused"}, []use{u.times(million)}) + fmt.Sprintf(
		"\n\n%.1f %% of them are kept. A day at the limit of %d requests a second: $%.0f.",
		100*kept, floodRate, p.usd(t, u.times(floodRate*24*60*60), false))
}

func memoryTable(p prices) string {
	var b strings.Builder
	b.WriteString("| memory | receiver: duration, USD a million | worker, one at a time | worker, ten at a time |\n|--:|--:|--:|--:|")
	for _, mb := range []float64{128, 256, 512, 1024} {
		usd := func(wait, events float64) string {
			seconds := duration(wait, events, mb)
			return fmt.Sprintf("%.0f ms, %.2f", seconds*1000, seconds*mb/1024/events*million*p["lambda_gb_second"].USD)
		}
		fmt.Fprintf(&b, "\n| %.0f MB | %s | %s | %s |", mb, usd(dynamoMS+sendMS, 1), usd(2*dynamoMS+destinationMS, 1), usd(2*dynamoMS+destinationMS, 10))
	}
	return b.String()
}

// extraTable is what happens beside the plain way of an event.
func extraTable(t *testing.T, a all, access int, d deployed, p prices) string {
	t.Helper()
	attempt := func(u units, messages float64) use {
		return use{
			"lambda_request": 1, "lambda_gb_second": duration(2*dynamoMS+destinationMS, 1, d.workerMB) * d.workerMB / 1024,
			"dynamodb_write": u.Write, "dynamodb_read": u.Read, "sqs_request": u.Queue + messages,
			"logs_ingested": float64(a.Reply.Worker+lineOverhead) / 1e9, "transfer_out": float64(a.Reply.Delivered+sentBeside) / 1e9,
		}
	}
	duplicate := func(u units, calls float64) use {
		return use{
			"api_request": 1, "lambda_request": 1, "lambda_gb_second": duration(calls*dynamoMS, 1, d.receiverMB) * d.receiverMB / 1024,
			"dynamodb_write": u.Write, "dynamodb_read": u.Read, "sqs_request": u.Queue,
			"logs_ingested": float64(a.Duplicate.Receiver+access+2*lineOverhead) / 1e9, "transfer_out": 400 / 1e9,
		}
	}
	var b strings.Builder
	b.WriteString("| | USD a million |\n|---|--:|")
	for _, row := range []struct {
		name string
		u    use
	}{
		{"a duplicate", duplicate(a.Duplicate.Claim, 1)}, {"a duplicate at another instance", duplicate(a.Elsewhere, 2)},
		{"a failed attempt, tried again", attempt(a.Retry, 1)},
		{"a death, beyond the delivery that it stands for", attempt(a.Death, 0).plus(attempt(a.Reply.Settle, 0).times(-1))},
		{"a dead letter that is redriven in the console", attempt(a.Returned, 4)},
	} {
		fmt.Fprintf(&b, "\n| %s | %.2f |", row.name, p.usd(t, row.u.times(million), false))
	}
	return b.String()
}

// gatesText is what the looks at the gates cost: one for each event of quiet traffic, and
// never more than one in five seconds a worker.
func gatesText(t *testing.T, a all, p prices) string {
	t.Helper()
	look := use{"dynamodb_read": a.Gates.Look.Read}
	busy := float64(minutes * 60 / 5)
	return fmt.Sprintf(
		"A look is %g read unit: $%.2f for a million events that come one in five seconds or more seldom, and for a worker that never rests %s looks, $%.2f a month, however many events those are.",
		a.Gates.Look.Read, p.usd(t, look.times(million), false), thousands(int(busy)), p.usd(t, look.times(busy), false))
}

func priceTable(p prices) string {
	names := make([]string, 0, len(p))
	for name := range p {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(p[a].Service+p[a].What, p[b].Service+p[b].What) })
	var b strings.Builder
	b.WriteString("| | USD | per | free each month | seen in |\n|---|--:|---|---|---|")
	for _, name := range names {
		one := p[name]
		per, free := one.Unit, "–"
		if one.Per > 1 {
			per = "million " + per
		}
		if one.Free > 0 {
			free = thousands(int(one.Free))
		}
		if one.FreeNote != "" {
			free = strings.TrimPrefix(free+", "+one.FreeNote, "–, ")
		}
		fmt.Fprintf(&b, "\n| [%s](%s): %s | %g | %s | %s | %s |", one.Service, one.Page, one.What, one.USD, per, free, one.Seen)
	}
	return b.String()
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
