package archive_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/webhook"
	"smartlead-receiver/test/testclock"
)

// small is a world of two hours, three accounts and objects of a few lines.
func small(t *testing.T) *world {
	w := newWorld(t)
	w.fill(2, 8)
	w.receive("acme", reply(500, "big@acme.example.com", true), testclock.Noon().Add(-time.Minute))
	w.policy.PartText = 1200
	return w
}

// toEnd lets runs, each of another process, go on until nothing is left.
func (w *world) toEnd() {
	w.t.Helper()
	for range 5 {
		w.clock = w.clock.Add(10 * time.Minute) // behind each lease
		w.net.revive()
		if sum := w.run(); !sum.Worked && sum.Waits == "" {
			return
		}
	}
	w.t.Fatal("it comes to no end")
}

// A process that dies at any call, before it took effect or after, leaves nothing out and
// nothing twice, and what the next one writes has the names that it would have had. One
// whose answer is lost likewise.
func TestACrashAtAnyCallLeavesTheSameArchive(t *testing.T) {
	w := small(t)
	w.restart("clean/")
	w.toEnd()
	want := slices.Sorted(maps.Keys(w.objects()))
	if len(want) < 10 {
		t.Fatalf("only %d objects", len(want))
	}
	calls := 0
	for _, how := range []string{"before", "after", "answer lost", "answer refused"} {
		for at := 1; ; at += every {
			w.restart(fmt.Sprintf("%s-%d/", how[:3]+how[len(how)-1:], at))
			w.clock = w.clock.Add(15 * time.Minute)
			w.net.dieAt, w.net.after, w.net.once = at, how == "after" || how == "answer lost", how == "answer lost" || how == "answer refused"
			sum := w.service().Run(t.Context())
			if w.net.calls < at {
				if sum.Err != nil || at < 20 {
					t.Errorf("%s: %v after %d calls", how, sum.Err, at-1)
				}
				calls = max(calls, at-every)
				break
			}
			w.toEnd()
			if got := slices.Sorted(maps.Keys(w.objects())); !slices.Equal(got, want) {
				t.Fatalf("%s call %d: objects\n%v, want\n%v", how, at, got, want)
			}
		}
		w.equal(testclock.Noon())
	}
	t.Logf("%d calls, %d objects", calls, len(want))
}

// Where something is claimed late between the crash and the next run, it gets an object of
// its own: what was written is not written again.
func TestACrashAndALateClaimLeaveNothingTwice(t *testing.T) {
	w := small(t)
	for at := 5; ; at += every {
		w.restart(fmt.Sprintf("crash-%d/", at))
		w.clock = w.clock.Add(15 * time.Minute)
		w.net.dieAt, w.net.after = at, true
		_ = w.service().Run(t.Context())
		if w.net.calls < at {
			if at < 20 {
				t.Errorf("only %d calls", at)
			}
			return
		}
		late := []webhook.EventID{
			w.receive("acme", reply(601, "late@acme.example.com", false), testclock.Noon().Add(-time.Hour)),
			w.receive("default", reply(602, "late@acme.example.com", false), testclock.Noon().Add(-time.Millisecond)),
		}
		w.clock = testclock.Noon().Add(26 * time.Hour)
		w.toEnd()
		w.equal(testclock.Noon())
		if t.Failed() {
			t.Fatalf("call %d", at)
		}
		w.drop(late...)
	}
}

// Of two runs at the same time one writes nothing more once the other took over.
func TestARunThatWasOvertakenWritesNothing(t *testing.T) {
	w := small(t)
	w.clock = w.clock.Add(15 * time.Minute)
	var other archive.Summary
	slow := w.service()
	slept := false
	slow.Bodies = sleeper{slow.Bodies, func() {
		if slept {
			return
		}
		slept = true
		w.clock = w.clock.Add(time.Hour) // its lease is over
		other = w.service().Run(t.Context())
	}}
	sum := slow.Run(t.Context())
	if other.Err != nil || other.Events == 0 || sum.Err != nil || sum.Waits == "" || sum.Events != 0 {
		t.Errorf("%+v, and the other %+v", sum, other)
	}
	w.equal(testclock.Noon())
	// While it holds its lease, another does nothing.
	w.restart("held/")
	w.clock = w.clock.Add(15 * time.Minute)
	first := w.service()
	var second archive.Summary
	first.Bodies = sleeper{first.Bodies, func() {
		if second.Waits == "" {
			second = w.service().Run(t.Context())
		}
	}}
	if sum := first.Run(t.Context()); sum.Err != nil || sum.Events == 0 || second.Worked || second.Waits != "another run is at work" {
		t.Errorf("%+v, and the second %+v", sum, second)
	}
}

