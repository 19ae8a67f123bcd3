package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/gofrs/flock"

	"smartlead-receiver/pkg/stack/place"
)

// Info describes the stack; the path is that of its webhook URL.
func (s *Stack) Info(webhookPath, parameterPrefix string) place.Place {
	return place.Place{
		WebhookURL:       s.URL + webhookPath,
		DynamoDBEndpoint: s.Clients.Endpoints.DynamoDB,
		SQSEndpoint:      s.Clients.Endpoints.SQS,
		SSMEndpoint:      s.Clients.Endpoints.SSM,
		S3Endpoint:       s.Clients.Endpoints.S3,
		EngineURL:        s.EngineURL,
		Region:           Region,
		TableName:        s.Resources.Table,
		LiveQueueURL:     s.Resources.Live.URL,
		ReplayQueueURL:   s.Resources.Replay.URL,
		DLQURL:           s.Resources.DLQ.URL,
		LiveQueueARN:     s.Resources.Live.ARN,
		ReplayQueueARN:   s.Resources.Replay.ARN,
		DLQARN:           s.Resources.DLQ.ARN,
		Bucket:           s.Resources.Bucket,
		ParameterPrefix:  parameterPrefix,
		PID:              os.Getpid(),
	}
}

// StateDir keeps between two starts what must not change, and tells other
// tools where the stack is. Everything in it is for its owner alone.
type StateDir string

// lockFile is held by the stack that uses the directory. It stays when the stack
// has ended: the lock is the system's, and ends with the process however it ends.
const lockFile = "lock"

// InUseError is returned for a state directory that another stack uses.
type InUseError struct {
	Dir string
	PID int    // 0: unknown
	URL string // of its front; empty: unknown
}

// Error says what to do.
func (e *InUseError) Error() string {
	who := "a local stack that is starting or stopping"
	if e.PID > 0 {
		who = fmt.Sprintf("a local stack that runs already (process %d, %s)", e.PID, e.URL)
	}
	return fmt.Sprintf("the state directory %s is used by %s: stop that one, or start this one with another --state-dir and --addr", e.Dir, who)
}

// OpenStateDir makes the directory if it is absent, and keeps every other stack
// out of it until release, or until the process ends. It returns *InUseError.
func OpenStateDir(path string) (dir StateDir, release func(), err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", nil, fmt.Errorf("the state directory cannot be made: %w (choose another with --state-dir)", err)
	}
	dir = StateDir(path)
	lock := flock.New(filepath.Join(path, lockFile), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return "", nil, fmt.Errorf("the state directory cannot be written: %w (choose another with --state-dir)", err)
	}
	if !held {
		return "", nil, dir.inUse()
	}
	// What a stack that was killed has left names a process that is gone.
	if err := dir.RemoveInfo(); err != nil {
		return "", nil, errors.Join(fmt.Errorf("the state directory cannot be written: %w (choose another with --state-dir)", err), lock.Unlock())
	}
	return dir, func() { _ = lock.Unlock() }, nil // the process ends anyway
}

// inUse reads who has the directory.
func (d StateDir) inUse() *InUseError {
	e := &InUseError{Dir: string(d)}
	content, err := os.ReadFile(d.InfoPath())
	if err != nil {
		return e
	}
	var info place.Place
	if json.Unmarshal(content, &info) != nil {
		return e
	}
	hook, err := url.Parse(info.WebhookURL)
	if err != nil {
		return e
	}
	e.PID, e.URL = info.PID, hook.Scheme+"://"+hook.Host // the path holds the token
	return e
}

// WriteInfo replaces stack.json.
func (d StateDir) WriteInfo(info place.Place) error {
	content, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return d.replace(place.File, append(content, '\n'))
}

// RemoveInfo removes stack.json, if it is there. The directory's lock says that
// it is no other stack's.
func (d StateDir) RemoveInfo() error {
	err := os.Remove(d.InfoPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// InfoPath is where WriteInfo writes.
func (d StateDir) InfoPath() string { return filepath.Join(string(d), place.File) }

var secretPattern = regexp.MustCompile(`^[A-Za-z0-9_+/=-]{16,128}$`)

// Secret returns the secret of that name. At the first call ever it is what
// create returns; from then on it stays the same, from start to start.
func (d StateDir) Secret(name string, create func() string) (string, error) {
	path := filepath.Join(string(d), name)
	content, err := os.ReadFile(path) //nolint:gosec // below the folder that the developer names
	if err == nil {
		secret := strings.TrimSpace(string(content))
		if !secretPattern.MatchString(secret) {
			return "", fmt.Errorf("%s holds no secret of ours: delete it, and a new one is made", path)
		}
		return secret, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	secret := create()
	return secret, d.replace(name, []byte(secret+"\n"))
}

// replace writes a file of mode 0600 so that a reader sees the old content or
// the new, never a part.
func (d StateDir) replace(name string, content []byte) error {
	file, err := os.CreateTemp(string(d), name+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(string(d), name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
