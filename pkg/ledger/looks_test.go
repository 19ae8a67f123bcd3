package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// refusing carries every request but those that refuses says.
type refusing struct {
	http.RoundTripper
	refuses atomic.Pointer[func(operation, body string) bool]
}

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if refuses := r.refuses.Load(); refuses != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
		if (*refuses)(operation, string(body)) {
			return nil, errors.New("refused")
		}
	}
	return r.RoundTripper.RoundTrip(req)
}

// lookedAt is a table in which so many events were received, a millisecond apart.
func lookedAt(t *testing.T, n int) (store, *refusing) {
	t.Helper()
	i := 0
	for engines[i].name != "dynoxide, awswire" {
		i++
	}
	transport := &refusing{RoundTripper: newTransport(t)}
	s := openStore(t, engines[i], transport)
	for n := range n {
		if _, err := s.ClaimReceived(t.Context(), webhook.Receipt{
			Key: fmt.Sprintf("v1:EMAIL_REPLY:%032d", n), Account: "default", Source: "demo",
			ReceivedAt: noon.Add(time.Duration(n) * time.Millisecond),
		}, fmt.Sprint(n), noon.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	return s, transport
}

// due counts what the index lists.
func due(t *testing.T, s store) (n int) {
	t.Helper()
	for shard := range 8 {
		ids, _, err := s.Due(t.Context(), shard, noon.Add(time.Hour), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		n += len(ids)
	}
	return n
}

// A look that is refused something passes nothing of that batch, and goes on there.
func TestALookPassesNothingThatItCouldNotList(t *testing.T) {
	const n = 500 // more than one batch
	s, transport := lookedAt(t, n)
	one := fmt.Sprintf("%032d", 450)
	for operation, most := range map[string]int{"UpdateItem": n - 1, "BatchGetItem": 400, "Query": 0} {
		refuses := func(asked, body string) bool {
			return asked == operation && (operation == "Query" || strings.Contains(body, one))
		}
		transport.refuses.Store(&refuses)
		done, err := s.ListDue(t.Context(), "", noon.Add(time.Second))
		if err == nil || done.Next > noon.Add(400*time.Millisecond).Format("2006-01-02T15:04:05.000Z")+"~" || done.Listed > most {
			t.Errorf("%s refused: %+v, %v", operation, done, err)
		}
	}
	transport.refuses.Store(nil)
	done, err := s.ListDue(t.Context(), "", noon.Add(time.Second))
	if got := due(t, s); err != nil || got != n {
		t.Errorf("%d of %d are listed at last: %+v, %v", got, n, done, err)
	}
}

// A look whose time is over says how far it came.
func TestALookThatIsCutSaysHowFarItCame(t *testing.T) {
	const n = 500
	s, transport := lookedAt(t, n)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	updates := atomic.Int64{}
	refuses := func(asked, _ string) bool {
		if asked == "UpdateItem" && updates.Add(1) == 400 {
			time.AfterFunc(0, cancel)
		}
		return false
	}
	transport.refuses.Store(&refuses)
	done, err := s.ListDue(ctx, "", noon.Add(time.Second))
	if done.Events > 400 || done.Next >= noon.Add(n*time.Millisecond).Format("2006-01-02T15:04:05.000Z") {
		t.Fatalf("%+v, %v", done, err)
	}
	transport.refuses.Store(nil)
	if _, err := s.ListDue(t.Context(), done.Next, noon.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if got := due(t, s); got != n {
		t.Errorf("%d of %d are listed in two parts", got, n)
	}
}

func TestWhatNobodyHasLookedAt(t *testing.T) {
	s, _ := lookedAt(t, 3)
	since, owed, err := s.Unlooked(t.Context(), noon.Add(time.Minute), 100)
	if err != nil || !since.Equal(noon) || len(owed) != 3 {
		t.Errorf("before a look: %s, %v, %v", since, owed, err)
	}
	looks, err := s.LoadLooks(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.ListDue(t.Context(), "", noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	looks.Keys[0] = done.Next
	if err := s.SaveLooks(t.Context(), looks, noon); err != nil {
		t.Fatal(err)
	}
	// Another body of the first one is no event that somebody has to look at.
	if _, err := s.ClaimReceived(t.Context(), webhook.Receipt{
		Key: fmt.Sprintf("v1:EMAIL_REPLY:%032d", 0), Account: "default", Source: "demo", Fingerprint: "another", ReceivedAt: noon.Add(2 * time.Minute),
	}, "another", noon.Add(3*time.Minute)); err != nil {
		t.Fatal(err)
	}
	since, owed, err = s.Unlooked(t.Context(), noon.Add(time.Hour), 100)
	if err != nil || !since.IsZero() || len(owed) != 0 {
		t.Errorf("after a look: %s, %v, %v", since, owed, err)
	}
}
