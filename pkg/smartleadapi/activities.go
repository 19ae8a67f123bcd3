package smartleadapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Activity is one mail to a lead, and what came of it.
type Activity struct {
	Campaign  string
	LeadID    string
	MapID     string
	StatsID   string
	MessageID string // of the sent mail, without <>
	SentAt    time.Time
	Opens     int
	Links     []string  // that were clicked; empty where Smartlead does not tell them
	Replies   []Message // the first, and those that follow in the thread
}

const (
	// activityRows are asked for at once, the most that may be.
	activityRows = 1000
	// maxActivities bounds the leads of one reading: ten calls take more than a minute.
	maxActivities = 20_000
)

var (
	errTooManyActivities = fmt.Errorf("more than %d leads: take a shorter time", maxActivities)
	errEvents            = errors.New("it has a line for each event, without a stats_id, so no mail can be told by it")
)

// Activities hands over the mails of all campaigns in a time, by lead, until each returns
// an error, which ends it and is returned. Smartlead allows ten such calls in a minute,
// and four fifths are made. Other errors are *Error: ErrAnswer for the documented shape,
// which has events instead of mails.
func (c *Client) Activities(ctx context.Context, w Window, each func(Activity) error) error {
	const what = "activities of all leads"
	looked := 0
	return pages(activityRows, func(offset, limit int) (int, bool, error) {
		query := url.Values{
			"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}, "event_time_from": {w.Since.UTC().Format(time.RFC3339)},
		}
		if !w.Until.IsZero() {
			query.Set("event_time_to", w.Until.UTC().Format(time.RFC3339))
		}
		asked := get(what, "/campaigns/all-leads-activities", query)
		asked.slow = true
		var page []activityRow
		last := false
		err := c.do(ctx, asked, func(body []byte) (err error) {
			page, last, err = readActivities(body)
			return err
		})
		if err != nil {
			return 0, false, err
		}
		if looked += len(page); looked > maxActivities {
			return 0, false, &Error{Kind: ErrAnswer, What: what, Err: errTooManyActivities}
		}
		for _, lead := range page {
			for _, a := range lead.Activities {
				if err := each(a.activity(lead)); err != nil {
					return 0, false, err
				}
			}
		}
		return len(page), last, nil
	})
}

// activityRow is a lead in a campaign.
type activityRow struct {
	Lead       text       `json:"lead_id"`
	Map        text       `json:"email_lead_map_id"`
	Campaign   text       `json:"campaign_id"`
	Event      text       `json:"activity_type"`
	Activities []activity `json:"activities"`
}

type activity struct {
	StatsID   text       `json:"stats_id"`
	MessageID mailID     `json:"message_id"`
	Sent      instant    `json:"sent_time"`
	Opens     count      `json:"open_count"`
	Clicks    links      `json:"click_details"`
	Reply     *replyRow  `json:"reply_details"`
	Thread    []replyRow `json:"thread_replies"`
}

// replyRow is a reply below its mail.
type replyRow struct {
	Time      instant `json:"time"`
	Body      text    `json:"reply_email_body"`
	MessageID mailID  `json:"message_id"`
}

func (a activity) activity(lead activityRow) Activity {
	out := Activity{
		Campaign: string(lead.Campaign), LeadID: string(lead.Lead), MapID: string(lead.Map), StatsID: string(a.StatsID),
		MessageID: string(a.MessageID), SentAt: a.Sent.Time, Opens: int(a.Opens), Links: a.Clicks,
	}
	replies := a.Thread
	if a.Reply != nil {
		replies = append([]replyRow{*a.Reply}, replies...)
	}
	for _, r := range replies {
		if !r.Time.IsZero() {
			out.Replies = append(out.Replies, Message{Inbound: true, At: r.Time.Time, MessageID: string(r.MessageID), StatsID: out.StatsID, Body: string(r.Body)})
		}
	}
	return out
}

func readActivities(body []byte) (rows []activityRow, last bool, err error) {
	if rows, err = list[activityRow](body, "data"); err != nil {
		return nil, false, err
	}
	for _, r := range rows {
		if r.Event != "" {
			return nil, false, errEvents
		}
		if r.Lead == "" || r.Campaign == "" {
			return nil, false, errShape
		}
		for _, a := range r.Activities {
			if a.StatsID == "" {
				return nil, false, errNoStatsID
			}
		}
	}
	if more := moreOf(body); more != nil {
		return rows, !*more, nil
	}
	return rows, false, nil
}
