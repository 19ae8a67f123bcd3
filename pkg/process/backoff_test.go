package process

import (
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	one := func() float64 { return 1 }
	for _, c := range []struct {
		n     int
		asked time.Duration
		want  time.Duration
	}{
		{1, 0, 5 * time.Second}, {2, 0, 10 * time.Second}, {4, 0, 40 * time.Second}, {20, 0, 30 * time.Minute},
		{1000, 0, 30 * time.Minute}, {1, time.Minute, 65 * time.Second}, {1, 5 * time.Hour, 5*time.Hour + 5*time.Second},
	} {
		if got := backoff(c.n, 5*time.Second, 30*time.Minute, c.asked, one); got != c.want {
			t.Errorf("attempt %d, asked %s: got %s, want %s", c.n, c.asked, got, c.want)
		}
	}
	if got := backoff(3, 5*time.Second, time.Hour, 0, func() float64 { return 0 }); got != 0 {
		t.Errorf("full jitter begins at nothing, got %s", got)
	}
}

func TestComeBack(t *testing.T) {
	var all time.Duration
	for n := range 151 {
		least, most := comeBack(n, func() float64 { return 0 }), comeBack(n, func() float64 { return 1 })
		if least*2 != most || most < comeBackFirst || most > comeBackLongest {
			t.Errorf("receipt %d: between %s and %s", n, least, most)
		}
		all += least
	}
	if all < 6*time.Hour {
		t.Errorf("150 receipts are used up after %s", all)
	}
	for n, want := range map[int]time.Duration{0: 4 * time.Second, 1: 4 * time.Second, 2: 8 * time.Second, 7: 256 * time.Second, 8: 5 * time.Minute} {
		if got := comeBack(n, func() float64 { return 1 }); got != want {
			t.Errorf("receipt %d: at most %s, want %s", n, got, want)
		}
	}
}
