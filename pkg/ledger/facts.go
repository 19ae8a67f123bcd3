package ledger

import (
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"smartlead-receiver/pkg/webhook"
)

// facts are what an item keeps of a receipt that no condition and no index reads: one
// attribute, a row of fields. A field is a tag and a value; what has no value is absent.
type facts struct {
	Fingerprint      string
	Basis            []string
	RawType          string // where it is another than the type
	Dialect          string
	ProviderEventID  string
	FromProvider     bool   // the item's request id is the provider's
	RequestID        string // ours, where the provider sent one, too
	OccurredAt       time.Time
	OccurredAtSource string
	Timeless         bool
	Late             bool // a timeless occurrence with an earlier number was received later
	OtherLead        bool // the item's lead is not the receipt's
	LeadEmail        string
	PayloadEncoding  string
	PayloadSize      int
	RetentionDays    int
}

// day is the unit of a retention.
const day = 24 * time.Hour

// factsVersion begins each row. Another way to write facts gets another one.
const factsVersion = 1

// The tags of the fields. A tag is never given another meaning.
const (
	tagDigest = iota + 1 // a fingerprint in base32, as bytes
	tagFingerprint
	tagBasis // once for each name
	tagRawType
	tagDialect
	tagProviderEventID
	tagFromProvider
	tagRequestID
	tagOccurred // milliseconds behind the receipt
	tagOccurredSource
	tagTimeless
	tagLate
	tagOtherLead
	tagEncoding
	tagSize
	tagRetention // days
)

// words stand in a row as one byte. Their order never changes; new ones are added at
// the end, up to 64.
var words = []string{
	"account", "type", "campaign_id", "stats_id", "message_id", "lead_email", "time", "links", "sequence_number", "body",
	"help", "apiflat", "nested", "nestedtype", "short", "leadenum", "alert", "envelope", "unknown",
	"event", "receipt", "zstd", "zstd-1", "reply_text", "new_category_id", "old_category_id", "new_category", "old_category",
	"current_status", "previous_status", "reason", "lead_id", "mailbox", "account_id", "envelope_id", "event_id", "raw_type",
	"delivered", "retry", "permanent", "unrouted", "removed", "abandoned", "timeout",
}

var digests = base32.StdEncoding.WithPadding(base32.NoPadding)

// row writes facts.
type row []byte

// text writes a text: a word as an odd number, any other as twice its length and itself.
func (r *row) text(tag byte, s string) {
	if s == "" {
		return
	}
	*r = append(*r, tag)
	if i := slices.Index(words, s); i >= 0 {
		*r = binary.AppendUvarint(*r, uint64(i)<<1|1)
		return
	}
	*r = binary.AppendUvarint(*r, uint64(len(s))<<1)
	*r = append(*r, s...)
}

func (r *row) number(tag byte, n int64) { *r = binary.AppendVarint(append(*r, tag), n) }

func (r *row) mark(tag byte, is bool) {
	if is {
		*r = append(*r, tag)
	}
}

// encode writes the facts of what was received then.
func (f facts) encode(received time.Time) []byte {
	r := row{factsVersion}
	if sum, err := digests.DecodeString(f.Fingerprint); err == nil && len(sum) > 0 && digests.EncodeToString(sum) == f.Fingerprint {
		r.text(tagDigest, string(sum))
	} else {
		r.text(tagFingerprint, f.Fingerprint)
	}
	for _, name := range f.Basis {
		r.text(tagBasis, name)
	}
	r.text(tagRawType, f.RawType)
	r.text(tagDialect, f.Dialect)
	r.text(tagProviderEventID, f.ProviderEventID)
	r.mark(tagFromProvider, f.FromProvider)
	r.text(tagRequestID, f.RequestID)
	if !f.OccurredAt.IsZero() {
		r.number(tagOccurred, received.UnixMilli()-f.OccurredAt.UnixMilli())
	}
	r.text(tagOccurredSource, f.OccurredAtSource)
	r.mark(tagTimeless, f.Timeless)
	r.mark(tagLate, f.Late)
	if f.OtherLead {
		r = binary.AppendUvarint(append(r, tagOtherLead), uint64(len(f.LeadEmail))<<1)
		r = append(r, f.LeadEmail...)
	}
	r.text(tagEncoding, f.PayloadEncoding)
	if f.PayloadSize != 0 {
		r.number(tagSize, int64(f.PayloadSize))
	}
	if f.RetentionDays != 0 {
		r.number(tagRetention, int64(f.RetentionDays))
	}
	return r
}

var errFacts = errors.New("ledger: a row of fields cannot be read")

// decodeFacts reads what encode wrote.
func decodeFacts(r row, received time.Time) (f facts, err error) {
	if len(r) == 0 {
		return facts{}, nil
	}
	if r[0] != factsVersion {
		return facts{}, fmt.Errorf("%w: they have version %d", errFacts, r[0])
	}
	for r = r[1:]; len(r) > 0; {
		tag := r[0]
		r = r[1:]
		if err := f.field(tag, &r, received); err != nil {
			return facts{}, err
		}
	}
	return f, nil
}

