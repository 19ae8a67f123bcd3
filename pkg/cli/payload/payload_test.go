package payload

import (
	"strings"
	"testing"
)

func TestTooLarge(t *testing.T) {
	for size, want := range map[int]bool{0: false, MaxInvocation - 100: false, MaxInvocation: true} {
		if got := TooLarge([]byte(strings.Repeat("x", size))); got != want {
			t.Errorf("%d bytes: %t", size, got)
		}
	}
	if !TooLarge([]byte(strings.Repeat(`"`, MaxInvocation/2))) {
		t.Error("a body grows when it is quoted")
	}
}
