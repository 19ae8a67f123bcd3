// Package ssmstore reaches Parameter Store by the SDK's client, for the operator's
// tools and the local stack. No function links it: tables of every operation of the
// service, which the client builds when a process starts, take longer than all else
// that a start does.
package ssmstore

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"smartlead-receiver/pkg/sourcestore/parameter"
)

// Store is safe for concurrent use. Its errors are the SDK's.
type Store struct{ client *ssm.Client }

// New returns the parameters of the client's account and region.
func New(client *ssm.Client) Store { return Store{client} }

// pageSize is the service's maximum.
const pageSize = 10

// ParametersByPath returns a page of the parameters below a path.
func (s Store) ParametersByPath(ctx context.Context, path, page string) ([]parameter.Parameter, string, error) {
	in := &ssm.GetParametersByPathInput{Path: &path, WithDecryption: aws.Bool(true), MaxResults: aws.Int32(pageSize)}
	if page != "" {
		in.NextToken = &page
	}
	out, err := s.client.GetParametersByPath(ctx, in)
	if err != nil {
		return nil, "", err
	}
	found := make([]parameter.Parameter, 0, len(out.Parameters))
	for _, p := range out.Parameters {
		found = append(found, read(p))
	}
	return found, aws.ToString(out.NextToken), nil
}

// GetParameter returns a parameter.
func (s Store) GetParameter(ctx context.Context, name string) (parameter.Parameter, error) {
	out, err := s.client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil || out.Parameter == nil {
		return parameter.Parameter{}, err
	}
	return read(*out.Parameter), nil
}

// PutParameter writes a parameter.
func (s Store) PutParameter(ctx context.Context, name, value, keyID string, overwrite bool) error {
	in := &ssm.PutParameterInput{
		Name: &name, Value: &value, Type: types.ParameterTypeSecureString, Tier: types.ParameterTierStandard, Overwrite: &overwrite,
	}
	if keyID != "" {
		in.KeyId = &keyID
	}
	_, err := s.client.PutParameter(ctx, in)
	return err
}

// DeleteParameter removes a parameter.
func (s Store) DeleteParameter(ctx context.Context, name string) error {
	_, err := s.client.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: &name})
	return err
}

func read(p types.Parameter) parameter.Parameter {
	return parameter.Parameter{
		Name: aws.ToString(p.Name), Value: aws.ToString(p.Value), Version: p.Version, UpdatedAt: aws.ToTime(p.LastModifiedDate),
	}
}
