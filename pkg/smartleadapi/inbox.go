package smartleadapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Inbox says how the untracked replies were read.
type Inbox struct {
	Read  int  // different replies of the window that were handed over
	Whole bool // it was read to the end, or as far back as the window begins
}

const (
	// inboxRows are asked for at once, the most that may be.
	inboxRows = 100
	// maxInbox bounds how many rows are looked at: Smartlead cannot be asked for a window.
	maxInbox = 3000
	// inboxSlack is how much older than the window a reply is before the rest is taken to
	// be older, too, where all before came the newest first.
	inboxSlack = 24 * time.Hour
)

// Untracked hands over the replies of a window that Smartlead found in the mailboxes of the
// account and could give to no campaign, until each returns an error, which ends it and is
// returned. Smartlead takes no window, and no page says in which order they come: where
// they come the newest first the reading ends behind the window, else at the end or at
// maxInbox. Other errors are *Error, ErrAnswer for a row without a sender or a time.
func (c *Client) Untracked(ctx context.Context, w Window, each func(Message) error) (Inbox, error) {
	var read Inbox
	seen := map[string]bool{}
	looked, falling, latest := 0, true, time.Time{}
	err := pages(inboxRows, func(offset, limit int) (int, bool, error) {
		rows, total, err := c.inboxPage(ctx, offset, limit)
		if err != nil {
			return 0, false, err
		}
		for _, m := range rows {
			falling = falling && (latest.IsZero() || !m.At.After(latest))
			latest = m.At
			key := m.MessageID + "\x00" + m.From + "\x00" + m.At.String()
			if seen[key] || m.At.Before(w.Since) || !w.Until.IsZero() && !m.At.Before(w.Until) {
				continue
			}
			seen[key] = true
			read.Read++
			if err := each(m); err != nil {
				return 0, false, err
			}
		}
		looked += len(rows)
		behind := falling && len(rows) > 0 && latest.Before(w.Since.Add(-inboxSlack))
		read.Whole = behind || len(rows) == 0 || total >= 0 && looked >= total
		return len(rows), read.Whole || looked >= maxInbox, nil
	})
	return read, err
}

func (c *Client) inboxPage(ctx context.Context, offset, limit int) (all []Message, total int, err error) {
	query := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}, "fetchBody": {"true"}}
	err = c.do(ctx, get("untracked replies", "/master-inbox/untracked-replies", query), func(body []byte) error {
		rows, err := list[message](body, "untracked_replies", "data")
		if err != nil {
			return err
		}
		total = totalOf(body)
		all = nil
		for _, r := range rows {
			m := r.mail(true)
			if m.From == "" || m.At.IsZero() {
				return fmt.Errorf("%w: a reply without a sender or a time", errShape)
			}
			all = append(all, m)
		}
		return nil
	})
	return all, total, err
}

// totalOf reads how many rows there are in all; -1: the answer does not say.
func totalOf(body []byte) int {
	var answer struct {
		Count *count `json:"total_count"`
		Total *count `json:"total"`
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) && json.Unmarshal(body, &answer) == nil {
		for _, n := range []*count{answer.Count, answer.Total} {
			if n != nil {
				return int(*n)
			}
		}
	}
	return -1
}
