package awswire

import (
	"context"
	"net/url"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/prelude"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"

	"smartlead-receiver/pkg/sourcestore/parameter"
)

// SSM calls Parameter Store. It is safe for concurrent use.
//
// The SDK's package of the service is not linked, not even for its types: it describes
// every operation of Systems Manager when a process starts.
type SSM struct {
	rpc
	byPath *operation
}

// maxParameters is more than a page holds: ten parameters of 8 KB (AWS, "Managing
// parameter tiers").
const maxParameters = 1 << 20

// parametersPage is the service's maximum.
const parametersPage = 10

// These describe GetParametersByPath as far as it is used.
var (
	ssmName = smithy.NewServiceSchema(smithy.NewSchema(smithy.ShapeID{Name: "AmazonSSM"}, smithy.ShapeTypeService, 0), "2014-11-06")

	byPathInput = smithy.NewSchema(smithy.ShapeID{Name: "GetParametersByPathRequest"}, smithy.ShapeTypeStructure, 4)
	inPath      = byPathInput.AddMember("Path", prelude.String)
	inDecrypt   = byPathInput.AddMember("WithDecryption", prelude.Boolean)
	inMost      = byPathInput.AddMember("MaxResults", prelude.Integer)
	inPage      = byPathInput.AddMember("NextToken", prelude.String)

	oneParameter = smithy.NewSchema(smithy.ShapeID{Name: "Parameter"}, smithy.ShapeTypeStructure, 4)
	outName      = oneParameter.AddMember("Name", prelude.String)
	outValue     = oneParameter.AddMember("Value", prelude.String)
	outVersion   = oneParameter.AddMember("Version", prelude.Long)
	outUpdated   = oneParameter.AddMember("LastModifiedDate", prelude.Timestamp)

	manyParameters = smithy.NewSchema(smithy.ShapeID{Name: "ParameterList"}, smithy.ShapeTypeList, 1)
	_              = manyParameters.AddMember("member", oneParameter)

	byPathOutput  = smithy.NewSchema(smithy.ShapeID{Name: "GetParametersByPathResult"}, smithy.ShapeTypeStructure, 2)
	outParameters = byPathOutput.AddMember("Parameters", manyParameters)
	outPage       = byPathOutput.AddMember("NextToken", prelude.String)
)

// NewSSM returns a client of the endpoint. It makes no call.
func NewSSM(cfg Config, endpoint url.URL) *SSM {
	name := smithy.NewSchema(smithy.ShapeID{Name: "GetParametersByPath"}, smithy.ShapeTypeOperation, 0)
	return &SSM{
		rpc: rpc{
			client:   cfg.client("SSM", "ssm", endpoint, maxParameters),
			protocol: awsjson.New11(ssmName), errors: &smithy.TypeRegistry{},
		},
		byPath: newOperation(name, byPathInput, byPathOutput),
	}
}

// ParametersByPath returns a page of the parameters below a path, decrypted.
func (s *SSM) ParametersByPath(ctx context.Context, path, page string) ([]parameter.Parameter, string, error) {
	out, err := invoke[parametersOf](ctx, &s.rpc, s.byPath, parametersBelow{path: path, page: page})
	if err != nil {
		return nil, "", err
	}
	return out.found, out.next, nil
}

// parametersBelow is the input of GetParametersByPath.
type parametersBelow struct{ path, page string }

// Serialize writes the input.
func (p parametersBelow) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(byPathInput)
	s.WriteString(inPath, p.path)
	s.WriteBool(inDecrypt, true)
	s.WriteInt32(inMost, parametersPage)
	if p.page != "" {
		s.WriteString(inPage, p.page)
	}
	s.CloseStruct()
}

// parametersOf is its output.
type parametersOf struct {
	found []parameter.Parameter
	next  string
}

// Deserialize reads the output.
func (p *parametersOf) Deserialize(d smithy.ShapeDeserializer) error {
	return smithy.ReadStruct(d, byPathOutput, func(member *smithy.Schema) error {
		switch member {
		case outPage:
			return d.ReadString(outPage, &p.next)
		case outParameters:
			return smithy.ReadList(d, outParameters, func() error {
				one, err := readParameter(d)
				p.found = append(p.found, one)
				return err
			})
		}
		return nil
	})
}

func readParameter(d smithy.ShapeDeserializer) (one parameter.Parameter, err error) {
	err = smithy.ReadStruct(d, oneParameter, func(member *smithy.Schema) error {
		switch member {
		case outName:
			return d.ReadString(outName, &one.Name)
		case outValue:
			return d.ReadString(outValue, &one.Value)
		case outVersion:
			return d.ReadInt64(outVersion, &one.Version)
		case outUpdated:
			var at time.Time
			err := d.ReadTime(outUpdated, &at)
			one.UpdatedAt = at
			return err
		}
		return nil
	})
	return one, err
}
