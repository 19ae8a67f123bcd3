//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// takeTerminal makes this process the only one that Ctrl-C reaches, where it was
// started by another one, such as make or go run: those take an interrupt for a
// failure, and say so after a clean stop. GiveBack undoes it. Ctrl-Z does nothing
// meanwhile, since a shell would not learn of it.
func takeTerminal(terminal *os.File) (giveBack func()) {
	none := func() {}
	fd := int(terminal.Fd())
	own, group := os.Getpid(), syscall.Getpgrp()
	if foreground, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || foreground != group || group == own {
		return none // no terminal, another one's, or nobody to take it from
	}
	signal.Ignore(syscall.SIGTTOU, syscall.SIGTSTP) // else setting it from the background stops this process
	if err := syscall.Setpgid(0, 0); err != nil {
		return none
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, own); err != nil {
		return none
	}
	return func() { _ = unix.IoctlSetPointerInt(fd, unix.TIOCSPGRP, group) } // the shell takes it anyway
}
