package smartlead

import (
	"time"

	"smartlead-receiver/pkg/webhook"
)

// body is one event's scanned payload and what is read from it. The event and
// its identity are two views of it, so that they cannot disagree.
type body struct {
	*tree
	f        fields
	typ      webhook.Type
	rule     *rule // of the type
	naming   naming
	rawType  string
	typeKey  field // the member that holds the type
	dialect  string
	people   people
	campaign string
	stats    string
	leadID   string
	at       time.Time // zero when the body has no time
	sent     string    // message id of the sent mail
	bodyHash string    // see hash
	detail
}

// detail is what events of some types have, read by their rule; zero where the
// body has nothing of it.
type detail struct {
	inbound  string // message id of the reply
	reply    *webhook.Reply
	sender   senderFlags // of the reply
	bounceID string      // message id of the bounce mail
	bounce   *webhook.Bounce
	links    []string
	category *webhook.CategoryChange
	status   *webhook.StatusChange
	alert    *webhook.Alert
	sameSend bool // another event tells of the same send
}

// read takes every fact from a payload whose root is an object.
func read(t *tree) *body {
	b := &body{tree: t, f: t.index(0), dialect: DialectUnknown}
	raw, holder := t.typeName(&b.f)
	n := lookUp(raw)
	b.rawType, b.typ, b.rule, b.naming = raw, n.typ, n.rule, n.naming
	if holder != nil {
		b.typeKey, b.dialect = holder.field, holder.dialect(b)
	}
	b.unpack()
	b.people = b.rule.people(b)
	data := b.f[fData]
	b.campaign = b.firstID(b.f[fCampaignID], b.f[fCampaignIDCamel], b.get(data, "campaign_id"), b.get(data, "campaignId"))
	b.stats = b.firstID(b.f[fStatsID])
	b.leadID = b.firstID(b.f[fSlEmailLeadID], b.f[fLeadID], b.get(b.f[fLead], "id"))
	b.at = b.when()
	b.sent = b.sentID()
	b.rule.detail(b)
	return b
}

// containers are members in which relays put what the event says, beside its type.
var containers = [...]field{fData, fPayload, fEvent, fBody}

// ownMembers are of the event itself and never taken from a container: its type,
// its id, who vouches for it, and the envelope's time.
var ownMembers = [...]field{
	fEventType, fEvent, fEventTypeCamel, fType, fEventTypes, fID, fData, fPayload, fBody, fSecretKey, fMetadata, fCreatedAt,
}

// unpack reads members of an event about a lead inside a container where the
// event's own object does not have them.
func (b *body) unpack() {
	if b.rule.about != aboutLead {
		return
	}
	for _, c := range containers {
		if !b.isObject(b.f[c]) {
			continue
		}
		inner := b.index(b.f[c])
		for _, id := range ownMembers {
			inner[id] = 0
		}
		b.f.fill(inner)
	}
}

// scalar returns the text of a top-level field.
func (b *body) scalar(id field) string { return b.text(b.f[id]) }

func (b *body) firstID(values ...uint32) string { return bounded(b.firstText(values...)) }

func (b *body) firstMessageID(values ...uint32) string {
	for _, v := range values {
		if id := messageID(b.text(v)); id != "" {
			return id
		}
	}
	return ""
}

// when returns the event's time: event_timestamp, the type's own time_*,
// timestamp, a time inside the type's own object, the envelope's created_at. The
// hook's creation, the time of the sent mail, a bounce's time_sent, and a lead's
// first or last open never count.
func (b *body) when() time.Time {
	var stack [9]uint32
	candidates := append(stack[:0], b.f[fEventTimestamp])
	for _, id := range b.rule.times {
		candidates = append(candidates, b.f[id])
	}
	candidates = append(candidates, b.f[fTimestamp])
	for _, p := range b.rule.innerTimes {
		candidates = append(candidates, b.get(b.f[p.object], p.member))
	}
	if b.dialect == DialectEnvelope {
		candidates = append(candidates, b.f[fCreatedAt])
	}
	for _, c := range candidates {
		if c == 0 {
			continue
		}
		if t, ok := parseTime(b.text(c)); ok {
			return t
		}
	}
	return time.Time{}
}

// step returns the number of the sequence's step.
func (b *body) step() string {
	for _, id := range b.rule.steps {
		if s := b.scalar(id); s != "" {
			return s
		}
	}
	return ""
}

// sentID returns the message id of the mail that we sent.
func (b *body) sentID() string {
	sent := b.f[fSentMessage]
	id := b.firstMessageID(b.get(sent, "message_id"), b.get(sent, "id"), b.get(b.f[fEmail], "message_id"))
	if id == "" && (b.rule.messageID == sentMail || b.isObject(b.f[fLead])) {
		id = b.firstMessageID(b.f[fMessageID])
	}
	return id
}

// providerEventID returns an id that a body claims to have. A constant or a
// per-delivery value would erase or double events, so it is the identity of
// unknown types alone.
func (b *body) providerEventID() string {
	return b.firstID(b.f[fEventID], b.f[fSlEventID])
}