type sleeper struct {
	archive.Bodies

	sleep func()
}

func (s sleeper) Load(ctx context.Context, p payload) ([]byte, error) {
	s.sleep()
	return s.Bodies.Load(ctx, p)
}

// endsAfter is the context of an invocation whose time is nearly over once so many bodies
// were loaded, however fast the machine is.
type endsAfter struct {
	context.Context //nolint:containedctx // it is one

	loads  int
	margin time.Duration
}

func (e *endsAfter) Deadline() (time.Time, bool) {
	if e.loads > 0 {
		return time.Now().Add(time.Hour), true
	}
	return time.Now().Add(e.margin / 2), true
}

// A run ends before its context, keeps what it wrote, and the next ones come to the end.
func TestARunThatHasLittleTimeComesFurther(t *testing.T) {
	w := newWorld(t)
	w.fill(1, 600)
	w.clock = w.clock.Add(15 * time.Minute)
	w.policy.PartText = 1 << 30 // none is ever full
	written := 0
	for n := 1; ; n++ {
		ctx := &endsAfter{Context: t.Context(), loads: 60, margin: w.policy.Margin}
		svc := w.service()
		svc.Bodies = sleeper{svc.Bodies, func() { ctx.loads-- }}
		sum := svc.Run(ctx)
		if sum.Err != nil {
			t.Fatal(sum.Err)
		}
		if written += sum.Events; sum.Until.Equal(testclock.Noon()) {
			if n < 3 {
				t.Errorf("%d runs", n)
			}
			break
		}
		if n > 30 {
			t.Fatal("it comes to no end")
		}
	}
	if events, _ := w.equal(testclock.Noon()); events != 600 || written != 600 {
		t.Errorf("%d of 600 events, written %d", events, written)
	}
}

// An object that has the name and not the content is never taken for ours.
func TestAnObjectOfAnotherIsNotOurs(t *testing.T) {
	w := small(t)
	w.restart("a/")
	w.toEnd()
	others := w.objects()
	keys := slices.Sorted(maps.Keys(others))
	w.restart("b/")
	svc := w.service()
	svc.Objects = blind{svc.Objects} // so that it does not see it before it writes
	if _, err := svc.Objects.Create(t.Context(), keys[0], others[keys[1]]); err != nil {
		t.Fatal(err)
	}
	w.clock = w.clock.Add(15 * time.Minute)
	if sum := svc.Run(t.Context()); sum.Err == nil {
		t.Errorf("it was taken for ours: %+v", sum)
	}
	st, err := archive.Standing(t.Context(), w.ledger)
	if err != nil || st.Cause == "" || st.ArchivedUntil().Equal(testclock.Noon()) || st.Holder != "" {
		t.Errorf("%+v, %v", st, err)
	}
}

type blind struct{ archive.Objects }

func (b blind) List(context.Context, string) seq { return func(func(archive.Object, error) bool) {} }

// An engine that is down fails the run, and nothing is passed over.
func TestWhatIsDownIsTriedAgain(t *testing.T) {
	w := small(t)
	w.clock = w.clock.Add(15 * time.Minute)
	svc := w.service()
	svc.Bodies = broken{}
	if sum := svc.Run(t.Context()); !errors.Is(sum.Err, errBroken) || sum.Behind == 0 {
		t.Errorf("%+v", sum)
	}
	if w.equal(testclock.Noon().Add(-100 * time.Hour)); t.Failed() {
		return
	}
	w.clock = w.clock.Add(10 * time.Minute)
	if sum := w.run(); sum.Behind != 0 {
		t.Errorf("%+v", sum)
	}
	w.equal(testclock.Noon())
}

var errBroken = fmt.Errorf("down: %w", webhook.ErrUnavailable)

type broken struct{}

func (broken) Load(context.Context, payload) ([]byte, error) { return nil, errBroken }

type (
	payload = webhook.Payload
	seq     = iter.Seq2[archive.Object, error]
)

