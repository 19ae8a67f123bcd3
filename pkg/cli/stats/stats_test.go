package stats

import "testing"

func TestSparkline(t *testing.T) {
	hours := []string{"a", "b", "c"}
	if got := sparkline(map[string]int{"a": 1, "c": 80}, hours); got != "▁·█" {
		t.Errorf("got %q", got)
	}
}
