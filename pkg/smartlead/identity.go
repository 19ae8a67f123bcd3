package smartlead

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// These name the fields on which an identity can rest. They are hashed with the
// values, so that a lead's id never stands for a stats id of the same text.
const (
	basisAccount     = "account"
	basisType        = "type"
	basisCampaign    = "campaign_id"
	basisStats       = "stats_id"
	basisLead        = "lead_email"
	basisLeadID      = "lead_id"
	basisMessage     = "message_id"
	basisTime        = "time"
	basisReplyText   = "reply_text"
	basisLink        = "links"
	basisStep        = "sequence_number"
	basisOldCategory = "old_category_id"
	basisNewCategory = "new_category_id"
	basisOldName     = "old_category"
	basisNewName     = "new_category"
	basisOldStatus   = "previous_status"
	basisNewStatus   = "current_status"
	basisAlertOf     = "account_id"
	basisMailbox     = "mailbox"
	basisReason      = "reason"
	basisBody        = "body"
	basisRawType     = "raw_type"
	basisEventID     = "event_id"
	basisEnvelopeID  = "envelope_id"
)

// Field is one field of an identity. Reply text and the body stand as hashes.
type Field struct {
	Name  string
	Value string
}

// basis collects the fields of an identity in order, leaving out absent ones.
type basis []Field

func (s *basis) add(name, value string) {
	if value != "" {
		*s = append(*s, Field{name, value})
	}
}

func (s *basis) addTime(t time.Time) {
	if !t.IsZero() {
		s.add(basisTime, t.UTC().Format(timeLayout))
	}
}

// timeLayout spells a time of an identity: UTC, milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z"

// identity lists the fields on which the event's identity rests.
func (b *body) identity(account string) basis {
	s := make(basis, 0, 10)
	s.add(basisAccount, account)
	s.add(basisType, string(b.typ))
	if b.known() && b.dialect == DialectEnvelope {
		if id := b.firstID(b.f[fID]); id != "" {
			s.add(basisEnvelopeID, id)
			return s
		}
	}
	s.add(basisCampaign, b.campaign)
	switch {
	case b.stats != "":
		s.add(basisStats, b.stats)
	case b.people.lead != "":
		s.add(basisLead, b.people.lead)
	default:
		s.add(basisLeadID, b.leadID)
	}
	s = b.rule.discriminate(b, s)
	if b.rule.about == aboutLead && !s.has(basisStats) && !s.has(basisLead) && !s.has(basisLeadID) && !s.has(basisMessage) {
		// Whoever it is about stands where nobody reads: two people must not become
		// one event.
		s.add(basisBody, b.hash())
	}
	return s
}

func (s basis) has(name string) bool {
	return slices.ContainsFunc(s, func(f Field) bool { return f.Name == name })
}

// byReply takes the mail that arrived; without an id of it, when it came and
// what it says.
func (b *body) byReply(s basis) basis {
	if b.inbound != "" {
		s.add(basisMessage, b.inbound)
		return s
	}
	s.addTime(b.at)
	if v := b.replyText(); v != 0 {
		s.add(basisReplyText, b.hashValue(v))
	}
	return s
}

func (b *body) byTime(s basis) basis {
	s.addTime(b.at)
	return s
}

func (b *body) byClick(s basis) basis {
	s.addTime(b.at)
	for _, link := range b.links {
		s.add(basisLink, link)
	}
	return s
}

func (b *body) bySend(s basis) basis { return b.onceBySend(s, b.sent) }

func (b *body) byBounce(s basis) basis {
	s = b.onceBySend(s, b.bounceID)
	if b.stats != "" {
		s.add(basisMessage, b.bounceID)
	}
	return s
}

// onceBySend gives one send one such event: stats_id names the send, without it
// the message id does, without that the step and the time.
func (b *body) onceBySend(s basis, message string) basis {
	switch {
	case b.stats != "":
	case message != "":
		s.add(basisMessage, message)
	default:
		s.add(basisStep, b.step())
		s.addTime(b.at)
	}
	return s
}

