package registry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"smartlead-receiver/pkg/app/awswire"
	"smartlead-receiver/pkg/destination"
)

// arrived is what a service reads of one event.
type arrived struct {
	key, typ string // the idempotency key and the event's type, as the service is told them
	size     int    // as the service counts it
	omitted  bool   // it says that something was left out
}

// far is the service behind a type, as its documentation has it.
type far struct {
	// read takes a request apart, and reports what the service would not take.
	read func(t *testing.T, r *http.Request, body []byte) []arrived
	// answer says what became of each event: "" taken, else a code. Nil: the status alone
	// decides, so that nonsense in a body is none.
	answer func(w http.ResponseWriter, all []arrived, codes []string)
	// beside answers a call that carries no event, as it should; false: it is not one.
	beside func(t *testing.T, w http.ResponseWriter, r *http.Request, body []byte) bool

	batch              bool   // several events in a call
	passing, permanent string // codes of an entry that may pass, and that do not
	entries            int    // most of a call
	bytes, one         int    // most of a call and of an event
	keyless            bool   // the service is not told the idempotency key
}

type event struct {
	IdempotencyKey string `json:"idempotency_key"`
	Type           string
	Omitted        []string
}

func readEvent(t *testing.T, text []byte) arrived {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		t.Errorf("an event is no JSON: %v", err)
	}
	return arrived{key: e.IdempotencyKey, typ: e.Type, size: len(text), omitted: len(e.Omitted) > 0}
}

var farHTTP = far{
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		one := readEvent(t, body)
		if one.key = r.Header.Get("Webhook-Id"); one.key != r.Header.Get("Idempotency-Key") || r.Header.Get("Webhook-Signature") == "" {
			t.Errorf("headers %v", r.Header)
		}
		return []arrived{one}
	},
}

func readJSON(t *testing.T, r *http.Request, body []byte, target string, into any) {
	if got := r.Header.Get("X-Amz-Target"); got != target {
		t.Errorf("the operation %s, want %s", got, target)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Errorf("%s is no JSON: %v", target, err)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	_ = json.NewEncoder(w).Encode(v) // the connection may be gone
}

func count(codes []string) (n int) {
	for _, c := range codes {
		if c != "" {
			n++
		}
	}
	return n
}

var farEventBridge = far{
	batch: true, passing: "InternalFailure", permanent: "MalformedDetail", entries: 10, bytes: 1_000_000, one: 1_000_000,
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		var in struct {
			Entries []struct {
				Source, DetailType, Detail, EventBusName string
				Time                                     int64
			}
		}
		readJSON(t, r, body, "AWSEvents.PutEvents", &in)
		var all []arrived
		for _, e := range in.Entries {
			one := readEvent(t, []byte(e.Detail))
			if e.DetailType != one.typ || e.Source != "smartlead" || e.EventBusName != busARN || e.Time != 1_772_704_800 {
				t.Errorf("entry %s, %s, %s, %d", e.Source, e.DetailType, e.EventBusName, e.Time)
			}
			one.size += 14 + len(e.Source) + len(e.DetailType)
			all = append(all, one)
		}
		return all
	},
	answer: func(w http.ResponseWriter, all []arrived, codes []string) {
		entries := make([]map[string]string, len(all))
		for i, code := range codes {
			if entries[i] = map[string]string{"EventId": "11710aed-b79e-4468-a20b-bb3c0c3b4860"}; code != "" {
				entries[i] = map[string]string{"ErrorCode": code, "ErrorMessage": "in the service's words"}
			}
		}
		writeJSON(w, map[string]any{"FailedEntryCount": count(codes), "Entries": entries})
	},
}

var farFirehose = far{
	batch: true, passing: "ServiceUnavailableException", permanent: "InvalidArgumentException", entries: 500, bytes: 4_000_000, one: 1_000_000,
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		var in struct {
			DeliveryStreamName string
			Records            []struct{ Data []byte }
		}
		readJSON(t, r, body, "Firehose_20150804.PutRecordBatch", &in)
		var all []arrived
		for _, e := range in.Records {
			one := readEvent(t, e.Data)
			if in.DeliveryStreamName != "events" || !strings.HasSuffix(string(e.Data), "}\n") || strings.Count(string(e.Data), "\n") != 1 {
				t.Errorf("stream %q, record %.100s", in.DeliveryStreamName, e.Data)
			}
			all = append(all, one)
		}
		return all
	},
	answer: func(w http.ResponseWriter, all []arrived, codes []string) {
		entries := make([]map[string]string, len(all))
		for i, code := range codes {
			if entries[i] = map[string]string{"RecordId": "4959"}; code != "" {
				entries[i] = map[string]string{"ErrorCode": code, "ErrorMessage": "in the service's words"}
			}
		}
		writeJSON(w, map[string]any{"FailedPutCount": count(codes), "RequestResponses": entries})
	},
}

