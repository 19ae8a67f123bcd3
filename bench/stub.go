package main

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // SQS answers with it, and its client checks it
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// stub answers as DynamoDB, SQS, S3 and Parameter Store do, at once, from memory. It
// judges no expression but the absence of an item, and applies no update: what it
// answers is what a client has to read, which is what is measured.
type stub struct {
	mu         sync.Mutex
	calls      map[string]int
	items      map[string]json.RawMessage // by table, pk and sk
	parameters map[string]string
	objects    map[string][]byte
	checksums  map[string]string // of objects
	messages   []string          // that were sent, in their order
	servers    []*http.Server
	addresses  map[string]string // of each service, by its name in the SDK's environment
}

// services are the SDK's names of what the functions call. Each has a port of its
// own, because each has a host of its own in AWS, and with it connections of its own.
var services = []string{"DYNAMODB", "SQS", "S3", "SSM"}

func newStub(ctx context.Context, certificate *tls.Certificate) (*stub, error) {
	s := &stub{
		calls: map[string]int{}, items: map[string]json.RawMessage{}, parameters: map[string]string{},
		objects: map[string][]byte{}, checksums: map[string]string{}, addresses: map[string]string{},
	}
	for _, service := range append(services, "DESTINATION") {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		server := &http.Server{Handler: s, ReadHeaderTimeout: waitFor}
		if service == "DESTINATION" {
			server.Handler = http.HandlerFunc(s.destination)
		}
		s.addresses[service] = "http://" + listener.Addr().String()
		if certificate != nil {
			s.addresses[service] = "https://" + listener.Addr().String()
			// AWS answers these services with HTTP/1.1 alone.
			listener = tls.NewListener(listener, &tls.Config{
				Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			})
		}
		s.servers = append(s.servers, server)
		go func() { _ = server.Serve(listener) }() // returns when it is closed
	}
	return s, nil
}

func (s *stub) close() {
	for _, server := range s.servers {
		_ = server.Close()
	}
}

// environment is what tells the SDK where the services are.
func (s *stub) environment() []string {
	var env []string
	for _, service := range services {
		env = append(env, "AWS_ENDPOINT_URL_"+service+"="+s.addresses[service])
	}
	return env
}

// taken returns how many calls there were since it was last asked, and forgets them.
func (s *stub) taken() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = map[string]int{}
	return calls
}

// sent returns the messages that were sent since it was last asked.
func (s *stub) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages := s.messages
	s.messages = nil
	return messages
}

func (s *stub) destination(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls["destination"]++
	w.WriteHeader(http.StatusOK)
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	service, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.mu.Lock()
	defer s.mu.Unlock()
	if !found {
		s.object(w, r, body)
		return
	}
	s.calls[operation]++
	var in map[string]json.RawMessage
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out any
	status := http.StatusOK
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		out, status = s.dynamodb(operation, in)
	case service == "AmazonSQS":
		out = s.sqs(operation, in)
	case service == "AmazonSSM":
		out, status = s.ssm(operation, in)
	}
	if out == nil {
		http.Error(w, "the stub knows no "+operation, http.StatusNotImplemented)
		return
	}
	form, err := json.Marshal(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	w.Header().Set("X-Amzn-RequestId", "SUBJECTREQUESTID0000000000000000000000000000000000000")
	if strings.HasPrefix(service, "DynamoDB") { // its client checks it
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(form)), 10))
	}
	w.WriteHeader(status)
	_, _ = w.Write(form)
}

type object = map[string]any

func text(raw json.RawMessage) string {
	var t string
	_ = json.Unmarshal(raw, &t) // what is no text is none
	return t
}

// key names an item by its table, pk and sk.
func key(table string, attributes json.RawMessage) string {
	var k struct {
		PK struct{ S string } `json:"pk"`
		SK struct{ S string } `json:"sk"`
	}
	_ = json.Unmarshal(attributes, &k) // an item without a key is under the empty one
	return table + "\x00" + k.PK.S + "\x00" + k.SK.S
}

