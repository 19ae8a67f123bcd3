package console_test

import (
	"net/http"
	"testing"
	"time"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
)

// Times are of the reader's zone and day, and in UTC beside it.
func TestTimesAreOfTheReadersZone(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.Post(clitest.Reply(1))
	in := func(zone string) consoletest.Answer {
		return c.Do(c.Client, http.MethodGet, c.URL+"/events", nil, map[string]string{"Cookie": "tz=" + zone})
	}
	for zone, want := range map[string]string{"Asia/Kolkata": ">17:30:00</time>", "America/New_York": ">07:00:00</time>", "Nowhere/At_All": ">12:00:00</time>", "../../etc/passwd": ">12:00:00</time>"} {
		wants(t, in(zone).Body, `<time title="2126-03-04 12:00:00Z"`+want)
	}
	c.Advance(13 * time.Hour)
	wants(t, in("UTC").Body, ">4 Mar 12:00</time>")
	wants(t, in("America/New_York").Body, ">07:00:00</time>") // there it is the same day
	c.Advance(400 * 24 * time.Hour)
	wants(t, c.OK("/leads/lead1@acme.example.com"), "4 Mar 2126 12:00")
}
