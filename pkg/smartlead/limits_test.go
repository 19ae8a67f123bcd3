package smartlead

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/test/speed"
)

// TestHostileBodies holds that what is built to cost much is answered at once.
func TestHostileBodies(t *testing.T) {
	const size = 6 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, c := range map[string]struct {
		body string
		err  error
	}{
		"brackets":         {fill("["), ErrTooDeep},
		"nested objects":   {fill(`{"a":`), ErrTooDeep},
		"values":           {`{"a":[` + fill("0,") + `0]}`, ErrTooMany},
		"elements":         {"[" + fill("0,") + "0]", ErrTooMany},
		"empty objects":    {"[" + fill("{},") + "{}]", ErrTooMany},
		"digits":           {`{"event_type":"EMAIL_OPEN","campaign_id":` + fill("9") + `}`, nil},
		"exponent":         {`{"event_type":"EMAIL_OPEN","campaign_id":1e999999999,"x":-1e-999999999}`, nil},
		"hook paths":       {`{"a":"` + fill("/webhooks/a/b ") + `"}`, nil},
		"assignments":      {`{"a":"` + fill("api_key=b&") + `"}`, nil},
		"quotes":           {`{"a":"` + fill(`\"`) + `="}`, nil},
		"escapes":          {`{"a":"` + fill(`\ud800`) + `"}`, nil},
		"one long name":    {`{"` + fill("a") + `":1}`, nil},
		"long id":          {`{"event_type":"EMAIL_OPEN","stats_id":"` + fill("a") + `"}`, nil},
		"addresses":        {`{"event_type":"EMAIL_OPEN","to_email":"` + fill("<@") + `"}`, nil},
		"many duplicates":  {`{` + strings.Repeat(`"a":1,`, 100_000) + `"a":1}`, nil},
		"many names":       {`{` + manyNames(100_000) + `"a":1}`, nil},
		"JSON within JSON": {`{"body":"` + fill(`[`) + `"}`, nil},
		"links":            {`{"event_type":"EMAIL_LINK_CLICK","link_clicked":[` + strings.Repeat(`"u",`, 100_000) + `"u"]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			batch, err := Parse([]byte(c.body), corpusOptions)
			if !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v", err, c.err)
			}
			// Far above what it takes, far below what quadratic work would take.
			speed.AtMost(t, "parsing", time.Since(began), 10*time.Second)
			for _, e := range batch.Elements {
				if n := len(e.Event.CampaignID) + len(e.Event.StatsID); e.Err == nil && n > 2*maxID {
					t.Errorf("got ids of %d bytes, want %d at most", n, 2*maxID)
				}
			}
		})
	}
}

func manyNames(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `"\u006e%d":%d,`, i, i)
	}
	return text.String()
}

// TestDepth holds that the bound is exact.
func TestDepth(t *testing.T) {
	nest := func(n int) []byte { return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)) }
	if _, err := Parse(nest(100), Options{}); err != nil {
		t.Errorf("100 levels: got %v, want no error", err)
	}
	if _, err := Parse(nest(101), Options{}); !errors.Is(err, ErrTooDeep) {
		t.Errorf("101 levels: got %v, want %v", err, ErrTooDeep)
	}
}

// TestLargeBodies holds that a body of 6 MB costs at most four times its size.
func TestLargeBodies(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates of its own; the bound is for make test/speed")
	}
	const size = 6 << 20
	html := strings.Repeat(`<p class=\"x\">Hello, you: \u00e9 1=2</p>\n`, size/43)
	entry := `{"stats_id":"s","type":"SENT","message_id":"<m@x.example>","time":"2026-03-04T17:00:00Z","email_body":"` + strings.Repeat("x, ", 300) + `"},`
	for name, body := range map[string]string{
		"reply":   `{"event_type":"EMAIL_REPLY","secret_key":"abc","time_replied":"2026-03-04T17:00:00Z","reply_message":{"html":"` + html + `"}}`,
		"history": `{"event_type":"LEAD_CATEGORY_UPDATED","secret_key":"abc","history":[` + strings.Repeat(entry, size/len(entry)) + `{}]}`,
		"array":   `[` + strings.Repeat(`{"event_type":"EMAIL_OPEN","secret_key":"abc","to_email":"a@x.example","note":"`+strings.Repeat("y", 2000)+`"},`, size/2100) + `{}]`,
	} {
		t.Run(name, func(t *testing.T) {
			text := []byte(body)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			batch, err := Parse(text, corpusOptions)
			runtime.ReadMemStats(&after)
			if err != nil || len(batch.Elements) == 0 || batch.Elements[0].Err != nil {
				t.Fatal(err)
			}
			times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
			t.Logf("%d bytes, %.2f times as much allocated", len(text), times)
			if times > 4 {
				t.Errorf("got %.2f times the body allocated, want 4 at most", times)
			}
			if bytes.Contains(batch.Elements[0].Payload, []byte(`"abc"`)) {
				t.Error("got the secret in the payload, want it redacted")
			}
		})
	}
}

// TestAllocations holds the cost of an ordinary event.
func TestAllocations(t *testing.T) {
	body := benchBody()
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Parse(body, benchOptions); err != nil {
			t.Fatal(err)
		}
	}); n > 60 {
		t.Errorf("got %v allocations, want 60 at most", n)
	}
}
