// Command engine serves SQS for the kill test, in a process of its own: it
// keeps its messages while the receiver's process is killed.
package main

import (
	"os"
	"os/signal"
	"syscall"

	"smartlead-receiver/pkg/local"
)

func main() {
	engine := local.StartEngine()
	defer engine.Close()
	if _, err := os.Stdout.WriteString(engine.URL + "\n"); err != nil {
		return // nobody listens
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