// field reads one field off the row.
func (f *facts) field(tag byte, r *row, received time.Time) error {
	switch tag {
	case tagFromProvider:
		f.FromProvider = true
		return nil
	case tagTimeless:
		f.Timeless = true
		return nil
	case tagLate:
		f.Late = true
		return nil
	case tagOccurred, tagSize, tagRetention:
		n, err := r.takeNumber()
		switch {
		case err != nil:
			return err
		case tag == tagSize:
			f.PayloadSize = int(n)
			return nil
		case tag == tagRetention:
			f.RetentionDays = int(n)
			return nil
		}
		f.OccurredAt = time.UnixMilli(received.UnixMilli() - n).UTC()
		return nil
	}
	s, err := r.takeText()
	if err != nil {
		return err
	}
	switch tag {
	case tagDigest:
		f.Fingerprint = digests.EncodeToString([]byte(s))
	case tagFingerprint:
		f.Fingerprint = s
	case tagBasis:
		f.Basis = append(f.Basis, s)
	case tagRawType:
		f.RawType = s
	case tagDialect:
		f.Dialect = s
	case tagProviderEventID:
		f.ProviderEventID = s
	case tagRequestID:
		f.RequestID = s
	case tagOccurredSource:
		f.OccurredAtSource = s
	case tagOtherLead:
		f.OtherLead, f.LeadEmail = true, s
	case tagEncoding:
		f.PayloadEncoding = s
	default:
		return fmt.Errorf("%w: unknown field %d", errFacts, tag)
	}
	return nil
}

func (r *row) takeNumber() (int64, error) {
	n, read := binary.Varint(*r)
	if read <= 0 {
		return 0, errFacts
	}
	*r = (*r)[read:]
	return n, nil
}

func (r *row) takeText() (string, error) {
	n, read := binary.Uvarint(*r)
	if read <= 0 {
		return "", errFacts
	}
	*r = (*r)[read:]
	if n&1 == 1 {
		if n>>1 >= uint64(len(words)) {
			return "", fmt.Errorf("%w: unknown word %d", errFacts, n>>1)
		}
		return words[n>>1], nil
	}
	if n >>= 1; n > uint64(len(*r)) {
		return "", errFacts
	}
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s, nil
}

// setReceipt takes over what is known of a receipt. The item has its keys and time.
func (it *item) setReceipt(r webhook.Receipt) {
	r = Fit(r)
	it.Account, it.Source = r.Account, r.Source
	if r.Type != it.id().Type() {
		it.Type = string(r.Type)
	}
	it.Campaign, it.Lead = r.CampaignID, r.LeadEmail
	it.Stats, it.Message, it.Request = uuidText(r.StatsID), r.MessageID, uuidText(requestID(r))
	it.Flags, it.Payload, it.PayloadRef = r.Flags, r.Payload.Data, r.Payload.Ref
	it.facts = facts{
		Fingerprint: r.Fingerprint, Basis: r.Basis, Dialect: r.Dialect, ProviderEventID: r.ProviderEventID,
		FromProvider: r.ProviderRequestID != "",
		OccurredAt:   r.OccurredAt.Truncate(time.Millisecond), OccurredAtSource: string(r.OccurredAtSource), Timeless: r.Timeless,
		PayloadEncoding: r.Payload.Encoding, PayloadSize: r.Payload.Size,
		RetentionDays: int(r.Retention / day),
	}
	if r.RawType != string(r.Type) {
		it.RawType = r.RawType
	}
	if it.FromProvider {
		it.RequestID = r.RequestID
	}
}

// listUnder puts the item into the index lead under another key than its lead.
func (it *item) listUnder(lead string) {
	if lead == it.Lead {
		return
	}
	it.OtherLead, it.LeadEmail, it.Lead = true, it.Lead, lead
}

func (it item) leadEmail() string {
	if it.OtherLead {
		return it.LeadEmail
	}
	return it.Lead
}

func (it item) typ() webhook.Type {
	if it.Type != "" {
		return webhook.Type(it.Type)
	}
	return it.id().Type()
}

func (it item) receipt() webhook.Receipt {
	r := webhook.Receipt{
		Key: it.PK, Timeless: it.Timeless, Fingerprint: it.Fingerprint, Basis: it.Basis,
		Account: it.Account, Source: it.Source,
		Type: it.typ(), RawType: it.RawType, Dialect: it.Dialect,
		CampaignID: it.Campaign, LeadEmail: it.leadEmail(),
		StatsID: string(it.Stats), MessageID: it.Message, ProviderEventID: it.ProviderEventID,
		RequestID:  string(it.Request),
		OccurredAt: it.OccurredAt, OccurredAtSource: webhook.TimeSource(it.OccurredAtSource),
		ReceivedAt: it.receivedAt(), Flags: it.Flags,
		Held: it.State == string(webhook.Held),
		Payload: webhook.Payload{
			Encoding: it.PayloadEncoding, Data: it.Payload, Ref: it.PayloadRef, Size: it.PayloadSize,
		},
		Retention: time.Duration(it.RetentionDays) * day,
	}
	if r.RawType == "" {
		r.RawType = string(r.Type)
	}
	if it.FromProvider {
		r.ProviderRequestID, r.RequestID = r.RequestID, it.facts.RequestID
	}
	return r
}