// A run whose last object the bucket refuses has failed, also where its time is over.
func TestARefusedWriteIsAFailureAlsoAtTheEndOfTheTime(t *testing.T) {
	w := newWorld(t)
	w.fill(1, 400)
	w.clock = w.clock.Add(15 * time.Minute)
	run := func() archive.Summary {
		ctx := &endsAfter{Context: t.Context(), loads: 1, margin: w.policy.Margin}
		svc := w.service()
		svc.Bodies = sleeper{svc.Bodies, func() { ctx.loads-- }}
		return svc.Run(ctx)
	}
	w.net.refused = http.MethodPut
	sum := run()
	st, err := archive.Standing(t.Context(), w.ledger)
	if err != nil || sum.Err == nil || sum.Objects != 0 || !strings.Contains(st.Cause, "AccessDenied") || st.Holder != "" {
		t.Errorf("%+v, and the state has the cause %q (%v)", sum, st.Cause, err)
	}
	w.net.revive()
	if sum := run(); sum.Err != nil || sum.Objects != 1 {
		t.Errorf("%+v", sum)
	}
	if st, err := archive.Standing(t.Context(), w.ledger); err != nil || st.Cause != "" {
		t.Errorf("the cause is still %q (%v)", st.Cause, err)
	}
}

// A second request to look again leaves nothing out that the first one asked for.
func TestASecondRequestKeepsWhatIsLeftOfTheFirst(t *testing.T) {
	w := newWorld(t)
	w.fill(4, 9)
	w.clock = w.clock.Add(15 * time.Minute)
	w.run()
	w.receive("acme", reply(1001, "late@acme.example.com", false), testclock.Noon().Add(-4*time.Hour))
	ask := func(since time.Time) {
		if _, err := archive.Ask(t.Context(), w.ledger, since, w.clock); err != nil {
			t.Fatal(err)
		}
	}
	ask(testclock.Noon().Add(-4 * time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), w.policy.Margin/2) // no time but to take the request in
	defer cancel()
	if sum := w.service().Run(ctx); sum.Err != nil || sum.Events != 0 {
		t.Fatalf("%+v", sum)
	}
	ask(testclock.Noon().Add(-time.Hour))
	if sum := w.run(); sum.Late != 1 {
		t.Errorf("%+v", sum)
	}
	w.equal(testclock.Noon())
}

// What this version could not read is said until a look, of an operator or a later one,
// comes over all of it and can.
func TestWhatCannotBeReadIsSaidUntilItCan(t *testing.T) {
	w := newWorld(t)
	w.fill(4, 9)
	first := w.receive("acme", reply(1001, "new@acme.example.com", false), testclock.Noon().Add(-4*time.Hour))
	second := w.receive("acme", reply(1002, "new@acme.example.com", false), testclock.Noon().Add(-2*time.Hour))
	put := func(item map[string]types.AttributeValue) {
		if _, err := w.sdk.DynamoDB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.at.Table, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	spoil := func(id webhook.EventID) (mend func()) {
		out, err := w.sdk.DynamoDB.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.at.Table, Key: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: id.Key()}, "sk": &types.AttributeValueMemberS{Value: "E#000001"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		spoiled := maps.Clone(out.Item)
		spoiled["facts"] = &types.AttributeValueMemberB{Value: []byte{250, 1}} // as a newer version writes
		put(spoiled)
		return func() { put(out.Item) }
	}
	left := func(when string, want int) {
		t.Helper()
		w.run()
		if st, err := archive.Standing(t.Context(), w.ledger); err != nil || st.Unreadable != want {
			t.Errorf("%s: %d are left out (%v), want %d", when, st.Unreadable, err, want)
		}
	}
	again := func(since time.Duration) {
		if _, err := archive.Ask(t.Context(), w.ledger, testclock.Noon().Add(-since), w.clock); err != nil {
			t.Fatal(err)
		}
	}
	mendFirst, mendSecond := spoil(first), spoil(second)
	w.clock = w.clock.Add(15 * time.Minute)
	left("the first look", 2)
	again(4 * time.Hour)
	left("asked for all, and none can be read", 2)
	mendSecond()
	again(4 * time.Hour)
	left("asked for all, and one can be read", 1)
	mendFirst()
	again(2 * time.Hour)
	left("asked for what lies behind it", 1)
	w.clock = w.clock.Add(time.Hour)
	left("the first look at a later hour", 1)
	w.clock = testclock.Noon().Add(25 * time.Hour)
	left("the second look at all of it", 0)
	w.equal(testclock.Noon())
}
