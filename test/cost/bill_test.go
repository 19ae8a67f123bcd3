package cost

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"smartlead-receiver/pkg/lambdaio"
)

// What no engine here can measure. docs/COST.md says each.
const (
	cpuMS         = 0.85 // of one event in the receiver, and in the worker, on a whole core (benchmark of 2026-11-28)
	coreMB        = 1769 // memory at which Lambda gives a whole core
	dynamoMS      = 5.0
	sendMS        = 8.0
	destinationMS = 200.0
	lineOverhead  = 26   // bytes that CloudWatch adds to each line
	sentBeside    = 1000 // bytes of headers and TLS to the destination, and of our answer to Smartlead
	keptMonths    = 3    // RetentionDays
	million       = 1_000_000
	minutes       = 30 * 24 * 60
	pollers       = 5 // of each event source of an idle queue
	pollsAMinute  = 3 // long polls of 20 seconds
	floodRate     = 200
	keptASecond   = 5 // refused requests that one instance keeps
)

// price is one line of docs/prices.json.
type price struct {
	USD, Per, Free            float64
	Unit, Service, What, Page string
	Seen                      string
	FreeNote                  string `json:"free_note"`
}

// use is how much there is of each price, by its name in docs/prices.json.
type use map[string]float64

func (u use) times(n float64) use {
	out := use{}
	for k, v := range u {
		out[k] = v * n
	}
	return out
}

func (u use) plus(v use) use {
	out := maps.Clone(u)
	for k, n := range v {
		out[k] += n
	}
	return out
}

type prices map[string]price

