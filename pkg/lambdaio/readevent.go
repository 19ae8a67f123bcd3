package lambdaio

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// readEvent reads an event as API Gateway writes it, and as encoding/json would read
// it. It returns false for any other: with a member that it does not know, a member
// twice, text that is not UTF-8. encoding/json has rules of its own for those.
func readEvent(form []byte, ev *events.APIGatewayV2HTTPRequest) bool {
	r := eventReader{jsontext.NewDecoder(bytes.NewBuffer(form))}
	err := r.object(func(name []byte) error {
		switch string(name) {
		case "version":
			return r.text(&ev.Version)
		case "routeKey":
			return r.text(&ev.RouteKey)
		case "rawPath":
			return r.text(&ev.RawPath)
		case "rawQueryString":
			return r.text(&ev.RawQueryString)
		case "headers":
			return r.texts(&ev.Headers)
		case "queryStringParameters":
			return r.texts(&ev.QueryStringParameters)
		case "pathParameters":
			return r.texts(&ev.PathParameters)
		case "stageVariables":
			return r.texts(&ev.StageVariables)
		case "requestContext":
			return r.context(&ev.RequestContext)
		case "body":
			return r.text(&ev.Body)
		case "isBase64Encoded":
			return r.value(&ev.IsBase64Encoded)
		case "cookies":
			return r.value(&ev.Cookies)
		}
		return errUnusual
	})
	if err != nil {
		return false
	}
	_, err = r.ReadToken()
	return errors.Is(err, io.EOF)
}

// errUnusual leaves an event to encoding/json.
var errUnusual = errors.New("not as API Gateway writes it")

type eventReader struct{ *jsontext.Decoder }

func (r eventReader) context(c *events.APIGatewayV2HTTPRequestContext) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "routeKey":
			return r.text(&c.RouteKey)
		case "accountId":
			return r.text(&c.AccountID)
		case "stage":
			return r.text(&c.Stage)
		case "requestId":
			return r.text(&c.RequestID)
		case "apiId":
			return r.text(&c.APIID)
		case "domainName":
			return r.text(&c.DomainName)
		case "domainPrefix":
			return r.text(&c.DomainPrefix)
		case "time":
			return r.text(&c.Time)
		case "timeEpoch":
			return r.value(&c.TimeEpoch)
		case "http":
			return r.http(&c.HTTP)
		case "authorizer":
			return r.value(&c.Authorizer)
		case "authentication":
			return r.value(&c.Authentication)
		}
		return errUnusual
	})
}

func (r eventReader) http(h *events.APIGatewayV2HTTPRequestContextHTTPDescription) error {
	return r.object(func(name []byte) error {
		switch string(name) {
		case "method":
			return r.text(&h.Method)
		case "path":
			return r.text(&h.Path)
		case "protocol":
			return r.text(&h.Protocol)
		case "sourceIp":
			return r.text(&h.SourceIP)
		case "userAgent":
			return r.text(&h.UserAgent)
		}
		return errUnusual
	})
}

// object reads each member of an object. Of null there are none. A name is as it
// stands in the event, until the next read.
func (r eventReader) object(member func(name []byte) error) error {
	t, err := r.ReadToken()
	switch {
	case err != nil:
		return err
	case t.Kind() == 'n':
		return nil
	case t.Kind() != '{':
		return errUnusual
	}
	for r.PeekKind() == '"' {
		name, err := r.ReadValue()
		if err != nil {
			return err
		}
		if bytes.IndexByte(name, '\\') >= 0 {
			return errUnusual
		}
		if err := member(name[1 : len(name)-1]); err != nil {
			return err
		}
	}
	_, err = r.ReadToken()
	return err
}

// text reads a text. null changes nothing.
func (r eventReader) text(to *string) error {
	t, err := r.ReadToken()
	switch {
	case err != nil:
		return err
	case t.Kind() == '"':
		*to = t.String()
		return nil
	case t.Kind() == 'n':
		return nil
	}
	return errUnusual
}

func (r eventReader) texts(to *map[string]string) error {
	if r.PeekKind() == 'n' {
		return r.SkipValue()
	}
	all := map[string]string{}
	*to = all
	return r.object(func(name []byte) error {
		header, value := string(name), ""
		err := r.text(&value)
		all[header] = value
		return err
	})
}

// value reads what is short or rare.
func (r eventReader) value(to any) error {
	form, err := r.ReadValue()
	if err != nil {
		return err
	}
	return json.Unmarshal(form, to)
}
