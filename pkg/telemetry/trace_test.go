package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"smartlead-receiver/pkg/telemetry"
	"smartlead-receiver/test/testclock"
)

func TestALineNamesTheTraceThatIsKept(t *testing.T) {
	const id = "1-69a86e97-3d1a5f7c2b9e4d6f8a0c1e2b"
	for header, want := range map[string]any{
		"Root=" + id + ";Parent=53995c3f42cd8ad8;Sampled=1": id,
		"Sampled=1; Root=" + id:                             id,
		"Root=" + id + ";Parent=53995c3f42cd8ad8;Sampled=0": nil,
		"Root=" + id:                        nil,
		"Root=;Sampled=1":                   nil,
		"":                                  nil,
		"Root=1-\x1b[31m69a86e97;Sampled=1": "1- [31m69a86e97",
		"Sampled=1;Root=" + id + id + ";Lineage=a:0|b:0;Self=1": id + "1-…",
	} {
		var out bytes.Buffer
		r := telemetry.Recorder{Log: telemetry.NewLogger(&out, slog.LevelInfo), Now: testclock.Noon}
		//nolint:staticcheck // the key of the runtime's library
		ctx := context.WithValue(t.Context(), "x-amzn-trace-id", header)
		r.Line(ctx, slog.LevelInfo, "event.received", nil, slog.String("source", "main"))
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line["trace_id"] != want {
			t.Errorf("%q: trace_id %v, want %v", header, line["trace_id"], want)
		}
	}
}
