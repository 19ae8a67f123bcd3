package stack

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"

	"smartlead-receiver/pkg/stack/place"
)

// LocalFinder is a local stack for a program that outlives it: one that was started
// anew, at other addresses, is found again. It is safe for concurrent use.
type LocalFinder struct {
	StateDir string
	Env      Env

	mu    sync.Mutex
	said  []byte // the content of its File when it was found
	stack *Stack
}

// Find returns the stack as its File says now. It returns *Error, and calls nobody.
func (f *LocalFinder) Find() (*Stack, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	content, err := os.ReadFile(filepath.Join(f.StateDir, place.File))
	if err == nil && f.stack != nil && bytes.Equal(content, f.said) {
		return f.stack, nil
	}
	found, err := ConnectLocal(f.StateDir, f.Env)
	if err != nil {
		return nil, err
	}
	f.said, f.stack = content, found
	return found, nil
}
