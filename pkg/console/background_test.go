package console

import (
	"context"
	"testing"
	"time"
)

// What goes on in the background ends with the console, and nothing begins after that.
func TestBackgroundEnds(t *testing.T) {
	var b background
	asked, gone := context.WithCancel(t.Context())
	begun, ended := make(chan struct{}), make(chan struct{})
	b.start(asked, func(ctx context.Context) {
		close(begun)
		<-ctx.Done()
		close(ended)
	})
	<-begun
	gone() // the request that asked is over
	select {
	case <-ended:
		t.Fatal("it ended with the request")
	case <-time.After(10 * time.Millisecond):
	}
	b.end()
	select {
	case <-ended:
	default:
		t.Error("the end did not wait for it")
	}
	b.start(t.Context(), func(context.Context) { t.Error("it begins after the end") })
	b.end()
}