func (b *body) byCategory(s basis) basis {
	s.addTime(b.at)
	if c := b.category; c != nil {
		s.addEither(basisOldCategory, c.OldID, basisOldName, c.Old)
		s.addEither(basisNewCategory, c.NewID, basisNewName, c.New)
	}
	return s
}

func (b *body) byStep(s basis) basis {
	s.add(basisStep, b.step())
	s.addTime(b.at)
	return s
}

func (b *body) byStatus(s basis) basis {
	if b.status == nil {
		s.add(basisBody, b.hash())
		return s
	}
	s.add(basisOldStatus, b.status.Old)
	s.add(basisNewStatus, b.status.New)
	s.addTime(b.at)
	return s
}

func (b *body) byAlert(s basis) basis {
	var alert webhook.Alert
	if b.alert != nil {
		alert = *b.alert
	}
	s.addEither(basisAlertOf, alert.AccountID, basisMailbox, b.people.mailbox)
	s.add(basisReason, alert.Reason)
	s.addTime(b.at)
	return s
}

// byBody takes the id that the body claims to have, else all of it.
func (b *body) byBody(s basis) basis {
	if id := b.providerEventID(); id != "" {
		s.add(basisRawType, normalType(b.rawType))
		s.add(basisEventID, id)
		return s
	}
	s.add(basisBody, b.hash())
	return s
}

func (s *basis) addEither(name, value, otherName, other string) {
	if value != "" {
		s.add(name, value)
		return
	}
	s.add(otherName, other)
}

// timeless tells whether the identity has neither a time nor an id of a
// message, a send or the body: then the event can repeat for real with an
// identical body. An identity by the whole body has what the body has.
func (b *body) timeless(s basis) bool {
	for _, f := range s {
		switch f.Name {
		case basisTime, basisMessage, basisStats, basisEventID, basisEnvelopeID:
			return false
		case basisBody:
			if !b.at.IsZero() || b.stats != "" {
				return false
			}
		}
	}
	return true
}

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// naturalKey returns "v1:" + type + ':' + base32 of the first 20 bytes of SHA-256
// over the fields, each name and value preceded by its length.
func naturalKey(t webhook.Type, s basis) string {
	var stack [512]byte
	buf := stack[:0]
	for _, f := range s {
		buf = appendSized(buf, f.Name)
		buf = appendSized(buf, f.Value)
	}
	sum := sha256.Sum256(buf)
	var key [80]byte
	out := append(append(append(key[:0], "v1:"...), t...), ':')
	return string(keyEncoding.AppendEncode(out, sum[:20]))
}

func appendSized(buf []byte, s string) []byte {
	buf = binary.AppendUvarint(buf, uint64(len(s)))
	return append(buf, s...)
}

// hashText stands for a text too long to show.
func hashText(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// hashValue returns hashText of a scalar's text, without building the text.
func (t *tree) hashValue(i uint32) string {
	if t.kind(i) != '"' {
		return hashText(t.verbatim(i))
	}
	h := sha256.New()
	for piece := range pieces(t.inner(i)) {
		h.Write(piece)
	}
	var sum [sha256.Size]byte
	return hex.EncodeToString(h.Sum(sum[:0])[:16])
}

// maxShown bounds a value that is shown of an identity, in bytes.
const maxShown = 200

// shown returns the identity for people. It cuts long values in place, so the key
// is taken before.
func (s basis) shown() []Field {
	for i := range s {
		if len(s[i].Value) > maxShown {
			s[i].Value = cut(s[i].Value, maxShown) + "…"
		}
	}
	return s
}

// names lists the fields of an identity once each, for people.
func (s basis) names() []string {
	names := make([]string, 0, len(s))
	for i, f := range s {
		if i == 0 || f.Name != s[i-1].Name {
			names = append(names, f.Name)
		}
	}
	return names
}
