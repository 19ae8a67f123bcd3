package smartleadapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Mail is what Smartlead's statistics say of one mail that a campaign sent. A time is
// zero where Smartlead does not tell it: bounces and unsubscribes have none.
type Mail struct {
	StatsID   string // shared by every event of the mail
	LeadEmail string // trimmed, lower case
	Step      string
	Subject   string // as somebody typed it, cut to maxSubject
	Category  string // of the lead, not of the mail: it stands on mails that nobody answered
	SentAt    time.Time
	OpenedAt  time.Time // of one open: whether the first or the last is not documented
	ClickedAt time.Time // likewise
	RepliedAt time.Time // of one reply; the same reply may stand on several mails of a lead
	Opens     int
	Clicks    int

	Opened, Clicked, Replied, Bounced, Unsubscribed bool
	IgnoredReply                                    bool // Smartlead does not count the reply
}

// Window is when mails were sent: from Since on, and before Until.
type Window struct{ Since, Until time.Time }

// Mails says how the mails of a window were read.
type Mails struct {
	Read  int // different mails that were handed over
	Total int // as Smartlead counts them; -1: it did not say
}

const (
	// pageRows is how many rows are asked for at once, some 2.5 MB.
	pageRows = 250
	// fewestRows are asked for where a page was too large.
	fewestRows = 10
	// maxRows bounds the mails of one campaign and window.
	maxRows = 200_000
)

// windowTime is how the statistics take a time.
const windowTime = "2006-01-02 15:04:05.000Z"

// ErrTooMany is the cause where a window has more mails than are read.
var ErrTooMany = fmt.Errorf("more than %d mails: take a shorter window", maxRows)

// Mails hands over what Smartlead says of the mails that a campaign sent in a window,
// page by page and each mail once, until each returns an error, which ends it and is
// returned. Other errors are *Error: ErrNotFound for a campaign that is not there,
// ErrAnswer where Smartlead answers with totals instead of mails.
func (c *Client) Mails(ctx context.Context, campaign string, w Window, each func(Mail) error) (Mails, error) {
	read := Mails{Total: -1}
	seen := map[string]bool{}
	err := pages(pageRows, func(offset, limit int) (int, bool, error) {
		page, err := c.mailPage(ctx, campaign, w, offset, limit)
		if err != nil {
			return 0, false, err
		}
		if page.total >= 0 {
			read.Total = page.total
		}
		for _, m := range page.mails {
			if seen[m.StatsID] { // rows move between pages while mails are sent
				continue
			}
			if read.Read++; read.Read > maxRows {
				return 0, false, &Error{Kind: ErrAnswer, What: statisticsOf(campaign), Err: ErrTooMany}
			}
			seen[m.StatsID] = true
			if err := each(m); err != nil {
				return 0, false, err
			}
		}
		return len(page.mails), page.total >= 0 && offset+len(page.mails) >= page.total, nil
	})
	return read, err
}

func statisticsOf(campaign string) string { return "statistics of campaign " + oneLine(campaign) }

type mailPage struct {
	mails []Mail
	total int // -1: not said
}

func (c *Client) mailPage(ctx context.Context, campaign string, w Window, offset, limit int) (page mailPage, err error) {
	query := url.Values{"offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(limit)}}
	if !w.Since.IsZero() {
		query.Set("sent_time_start_date", w.Since.UTC().Format(windowTime))
	}
	if !w.Until.IsZero() {
		query.Set("sent_time_end_date", w.Until.UTC().Format(windowTime))
	}
	err = c.do(ctx, get(statisticsOf(campaign), campaignPath(campaign, "/statistics"), query), func(body []byte) error {
		page, err = readMails(body)
		return err
	})
	return page, err
}

// row is a mail in the live shape, with the flags of the documented one.
type row struct {
	StatsID      text    `json:"stats_id"`
	Subject      label   `json:"email_subject"`
	Category     label   `json:"lead_category"`
	LeadEmail    text    `json:"lead_email"`
	Step         text    `json:"sequence_number"`
	Sent         instant `json:"sent_time"`
	Open         instant `json:"open_time"`
	Click        instant `json:"click_time"`
	Reply        instant `json:"reply_time"`
	Opens        count   `json:"open_count"`
	Clicks       count   `json:"click_count"`
	Opened       flag    `json:"is_opened"`
	Clicked      flag    `json:"is_clicked"`
	Replied      flag    `json:"is_replied"`
	Unsubscribed flag    `json:"is_unsubscribed"`
	Bounced      flag    `json:"is_bounced"`
	Ignore       flag    `json:"ignore_reply"`
}

// mail takes no reply from the lead's category: it stands on mails that nobody answered.
func (r row) mail() Mail {
	return Mail{
		StatsID: string(r.StatsID), LeadEmail: strings.ToLower(string(r.LeadEmail)), Step: string(r.Step),
		Subject: string(r.Subject), Category: string(r.Category), SentAt: r.Sent.Time, OpenedAt: r.Open.Time, ClickedAt: r.Click.Time, RepliedAt: r.Reply.Time,
		Opens: int(r.Opens), Clicks: int(r.Clicks),
		Opened: bool(r.Opened) || r.Opens > 0 || !r.Open.IsZero(), Clicked: bool(r.Clicked) || r.Clicks > 0 || !r.Click.IsZero(),
		Replied: bool(r.Replied) || !r.Reply.IsZero(), Bounced: bool(r.Bounced), Unsubscribed: bool(r.Unsubscribed),
		IgnoredReply: bool(r.Ignore),
	}
}

var (
	errTotals    = errors.New("it has totals, and no row for each mail")
	errNoStatsID = errors.New("its rows have no stats_id, so no event can be told by them")
)

// readMails reads a page of statistics. Two of the three documented shapes have totals
// alone, and the third has rows without the id by which a mail is told from another: none
// of them says what is missing, so each is an error.
func readMails(body []byte) (mailPage, error) {
	var answer struct {
		Total *count          `json:"total_stats"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data) == 0 || answer.Data[0] != '[' {
		return mailPage{}, errTotals
	}
	var rows []row
	if err := json.Unmarshal(answer.Data, &rows); err != nil {
		return mailPage{}, err
	}
	page := mailPage{total: -1}
	if answer.Total != nil {
		page.total = int(*answer.Total)
	}
	for _, r := range rows {
		switch {
		case r.StatsID != "":
			page.mails = append(page.mails, r.mail())
		case r.LeadEmail != "":
			return mailPage{}, errNoStatsID
		default:
			return mailPage{}, errTotals
		}
	}
	return page, nil
}
