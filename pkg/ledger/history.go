package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"smartlead-receiver/pkg/dynamodb"
	"smartlead-receiver/pkg/webhook"
)

// history is what was done with an event, as its item keeps it: one attribute, a row of
// fields like facts. Times are milliseconds behind the receipt.
type history struct {
	Attempts    []webhook.Attempt
	DeliveredAt time.Time
}

const historyVersion = 1

// The tags of its fields. A tag is never given another meaning.
const (
	tagDelivered = iota + 1
	tagAttempt   // its number; the fields behind it are of this attempt
	tagGeneration
	tagDestination
	tagResult
	tagStatus
	tagClass
	tagError
	tagStarted
	tagDuration
)

// historyOf writes what the record remembers and what was added, without the oldest
// where they are too many.
func historyOf(r webhook.Record, added ...webhook.Attempt) []byte {
	all := slices.Concat(r.History, added)
	all = all[max(0, len(all)-webhook.MaxHistory):]
	return history{Attempts: all, DeliveredAt: r.DeliveredAt}.encode(r.ReceivedAt)
}

func (h history) encode(received time.Time) []byte {
	r := row{historyVersion}
	behind := func(tag byte, t time.Time) {
		if !t.IsZero() {
			r.number(tag, t.UnixMilli()-received.UnixMilli())
		}
	}
	count := func(tag byte, n int) {
		if n != 0 {
			r.number(tag, int64(n))
		}
	}
	behind(tagDelivered, h.DeliveredAt)
	for _, a := range h.Attempts {
		r.number(tagAttempt, int64(a.Number))
		count(tagGeneration, a.Generation)
		r.text(tagDestination, a.Destination)
		r.text(tagResult, string(a.Result))
		count(tagStatus, a.Status)
		r.text(tagClass, a.ErrorClass)
		r.text(tagError, a.Error)
		behind(tagStarted, a.StartedAt)
		count(tagDuration, int(a.Duration.Milliseconds()))
	}
	return r
}

var errHistory = errors.New("ledger: the history of an item cannot be read")

func decodeHistory(r row, received time.Time) (h history, err error) {
	if len(r) == 0 {
		return history{}, nil
	}
	if r[0] != historyVersion {
		return history{}, fmt.Errorf("%w: it has version %d", errHistory, r[0])
	}
	for r = r[1:]; len(r) > 0; {
		tag := r[0]
		r = r[1:]
		switch {
		case tag == tagDelivered:
			n, err := r.takeNumber()
			if err != nil {
				return history{}, err
			}
			h.DeliveredAt = time.UnixMilli(received.UnixMilli() + n).UTC()
			continue
		case tag == tagAttempt:
			h.Attempts = append(h.Attempts, webhook.Attempt{})
		case len(h.Attempts) == 0:
			return history{}, fmt.Errorf("%w: field %d is of no attempt", errHistory, tag)
		}
		if err := attemptField(&h.Attempts[len(h.Attempts)-1], tag, &r, received); err != nil {
			return history{}, err
		}
	}
	return h, nil
}

// attemptField reads one field of an attempt off the row.
func attemptField(a *webhook.Attempt, tag byte, r *row, received time.Time) error {
	switch tag {
	case tagDestination, tagResult, tagClass, tagError:
		s, err := r.takeText()
		if err != nil {
			return err
		}
		switch tag {
		case tagDestination:
			a.Destination = s
		case tagResult:
			a.Result = webhook.Result(s)
		case tagClass:
			a.ErrorClass = s
		case tagError:
			a.Error = s
		}
		return nil
	}
	n, err := r.takeNumber()
	if err != nil {
		return err
	}
	switch tag {
	case tagAttempt:
		a.Number = int(n)
	case tagGeneration:
		a.Generation = int(n)
	case tagStatus:
		a.Status = int(n)
	case tagStarted:
		a.StartedAt = time.UnixMilli(received.UnixMilli() + n).UTC()
	case tagDuration:
		a.Duration = time.Duration(n) * time.Millisecond
	default:
		return fmt.Errorf("%w: unknown field %d", errHistory, tag)
	}
	return nil
}

// progress is how far a destination is, as one line: its result, attempts and name
// ("delivered 1 crm"); how often and how long it was postponed, where it was ("retry
// 3+2/90000 crm", in milliseconds); when it is tried next, and how often it waited and
// for what ("retry 3@1772712000000~2/paused crm").
type progress webhook.Progress

// MarshalDynamoDBAttributeValue implements dynamodb.Marshaler.
func (p progress) MarshalDynamoDBAttributeValue() (dynamodb.AttributeValue, error) {
	result, counts := string(p.Result), strconv.Itoa(p.Attempts)
	if result == "" {
		result = "-"
	}
	if p.Postponed != 0 || p.PostponedFor != 0 {
		counts += fmt.Sprintf("+%d/%d", p.Postponed, p.PostponedFor.Milliseconds())
	}
	if !p.NextAt.IsZero() {
		counts += fmt.Sprintf("@%d", p.NextAt.UnixMilli())
	}
	if p.Waits != 0 {
		counts += fmt.Sprintf("~%d/%s", p.Waits, p.Waiting)
	}
	return &dynamodb.AttributeValueMemberS{Value: result + " " + counts + " " + p.Name}, nil
}

// UnmarshalDynamoDBAttributeValue implements dynamodb.Unmarshaler.
func (p *progress) UnmarshalDynamoDBAttributeValue(av dynamodb.AttributeValue) error {
	s, ok := av.(*dynamodb.AttributeValueMemberS)
	if !ok {
		return errors.New("ledger: the progress of a destination is no text")
	}
	result, rest, _ := strings.Cut(s.Value, " ")
	counts, name, ok := strings.Cut(rest, " ")
	if !ok || p.readCounts(counts) != nil {
		return fmt.Errorf("ledger: %q is no progress of a destination", s.Value)
	}
	if result != "-" {
		p.Result = webhook.Result(result)
	}
	p.Name = name
	return nil
}

// readCounts reads the middle of the line.
func (p *progress) readCounts(text string) (err error) {
	number := func(digits string) int64 {
		n, e := strconv.ParseInt(digits, 10, 64)
		err = errors.Join(err, e)
		return n
	}
	text, waits, waited := strings.Cut(text, "~")
	text, next, later := strings.Cut(text, "@")
	attempts, postponed, wasPostponed := strings.Cut(text, "+")
	p.Attempts = int(number(attempts))
	if wasPostponed {
		times, ms, _ := strings.Cut(postponed, "/")
		p.Postponed, p.PostponedFor = int(number(times)), time.Duration(number(ms))*time.Millisecond
	}
	if later {
		p.NextAt = time.UnixMilli(number(next)).UTC()
	}
	if waited {
		times, cause, _ := strings.Cut(waits, "/")
		p.Waits, p.Waiting = int(number(times)), cause
	}
	return err
}

func progressOf(list []webhook.Progress) []progress {
	out := make([]progress, 0, len(list))
	for _, p := range list {
		p.PostponedFor, p.NextAt = p.PostponedFor.Truncate(time.Millisecond), p.NextAt.Truncate(time.Millisecond)
		out = append(out, progress(p))
	}
	return out
}

func initialProgress(names []string) []progress {
	out := make([]progress, 0, len(names))
	for _, n := range names {
		out = append(out, progress{Name: n})
	}
	return out
}
