// Package stack connects to a receiver: a deployed one by the outputs of its
// CloudFormation stack, a local one by the file that it writes. It builds the
// adapters and use cases that a person's tools need. It decides nothing, and no
// function links it.
package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/stack/place"
)

// Place is where the parts of a stack are.
type Place = place.Place

// readLocal reads where a local stack is. It returns *Error.
func readLocal(stateDir string) (Place, error) {
	path := filepath.Join(stateDir, place.File)
	content, err := os.ReadFile(path) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return Place{}, &Error{Reason: NotRunning, Name: path}
	}
	if err != nil {
		return Place{}, fmt.Errorf("read the local stack's address: %w", err)
	}
	var at Place
	if err := json.Unmarshal(content, &at); err != nil {
		return Place{}, &Error{Reason: BadFile, Name: path, Err: err}
	}
	hook, err := url.Parse(at.WebhookURL)
	if err != nil || hook.Host == "" {
		return Place{}, &Error{Reason: NoWebhookURL, Name: path}
	}
	at.APIURL = hook.Scheme + "://" + hook.Host
	parts := strings.Split(strings.Trim(hook.Path, "/"), "/")
	if len(parts) == 3 {
		at.Demo, at.Token = parts[1], parts[2]
	}
	return at, nil
}

// readTimes reads the stack's own times, so that what an operator moves is kept
// and swept like what the functions move. A stack that was deployed before it
// said them has the defaults.
func readTimes(p *Place) error {
	p.Retention, p.Grace = config.DefaultRetentionDays*config.Day, config.DefaultGrace
	if p.RetentionDays < 0 {
		return fmt.Errorf("the stack's retention of %d days cannot be", p.RetentionDays)
	}
	if p.RetentionDays > 0 {
		p.Retention = time.Duration(p.RetentionDays) * config.Day
	}
	p.Every = time.Hour
	if p.ArchiveEvery != "" {
		every, err := time.ParseDuration(p.ArchiveEvery)
		if err != nil || every <= 0 {
			return fmt.Errorf("the hours of the stack's archive, %q, cannot be read", p.ArchiveEvery)
		}
		p.Every = every
	}
	if p.SweepGrace == "" {
		return nil
	}
	grace, err := time.ParseDuration(p.SweepGrace)
	if err != nil {
		return fmt.Errorf("the stack's sweep grace %q cannot be read: %w", p.SweepGrace, err)
	}
	if grace <= 0 {
		return fmt.Errorf("the stack's sweep grace %q cannot be read", p.SweepGrace)
	}
	p.Grace = grace
	return nil
}