func (s *stub) dynamodb(operation string, in map[string]json.RawMessage) (any, int) {
	table := text(in["TableName"])
	switch operation {
	case "PutItem":
		k := key(table, in["Item"])
		old, exists := s.items[k]
		if exists && strings.Contains(text(in["ConditionExpression"]), "attribute_not_exists(pk)") {
			failure := object{
				"__type":  "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
				"message": "The conditional request failed",
			}
			if text(in["ReturnValuesOnConditionCheckFailure"]) == "ALL_OLD" {
				failure["Item"] = old
			}
			return failure, http.StatusBadRequest
		}
		s.items[k] = in["Item"]
		return object{}, http.StatusOK
	case "UpdateItem":
		item, exists := s.items[key(table, in["Key"])]
		if !exists || text(in["ReturnValues"]) != "ALL_NEW" {
			return object{}, http.StatusOK
		}
		return object{"Attributes": item}, http.StatusOK
	case "GetItem":
		item, exists := s.items[key(table, in["Key"])]
		if !exists {
			return object{}, http.StatusOK
		}
		return object{"Item": item}, http.StatusOK
	case "Query":
		return s.query(table, in), http.StatusOK
	case "BatchGetItem":
		return object{"Responses": object{}, "UnprocessedKeys": object{}}, http.StatusOK
	case "DeleteItem":
		delete(s.items, key(table, in["Key"]))
		return object{}, http.StatusOK
	}
	return nil, 0
}

// query finds the items of a partition of the table; its indexes are empty.
func (s *stub) query(table string, in map[string]json.RawMessage) object {
	items := []json.RawMessage{}
	if in["IndexName"] == nil {
		var values map[string]struct{ S string }
		_ = json.Unmarshal(in["ExpressionAttributeValues"], &values) // values of other types are not partitions
		for _, value := range values {
			for k, item := range s.items {
				if strings.HasPrefix(k, table+"\x00"+value.S+"\x00") {
					items = append(items, item)
				}
			}
		}
	}
	return object{"Items": items, "Count": len(items), "ScannedCount": len(items)}
}

func (s *stub) sqs(operation string, in map[string]json.RawMessage) any {
	send := func(body string) string {
		s.messages = append(s.messages, body)
		sum := md5.Sum([]byte(body)) //nolint:gosec // see the import
		return hex.EncodeToString(sum[:])
	}
	switch operation {
	case "SendMessage":
		return object{"MessageId": "5fea7756-0ea4-451a-a703-a558b933e274", "MD5OfMessageBody": send(text(in["MessageBody"]))}
	case "SendMessageBatch":
		var entries []struct{ Id, MessageBody string } //nolint:revive // as SQS spells it
		_ = json.Unmarshal(in["Entries"], &entries)    // none are none
		done := []object{}
		for _, e := range entries {
			done = append(done, object{"Id": e.Id, "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274", "MD5OfMessageBody": send(e.MessageBody)})
		}
		return object{"Successful": done, "Failed": []object{}}
	case "ChangeMessageVisibility", "DeleteMessage":
		return object{}
	}
	return nil
}

func (s *stub) ssm(operation string, in map[string]json.RawMessage) (any, int) {
	parameter := func(name string) object {
		return object{"Name": name, "Value": s.parameters[name], "Type": "SecureString", "Version": 1, "LastModifiedDate": 1.7e9}
	}
	switch operation {
	case "PutParameter":
		s.parameters[text(in["Name"])] = text(in["Value"])
		return object{"Version": 1, "Tier": "Standard"}, http.StatusOK
	case "GetParameter":
		name := text(in["Name"])
		if _, found := s.parameters[name]; !found {
			return object{"__type": "ParameterNotFound", "message": ""}, http.StatusBadRequest
		}
		return object{"Parameter": parameter(name)}, http.StatusOK
	case "GetParametersByPath":
		found := []object{}
		for name := range s.parameters {
			if strings.HasPrefix(name, text(in["Path"])+"/") {
				found = append(found, parameter(name))
			}
		}
		return object{"Parameters": found}, http.StatusOK
	}
	return nil, 0
}

// object serves S3: put, get, copy and delete of whole objects.
func (s *stub) object(w http.ResponseWriter, r *http.Request, body []byte) {
	s.calls["S3 "+r.Method]++
	switch r.Method {
	case http.MethodPut:
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			fmt.Fprint(w, `<CopyObjectResult><ETag>"0"</ETag><LastModified>2026-03-04T17:29:11.000Z</LastModified></CopyObjectResult>`)
			return
		}
		s.objects[r.URL.Path] = plain(body, r.Header)
		s.checksums[r.URL.Path] = r.Header.Get("X-Amz-Checksum-Crc32") // not where it follows the body
		w.Header().Set("ETag", `"0"`)
	case http.MethodGet, http.MethodHead:
		stored, found := s.objects[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `<Error><Code>NoSuchKey</Code><Message></Message></Error>`)
			return
		}
		w.Header().Set("ETag", `"0"`)
		if sum := s.checksums[r.URL.Path]; sum != "" {
			w.Header().Set("X-Amz-Checksum-Crc32", sum)
		}
		http.ServeContent(w, r, "", noTime, bytes.NewReader(stored))
	case http.MethodDelete:
		delete(s.objects, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	}
}
