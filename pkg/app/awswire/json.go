package awswire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"smartlead-receiver/pkg/awsjson"
)

// rpc calls a service that speaks AWS JSON (smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html).
type rpc struct {
	*client
	target  string      // the name of the service in that of an operation, with a full stop
	header  http.Header // of every request
	checked bool        // responses have a checksum
	// queries: errors have the codes of the service's older protocol beside their own
	// (smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait).
	queries bool
	// failure returns the error of a code that has a type of its own, nil for others.
	failure func(code string) typedError
}

type typedError interface {
	error
	ReadJSON(awsjson.Reader) error
}

// input is what an operation is asked.
type input interface{ WriteJSON(*awsjson.Writer) }

// output is what an operation answers with.
type output[T any] interface {
	*T
	ReadJSON(awsjson.Reader) error
}

// invoke calls an operation. Each attempt reads into an output of its own.
func invoke[T any, Out output[T]](ctx context.Context, r *rpc, operation string, in input) (Out, error) {
	var out Out
	err := r.call(ctx, operation, r.encode(operation, in), func(resp *smithyhttp.Response) error {
		out = new(T)
		return r.decode(resp, out.ReadJSON)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (r *rpc) encode(operation string, in input) message {
	body := make(awsjson.Writer, 0, 1024)
	in.WriteJSON(&body)
	header := make(http.Header, 8)
	for name, values := range r.header {
		header[name] = values
	}
	header["X-Amz-Target"] = []string{r.target + operation}
	return message{method: http.MethodPost, at: r.endpoint, header: header, body: body, hash: hashOf(body)}
}

// decode reads a response. One that is empty is an output without members.
func (r *rpc) decode(resp *smithyhttp.Response, read func(awsjson.Reader) error) error {
	body, err := r.body(resp)
	switch {
	case err != nil:
		return &smithy.DeserializationError{Err: err}
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		return r.refusal(resp, body)
	case len(body) == 0:
		return nil
	}
	if err := read(awsjson.NewReader(body)); err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	return nil
}

// body reads the body of a response, and compares it with the checksum of its header.
func (r *rpc) body(resp *smithyhttp.Response) ([]byte, error) {
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= r.most {
		body.Grow(int(n) + bytes.MinRead) // so that it does not grow at the end
	}
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return nil, err
	}
	text := resp.Header.Get("X-Amz-Crc32")
	if !r.checked || text == "" {
		return body.Bytes(), nil
	}
	want, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the checksum of the response: %w", err)
	}
	if got := crc32.ChecksumIEEE(body.Bytes()); uint64(got) != want {
		return nil, fmt.Errorf("the response has the checksum %d and not %d", got, want)
	}
	return body.Bytes(), nil
}

// refusal reads an error of the service. Its code may be in the header, or in one of two
// members.
func (r *rpc) refusal(resp *smithyhttp.Response, body []byte) error {
	var told struct {
		Type    string `json:"__type"`
		Message string
		Code    any
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&told); err != nil && !errors.Is(err, io.EOF) {
		return &smithy.DeserializationError{Err: fmt.Errorf("failed to decode response body, %w", err)}
	}
	code := resp.Header.Get("X-Amzn-ErrorType")
	if code == "" {
		code = told.Type
	}
	if text, ok := told.Code.(string); ok && code == "" {
		code = text
	}
	code = plainCode(code)
	if r.failure != nil {
		if failure := r.failure(code); failure != nil {
			if err := failure.ReadJSON(awsjson.NewReader(body)); err != nil {
				return &smithy.DeserializationError{Err: err}
			}
			return failure
		}
	}
	failure := &smithy.GenericAPIError{Code: code, Message: told.Message}
	if r.queries {
		older, fault, _ := strings.Cut(resp.Header.Get("X-Amzn-Query-Error"), ";")
		if older != "" {
			failure.Code = older
		}
		failure.Fault = faults[fault]
	}
	return unknown(failure)
}

var faults = map[string]smithy.ErrorFault{"Sender": smithy.FaultClient, "Receiver": smithy.FaultServer}

// unknown names what an error does not say.
func unknown(failure *smithy.GenericAPIError) error {
	for _, v := range []*string{&failure.Code, &failure.Message} {
		if *v == "" {
			*v = "UnknownError"
		}
	}
	return failure
}

// plainCode is a code without the name of its model before it and an address behind it.
func plainCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if _, plain, found := strings.Cut(code, "#"); found {
		return plain
	}
	return code
}
