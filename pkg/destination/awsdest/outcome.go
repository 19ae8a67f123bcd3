package awsdest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/webhook"
)

// maxMessage bounds what is shown of a service's own words, in bytes.
const maxMessage = 200

// passing are the codes of refusals that may pass, of any service here: EventBridge
// (API_PutEvents), SNS (API_PublishBatch), SQS (API_SendMessageBatch), Firehose
// (API_PutRecordBatch), and the common errors of AWS. An expired token is the worker's own,
// which Lambda renews. Every other code is for good: an operator mends what it names.
var passing = []string{
	"InternalFailure", "InternalError", "InternalException", "InternalServerError", "InternalServiceError",
	"ServiceUnavailable", "ServiceUnavailableException", "RequestTimeout",
	"Throttling", "Throttled", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
	"RequestLimitExceeded", "TooManyRequestsException", "LimitExceededException", "ConcurrentModificationException",
	"KMSThrottling", "KMSThrottlingException", "KmsThrottled", "OverLimit",
	"ExpiredToken", "ExpiredTokenException", "RequestExpired",
}

// hints say what an operator can do, by what a code says.
var hints = []struct{ part, hint string }{
	{"KMS", "the key that encrypts it must be in DestinationArns, and its policy must allow the worker's role"},
	{"Kms", "the key that encrypts it must be in DestinationArns, and its policy must allow the worker's role"},
	{"AccessDenied", "the worker's role needs the right: add the ARN to the stack's parameter DestinationArns"},
	{"NotAuthorized", "the worker's role needs the right: add the ARN to the stack's parameter DestinationArns"},
	{"AuthorizationError", "the worker's role needs the right: add the ARN to the stack's parameter DestinationArns"},
	{"NonExistentQueue", "check the destination's ARN"},
	{"QueueDoesNotExist", "check the destination's ARN"},
	{"NotFound", "check the destination's ARN"},
	{"TooLong", "the event is larger than this resource takes"},
	{"SignatureDoesNotMatch", "check the clock of this machine and its credentials"},
	{"UnrecognizedClient", "check the credentials of AWS that are used here"},
	{"InvalidClientTokenId", "check the credentials of AWS that are used here"},
}

// Refused is the outcome of an event that a service refused with that code.
func Refused(service, code, message string) webhook.Outcome {
	out := webhook.Outcome{Result: webhook.ResultPermanent, ErrorClass: code}
	if code == "" {
		out.ErrorClass, out.Result = destination.ClassBadAnswer, webhook.ResultRetry
		code = "a refusal without a code"
	}
	if passes(code) {
		out.Result = webhook.ResultRetry
	}
	out.Error = service + " answered " + code
	for _, h := range hints {
		if strings.Contains(code, h.part) {
			out.Error += " (" + h.hint + ")"
			break
		}
	}
	if message = destination.Clean(message, maxMessage); message != "" {
		out.Error += ": " + message
	}
	return out
}

// passes tells whether a refusal with that code may pass.
func passes(code string) bool {
	return slices.Contains(passing, strings.TrimPrefix(code, "AWS.SimpleQueueService."))
}

// Whole is the outcome of every event of a call that was refused whole, or not answered.
// ok tells that it was taken, and the answer says what became of each.
func Whole(service string, a destination.Answer) (out webhook.Outcome, ok bool) {
	if a.Err != nil {
		return destination.Decide(a, service, time.Time{}), false
	}
	if a.Status >= 200 && a.Status < 300 {
		return webhook.Outcome{}, true
	}
	code, message := refusal(a.Body)
	if code == "" {
		return destination.Decide(destination.Answer{Status: a.Status, RetryAfter: a.RetryAfter}, service, time.Now()), false
	}
	out = Refused(service, code, message)
	out.Status = a.Status
	if a.Status >= 500 || a.Status == 429 {
		out.Result, out.RetryAfter = webhook.ResultRetry, destination.LongestRetryAfter(a.RetryAfter, time.Now())
	}
	return out, false
}

// refusal reads the code and the message of an error, in JSON or XML.
func refusal(body []byte) (code, message string) {
	var asJSON struct {
		Type    string `json:"__type"`
		Code    any
		Message string
	}
	if json.Unmarshal(body, &asJSON) == nil {
		code = asJSON.Type
		if text, ok := asJSON.Code.(string); ok && code == "" {
			code = text
		}
		return tidyCode(code), asJSON.Message
	}
	var asXML struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	if xml.Unmarshal(body, &asXML) == nil {
		return tidyCode(asXML.Code), asXML.Message
	}
	return "", ""
}

// tidyCode is a code without the name of its model before it, and only if it looks like one.
func tidyCode(code string) string {
	code, _, _ = strings.Cut(code, ":")
	if _, plain, found := strings.Cut(code, "#"); found {
		code = plain
	}
	if len(code) > 80 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return ""
	}
	return code
}

// Same is one outcome for each of n events.
func Same(n int, out webhook.Outcome) []webhook.Outcome {
	all := make([]webhook.Outcome, n)
	for i := range all {
		all[i] = out
	}
	return all
}

// Missing is the outcome of events whose call was taken and not answered for each.
func Missing(service string, status int) webhook.Outcome {
	return destination.BadAnswer(service, status)
}

// Describe says whether a resource is there, by an answer to the question for it. It
// returns nil, an error that wraps ErrAbsent, or one that says why nobody knows.
func Describe(service string, a destination.Answer) error {
	out, ok := Whole(service, a)
	if ok {
		return nil
	}
	code := out.ErrorClass
	if strings.Contains(code, "NotFound") || strings.Contains(code, "NonExistent") || strings.Contains(code, "DoesNotExist") {
		return destination.ErrAbsent
	}
	return errors.New(out.Error)
}

// Document writes an event for a service that takes at most so many bytes.
func Document(d webhook.Delivery, most int) ([]byte, *webhook.Outcome) {
	text, err := destination.Document(d, most)
	switch {
	case errors.Is(err, destination.ErrTooLarge):
		out := destination.TooLarge()
		return nil, &out
	case err != nil:
		out := Unencodable()
		return nil, &out
	}
	return text, nil
}

// Unencodable is the outcome of an event that cannot be written.
func Unencodable() webhook.Outcome {
	return webhook.Outcome{
		Result: webhook.ResultPermanent, ErrorClass: "encode", Error: "the stored event cannot be written as JSON",
	}
}
