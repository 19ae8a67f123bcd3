package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/local/persist"
	"smartlead-receiver/pkg/stack"
)

// sample is an event of a person's first try, in the repository.
const sample = "events/payloads/help/reply.json"

// inlineSample is the same for who is elsewhere.
const inlineSample = `{"event_type":"EMAIL_REPLY","campaign_id":4100001,"to_email":"tom@acme.example.com",` +
	`"event_timestamp":"2026-03-04T17:29:11.618+00:00","message_id":"<try-1@acme.example.com>","reply_body":"Yes, call me."}`

// greet tells a person what to try, in five lines. Each command can be pasted.
func greet(to io.Writer, o options, dir local.StateDir, info stack.Place, restored persist.Restored) {
	body := "@" + sample
	if _, err := os.Stat(sample); err != nil {
		body = "'" + inlineSample + "'"
	}
	ctl := "go run ./cmd/smartleadctl --local"
	if o.stateDir != ".local" {
		ctl += " --state-dir " + quote(o.stateDir)
	}
	_, _ = fmt.Fprintf(to, `  webhook URL   %s
  send one      curl -d %s %s
  look          %s events list   (or: tail, events show ID, doctor)
  events go to  %s
%s  stop          Ctrl-C

`, info.WebhookURL, body, info.WebhookURL, ctl, whereTo(o, dir, info, restored), beside(ctl, info))
}

// beside says what to try with a simulated account of Smartlead.
func beside(ctl string, info stack.Place) string {
	if info.SmartleadURL == "" {
		return ""
	}
	return "  what is lost  " + ctl + " reconcile run   (or: reconcile retrigger, hooks check)\n"
}

// whereTo says where events are delivered to, and how long they are kept.
func whereTo(o options, dir local.StateDir, info stack.Place, restored persist.Restored) string {
	to := "this log"
	switch n := len(o.destinations); {
	case n == 1:
		to = "the URL of --destination, signed with " + filepath.Join(string(dir), "signing-secret")
	case n > 1:
		to = strconv.Itoa(n) + " URLs, signed with " + filepath.Join(string(dir), "signing-secret")
	case o.data != "" && restored.Parameters > 1:
		to = "what was configured before (destinations list)"
	}
	switch {
	case o.data != "" && restored.Items > 0:
		return fmt.Sprintf("%s; %s keeps them (%s records are back)", to, o.data, strconv.Itoa(restored.Items))
	case o.data != "":
		return fmt.Sprintf("%s; %s keeps them", to, o.data)
	case info.DynamoDBEndpoint == info.SSMEndpoint:
		return to + "; they end with this process, unless --data DIR keeps them"
	}
	return to
}

// quote makes a path one word of a shell.
func quote(path string) string {
	if strings.ContainsFunc(path, func(c rune) bool {
		return !strings.ContainsRune("/._-", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
