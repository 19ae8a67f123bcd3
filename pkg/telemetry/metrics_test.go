package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func recorder(out *bytes.Buffer, level slog.Level) Recorder {
	return Recorder{Log: NewLogger(out, level), Namespace: "prod", Now: func() time.Time { return at }}
}

func TestALineIsItsMetricsDocument(t *testing.T) {
	const directive = `{"Namespace":"prod","Dimensions":[["%s"]],"Metrics":[{"Name":"%s"}]}`
	events := Count{"Events", 1, "outcome"}
	const start = `{"level":"INFO","msg":"event.received",`
	const timed = `{"timestamp":"2026-11-24T12:00:00.000Z","level":"INFO","msg":"event.received",`
	for name, c := range map[string]struct {
		level   slog.Level // of the logger
		counts  []Count
		members []slog.Attr
		want    string
	}{
		"no count": {counts: nil, members: []slog.Attr{slog.String("a", "b")}, want: timed + `"a":"b"}`},
		"one": {counts: []Count{events}, members: []slog.Attr{slog.String("outcome", "held"), slog.Int("bytes", 7)},
			want: start + `"outcome":"held","bytes":7,"Events":1,"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` + fmt.Sprintf(directive, "outcome", "Events") + `]}}`},
		"two": {counts: []Count{events, {"Unclaimed", 2, "function"}}, members: []slog.Attr{slog.String("outcome", "held"), slog.String("function", "receiver")},
			want: start + `"outcome":"held","function":"receiver","Events":1,"Unclaimed":2,"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` +
				fmt.Sprintf(directive, "outcome", "Events") + "," + fmt.Sprintf(directive, "function", "Unclaimed") + `]}}`},
		"below the level": {level: slog.LevelWarn, counts: []Count{events}, members: []slog.Attr{slog.String("source", "main"), slog.String("outcome", "held")},
			want: start + `"outcome":"held","Events":1,"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` + fmt.Sprintf(directive, "outcome", "Events") + `]}}`},
		"below the level, no count": {level: slog.LevelWarn, members: []slog.Attr{slog.String("a", "b")}},
		"an empty dimension": {counts: []Count{events}, members: []slog.Attr{slog.String("outcome", "")},
			want: start + `"outcome":"none","Events":1,"_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` + fmt.Sprintf(directive, "outcome", "Events") + `]}}`},
		"no dimension": {counts: []Count{events},
			want: start + `"Events":1,"outcome":"none","_aws":{"Timestamp":1795521600000,"CloudWatchMetrics":[` + fmt.Sprintf(directive, "outcome", "Events") + `]}}`},
		"what is nothing": {members: []slog.Attr{slog.String("a", ""), slog.Int("b", 0), slog.Bool("c", false), slog.Time("d", time.Time{}), slog.Any("e", nil), slog.Group("f", slog.Int("g", 0))},
			want: timed + `"f":{"g":0}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			recorder(&out, c.level).Line(t.Context(), slog.LevelInfo, "event.received", c.counts, c.members...)
			if got := strings.TrimSuffix(out.String(), "\n"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestWithoutANamespaceThereAreNoMetrics(t *testing.T) {
	var out bytes.Buffer
	r := recorder(&out, slog.LevelInfo)
	r.Namespace = ""
	r.Line(t.Context(), slog.LevelDebug, "sweep.done", []Count{{"Swept", 1, "function"}})
	if out.Len() != 0 {
		t.Errorf("%s", out.String())
	}
	r.Line(t.Context(), slog.LevelInfo, "sweep.done", []Count{{"Swept", 1, "function"}}, slog.Int("sent", 1))
	if strings.Contains(out.String(), "Swept") || !strings.Contains(out.String(), `"sent":1`) {
		t.Errorf("%s", out.String())
	}
}

func TestALineOfAnotherTimeCountsThen(t *testing.T) {
	var out bytes.Buffer
	r := recorder(&out, slog.LevelInfo)
	r.LineAt(t.Context(), at.Add(-time.Hour), slog.LevelInfo, "requests.refused", []Count{{"Refused", 3, "outcome"}}, slog.String("outcome", "x"))
	var line struct {
		AWS struct{ Timestamp int64 } `json:"_aws"`
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if want := at.Add(-time.Hour); line.AWS.Timestamp != want.UnixMilli() {
		t.Errorf("%s", out.String())
	}
}

func TestALineOfARecorderMasksAndIsOneWrite(t *testing.T) {
	var out bytes.Buffer
	recorder(&out, slog.LevelInfo).Line(t.Context(), slog.LevelInfo, "m", []Count{{"N", 1, "outcome"}},
		slog.String("outcome", "slr_topsecrettopsecret"), slog.Any("error", errors.New("a slr_topsecrettopsecret")), slog.String("token", "topsecret"))
	if strings.Contains(out.String(), "topsecret") || strings.Count(out.String(), "\n") != 1 || !json.Valid(out.Bytes()) {
		t.Errorf("%s", out.String())
	}
}
