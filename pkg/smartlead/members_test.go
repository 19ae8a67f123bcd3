package smartlead

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// memberValues are what the members of an event may hold, and what nobody
// expects there.
var memberValues = []string{
	`null`, `true`, `0`, `-0`, `1`, `-1`, `1e3`, `1.50`, `1e999`, `12345678901234567890`, `1772645351618`, `""`, `" "`, `"null"`, `"NULL "`, `[]`, `{}`, `[[]]`, `[null]`, `[{}]`,
	`"\\"`, `"a\\"`, `"\\n"`, `"\n"`, `"\u0000"`, `"\ud800"`, `"\ud83d\ude00"`, `"\u005c"`, `"\u005cu0041"`, `"\/"`, `"é"`, `"\\u00"`,
	`"EMAIL_REPLY"`, `"EMAIL_SENT"`, `"CAMPAIGN_STATUS_CHANGED"`, `"LEAD_CATEGORY_UPDATED"`, `"EMAIL_LINK_CLICK"`, `"email.reply"`, `"X"`, `"COMPLETED"`,
	`"2026-03-04T17:29:11.618+00:00"`, `"2026-03-04 17:29:11"`, `"2026-13-04T17:29:11Z"`, `"1772645351"`,
	`"a@b.example"`, `"A <a@b.example>"`, `"<r@x>"`, `"@"`, `"a@"`, `"https://x.example/?a=b"`, `"https:\/\/x"`, `"[\"https://x\"]"`, `"{\"url\":\"https://x\\\\\"}"`, `"{"`, `"[1,"`,
	`{"id":1,"email":"a@b.example"}`, `{"message_id":"<m@x>","text":"\\"}`, `{"new_name":"A\\","old_name":2}`, `[{"url":"https://x"},"y"]`, `{"body":{"event_type":"EMAIL_OPEN"}}`,
	`"secret_key=x"`, `"/webhooks/a/b"`, `"secretkey"`,
}

// FuzzMembers takes each pair of bytes of the input for a member that is read and
// its value. It is an event, whatever the members hold.
func FuzzMembers(f *testing.F) {
	names := []string{"x", "body", "headers", "data", "secret_key", "webhook_url", "event_\\u0074ype", "\\\\"}
	for name := range fieldNames {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range memberValues {
		f.Add([]byte{byte(slices.Index(names, "event_type")), byte(i), byte(i), byte(i)})
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		var text strings.Builder
		text.WriteByte('{')
		for i := 0; i+1 < min(len(input), 40); i += 2 {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString(`"` + names[int(input[i])%len(names)] + `":` + memberValues[int(input[i+1])%len(memberValues)])
		}
		text.WriteByte('}')
		batch, err := Parse([]byte(text.String()), fuzzOptions)
		if err != nil {
			t.Fatalf("got %v, want no error: %s", err, text.String())
		}
		for _, e := range batch.Elements {
			if errors.Is(e.Err, ErrNotObject) { // in a wrapper's array
				continue
			}
			if e.Err != nil {
				t.Fatalf("got %v, want no error: %s", e.Err, text.String())
			}
			checkElement(t, e, fuzzOptions)
		}
	})
}
