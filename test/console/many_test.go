//go:build many

package console_test

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/test/dynoxide"
	"smartlead-receiver/test/ttlcheck"
)

var many = flag.Int("events", 100_000, "`events` in the table")

// looks is how often a page is asked for.
const looks = 9

// TestPagesOfManyEvents says how long each page takes over a table of -events events.
// It asserts no duration: that is of the machine.
func TestPagesOfManyEvents(t *testing.T) {
	fixture := clitest.NewTableFixture(clitest.NewOver(t, ttlcheck.Proxy(t, dynoxide.Use(t))))
	fixture.Settle()
	began := time.Now()
	fixture.Grow(*many-fixture.Total, 0)
	t.Logf("%d events after %s", fixture.Total, time.Since(began).Round(time.Second))
	c := consoletest.Over(t, fixture.Stack)
	c.Looked() // the doctor looks beside the first pages that anybody opens, once in five minutes
	report := fmt.Sprintf("\n%-30s %12s %12s\n", "milliseconds", "median", "slowest")
	for _, address := range []string{
		"/", "/events", "/events?state=dead", "/events?lead=" + clitest.BusyLead, "/events?campaign=" + clitest.QuietCampaign, "/leads/" + clitest.BusyLead,
		eventAddress.FindString(c.Get("/events?state=dead").Body), "/find?q=" + clitest.BusyLead, "/dead", "/incidents", "/completeness", "/redrive", "/redrive?plan=1",
		"/destinations", "/sources", "/send",
	} {
		var took []time.Duration
		for range looks {
			asked := time.Now()
			if a := c.Get(address); a.Status != http.StatusOK {
				t.Fatalf("%s: %d", address, a.Status)
			}
			took = append(took, time.Since(asked))
		}
		slices.Sort(took)
		name, _, _ := strings.Cut(address, "v1:")
		report += fmt.Sprintf("%-30s %12.0f %12.0f\n", name, milliseconds(took[looks/2]), milliseconds(took[looks-1]))
	}
	t.Log(report)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
