package outsider

import (
	"io"
	"log"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/test/speed"
)

// calls counts what is asked of the engine, by operation.
type calls struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *calls) taken() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.n
	c.n = map[string]int{}
	return n
}

// cold starts a receiver with nothing in memory, whose calls are counted.
func (w *world) cold(to *slog.Logger) (lambdaio.ReceiverHandler, *calls) {
	w.Helper()
	c := &calls{n: map[string]int{}}
	target, err := url.Parse(w.clients.Endpoints.DynamoDB)
	w.must(err)
	direct := &http.Transport{}
	w.Cleanup(direct.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: direct, ErrorLog: log.New(io.Discard, "", 0)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		c.mu.Lock()
		c.n[operation]++
		c.mu.Unlock()
		proxy.ServeHTTP(rw, r)
	}))
	w.Cleanup(server.Close)
	clients := local.Connect(local.Endpoints{DynamoDB: server.URL, SQS: server.URL, SSM: server.URL, S3: server.URL})
	w.Cleanup(clients.Close)
	env := w.env
	env.Log = to
	env.Clients = app.Clients{DynamoDB: awssdk.DynamoDB{Client: clients.DynamoDB}, SQS: awssdk.SQS{Client: clients.SQS}, S3: clients.S3, SSM: ssmstore.New(clients.SSM)}
	receiver, err := app.Receiver(env)
	w.must(err)
	return receiver, c
}

// knock is a request with a wrong token.
func knock(source string) events.APIGatewayV2HTTPRequest {
	ev := events.APIGatewayV2HTTPRequest{
		RouteKey: "ANY /webhooks/{source}/{token}", RawPath: "/webhooks/" + source,
		PathParameters: map[string]string{"source": source, "token": "slr_wrongwrongwrongwrongwrongwrong"},
		Headers:        map[string]string{"content-type": "application/json"},
		Body:           `{"event_type":"EMAIL_OPEN","campaign_id":1}`,
	}
	ev.RequestContext.HTTP.Method, ev.RequestContext.RequestID = http.MethodPost, "gateway-request"
	return ev
}

// A stranger cannot tell whether a source exists: the same answer comes after the same
// calls, from a receiver that knows nothing, one that has just looked, and one whose
// knowledge is a few seconds old.
func TestAnUnknownSourceCostsWhatAWrongTokenCosts(t *testing.T) {
	w := newWorld(t)
	var first []map[string]int
	var firstAnswer events.APIGatewayV2HTTPResponse
	for i, source := range []string{"strict", "struct"} {
		receiver, calls := w.cold(slog.New(slog.DiscardHandler))
		var asked []map[string]int
		for range 3 {
			for range 3 { // fewer than are kept of refused requests at once
				answer, err := receiver(t.Context(), knock(source))
				w.must(err)
				if i == 0 && asked == nil {
					firstAnswer = answer
				}
				if answer.StatusCode != firstAnswer.StatusCode || answer.Body != firstAnswer.Body || !maps.Equal(answer.Headers, firstAnswer.Headers) || answer.StatusCode != http.StatusUnauthorized {
					t.Errorf("%s is answered %+v, want %+v", source, answer, firstAnswer)
				}
				asked = append(asked, calls.taken())
			}
			w.pass(5 * time.Second)
		}
		reads := 0
		for _, n := range asked {
			reads += n["GetItem"]
		}
		if reads != 3 {
			t.Errorf("%s: %d reads, want one in the beginning and one whenever it is doubtful: %v", source, reads, asked)
		}
		if i == 0 {
			first = asked
		} else if !slices.EqualFunc(asked, first, maps.Equal[map[string]int]) {
			t.Errorf("for an unknown source the stores are asked %v, for a wrong token %v", asked, first)
		}
	}
}

// Nor by the time that it takes: medians, because each request meets other work.
func TestAnUnknownSourceTakesAsLongAsAWrongToken(t *testing.T) {
	samples := 300
	if speed.Held() {
		samples = 5000
	}
	w := newWorld(t)
	receiver, _ := w.cold(slog.New(slog.DiscardHandler))
	sources := []string{"strict", "struct"}
	took := map[string][]time.Duration{}
	for n := range samples + 50 {
		rand.Shuffle(2, func(i, j int) { sources[i], sources[j] = sources[j], sources[i] })
		for _, source := range sources {
			ev := knock(source)
			began := time.Now()
			_, err := receiver(t.Context(), ev)
			spent := time.Since(began)
			w.must(err)
			if n >= 50 { // all is warm, and what may be kept of refused requests is kept
				took[source] = append(took[source], spent)
			}
		}
	}
	known, unknown := median(took["strict"]), median(took["struct"])
	t.Logf("medians of %d: a wrong token %s, an unknown source %s", samples, known, unknown)
	speed.AtMost(t, "the difference between an unknown source and a wrong token", (known - unknown).Abs(), time.Microsecond+max(known, unknown)/10)
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
