package scale

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"smartlead-receiver/pkg/ledger"
)

// destinationTime is how long COST.md assumes that a destination takes.
const destinationTime = 200 * time.Millisecond

// Of the units of a receipt two are those of the indexes time and lead, and those of a
// delivery are the item's alone (docs/decisions/0032-listed-by-a-look.md).
const (
	indexesOfClaim  = 2
	indexesOfSettle = 0
)

// lookAge is the age in seconds at which the sweeper lists what is not delivered.
const lookAge = 135

// template is what of template.yaml bears on scale.
type template struct {
	Parameters map[string]struct {
		Default yaml.Node `yaml:"Default"`
	} `yaml:"Parameters"`
	Mappings struct {
		Concurrency map[string]struct {
			Workers float64 `yaml:"Workers"`
		} `yaml:"Concurrency"`
	} `yaml:"Mappings"`
	Globals struct {
		Function struct {
			MemorySize int `yaml:"MemorySize"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Resources map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

func readTemplate(t *testing.T) template {
	t.Helper()
	var out template
	if err := yaml.Unmarshal([]byte(read(t, "../../template.yaml")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// of decodes the properties of a resource.
func (p template) of(t *testing.T, id string, into any) {
	t.Helper()
	r, ok := p.Resources[id]
	if !ok {
		t.Fatalf("the template has no %s", id)
	}
	if err := r.Properties.Decode(into); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
}

// number is the default of a parameter.
func (p template) number(t *testing.T, name string) float64 {
	t.Helper()
	node := p.Parameters[name].Default
	return number(t, node.Value)
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64)
	if err != nil {
		t.Fatalf("%q is no number", text)
	}
	return n
}

// found is the number that a pattern finds in a file.
func found(t *testing.T, path, pattern string) float64 {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path))
	if m == nil {
		t.Fatalf("%s has no %s", path, pattern)
	}
	return number(t, m[1])
}

// deployed is what the template deploys by default, and what COST.md measured.
func deployed(t *testing.T) stack {
	t.Helper()
	p := readTemplate(t)
	var source struct {
		BatchSize float64 `yaml:"BatchSize"`
	}
	p.of(t, "LiveEventSource", &source)
	memory := func(id string) int {
		var own struct {
			MemorySize int `yaml:"MemorySize"`
		}
		p.of(t, id, &own)
		if own.MemorySize == 0 {
			return p.Globals.Function.MemorySize
		}
		return own.MemorySize
	}
	const cost = "../../docs/COST.md"
	row := func(id, columns string) time.Duration {
		return time.Duration(found(t, cost, `(?m)^\| `+strconv.Itoa(memory(id))+` MB \| `+columns)) * time.Millisecond
	}
	return stack{
		throttleRate: p.number(t, "ThrottleRate"), throttleBurst: p.number(t, "ThrottleBurst"),
		workers: p.Mappings.Concurrency[p.Parameters["LiveConcurrency"].Default.Value].Workers, batch: source.BatchSize,
		timeShards: found(t, "../../pkg/ledger/item.go", `timeShards = (\d+)`), dueShards: ledger.DueShards,
		receiver: row("ReceiverFunction", `(\d+) ms`), worker: row("WorkerFunction", `[^|]*\|[^|]*\| (\d+) ms`),
		claimUnits:  found(t, cost, `a reply of [\d,]+ bytes: receipt \| (\d+)`) - indexesOfClaim,
		settleUnits: found(t, cost, `a reply of [^\n]*\n\| and delivery \| (\d+)`) - indexesOfSettle,
	}
}

// slower returns the stack with a destination that takes so long.
func (s stack) slower(destination time.Duration) stack {
	s.worker += destination - destinationTime
	return s
}

// What the simulation knows of the template by heart is what stands there.
func TestTheTemplateIsWhatIsSimulated(t *testing.T) {
	p := readTemplate(t)
	if got := p.Parameters["SweepGrace"].Default.Value; got != "2m" || grace != 120 {
		t.Errorf("SweepGrace is %s, simulated are %d seconds", got, grace)
	}
	for _, name := range []string{throttledAlarm, intakeAlarm, unclaimedAlarm, ageAlarm} {
		if got := p.Resources[name].Type; got != "AWS::CloudWatch::Alarm" {
			t.Errorf("%s is no alarm of the template: %q", name, got)
		}
	}
	var alarm struct {
		Threshold         int `yaml:"Threshold"`
		Period            int `yaml:"Period"`
		EvaluationPeriods int `yaml:"EvaluationPeriods"`
	}
	p.of(t, ageAlarm, &alarm)
	if alarm.Threshold != oldAge || alarm.Period*alarm.EvaluationPeriods != 60*oldMinutes {
		t.Errorf("%s is %+v, simulated are %d s for %d minutes", ageAlarm, alarm, oldAge, oldMinutes)
	}
}
