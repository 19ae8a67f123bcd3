package console_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"

	"smartlead-receiver/pkg/cli/clitest"
	"smartlead-receiver/pkg/console/consoletest"
	"smartlead-receiver/pkg/stack/deployment"
)

// cloud is an account whose CloudWatch is at that address.
func cloud(url string) aws.Config {
	return aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
}

// deployedAt makes the console's stack a deployed one, of that CloudWatch.
func deployedAt(c *consoletest.Console, url string) {
	c.Deployment = deployment.New(cloud(url), c.Found().AWS, deployment.Names{Stack: c.At.Table, Worker: "w", AlarmTopic: "t"})
}

// A watchedMetric is a sum of a metric by outcome, as CloudWatch keeps it.
type watchedMetric struct {
	name, outcome string
	at            time.Time
	n             float64
}

// cloudWatch answers GetMetricData as CloudWatch does, in its own protocol (rpcv2Cbor) and
// over HTTP: sums of whole periods since StartTime, and two results on a page.
type cloudWatch struct {
	*testing.T
	namespace string
	mu        sync.Mutex
	metrics   []watchedMetric
	asked     int
}

func (w *cloudWatch) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.URL.Path != "/service/GraniteServiceVersion20100801/operation/GetMetricData" {
		http.Error(out, "another call", http.StatusNotFound) // of the doctor
		return
	}
	w.asked++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	read, err := cbor.Decode(body)
	if err != nil {
		w.Error(err)
	}
	in := read.(cbor.Map)
	since, _ := cbor.AsTime(in["StartTime"])
	until, _ := cbor.AsTime(in["EndTime"])
	queries := in["MetricDataQueries"].(cbor.List)
	from := 0
	if token, more := in["NextToken"].(cbor.String); more {
		from = int(token[0] - '0')
	}
	answer := cbor.Map{"Messages": cbor.List{}}
	results := cbor.List{}
	for _, q := range queries[from:min(from+2, len(queries))] {
		results = append(results, w.result(q.(cbor.Map), since, until))
	}
	if answer["MetricDataResults"] = results; from+2 < len(queries) {
		answer["NextToken"] = cbor.String(rune('0' + from + 2))
	}
	out.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	out.Header().Set("Content-Type", "application/cbor")
	_, _ = out.Write(cbor.Encode(answer))
}

func (w *cloudWatch) result(query cbor.Map, since, until time.Time) cbor.Map {
	stat := query["MetricStat"].(cbor.Map)
	metric := stat["Metric"].(cbor.Map)
	dimension := metric["Dimensions"].(cbor.List)[0].(cbor.Map)
	seconds, _ := cbor.AsInt64(stat["Period"])
	period := time.Duration(seconds) * time.Second
	if stat["Stat"] != cbor.String("Sum") || metric["Namespace"] != cbor.String(w.namespace) || dimension["Name"] != cbor.String("outcome") || period <= 0 || !since.Equal(since.Truncate(period)) {
		w.Errorf("asked for %v since %s", query, since)
		return cbor.Map{}
	}
	sums := map[time.Time]float64{}
	for _, m := range w.metrics {
		if metric["MetricName"] == cbor.String(m.name) && dimension["Value"] == cbor.String(m.outcome) && !m.at.Before(since) && m.at.Before(until) {
			sums[since.Add(m.at.Sub(since).Truncate(period))] += m.n
		}
	}
	times, values := cbor.List{}, cbor.List{}
	for _, at := range slices.SortedFunc(maps.Keys(sums), time.Time.Compare) {
		times = append(times, &cbor.Tag{ID: 1, Value: cbor.Float64(at.Unix())})
		values = append(values, cbor.Float64(sums[at]))
	}
	return cbor.Map{"Id": query["Id"], "Label": metric["MetricName"], "StatusCode": cbor.String("Complete"), "Timestamps": times, "Values": values}
}

func (w *cloudWatch) count(name, outcome string, n float64, ago time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metrics = append(w.metrics, watchedMetric{name, outcome, clitest.Start.Add(-ago), n})
}

// The hours of a deployed stack are those that CloudWatch counted, in the reader's zone,
// also where that begins its hours at the half.
func TestOverviewHasTheHoursOfCloudWatch(t *testing.T) {
	c := consoletest.New(t) // at noon
	if strings.Contains(c.OK("/"), "CloudWatch") {
		t.Error("a local stack has no CloudWatch")
	}
	w := &cloudWatch{T: t, namespace: c.At.Table}
	server := httptest.NewServer(w)
	defer server.Close()
	deployedAt(c, server.URL)
	w.count("Events", "accepted", 1200, 10*time.Minute)
	w.count("Events", "held", 34, 20*time.Minute)
	w.count("Events", "accepted", 7, 50*time.Minute)
	w.count("Events", "duplicate", 5, 10*time.Minute)
	w.count("Processed", "delivered", 1100, 10*time.Minute)
	w.count("Processed", "dead", 90, 10*time.Minute)
	w.count("Processed", "unrouted", 3, 23*time.Hour)
	w.count("Events", "accepted", 4711, 26*time.Hour)
	wants(t, c.OK("/"), "By hour, as CloudWatch counts", "Read 12:00:00", "4 Mar 11:00 1,241 5 1,100 0 90", "3 Mar 13:00 0 0 0 3 0")
	if rects := regexp.MustCompile(`(?s)id="counted".*?</svg>`).FindString(c.Get("/").Body); strings.Count(rects, "<rect") != 4 {
		t.Errorf("%s\nwant a bar for each of what came in, what was delivered, what died, and what was unrouted", rects)
	}
	w.count("Events", "accepted", 1000, time.Minute)
	c.Advance(4 * time.Minute)
	wants(t, c.OK("/"), "4 Mar 11:00 1,241") // it is good for five minutes
	c.Advance(time.Minute)
	deadline := time.Now().Add(time.Minute)
	for c.OK("/"); !strings.Contains(c.OK("/"), "4 Mar 11:00 2,241"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never looked again")
		}
	}
	a := c.Do(c.Client, http.MethodGet, c.URL+"/", nil, map[string]string{"Cookie": "tz=Asia/Kolkata"})
	wants(t, a.Text(), "4 Mar 17:00 2,234", "4 Mar 16:00 7 0 0 0 0") // 17:30 to 17:35 there, and 16:40
}

// Without the right, the overview says which one is missing, and shows the rest.
func TestCloudWatchIsRefused(t *testing.T) {
	c := consoletest.New(t)
	c.Stack.Post(clitest.Reply(1))
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("Content-Type", "application/cbor")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(cbor.Encode(cbor.Map{"__type": cbor.String("com.amazonaws.cloudwatch#AccessDenied"), "message": cbor.String("not authorized to perform: cloudwatch:GetMetricData")}))
	}))
	defer refusing.Close()
	deployedAt(c, refusing.URL)
	wants(t, c.OK("/"), "No counts: the right cloudwatch:GetMetricData is missing: deploy/operator-policy.json has it.", "Arrivals by hour", "lead1@acme.example.com")

	// One that never answers holds no page up.
	held := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(held)
	other := consoletest.New(t)
	deployedAt(other, silent.URL)
	began := time.Now()
	wants(t, other.OK("/"), "CloudWatch has not answered yet")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the page waited for %s", took)
	}
}