var farSQS = far{
	batch: true, passing: "RequestThrottled", permanent: "InvalidMessageContents", entries: 10, bytes: 256 << 10, one: 256 << 10,
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		var in struct {
			QueueURL string `json:"QueueUrl"`
			Entries  []struct {
				ID                string `json:"Id"`
				MessageBody       string
				MessageAttributes map[string]struct{ DataType, StringValue string }
			}
		}
		readJSON(t, r, body, "AmazonSQS.SendMessageBatch", &in)
		var all []arrived
		for i, e := range in.Entries {
			one := readEvent(t, []byte(e.MessageBody))
			if e.ID != strconv.Itoa(i) || !strings.HasSuffix(in.QueueURL, "/123456789012/events") {
				t.Errorf("entry %s of %s", e.ID, in.QueueURL)
			}
			for name, a := range e.MessageAttributes {
				one.size += len(name) + len(a.DataType) + len(a.StringValue)
			}
			if a := e.MessageAttributes; a["idempotency_key"].StringValue != one.key || a["type"].StringValue != one.typ || len(a) > 10 {
				t.Errorf("attributes %v", a)
			}
			all = append(all, one)
		}
		return all
	},
	answer: func(w http.ResponseWriter, all []arrived, codes []string) {
		failed, successful := []map[string]any{}, []map[string]any{}
		for i, code := range codes {
			if code != "" {
				failed = append(failed, map[string]any{"Id": strconv.Itoa(i), "Code": code, "Message": "in the service's words", "SenderFault": code != "InternalError"})
				continue
			}
			successful = append(successful, map[string]any{"Id": strconv.Itoa(i), "MessageId": "m", "MD5OfMessageBody": "x"})
		}
		writeJSON(w, map[string]any{"Failed": failed, "Successful": successful})
	},
}

