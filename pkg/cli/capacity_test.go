package cli_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/smartleadapi/fakeapi"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

// bound is one command and what it may read. Every event of the fixture is below
// 4 KB, so that to read one whole costs one unit; an index shows about 25 keys
// for half a unit, and each partition that is asked costs at least half a unit.
// Words in braces stand for an event of that state, and for what the fixture is
// known by.
type bound struct {
	command string
	units   float64
	calls   int
	// looks: it looks at what was received, or at all of a campaign, up to
	// 20,000 events; it is tried over the large table alone. Every other command
	// reads no more of a larger table.
	looks bool
	code  int
	says  string // on stderr
	input string
}

// What a look at 20,000 events costs: each event once, and its key.
const (
	lookUnits = 21_000
	lookCalls = 800
	// Where the index alone rules the events out, they are not read.
)

var bounds = []bound{
	{command: "events list", units: 65, calls: 10},
	{command: "events list --limit 1000", units: 1100, calls: 60},
	{command: "events list --oldest", units: 65, calls: 10},
	{command: "events list --since 2d --until 1d", units: 65, calls: 10},
	{command: "events list --type EMAIL_OPEN", units: 75, calls: 20},
	{command: "events list --type MANUAL_STEP_REACHED", units: 900, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --source none", units: 900, calls: 500, looks: true, says: "--after"},
	{command: "events list --account none", units: 900, calls: 500, looks: true, says: "--after"},
	{command: "events list --flag daemon_sender", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --destination none --since 10d", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --error-class none", units: lookUnits, calls: lookCalls, looks: true, says: "--after"},
	{command: "events list --since 3650d --oldest", units: 1000, calls: 2000, says: "--after"},
	{command: "events list --since 3650d --until 3000d", units: 1000, calls: 2000, says: "400 days"},

	{command: "events list --state delivered", units: 90, calls: 15},
	{command: "events list --state pending", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --state processing", units: lookUnits, calls: lookCalls, looks: true},
	{command: "events list --state discarded", units: 10, calls: 8},
	{command: "events list --state held", units: 30, calls: 8},
	{command: "events list --state held --source none", units: 10, calls: 8},
	{command: "events list --state parked", units: 30, calls: 8},
	{command: "events list --state unrouted", units: 30, calls: 12},
	{command: "events list --state unrouted --error-class destination_removed", units: 5, calls: 5},
	{command: "events list --state dead", units: 65, calls: 8},
	{command: "events list --state dead --oldest --limit 200", units: 230, calls: 15},
	{command: "events list --state dead --error-class {rare class}", units: 150, calls: 70},
	{command: "events list --state dead --error-class none", units: 150, calls: 90},
	{command: "events list --state dead --campaign {quiet campaign}", units: 160, calls: 90},
	{command: "events list --state dead --type EMAIL_OPEN", units: 75, calls: 20},
	{command: "events list --state dead --source none", units: 150, calls: 90},
	{command: "events list --state dead --lead {busy lead}", units: 60, calls: 5},

	// A campaign is chosen by the index of what was received, among 20,000 events.
	{command: "events list --campaign {quiet campaign}", units: 900, calls: 250, looks: true, says: "--after"},
	{command: "events list --campaign none", units: 900, calls: 250, looks: true, says: "--after"},
	{command: "events list --campaign 4300001", units: 75, calls: 20},
	{command: "events list --campaign 4300001 --source none", units: 900, calls: 250, looks: true, says: "--after"},
	{command: "events list --lead {busy lead}", units: 60, calls: 5},
	{command: "events list --lead {busy lead} --all", units: 60, calls: 5},
	{command: "events list --lead none@acme.example.com", units: 5, calls: 5},

	{command: "events find {busy lead}", units: 65, calls: 8},
	// An id that is no key is looked for in the index of what was received: half a unit
	// for about 14 events.
	{command: "events find reply-of-77@acme.example.com", units: 1000, calls: 250, looks: true, says: "further back: --since"},
	{command: "events find stats-of-77", units: 1000, calls: 250, looks: true, says: "further back: --since"},
	{command: "events find req-of-77", units: 1000, calls: 250, looks: true, says: "further back: --since"},
	{command: "events find @nowhere.example", units: 1000, calls: 250, looks: true, code: 4, says: "further back: --since"},
	{command: "events find {delivered}", units: 1, calls: 1},
	{command: "events find none@acme.example.com", units: 1000, calls: 250, looks: true, code: 4, says: "further back: --since"},
	// What no index knows is looked for in the events themselves.
	{command: "events find nothing", units: lookUnits + 1000, calls: lookCalls, looks: true, code: 4, says: "of 20,000 events received since"},
	{command: "events show {dead}", units: 2, calls: 2},
	// A short id is looked for by the indexes alone.
	{command: "events show latest", units: 8, calls: 10},
	{command: "events show EMAIL_REPLY:AAAAAAAA", units: 1000, calls: lookCalls, looks: true, code: 4, says: "no event has the id"},
	{command: "events show {delivered} --raw", units: 2, calls: 2},
	{command: "events show {changed}", units: 5, calls: 2},
	{command: "events variants {changed}", units: 5, calls: 2},
	{command: "events refused", units: 2, calls: 2}, // 24 hours lie in two days

	{command: "events park {dead}", units: 1, calls: 1},
	{command: "events unpark {parked}", units: 2, calls: 2},
	{command: "events discard {dead} --yes", units: 1, calls: 1},
	{command: "events release {held}", units: 1, calls: 1},
	{command: "events replay {delivered}", units: 2, calls: 2},
	{command: "events replay {unrouted}", units: 2, calls: 2},
	{command: "events replay {dead} --wait --timeout 2s", units: 8, calls: 8},
	{command: "events replay --state dead", units: 600, calls: 30, code: 2, says: "redrive start"},
	{command: "events replay --state dead --error-class {rare class}", units: 250, calls: 90, code: 2, says: "--yes"},
	{command: "events replay --state dead --error-class none", units: 150, calls: 90, code: 4},
	{command: "events replay --source none --since 1d", units: 60, calls: 40, looks: true, code: 4},
	{command: "events replay --source none --since 90d", units: 900, calls: 250, looks: true, code: 2, says: "looked at 20,000 events"},

	{command: "dlq list", units: 1.2 * clitest.FixtureDead, calls: 120},
	{command: "dlq list --events --type EMAIL_REPLY", units: 1.3 * clitest.FixtureDead / 4, calls: 90},
	{command: "dlq list --error-class {rare class}", units: 250, calls: 90},
	{command: "dlq list --campaign {quiet campaign}", units: 160, calls: 90},
	// Half a unit for 4 KB of the index: 3,000 entries of about 300 bytes.
	{command: "redrive plan", units: 130, calls: 14},
	{command: "redrive plan --error-class {rare class} --limit 10", units: 130, calls: 14},
	{command: "redrive start", units: 130, calls: 14, code: 2, says: "--yes"},
	{command: "redrive start --yes --error-class {rare class}", units: 260, calls: 28},
	{command: "redrive status", units: 2, calls: 2},
	{command: "redrive pause", units: 2, calls: 2},
	{command: "redrive resume", units: 2, calls: 2},
	{command: "redrive cancel", units: 2, calls: 2},
	{command: "redrive history", units: 5, calls: 2},

	// About 25 entries of an index for half a unit; no event is read.
	{command: "stats", units: 100, calls: 80, looks: true},
	{command: "stats --since 31d", units: 1000, calls: 250, looks: true},
	{command: "stats --since 31d --error-class none", units: lookUnits, calls: lookCalls, looks: true},
	{command: "stats --since 31d --max 1000", units: 200, calls: 80, says: "counted the newest 1,000 events only"},
	// All that was received since the first mail is looked at by the index, and what is of
	// the campaigns is read. TestCapacity's account of Smartlead has the quiet campaign alone.
	{command: "reconcile run --since 31d --api-url {api}", units: 1100, calls: 250, looks: true},
	{command: "hooks check --api-url {api}", units: 3, calls: 3},
	// It looks twice; what the first look has shown is not read again.
	{command: "tail --past 1h", units: 130, calls: 45, looks: true, code: 130},
	// A hundred overdue events of each of eight shards are read; a thousand dead ones, and
	// what each source sent in 14 days, the indexes show.
	{command: "doctor", units: 900, calls: 200, looks: true, code: 1},
	{command: "sources trust-key demo --yes", units: 2*clitest.FixtureHeld + 20, calls: 60, says: "stay held", input: "a third key\n"},
}

// TestCapacity holds every command that reads events to a bound, over a table of
// about 16,000 events and one of about 29,000: what it reads by a look-up does
// not grow with the table, and what it looks through ends. No command scans the
// table. -v prints what each read.
func TestCapacity(t *testing.T) {
	m := clitest.NewMeter(t, ttlcheck.Proxy(t, dynoxide.Use(t)))
	c := clitest.NewTableFixture(clitest.NewOver(t, m.Engine))
	c.Settle()
	quiet := &fakeapi.Campaign{ID: 4200001, Name: "Quiet", Status: "ACTIVE"}
	api := httptest.NewServer(fakeapi.New(fakeapi.Options{Account: &fakeapi.Account{Key: "k", Campaigns: []*fakeapi.Campaign{quiet}}, Now: c.Clock}))
	defer api.Close()
	c.Getenv["SMARTLEAD_API_KEY"] = "k"
	var rounds [2][]clitest.Consumed
	for round := range rounds {
		c.Grow(13_000, 0)
		c.Through(m)
		for _, b := range bounds {
			if b.looks && round == 0 {
				rounds[round] = append(rounds[round], clitest.Consumed{})
				continue
			}
			u := run(t, c, m, b, api.URL)
			if u.Units > b.units || u.Reads > b.calls || !strings.Contains(u.Said, b.says) {
				t.Errorf("%s, of %d events: %v units in %d calls, want at most %v in %d, saying %q:\n%s",
					b.command, c.Total, u.Units, u.Reads, b.units, b.calls, b.says, u.Said)
			}
			rounds[round] = append(rounds[round], u)
		}
		c.Through(nil)
	}
	report := fmt.Sprintf("%-58s %19s %19s %19s\n", "read units (calls)", "small table", "large table", "at most")
	for i, b := range bounds {
		small, large := rounds[0][i], rounds[1][i]
		if grown := large.Units > 1.1*small.Units+3; grown && !b.looks {
			t.Errorf("%s reads more of a larger table: %v units, then %v", b.command, small.Units, large.Units)
		}
		first := fmt.Sprintf("%10.1f (%6d)", small.Units, small.Reads)
		if b.looks {
			first = "not tried"
		}
		report += fmt.Sprintf("%-58s %19s %10.1f (%6d) %10.0f (%6d)\n", b.command, first, large.Units, large.Reads, b.units, b.calls)
	}
	t.Log("\n" + report)
}

// run runs one command, and ends it at its second sleep.
func run(t *testing.T, c *clitest.TableFixture, m *clitest.Meter, b bound, api string) clitest.Consumed {
	t.Helper()
	words := strings.NewReplacer("{rare class}", clitest.RareClass, "{quiet campaign}", clitest.QuietCampaign, "{busy lead}", clitest.BusyLead, "{changed}", c.Changed, "{api}", api)
	args := []string{"--local", "--state-dir", c.Dir}
	for _, arg := range strings.Fields(words.Replace(b.command)) {
		if name, ok := strings.CutPrefix(arg, "{"); ok {
			arg = c.Take(webhook.State(strings.TrimSuffix(name, "}")))
		}
		args = append(args, arg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sleeps := 0
	c.Input = b.input
	c.OnSleep = func(context.Context) {
		if sleeps++; sleeps == 2 && strings.HasPrefix(b.command, "tail") {
			cancel()
		}
	}
	m.Reset()
	r := c.RunWith(ctx, args...)
	if r.Code != b.code {
		t.Errorf("%s: exit %d, want %d\n%s%s", b.command, r.Code, b.code, r.Out, r.Err)
	}
	u := m.Reset()
	u.Said = r.Err
	return u
}
