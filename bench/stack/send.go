package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// parts is into how many looks each half of a run is divided.
const parts = 5

// text fills a reply up to about 4 KB; the numbers make each compress as a real one.
func text(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < 3_400; i++ {
		fmt.Fprintf(&b, "Thank you for the note about the pricing; could we speak at %d past nine? We are %d people in %d places. ", (n+i*7)%60, (n*31+i*13)%997, (n*17+i*5)%89)
	}
	return b.String()
}

// reply is the n-th event.
func reply(n int) []byte {
	return fmt.Appendf(nil, `{"event_type":"EMAIL_REPLY","campaign_id":4100001,"stats_id":"5b1f7a52-0c3e-4d9a-9a41-%012x","sl_lead_email":"lead%d@acme.example.com",
"to_email":"lead%d@acme.example.com","from_email":"mira@outbound.example","subject":"Re: A short call","event_timestamp":"2026-03-04T17:05:06.000Z",
"reply_message":{"message_id":"<reply-%d@acme.example.com>","text":%q}}`, n, n, n, n, text(n))
}

// sendAll posts every event once and looks at the processes in between. It fails at
// the first that is refused.
func (r *rig) sendAll(ctx context.Context) error {
	for part := range parts {
		from, to := r.events*part/parts, r.events*(part+1)/parts
		numbers := make(chan int)
		var senders sync.WaitGroup
		errs := make([]error, r.senders)
		for i := range r.senders {
			senders.Go(func() {
				for n := range numbers {
					if errs[i] == nil {
						errs[i] = r.post(ctx, n)
					}
				}
			})
		}
		for n := from; n < to; n++ {
			numbers <- n
		}
		close(numbers)
		senders.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if err := r.sample(fmt.Sprintf("accepted %d %%", 100*(part+1)/parts)); err != nil {
			return err
		}
	}
	return nil
}

// tries is how often an event is sent that is answered 503, as its sender does.
const tries = 5

// post sends one event until it is accepted.
func (r *rig) post(ctx context.Context, n int) error {
	for try := 1; ; try++ {
		status, err := r.postOnce(ctx, n)
		switch {
		case err != nil:
			return fmt.Errorf("send event %d: %w", n, err)
		case status == http.StatusOK:
			r.accepted.Add(1)
			return nil
		case status != http.StatusServiceUnavailable || try == tries:
			return fmt.Errorf("event %d was answered %d", n, status)
		}
		r.again.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func (r *rig) postOnce(ctx context.Context, n int) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(reply(n)))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return 0, failed.Err // its own text has the URL, token included
	} else if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	return resp.StatusCode, err
}

// awaitAll looks on until the destination has every event.
func (r *rig) awaitAll(ctx context.Context) error {
	began := r.distinct()
	next := 1
	for {
		done := r.distinct()
		for next <= parts && done >= began+(r.events-began)*next/parts {
			if err := r.sample(fmt.Sprintf("drained %d %%", 100*next/parts)); err != nil {
				return err
			}
			next++
		}
		if next > parts {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d events were delivered: %w", done, r.events, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
