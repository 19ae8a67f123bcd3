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
