package console

import (
	"net/url"
	"strings"
	"time"

	"smartlead-receiver/pkg/cli/eventview"
	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/webhook"
)

// variantView is another body under an event's identity, laid beside the event's.
type variantView struct {
	Fingerprint string
	Received    stamp
	Source      string
	What        string // in one line
	Matters     string // the facts that are other ones
	Differ      []difference
	Same        []difference
	More        int    // members that are not shown
	SplitPath   string // asks to make it one
	SplitAs     string // the event that it is already
	Unread      bool   // a body cannot be read
	Webhook     bool   // the event was made, and this is what Smartlead posted of it after all
	Body        *node  // of Webhook

	at time.Time
}

// difference is a member of both bodies.
type difference struct {
	Path, Event, Variant string
	InEvent, InVariant   bool
}

// maxDifferences bounds the members that are shown of one variant.
const maxDifferences = 300

// variants reads the other bodies of an event. own is the event's; nil where it cannot
// be read.
func (q *request) variants(rec webhook.Record, own []byte) ([]variantView, error) {
	list, err := q.st.Ledger.Variants(q.ctx(), rec.ID)
	if err != nil {
		return nil, err
	}
	var all []variantView
	for _, v := range list {
		body, _ := q.st.Bodies.Load(q.ctx(), v.Receipt.Payload) // unread: it is said
		view := q.variant(rec, v, own, body)
		if view.Webhook = v.Fingerprint == rec.Original; view.Webhook {
			view.Body = treeOf(body)
		}
		all = append(all, view)
	}
	return all, nil
}

// apart takes the late webhook of an event that was made out of its variants: it is the
// event itself.
func apart(all []variantView) (variants []variantView, late *variantView) {
	for _, v := range all {
		if v.Webhook {
			late = &v
		} else {
			variants = append(variants, v)
		}
	}
	return variants, late
}

func (q *request) variant(rec webhook.Record, v webhook.Variant, own, body []byte) variantView {
	view := variantView{
		Fingerprint: v.Fingerprint, Received: q.at(v.Receipt.ReceivedAt), Source: v.Receipt.Source, SplitAs: string(v.SplitAs),
		SplitPath: eventAddress(string(rec.ID)) + "/split/" + url.PathEscape(v.Fingerprint), at: v.Receipt.ReceivedAt,
	}
	compared, ok := eventview.Compare(own, body)
	if !ok {
		view.Unread, view.What = true, "a body that cannot be read"
		return view
	}
	for _, c := range compared {
		if len(view.Differ)+len(view.Same) == maxDifferences {
			view.More++
			continue
		}
		d := difference{InEvent: c.InOwn, InVariant: c.InIt}
		d.Path, _ = bounded(c.Path)
		d.Event, _ = bounded(c.Own)
		d.Variant, _ = bounded(c.Other)
		if c.Differs() {
			view.Differ = append(view.Differ, d)
		} else {
			view.Same = append(view.Same, d)
		}
	}
	view.What = output.Count(len(view.Differ), "field differs", "fields differ")
	view.Matters = strings.Join(eventview.Differ(own, body, rec.Account).Matters, ", ")
	return view
}
