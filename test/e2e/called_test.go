//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"strings"
)

const account = "000000000000"

// arn names what is in the engine's account and region.
func arn(service, what string) string {
	return "arn:aws:" + service + ":" + region + ":" + account + ":" + what
}

// call is what the JSON protocols tell about a request.
type call struct {
	TableName    string
	IndexName    string
	Item, Key    map[string]struct{ S string } // of a write: what it is about
	RequestItems map[string]any
	QueueURL     string `json:"QueueUrl"`
	Path, Name   string
	Stream       string `json:"DeliveryStreamName"`
}

// calls returns what a request needs the right to do, as "action on arn". The service
// is the one that the request is signed for.
func (s *stack) calls(request *http.Request, body []byte) []string {
	scope := strings.Split(request.Header.Get("Authorization"), "/")
	if len(scope) < 4 {
		return []string{"unsigned " + request.URL.Path}
	}
	switch service := scope[3]; service {
	case "dynamodb", "sqs", "ssm", "events", "firehose":
		return jsonCalls(service, request, body)
	case "cloudformation", "sns":
		return []string{formCall(service, body)}
	case "monitoring":
		if path.Base(request.URL.Path) == "GetMetricData" { // which has no resource
			return []string{"cloudwatch:GetMetricData on *"}
		}
		// A listing is of all alarms, whatever they are narrowed to.
		return []string{"cloudwatch:" + path.Base(request.URL.Path) + " on " + arn("cloudwatch", "alarm:*")}
	case "lambda":
		return []string{lambdaCall(request)}
	case "s3":
		return objectCalls(request)
	default:
		return []string{service + " on ?"}
	}
}

func jsonCalls(service string, request *http.Request, body []byte) []string {
	_, action, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	var c call
	if err := json.Unmarshal(body, &c); err != nil {
		return []string{"unreadable " + service + "." + action}
	}
	switch service {
	case "dynamodb":
		for table := range c.RequestItems {
			c.TableName = table
		}
		what := "table/" + c.TableName
		if c.IndexName != "" {
			what += "/index/" + c.IndexName
		}
		return []string{"dynamodb:" + action + " on " + arn(service, what) + c.leading(action)}
	case "sqs":
		return []string{"sqs:" + strings.TrimSuffix(action, "Batch") + " on " + arn(service, path.Base(c.QueueURL))}
	case "events":
		what := "event-bus/"
		if action == "DescribeRule" {
			what = "rule/"
		}
		return []string{"events:" + action + " on " + arn(service, what+c.Name)}
	case "firehose":
		return []string{"firehose:" + action + " on " + arn(service, "deliverystream/"+c.Stream)}
	default:
		// A path is a folder of parameters, a name is one.
		return []string{"ssm:" + action + " on " + arn(service, "parameter"+strings.TrimSuffix(c.Path, "/")+c.Name)}
	}
}

// leading names the partition that is written, as a condition on dynamodb:LeadingKeys sees
// it. Events are told by the version of their identity alone.
func (c call) leading(action string) string {
	if action != "PutItem" && action != "UpdateItem" && action != "DeleteItem" {
		return ""
	}
	key := c.Item["pk"].S + c.Key["pk"].S
	if version, _, is := strings.Cut(key, ":"); is {
		key = version + ":…"
	}
	return " with " + key
}

func formCall(service string, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "unreadable " + service
	}
	on := form.Get("TopicArn")
	if service == "cloudformation" {
		on = arn(service, "stack/"+form.Get("StackName")+"/id")
	}
	return service + ":" + form.Get("Action") + " on " + on
}

func lambdaCall(request *http.Request) string {
	parts := strings.Split(strings.Trim(request.URL.Path, "/"), "/") // version, resource, name, more
	switch {
	case len(parts) == 2 && parts[1] == "account-settings":
		return "lambda:GetAccountSettings on *"
	case len(parts) == 2 && parts[1] == "event-source-mappings" && request.Method == http.MethodGet:
		return "lambda:ListEventSourceMappings on *"
	case len(parts) == 4 && parts[1] == "functions" && parts[3] == "configuration" && request.Method == http.MethodGet:
		return "lambda:GetFunctionConfiguration on " + arn("lambda", "function:"+parts[2])
	}
	return "lambda:" + request.Method + " on " + request.URL.Path
}

func objectCalls(request *http.Request) []string {
	object := " on arn:aws:s3:::" + strings.TrimPrefix(request.URL.Path, "/")
	var actions []string
	switch request.Method {
	case http.MethodGet, http.MethodHead:
		actions = append(actions, "s3:GetObject"+object)
	case http.MethodPut:
		actions = append(actions, "s3:PutObject"+object)
	default:
		actions = append(actions, "s3:"+request.Method+object)
	}
	if source, err := url.PathUnescape(request.Header.Get("X-Amz-Copy-Source")); err == nil && source != "" {
		actions = append(actions, "s3:GetObject on arn:aws:s3:::"+strings.TrimPrefix(source, "/"))
	}
	if request.Header.Get("X-Amz-Tagging") != "" {
		actions = append(actions, "s3:PutObjectTagging"+object)
	}
	return actions
}