func readPrices(t *testing.T) prices {
	t.Helper()
	var file struct{ Prices prices }
	text, err := os.ReadFile("../../docs/prices.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Prices
}

// usd is what the use costs. free: after what every account has free each month.
func (p prices) usd(t *testing.T, u use, free bool) float64 {
	t.Helper()
	sum := 0.0
	for name, n := range u {
		one, ok := p[name]
		if !ok {
			t.Fatalf("docs/prices.json has no %s", name)
		}
		if free {
			n = math.Max(0, n-one.Free)
		}
		sum += n * one.USD / one.Per
	}
	return sum
}

// deployed is what the template says.
type deployed struct {
	receiverMB, workerMB, idleMB float64
	alarms, dashboards           int
}

func readTemplate(t *testing.T) deployed {
	t.Helper()
	type properties struct {
		MemorySize float64 `yaml:"MemorySize"`
	}
	var template struct {
		Globals struct {
			Function properties `yaml:"Function"`
		} `yaml:"Globals"`
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Condition  string    `yaml:"Condition"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	parseTemplate(t, &template)
	memory := func(id string) float64 {
		own := properties{}
		node := template.Resources[id].Properties
		if err := node.Decode(&own); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if own.MemorySize == 0 {
			return template.Globals.Function.MemorySize
		}
		return own.MemorySize
	}
	d := deployed{receiverMB: memory("ReceiverFunction"), workerMB: memory("WorkerFunction"), idleMB: memory("SweeperFunction")}
	for _, r := range template.Resources {
		switch {
		case r.Type == "AWS::CloudWatch::Dashboard":
			d.dashboards++
		case r.Type == "AWS::CloudWatch::Alarm" && r.Condition == "": // others are opt-in
			d.alarms++
		}
	}
	return d
}

// duration is whole milliseconds, as Lambda bills them, in seconds.
func duration(wait, events, memory float64) float64 {
	return math.Ceil(wait+events*cpuMS*coreMB/memory) / 1000
}

// of is what one event uses, from the request until it expires; batch is how many
// events the worker gets at once.
func (d deployed) of(a all, m measured, access int, batch float64) use {
	u := use{
		"api_request":      1,
		"lambda_request":   1 + 1/batch,
		"dynamodb_write":   m.Claim.Write + m.Settle.Write,
		"dynamodb_read":    m.Claim.Read + m.Settle.Read + a.Look.Read/100,
		"dynamodb_storage": float64(m.Item+m.Index) * keptMonths / 1e9,
		"dynamodb_pitr":    float64(m.Item) * keptMonths / 1e9,
		"sqs_request":      m.Claim.Queue + m.Settle.Queue + 2/batch, // received and deleted
		"logs_ingested":    float64(m.Receiver+m.Worker+access+3*lineOverhead) / 1e9,
		"transfer_out":     float64(m.Delivered+sentBeside) / 1e9,
	}
	u["logs_stored"] = u["logs_ingested"]
	u["lambda_gb_second"] = duration(dynamoMS+sendMS, 1, d.receiverMB)*d.receiverMB/1024 +
		duration(2*dynamoMS+destinationMS, batch, d.workerMB)*d.workerMB/1024/batch
	return u
}

// fixed is what a month costs without an event. metrics is how many are counted in
// every hour.
func (d deployed) fixed(a all, metrics float64) use {
	return use{
		"alarm":          float64(d.alarms),
		"dashboard":      float64(d.dashboards),
		"metric":         metrics,
		"sqs_request":    minutes * (2*pollers*pollsAMinute + a.IdleSweep.Queue + a.IdleRedrive.Queue),
		"dynamodb_read":  minutes * (a.IdleSweep.Read + a.IdleRedrive.Read),
		"dynamodb_write": minutes * (a.IdleSweep.Write + a.IdleRedrive.Write + a.Saved),
		"lambda_request": 2 * minutes,
		// The sweeper looks at what was received, asks the index of what is due shard by shard,
		// and then of incidents.
		"lambda_gb_second": minutes * (duration(17*dynamoMS, 1, d.idleMB) + duration(4*dynamoMS, 1, d.idleMB)) * d.idleMB / 1024,
	}
}

// refusedUse is one request with a wrong token of a flood, at the rate that the API
// lets in; kept is the share that the ledger keeps.
func (d deployed) refusedUse(a all, access int) (u use, kept float64) {
	seconds := duration(dynamoMS, 1, d.receiverMB)
	instances := math.Ceil(floodRate * seconds)
	kept = instances * keptASecond / floodRate
	return use{
		"api_request": 1, "lambda_request": 1, "lambda_gb_second": seconds * d.receiverMB / 1024,
		"dynamodb_write": a.Refused.Write * kept, "dynamodb_read": a.NotKept.Read,
		"logs_ingested": (float64(access+lineOverhead) + float64(instances*10/60/floodRate)*float64(a.RefusedLine+lineOverhead)) / 1e9,
		"transfer_out":  300 / 1e9,
	}, kept
}

func metricsAtMost() int {
	n := 0
	for _, m := range lambdaio.Metrics() {
		n += len(m.Values)
	}
	return n
}

// usual is how many metrics are counted in every hour of a busy stack: accepted,
// duplicate, delivered and its delay, retry.
const usual = 5

func serviceTable(t *testing.T, p prices, columns []string, uses []use) string {
	t.Helper()
	names := slices.SortedFunc(maps.Keys(uses[0]), func(a, b string) int {
		return strings.Compare(p[a].Service+p[a].What, p[b].Service+p[b].What)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("--:|", len(columns)))
	for _, name := range names {
		fmt.Fprintf(&b, "| %s: %s |", p[name].Service, p[name].What)
		for _, u := range uses {
			fmt.Fprintf(&b, " %.2f |", u[name]*p[name].USD/p[name].Per)
		}
		b.WriteString("\n")
	}
	b.WriteString("| **sum** |")
	for _, u := range uses {
		fmt.Fprintf(&b, " **%.2f** |", p.usd(t, u, false))
	}
	return b.String()
}

// parseTemplate reads of the template what form has.
func parseTemplate(t *testing.T, form any) {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, form); err != nil {
		t.Fatal(err)
	}
}
