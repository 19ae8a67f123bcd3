// Package sourcestore keeps sources and destinations in SSM Parameter Store:
// one SecureString each, <prefix>/sources/<name> and
// <prefix>/destinations/<name>. Reader is for the functions, Store for the
// operator.
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

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/webhook"
)

// Kind is what a parameter describes.
type Kind string

// The kinds, as they stand in a parameter's name.
const (
	Sources      Kind = "sources"
	Destinations Kind = "destinations"
)

// maxValue is the limit of a standard parameter, in bytes
// (docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html).
const maxValue = 4096

var (
	// ErrNotFound: no such parameter.
	ErrNotFound = errors.New("not found")
	// ErrExists: the parameter exists and was not to be overwritten.
	ErrExists = errors.New("exists already")

	// errTooLarge: the value is larger than maxValue.
	errTooLarge = errors.New("larger than a standard parameter's 4096 bytes")
	// errInvalid: the kind, the name or the value cannot be stored.
	errInvalid = errors.New("invalid")
	// errBadPrefix: parameters cannot be kept below this prefix.
	errBadPrefix = errors.New("a parameter prefix looks like /smartlead/prod: it begins with /, does not end with one, and holds a-z, A-Z, 0-9, _ . - only")
)

// Entry is one parameter. Value holds secrets: it is not for listings.
type Entry struct {
	Name      string
	Value     []byte
	Version   int64 // rises by one with every write
	UpdatedAt time.Time
}

// API is what a Store needs of ssm.Client.
type API interface {
	PathReader
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	GetParameter(context.Context, *ssm.GetParameterInput, ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

// Store reads and writes parameters for an operator; it caches nothing. The
// service has no conditional write, so of two operators who change one
// parameter at the same time the later wins. It is safe for concurrent use.
type Store struct {
	api    API
	prefix string
}

// NewStore returns a store below prefix, or an error for a prefix below which
// nothing can be kept.
func NewStore(api API, prefix string) (*Store, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	return &Store{api: api, prefix: prefix}, nil
}

// Put writes one parameter as a SecureString. A source must be one that
// auth.ParseSource reads, a destination must be a JSON object: an unreadable
// one would refuse events. It returns ErrExists (without overwrite) or
// webhook.ErrUnavailable, each wrapped, or an error that says what cannot be
// stored. None holds the value.
func (s *Store) Put(ctx context.Context, kind Kind, name string, value []byte, overwrite bool) error {
	parameter, err := s.parameter(kind, name)
	if err != nil {
		return err
	}
	if len(value) > maxValue {
		return fmt.Errorf("%s: %d bytes: %w", parameter, len(value), errTooLarge)
	}
	if err := checkValue(kind, name, value); err != nil {
		return fmt.Errorf("%s: %w: %w", parameter, errInvalid, err)
	}
	_, err = s.api.PutParameter(ctx, &ssm.PutParameterInput{
		Name:      aws.String(parameter),
		Value:     aws.String(string(value)),
		Type:      types.ParameterTypeSecureString,
		Tier:      types.ParameterTierStandard,
		Overwrite: aws.Bool(overwrite),
	})
	return explain("write", parameter, err)
}

// PutSource writes a source in its stored form. It returns what Put returns.
func (s *Store) PutSource(ctx context.Context, source auth.Source, overwrite bool) error {
	form, err := source.Stored()
	if err != nil {
		return fmt.Errorf("%w: %w", errInvalid, err)
	}
	return s.Put(ctx, Sources, source.Name, form, overwrite)
}

// Get reads one parameter. It returns ErrNotFound or webhook.ErrUnavailable, each
// wrapped, or an error for a name that no parameter can have.
func (s *Store) Get(ctx context.Context, kind Kind, name string) (Entry, error) {
	parameter, err := s.parameter(kind, name)
	if err != nil {
		return Entry{}, err
	}
	out, err := s.api.GetParameter(ctx, &ssm.GetParameterInput{
		Name: aws.String(parameter), WithDecryption: aws.Bool(true),
	})
	if err != nil {
		return Entry{}, explain("read", parameter, err)
	}
	return entryOf(s.prefix+"/"+string(kind), *out.Parameter), nil
}

// List returns every parameter of a kind, by name. It returns
// webhook.ErrUnavailable, wrapped, or an error for an unknown kind.
func (s *Store) List(ctx context.Context, kind Kind) ([]Entry, error) {
	if err := checkKind(kind); err != nil {
		return nil, err
	}
	entries, err := readPath(ctx, s.api, s.prefix, kind)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", webhook.ErrUnavailable, err)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return entries, nil
}

// Delete removes one parameter. It returns ErrNotFound or webhook.ErrUnavailable,
// each wrapped, or an error for a name that no parameter can have.
func (s *Store) Delete(ctx context.Context, kind Kind, name string) error {
	parameter, err := s.parameter(kind, name)
	if err != nil {
		return err
	}
	_, err = s.api.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(parameter)})
	return explain("delete", parameter, err)
}

func (s *Store) parameter(kind Kind, name string) (string, error) {
	if err := checkKind(kind); err != nil {
		return "", err
	}
	if err := auth.ValidateName(name); err != nil {
		return "", fmt.Errorf("%w: %w", errInvalid, err)
	}
	return s.prefix + "/" + string(kind) + "/" + name, nil
}

func checkKind(kind Kind) error {
	if kind != Sources && kind != Destinations {
		return fmt.Errorf("%w: kind %q", errInvalid, kind)
	}
	return nil
}

func checkValue(kind Kind, name string, value []byte) error {
	if kind == Sources {
		_, err := auth.ParseSource(name, value)
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(value, &object); err != nil || object == nil {
		return errors.New("not a JSON object") // the cause may quote the value
	}
	return nil
}

// explain turns the service's refusals into ours. The text of a validation
// error is left out, because it may quote the value.
func explain(verb, parameter string, err error) error {
	var (
		exists   *types.ParameterAlreadyExists
		notFound *types.ParameterNotFound
		refusal  smithy.APIError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exists):
		return fmt.Errorf("%s %s: %w", verb, parameter, ErrExists)
	case errors.As(err, &notFound):
		return fmt.Errorf("%s %s: %w", verb, parameter, ErrNotFound)
	case errors.As(err, &refusal) && strings.Contains(refusal.ErrorCode(), "Validation"):
		return fmt.Errorf("%s %s: %w: the service refused it (%s)", verb, parameter, errInvalid, refusal.ErrorCode())
	}
	return fmt.Errorf("%s %s: %w: %w", verb, parameter, webhook.ErrUnavailable, err)
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