var farSNS = far{
	batch: true, passing: "InternalError", permanent: "InvalidParameter", entries: 10, bytes: 256 << 10, one: 256 << 10,
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		in, err := url.ParseQuery(string(body))
		if err != nil || in.Get("TopicArn") != topicARN || in.Get("Version") != "2010-03-31" {
			t.Errorf("%.200s, %v", body, err)
		}
		if in.Get("Action") == "Publish" {
			return []arrived{readMessage(t, in, "")}
		}
		var all []arrived
		for i := 1; ; i++ {
			entry := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i)
			if !in.Has(entry + "Id") {
				break
			}
			if in.Get(entry+"Id") != strconv.Itoa(i-1) {
				t.Errorf("entry %d has the id %s", i, in.Get(entry+"Id"))
			}
			all = append(all, readMessage(t, in, entry))
		}
		if in.Get("Action") != "PublishBatch" || len(all) < 2 {
			t.Errorf("%s of %d messages", in.Get("Action"), len(all))
		}
		return all
	},
	answer: func(w http.ResponseWriter, all []arrived, codes []string) {
		type member struct {
			ID          string `xml:"Id"`
			Code        string `xml:",omitempty"`
			Message     string `xml:",omitempty"`
			MessageID   string `xml:"MessageId,omitempty"`
			SenderFault bool
		}
		var out struct {
			XMLName    xml.Name `xml:"PublishBatchResponse"`
			Failed     []member `xml:"PublishBatchResult>Failed>member"`
			Successful []member `xml:"PublishBatchResult>Successful>member"`
		}
		if len(all) == 1 && codes[0] == "" {
			_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`)
			return
		}
		for i, code := range codes {
			if code != "" {
				out.Failed = append(out.Failed, member{ID: strconv.Itoa(i), Code: code, Message: "in the service's words", SenderFault: code != "InternalError"})
				continue
			}
			out.Successful = append(out.Successful, member{ID: strconv.Itoa(i), MessageID: "m"})
		}
		_ = xml.NewEncoder(w).Encode(out) // the connection may be gone
	},
}

// readMessage reads a message of SNS below a path.
func readMessage(t *testing.T, in url.Values, path string) arrived {
	one := readEvent(t, []byte(in.Get(path+"Message")))
	attributes := map[string]string{}
	for i := 1; in.Has(fmt.Sprintf("%sMessageAttributes.entry.%d.Name", path, i)); i++ {
		at := fmt.Sprintf("%sMessageAttributes.entry.%d.", path, i)
		name, kind, value := in.Get(at+"Name"), in.Get(at+"Value.DataType"), in.Get(at+"Value.StringValue")
		attributes[name] = value
		one.size += len(name) + len(kind) + len(value)
	}
	if attributes["idempotency_key"] != one.key || attributes["type"] != one.typ {
		t.Errorf("attributes %v", attributes)
	}
	return one
}

// service is a far side that listens, over TLS.
type service struct {
	*httptest.Server
	far far

	mu   sync.Mutex
	all  []arrived
	each [][]arrived // by request
}

// listen starts a service that answers as handler does; nil: as it should.
func listen(t *testing.T, f far, handler func(s *service, w http.ResponseWriter, r *http.Request, all []arrived)) *service {
	t.Helper()
	s := &service{far: f}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("a request breaks off: %v", err)
			return
		}
		if f.beside != nil && f.beside(t, w, r, body) {
			return
		}
		all := f.read(t, r, body)
		s.mu.Lock()
		s.all, s.each = append(s.all, all...), append(s.each, all)
		s.mu.Unlock()
		if handler == nil {
			s.answer(w, all, nil)
			return
		}
		handler(s, w, r, all)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// answer writes what became of each event; without codes all are taken.
func (s *service) answer(w http.ResponseWriter, all []arrived, codes []string) {
	if codes == nil {
		codes = make([]string, len(all))
	}
	if s.far.answer != nil {
		s.far.answer(w, all, codes)
	}
}

func (s *service) got() []arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}

// deps reach the service under every name; trusted: its certificate is taken for good.
func (s *service) deps(trusted bool) destination.Deps {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if trusted {
		transport.TLSClientConfig.ServerName = "example.com"
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	}
	return through(transport)
}

// doer sends a request of awswire as the SDK's client does, which follows no redirect.
type doer struct{ http.RoundTripper }

func (d doer) Do(r *http.Request) (*http.Response, error) {
	client := http.Client{Transport: d.RoundTripper, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(r)
}

// through reaches everything by one transport.
func through(transport http.RoundTripper) destination.Deps {
	return destination.Deps{Transport: transport, AWS: awswire.NewCaller(
		awswire.Config{Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "topsecret", "topsecret")), HTTP: doer{transport}},
		awswire.Places{Getenv: func(string) string { return "" }}.At,
	), Now: func() time.Time { return time.Unix(1_772_704_800, 0) }}
}

var farSlack = far{
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		var in struct {
			Channel string
			Blocks  []struct {
				Type string
				Text struct{ Type string }
			}
			Metadata struct {
				EventPayload struct {
					IdempotencyKey string `json:"idempotency_key"`
					Type           string
				} `json:"event_payload"`
			}
		}
		if err := json.Unmarshal(body, &in); err != nil || in.Channel != "C0123ABCD" || r.Host != "slack.com" || r.URL.Path != "/api/chat.postMessage" ||
			r.Header.Get("Authorization") != "Bearer xoxb-topsecret" || len(in.Blocks) < 2 {
			t.Errorf("%v, %s%s, %s", err, r.Host, r.URL.Path, body)
		}
		for _, b := range in.Blocks {
			if b.Text.Type != "" && b.Text.Type != "plain_text" {
				t.Errorf("the text of an event is given as %s, in which Slack renders markup", b.Text.Type)
			}
		}
		return []arrived{{key: in.Metadata.EventPayload.IdempotencyKey, typ: in.Metadata.EventPayload.Type}}
	},
	answer: func(w http.ResponseWriter, _ []arrived, _ []string) {
		writeJSON(w, map[string]any{"ok": true, "channel": "C0123ABCD", "ts": "1772704800.000100"})
	},
}

var farHubSpot = far{
	beside: func(t *testing.T, w http.ResponseWriter, r *http.Request, body []byte) bool {
		if r.URL.Path != "/crm/objects/2026-03/contacts/batch/upsert" {
			return false
		}
		var in struct {
			Inputs []struct {
				ID, IDProperty, ObjectWriteTraceID string
				Properties                         map[string]string
			}
		}
		if err := json.Unmarshal(body, &in); err != nil || len(in.Inputs) != 1 || r.Host != "api.hubapi.com" || r.Header.Get("Authorization") != "Bearer pat-na1-topsecret" {
			t.Errorf("%v, %s, %s", err, r.Host, body)
		}
		if c := in.Inputs[0]; c.ID != "tom@acme.example" || c.IDProperty != "email" || c.Properties["last_reply"] != "Tell me more" || len(c.Properties) != 1 {
			t.Errorf("the contact %+v", c)
		}
		writeJSON(w, map[string]any{"status": "COMPLETE", "results": []any{map[string]any{"id": "512", "properties": map[string]string{"email": "tom@acme.example"}}}})
		return true
	},
	read: func(t *testing.T, r *http.Request, body []byte) []arrived {
		var in struct {
			Properties   map[string]string
			Associations []struct {
				To    struct{ ID string }
				Types []struct {
					AssociationCategory string
					AssociationTypeID   int
				}
			}
		}
		if err := json.Unmarshal(body, &in); err != nil || r.URL.Path != "/crm/objects/2026-03/notes" || len(in.Associations) != 1 ||
			in.Associations[0].To.ID != "512" || in.Associations[0].Types[0].AssociationTypeID != 202 || in.Properties["hs_timestamp"] != "1772704800000" {
			t.Errorf("%v, %s, %s", err, r.URL.Path, body)
		}
		_, key, _ := strings.Cut(in.Properties["hs_note_body"], "smartlead event: ")
		key, _, _ = strings.Cut(key, "<")
		return []arrived{{key: key, typ: strings.Split(key+"::", ":")[1]}}
	},
	answer: func(w http.ResponseWriter, _ []arrived, _ []string) {
		w.WriteHeader(http.StatusCreated)
		writeJSON(w, map[string]any{"id": "77", "properties": map[string]string{}})
	},
}
