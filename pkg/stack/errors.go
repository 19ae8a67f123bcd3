package stack

import (
	"fmt"
	"strings"
)

// Reason is why a stack was not reached.
type Reason int

const (
	// NotRunning: a local stack has written no File.
	NotRunning Reason = iota
	// BadFile: the File is none.
	BadFile
	// NoWebhookURL: the File does not say where events are posted.
	NoWebhookURL
	// BadConfig: the AWS configuration of this machine cannot be read.
	BadConfig
	// NoRegion: nothing says which AWS region.
	NoRegion
	// NoStack: the account has no such stack in the region.
	NoStack
	// NoOutputs: AWS did not tell the stack's outputs.
	NoOutputs
	// MissingOutputs: the stack is no receiver, or its deployment has not ended.
	MissingOutputs
)

// Error says why a stack was not reached. What a person can do about it depends on
// the reason.
type Error struct {
	Reason  Reason
	Name    string   // the stack's, or the path of its File
	Outputs []string // MissingOutputs
	Err     error    // of the store that was asked; nil for none
}

// Text is the error without its cause.
func (e *Error) Text() string {
	switch e.Reason {
	case NotRunning:
		return "the local stack is not running: there is no " + e.Name
	case BadFile:
		return e.Name + " cannot be read"
	case NoWebhookURL:
		return e.Name + " has no usable webhook_url"
	case BadConfig:
		return "the AWS configuration cannot be read"
	case NoRegion:
		return "no AWS region is set"
	case NoStack:
		return fmt.Sprintf("there is no stack %s in this account and region", e.Name)
	case NoOutputs:
		return fmt.Sprintf("the outputs of stack %s cannot be read", e.Name)
	case MissingOutputs:
		return fmt.Sprintf("stack %s has no output %s: it is no receiver, or its deployment has not ended",
			e.Name, strings.Join(e.Outputs, ", "))
	}
	return "the stack cannot be reached"
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text()
	}
	return e.Text() + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
