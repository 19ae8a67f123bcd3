// Package sourcestore keeps sources in the table, sealed, with a copy in S3, and
// destinations in SSM Parameter Store: one SecureString each,
// <prefix>/destinations/<name>. SourceReader and DestinationReader are for the
// functions, Sources and Destinations for the operator.
package sourcestore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// These are where destinations, and the targets of notices, are below the prefix.
const (
	destinationsPath = "/destinations"
	noticesPath      = "/notices"
)

// maxValue is the limit of a standard parameter, in bytes
// (docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
const maxValue = 4096

var (
	// ErrNotFound: no such source or destination.
	ErrNotFound = errors.New("not found")
	// ErrExists: it exists and was not to be overwritten.
	ErrExists = errors.New("exists already")

	// errTooLarge: the value is larger than maxValue.
	errTooLarge = errors.New("larger than a standard parameter's 4096 bytes")
	// errInvalid: the name or the value cannot be stored.
	errInvalid = errors.New("invalid")
	// errBadPrefix: parameters cannot be kept below this prefix.
	errBadPrefix = errors.New("a parameter prefix looks like /smartlead/prod: it begins with /, does not end with one, and holds a-z, A-Z, 0-9, _ . - only")
)

// Entry is one destination. Value holds secrets: it is not for listings.
type Entry struct {
	Name      string
	Value     []byte
	Version   int64 // rises by one with every write
	UpdatedAt time.Time
}

// API is what Destinations and Sources need of Parameter Store. Its errors are the
// service's own; explain reads them.
type API interface {
	Reader
	// PutParameter writes a standard SecureString, encrypted with a customer key ("":
	// the account's own).
	PutParameter(ctx context.Context, name, value, keyID string, overwrite bool) error
	// DeleteParameter removes a parameter.
	DeleteParameter(ctx context.Context, name string) error
}

// Destinations reads and writes destinations for an operator; it caches nothing.
// The service has no conditional write, so of two operators who change one
// destination at the same time the later wins. It is safe for concurrent use.
type Destinations struct {
	api   API
	path  string
	keyID string
}

// NewDestinations returns the destinations below prefix, encrypted with a
// customer key ("": the account's own), or an error for a prefix below which
// nothing can be kept.
func NewDestinations(api API, prefix, keyID string) (*Destinations, error) {
	return newDestinations(api, prefix, destinationsPath, keyID)
}

// NewNotices returns the targets of notices below prefix: they are kept as destinations
// are.
func NewNotices(api API, prefix, keyID string) (*Destinations, error) {
	return newDestinations(api, prefix, noticesPath, keyID)
}

func newDestinations(api API, prefix, folder, keyID string) (*Destinations, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	return &Destinations{api: api, path: prefix + folder, keyID: keyID}, nil
}

// Put writes one destination as a SecureString. It must be a JSON object. It
// returns ErrExists (without overwrite) or
// webhook.ErrUnavailable, each wrapped, or an error that says what cannot be
// stored. None holds the value.
func (s *Destinations) Put(ctx context.Context, name string, value []byte, overwrite bool) error {
	parameter, err := s.parameter(name)
	if err != nil {
		return err
	}
	if len(value) > maxValue {
		return fmt.Errorf("%s: %d bytes: %w", parameter, len(value), errTooLarge)
	}
	if err := checkValue(value); err != nil {
		return fmt.Errorf("%s: %w: %w", parameter, errInvalid, err)
	}
	err = s.api.PutParameter(ctx, parameter, string(value), s.keyID, overwrite)
	return explain("write", parameter, err)
}

// Get reads one destination. It returns ErrNotFound or webhook.ErrUnavailable, each
// wrapped, or an error for a name that no parameter can have.
func (s *Destinations) Get(ctx context.Context, name string) (Entry, error) {
	parameter, err := s.parameter(name)
	if err != nil {
		return Entry{}, err
	}
	found, err := s.api.GetParameter(ctx, parameter)
	if err != nil {
		return Entry{}, explain("read", parameter, err)
	}
	return entryOf(s.path, found), nil
}

// List returns every destination, by name. It returns webhook.ErrUnavailable,
// wrapped.
func (s *Destinations) List(ctx context.Context) ([]Entry, error) {
	entries, err := readPath(ctx, s.api, s.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", webhook.ErrUnavailable, err)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return entries, nil
}

// Delete removes one destination. It returns ErrNotFound or webhook.ErrUnavailable,
// each wrapped, or an error for a name that no parameter can have.
func (s *Destinations) Delete(ctx context.Context, name string) error {
	parameter, err := s.parameter(name)
	if err != nil {
		return err
	}
	return explain("delete", parameter, s.api.DeleteParameter(ctx, parameter))
}

func (s *Destinations) parameter(name string) (string, error) {
	if err := auth.ValidateName(name); err != nil {
		return "", fmt.Errorf("%w: %w", errInvalid, err)
	}
	return s.path + "/" + name, nil
}

func checkValue(value []byte) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(value, &object); err != nil || object == nil {
		return errors.New("not a JSON object") // the cause may quote the value
	}
	return nil
}

// explain turns the service's refusals into ours. The text of a validation
// error is left out, because it may quote the value.
func explain(verb, parameter string, err error) error {
	if err == nil {
		return nil
	}
	refusal, _ := errors.AsType[smithy.APIError](err)
	switch code := codeOf(refusal); {
	case code == "ParameterAlreadyExists":
		return fmt.Errorf("%s %s: %w", verb, parameter, ErrExists)
	case code == "ParameterNotFound":
		return fmt.Errorf("%s %s: %w", verb, parameter, ErrNotFound)
	case strings.Contains(code, "Validation"):
		return fmt.Errorf("%s %s: %w: the service refused it (%s)", verb, parameter, errInvalid, code)
	}
	return fmt.Errorf("%s %s: %w: %w", verb, parameter, webhook.ErrUnavailable, err)
}

func codeOf(refusal smithy.APIError) string {
	if refusal == nil {
		return ""
	}
	return refusal.ErrorCode()
}

// checkPrefix keeps what SSM's rules for names allow; "aws" and "ssm" are
// reserved as a first part.
func checkPrefix(prefix string) error {
	parts := strings.Split(prefix, "/")
	if len(parts) < 2 || len(parts) > 12 || parts[0] != "" || len(prefix) > 500 {
		return errBadPrefix
	}
	for _, part := range parts[1:] {
		if part == "" || strings.ContainsFunc(part, func(c rune) bool { return !isNameRune(c) }) {
			return errBadPrefix
		}
	}
	first := strings.ToLower(parts[1])
	if strings.HasPrefix(first, "aws") || strings.HasPrefix(first, "ssm") {
		return fmt.Errorf("%w; a name cannot begin with aws or ssm", errBadPrefix)
	}
	return nil
}

func isNameRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}
