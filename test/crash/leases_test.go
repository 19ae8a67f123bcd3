package crash

import (
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// leases watches every write that left the store: who was given which number,
// and whether a write under a lease met another one.
type leases struct {
	mu       sync.Mutex
	holders  map[string]string // "number of id" → nonce
	problems []string
}

func newLeases() *leases { return &leases{holders: map[string]string{}} }

func (l *leases) observe(in *dynamodb.UpdateItemInput, out *dynamodb.UpdateItemOutput) {
	l.mu.Lock()
	defer l.mu.Unlock()
	it := item(out.Attributes)
	if !it.isEvent() {
		return
	}
	if it.text("state") == "processing" {
		holder := it.count("lease") + " of " + it.id()
		if before := l.holders[holder]; before != "" && before != it.text("holder") {
			l.problem("lease %s was given twice", holder)
		}
		l.holders[holder] = it.text("holder")
	}
	// What ends an attempt names the lease that it belongs to.
	mine, fenced := in.ExpressionAttributeValues[":if_lease"].(*dynamotypes.AttributeValueMemberN)
	_, settles := in.ExpressionAttributeValues[":if_holder"]
	if fenced && settles && mine.Value != it.count("lease") {
		l.problem("%s: the end of attempt %s was written over lease %s", it.id(), mine.Value, it.count("lease"))
	}
}

func (l *leases) problem(format string, args ...any) {
	l.problems = append(l.problems, fmt.Sprintf(format, args...))
}

func (l *leases) forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.holders, func(holder, _ string) bool { return strings.HasSuffix(holder, " of "+id) })
}

func (l *leases) found() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.problems...)
}
