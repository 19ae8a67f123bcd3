package ledgertest

import (
	"fmt"
	"time"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

var besideRules = []rule{
	{"refused requests of a span are listed, newest first", refusalsOfASpan},
	{"a document is saved only over the version seen", documentVersions},
	{"documents are listed by kind, the last name first", documentsListed},
	{"what is kept beside the events is no event", besideIsNoEvent},
}

func refused(n int, at time.Time) webhook.RejectedRequest {
	return webhook.RejectedRequest{
		At: at, RequestID: fmt.Sprintf("gw-%03d", n), Source: "acme-main", Kind: "bad_body", Cause: "not_json",
		Detail: "offset 7", SourceIP: "192.0.2.1", UserAgent: "curl", Bytes: 12, Excerpt: "{oops",
	}
}

func refusalsOfASpan(e *env) {
	nextDay := epoch.AddDate(0, 0, 1)
	for n := range 5 {
		e.must(e.l.RecordRejectedRequest(e.ctx, refused(n, sec(n))))
	}
	e.must(e.l.RecordRejectedRequest(e.ctx, refused(5, nextDay)))
	e.must(e.l.RecordRejectedRequest(e.ctx, webhook.RejectedRequest{At: epoch.AddDate(0, 0, 2), RequestID: "bare"}))
	for name, x := range map[string]struct {
		since, until time.Time
		limit        int
		first, size  int
	}{
		"one day":            {epoch, epoch.Add(time.Hour), 10, 4, 5},
		"at most a limit":    {epoch, epoch.Add(time.Hour), 3, 4, 3},
		"across a day's end": {sec(2), nextDay.Add(time.Millisecond), 10, 5, 4},
		"the same, a limit":  {sec(2), nextDay.Add(time.Millisecond), 2, 5, 2},
		"before, not at":     {sec(1), nextDay, 10, 4, 4},
		"from, and at":       {sec(4), sec(5), 10, 4, 1},
		"nothing":            {epoch.AddDate(0, 0, 8), epoch.AddDate(0, 0, 9), 10, 0, 0},
		"an empty span":      {sec(3), sec(3), 10, 0, 0},
		"the wrong way":      {sec(4), sec(2), 10, 0, 0},
	} {
		got, err := e.l.RejectedRequests(e.ctx, x.since, x.until, x.limit)
		e.must(err)
		equal(e, "refusals, "+name, len(got), x.size)
		for i, r := range got {
			want := refused(x.first-i, r.At)
			if r != want {
				e.Errorf("%s: refusal %d is %+v, want %+v", name, i, r, want)
			}
		}
	}
}

func documentVersions(e *env) {
	_, version, err := e.l.LoadDocument(e.ctx, "job", "1")
	e.want(err, webhook.ErrNotFound)
	equal(e, "version of what is not there", version, 0)
	e.want(e.l.SaveDocument(e.ctx, "job", "1", []byte("x"), 1, sec(0), time.Time{}), webhook.ErrChanged)
	_, _, err = e.l.LoadDocument(e.ctx, "job", "1")
	e.want(err, webhook.ErrNotFound)

	for seen, body := range []string{"first", "second", "third"} {
		e.must(e.l.SaveDocument(e.ctx, "job", "1", []byte(body), seen, sec(seen), sec(1000)))
		for _, stale := range []int{0, seen, seen + 2} {
			e.want(e.l.SaveDocument(e.ctx, "job", "1", []byte("stale"), stale, sec(9), time.Time{}), webhook.ErrChanged)
		}
		got, version, err := e.l.LoadDocument(e.ctx, "job", "1")
		e.must(err)
		equal(e, "body", string(got), body)
		equal(e, "version", version, seen+1)
	}
}

func documentsListed(e *env) {
	for n := range 4 {
		e.must(e.l.SaveDocument(e.ctx, "job", fmt.Sprintf("n%d", n), fmt.Append(nil, n), 0, sec(0), time.Time{}))
	}
	e.must(e.l.SaveDocument(e.ctx, "plan", "n9", []byte("9"), 0, sec(0), time.Time{}))
	got, err := e.l.ListDocuments(e.ctx, "job", 3)
	e.must(err)
	var listed []string
	for _, d := range got {
		listed = append(listed, fmt.Sprintf("%s at %d: %s", d.Name, d.Version, d.Body))
	}
	equal(e, "documents", fmt.Sprint(listed), "[n3 at 1: 3 n2 at 1: 2 n1 at 1: 1]")
	got, err = e.l.ListDocuments(e.ctx, "none", 3)
	e.must(err)
	equal(e, "documents of no kind", len(got), 0)
}

func besideIsNoEvent(e *env) {
	e.must(e.l.RecordRejectedRequest(e.ctx, refused(1, sec(0))))
	e.must(e.l.SaveDocument(e.ctx, "job", "1", []byte("x"), 0, sec(0), time.Time{}))
	e.wantList("everything", ledger.Query{})
	e.wantDue(sec(1_000_000))
}
