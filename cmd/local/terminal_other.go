//go:build !unix

package main

import "os"

// takeTerminal does nothing: this system has no process groups of a terminal.
func takeTerminal(*os.File) (giveBack func()) { return func() {} }
