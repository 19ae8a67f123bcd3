package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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

// OpenStateDir makes the directory if it is absent.
func OpenStateDir(path string) (StateDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("state directory: %w", err)
	}
	return StateDir(path), nil
}

// WriteInfo replaces stack.json.
func (d StateDir) WriteInfo(info place.Place) error {
	content, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return d.replace(place.File, append(content, '\n'))
}

// RemoveInfo removes stack.json where it is the one that process pid wrote: a
// stack that was started since may have replaced it. (One that starts between
// the look and the removal loses its file; two stacks do not share a directory.)
func (d StateDir) RemoveInfo(pid int) error {
	content, err := os.ReadFile(d.InfoPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var info place.Place
	if err := json.Unmarshal(content, &info); err != nil || info.PID != pid {
		return nil //nolint:nilerr // another one's
	}
	return os.Remove(d.InfoPath())
}

// InfoPath is where WriteInfo writes.
func (d StateDir) InfoPath() string { return filepath.Join(string(d), place.File) }

var secretPattern = regexp.MustCompile(`^[A-Za-z0-9_+/=-]{16,128}$`)

// Secret returns the secret of that name. At the first call ever it is what
// create returns; from then on it stays the same, from start to start.
func (d StateDir) Secret(name string, create func() string) (string, error) {
	path := filepath.Join(string(d), name)
	content, err := os.ReadFile(path)
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
