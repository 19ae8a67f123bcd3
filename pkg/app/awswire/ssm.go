package awswire

import (
	"context"
	"net/http"
	"net/url"

	smithytime "github.com/aws/smithy-go/time"

	"smartlead-receiver/pkg/awsjson"
	"smartlead-receiver/pkg/sourcestore/parameter"
)

// SSM calls Parameter Store. It is safe for concurrent use.
//
// The SDK's package of the service is not linked, not even for its types: it describes
// every operation of Systems Manager when a process starts.
type SSM struct{ rpc }

// maxParameters is more than a page holds: ten parameters of 8 KB (AWS, "Managing
// parameter tiers").
const maxParameters = 1 << 20

// parametersPage is the service's maximum.
const parametersPage = 10

// NewSSM returns a client of the endpoint. It makes no call.
func NewSSM(cfg Config, endpoint url.URL) *SSM {
	return &SSM{rpc{
		client: cfg.client("SSM", "ssm", endpoint, maxParameters),
		target: "AmazonSSM.",
		header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
	}}
}

// ParametersByPath returns a page of the parameters below a path, decrypted.
func (s *SSM) ParametersByPath(ctx context.Context, path, page string) ([]parameter.Parameter, string, error) {
	out, err := invoke[parametersOf](ctx, &s.rpc, "GetParametersByPath", parametersBelow{path: path, page: page})
	if err != nil {
		return nil, "", err
	}
	return out.found, out.next, nil
}

// parametersBelow is the input of GetParametersByPath.
type parametersBelow struct{ path, page string }

// WriteJSON writes the input.
func (p parametersBelow) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("Path", &p.path)
	w.Name("WithDecryption")
	w.Bool(true)
	w.IntMember("MaxResults", parametersPage)
	if p.page != "" {
		w.TextMember("NextToken", &p.page)
	}
	w.End('}')
}

// parametersOf is its output.
type parametersOf struct {
	found []parameter.Parameter
	next  string
}

// ReadJSON reads the output.
func (p *parametersOf) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) (err error) {
		switch string(name) {
		case "NextToken":
			p.next, err = r.Text()
			return err
		case "Parameters":
			return awsjson.ReadList(r, &p.found, func(one *parameter.Parameter) error { return readParameter(r, one) })
		}
		return r.Skip()
	})
}

// GetParameter returns a parameter, decrypted.
func (s *SSM) GetParameter(ctx context.Context, name string) (parameter.Parameter, error) {
	out, err := invoke[parameterOf](ctx, &s.rpc, "GetParameter", parameterNamed{name})
	if err != nil {
		return parameter.Parameter{}, err
	}
	return out.found, nil
}

// parameterNamed is the input of GetParameter.
type parameterNamed struct{ name string }

// WriteJSON writes the input.
func (p parameterNamed) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("Name", &p.name)
	w.Name("WithDecryption")
	w.Bool(true)
	w.End('}')
}

// parameterOf is its output.
type parameterOf struct{ found parameter.Parameter }

// ReadJSON reads the output.
func (p *parameterOf) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Parameter" {
			return readParameter(r, &p.found)
		}
		return r.Skip()
	})
}

func readParameter(r awsjson.Reader, one *parameter.Parameter) error {
	return r.Struct(func(name []byte) (err error) {
		switch string(name) {
		case "Name":
			one.Name, err = r.Text()
		case "Value":
			one.Value, err = r.Text()
		case "Version":
			one.Version, err = r.Int(64)
		case "LastModifiedDate":
			var seconds float64
			seconds, err = r.Float()
			one.UpdatedAt = smithytime.ParseEpochSeconds(seconds)
		default:
			err = r.Skip()
		}
		return err
	})
}
