package awswire

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// rpc calls a service that speaks AWS JSON.
type rpc struct {
	*client
	protocol *awsjson.Protocol
	errors   *smithy.TypeRegistry
	header   http.Header // of every request, beside those of the protocol
	checked  bool        // responses have a checksum
}

// operation is one of a service's.
type operation = smithy.OperationSchema

func newOperation(name, input, output *smithy.Schema) *operation {
	return smithy.NewOperationSchema(name, input, output)
}

// output is what an operation answers with.
type output[T any] interface {
	*T
	smithy.Deserializable
}

// invoke calls an operation. Each attempt reads into an output of its own.
func invoke[T any, Out output[T]](ctx context.Context, r *rpc, op *operation, in smithy.Serializable) (Out, error) {
	name := op.ID().Name
	m, err := r.encode(ctx, op, in)
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: r.service, OperationName: name, Err: err}
	}
	var out Out
	err = r.call(ctx, name, m, func(resp *smithyhttp.Response) error {
		out = new(T)
		return r.decode(ctx, op, resp, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *rpc) encode(ctx context.Context, op *operation, in smithy.Serializable) (message, error) {
	req := &smithyhttp.Request{Request: &http.Request{URL: &url.URL{}, Header: make(http.Header, 8)}}
	if err := r.protocol.SerializeRequest(ctx, op, in, req); err != nil {
		return message{}, err
	}
	body := make([]byte, req.ContentLength)
	if _, err := io.ReadFull(req.GetStream(), body); err != nil {
		return message{}, err
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	return message{method: http.MethodPost, at: r.endpoint, header: req.Header, body: body, hash: hashOf(body)}, nil
}

func (r *rpc) decode(ctx context.Context, op *operation, resp *smithyhttp.Response, out smithy.Deserializable) error {
	var check *checksum
	if r.checked {
		var err error
		if check, err = newChecksum(resp); err != nil {
			return &smithy.DeserializationError{Err: err}
		}
	}
	if err := r.protocol.DeserializeResponse(ctx, op, r.errors, resp, out); err != nil {
		return err
	}
	if err := check.judge(); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	return nil
}

// checksum is that of a response of DynamoDB, which a client compares with the one in
// its header.
type checksum struct {
	io.ReadCloser
	want, got uint32
}

// newChecksum puts a checksum around the body of a response, or returns nil where it
// has none.
func newChecksum(resp *smithyhttp.Response) (*checksum, error) {
	text := resp.Header.Get("X-Amz-Crc32")
	if text == "" {
		return nil, nil
	}
	want, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the checksum of the response: %w", err)
	}
	c := &checksum{ReadCloser: resp.Body, want: uint32(want)}
	resp.Body = c
	return c, nil
}

func (c *checksum) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.got = crc32.Update(c.got, crc32.IEEETable, p[:n])
	return n, err
}

// judge is asked when the body is read.
func (c *checksum) judge() error {
	if c != nil && c.got != c.want {
		return fmt.Errorf("the response has the checksum %d and not %d", c.got, c.want)
	}
	return nil
}
