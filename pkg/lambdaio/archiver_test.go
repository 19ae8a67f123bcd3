package lambdaio

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/archive"
)

// The archive is a line when something was done, or lacking for hours; each look at
// nothing writes none.
func TestARunOfTheArchiverIsOneLine(t *testing.T) {
	var log bytes.Buffer
	to := recorder(&log)
	for _, quiet := range []archive.Summary{{}, {Waits: "another run is at work", Behind: time.Hour, Age: 5 * time.Hour}} {
		logArchive(t.Context(), to, quiet, 0)
	}
	linesOf(t, &log).want(t, map[string]float64{}, map[string]int{})
	for _, said := range []archive.Summary{
		{Worked: true, Events: 7, Objects: 2}, {Err: errors.New("down")}, {Waits: "another run is at work", Behind: time.Hour, Age: 6 * time.Hour},
	} {
		logArchive(t.Context(), to, said, 0)
	}
	text := log.String()
	linesOf(t, &log).want(t, map[string]float64{"ArchiveAge{function=archiver}": 6}, map[string]int{"archive.run": 3})
	for _, part := range []string{`"outcome":"ended"`, `"outcome":"waits"`, `"archived":7`, `"level":"ERROR"`, `"level":"WARN"`} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	log.Reset()
	if err := Archiver(nil, to)(t.Context(), events.CloudWatchEvent{}); err != nil || !strings.Contains(log.String(), "archive.off") {
		t.Errorf("without an archive: %v, %s", err, log.String())
	}
}
