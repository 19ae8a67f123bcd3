package ledger

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// summaryPage is how many entries the first read asks of a partition, and by how many
// more each further one asks: who wants all of 100,000 makes fifteen reads of each, and
// who leaves early has read little in vain.
const summaryPage = 250

// DeadSummaries lists the events that died before until, the longest dead first, from
// the index of the dead alone: a read unit for about 25 of them, where List
// reads each event whole. The first error ends it.
//
// The index is eventually consistent. It may show an event that was brought
// back a moment ago, miss one that died a moment ago, and show one twice that
// died again meanwhile: enough to count by, not to act on. Whoever acts on an
// event states the death that it saw, and the write decides.
func (l *Ledger) DeadSummaries(ctx context.Context, until time.Time) iter.Seq2[webhook.DeadSummary, error] {
	return func(yield func(webhook.DeadSummary, error) bool) {
		since, _ := Query{Dead: true}.Bounds()
		m := l.merger(stateIndex(webhook.Dead, ""), string(at(since)), string(at(until)), true)
		m.page, m.grows = summaryPage, summaryPage
		for {
			e, ok, err := m.next(ctx)
			if err != nil {
				yield(webhook.DeadSummary{}, err)
				return
			}
			if !ok || !yield(deadSummaryOf(e), nil) {
				return
			}
		}
	}
}

// stateIndex shows the events in a state that the index dead lists. The class, if
// any, may leave out partitions in which no event has it.
func stateIndex(state webhook.State, class string) index {
	names := []string{string(state)}
	switch {
	case state != webhook.Unrouted:
	case class == webhook.ClassDestinationRemoved:
		names = []string{removedPartition}
	case class == "":
		names = append(names, removedPartition)
	}
	ix := index{name: "dead", hash: "dead_shard", sort: "dead_key"}
	for _, name := range names {
		ix.partitions = append(ix.partitions, numbered(deadShards, func(n uint32) string { return fmt.Sprintf("%s#%d", name, n) })...)
	}
	return ix
}

// deadSummaryOf reads an entry of the index of the dead. Of a held or unrouted event,
// the time is that of receipt.
func deadSummaryOf(e entry) webhook.DeadSummary {
	typ := webhook.Type(e.text("type"))
	if typ == "" {
		typ = e.id.Type()
	}
	return webhook.DeadSummary{
		ID: e.id, Type: typ, Account: e.text("account"), Source: e.text("source"),
		CampaignID: e.text("campaign"), ErrorClass: e.text("error_class"), DeadAt: e.texts("dead_at"),
		ReceivedAt: timeOfKey(e.text("time")), DiedAt: timeOfKey(e.key),
		Death: e.number("death"), Redrives: e.number("redrives"),
	}
}

// texts is nil where there is no list.
func (e entry) texts(name string) (all []string) {
	list, ok := e.attributes[name].(*dynamodb.AttributeValueMemberL)
	if !ok {
		return nil
	}
	for _, v := range list.Value {
		if s, ok := v.(*dynamodb.AttributeValueMemberS); ok {
			all = append(all, s.Value)
		}
	}
	return all
}

// number is 0 where there is none.
func (e entry) number(name string) int {
	v, ok := e.attributes[name].(*dynamodb.AttributeValueMemberN)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(v.Value)
	if err != nil {
		return 0
	}
	return n
}
