package persist

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// The services, by the prefix of their calls. What has none is a call of S3,
// whose path names the object.
const (
	dynamodbCalls  = "DynamoDB_20120810."
	parameterCalls = "AmazonSSM."
	queueCalls     = "AmazonSQS."
)

// Kinds of records. An item's has the table's name after it.
const (
	itemKind      = "item/"
	objectKind    = "object"
	parameterKind = "parameter"
)

// call is what one call does.
type call struct {
	changes  []record
	messages bool   // of a queue: nothing is kept
	refused  string // why it may not be made
	status   int    // of the refusal
}

// harmless are the calls that change no record. A call that is in neither list
// would be lost with the process, so it is refused.
var harmless = map[string][]string{
	dynamodbCalls: {
		"GetItem", "BatchGetItem", "Query", "Scan", "ListTables", "DescribeTable", "CreateTable", "DescribeTimeToLive", "UpdateTimeToLive",
	},
	parameterCalls: {"GetParameter", "GetParameters", "GetParametersByPath", "DescribeParameters"},
}

func (f *Front) read(r *http.Request, body []byte) call {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, queueCalls):
		if f.onlyCopy != nil && f.hasOnlyCopy(body) {
			return call{refused: "messages are not kept, and this one is the only copy of an event", status: http.StatusServiceUnavailable}
		}
		return call{messages: true}
	case target == "":
		return objectCall(r)
	}
	for service, names := range harmless {
		name, found := strings.CutPrefix(target, service)
		if !found {
			continue
		}
		if slices.Contains(names, name) {
			return call{}
		}
		if changes, ok := changesOf(service, name, body); ok {
			return call{changes: changes}
		}
	}
	return call{refused: "a stack that keeps its state does not know this call", status: http.StatusNotImplemented}
}

func (f *Front) hasOnlyCopy(body []byte) bool {
	var sent struct {
		MessageBody string
		Entries     []struct{ MessageBody string }
	}
	if json.Unmarshal(body, &sent) != nil {
		return false
	}
	if sent.MessageBody != "" && f.onlyCopy(sent.MessageBody) {
		return true
	}
	for _, entry := range sent.Entries {
		if f.onlyCopy(entry.MessageBody) {
			return true
		}
	}
	return false
}

// objectCall reads a call of S3. One without an object is about a bucket, which
// is made anew at every start.
func objectCall(r *http.Request) call {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return call{}
	}
	path := r.URL.EscapedPath()
	if _, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); object != "" {
		return call{changes: []record{{objectKind, path}}}
	}
	if r.URL.Query().Has("delete") {
		return call{refused: "a stack that keeps its state does not know this call", status: http.StatusNotImplemented}
	}
	return call{}
}

// tableKey is the key of an item, in DynamoDB's JSON.
type tableKey struct {
	PK text `json:"pk"`
	SK text `json:"sk"`
}

type text struct{ S string }

func changesOf(service, name string, body []byte) ([]record, bool) {
	if service == parameterCalls {
		return parameterChanges(name, body)
	}
	var in struct {
		TableName    string
		Key, Item    *tableKey
		RequestItems map[string][]struct {
			PutRequest    *struct{ Item tableKey }
			DeleteRequest *struct{ Key tableKey }
		}
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, false
	}
	switch {
	case name == "PutItem" && in.Item != nil:
		return []record{itemRecord(in.TableName, *in.Item)}, true
	case (name == "UpdateItem" || name == "DeleteItem") && in.Key != nil:
		return []record{itemRecord(in.TableName, *in.Key)}, true
	case name == "BatchWriteItem":
		var changes []record
		for table, requests := range in.RequestItems {
			for _, request := range requests {
				if request.PutRequest != nil {
					changes = append(changes, itemRecord(table, request.PutRequest.Item))
				}
				if request.DeleteRequest != nil {
					changes = append(changes, itemRecord(table, request.DeleteRequest.Key))
				}
			}
		}
		return changes, true
	}
	return nil, false
}

func itemRecord(table string, key tableKey) record {
	form, _ := json.Marshal(key) // two texts
	return record{itemKind + table, string(form)}
}

func parameterChanges(name string, body []byte) ([]record, bool) {
	var in struct {
		Name  string
		Names []string
	}
	if json.Unmarshal(body, &in) != nil {
		return nil, false
	}
	switch name {
	case "PutParameter", "DeleteParameter":
		return []record{{parameterKind, in.Name}}, true
	case "DeleteParameters":
		var changes []record
		for _, one := range in.Names {
			changes = append(changes, record{parameterKind, one})
		}
		return changes, true
	}
	return nil, false
}
