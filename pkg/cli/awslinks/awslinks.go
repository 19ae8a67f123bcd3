// Package awslinks prints where a stack is in the AWS console.
package awslinks

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"smartlead-receiver/pkg/cli/output"
	"smartlead-receiver/pkg/cli/problem"
	"smartlead-receiver/pkg/cli/session"
	"smartlead-receiver/pkg/stack"
)

// New returns the command aws-links.
func New(s *session.Session) *cobra.Command {
	return &cobra.Command{
		Use:   "aws-links",
		Short: "Print the addresses of the stack's pages in the AWS console",
		Long: `Print where the parts of a deployed stack are in the AWS console: the dead letter
queue, where a native redrive starts, the other queues, the ledger, the logs, the
alarms and the stack itself. Nothing is opened.`,
		Example: `  smartleadctl aws-links
  smartleadctl aws-links --json | jq -r 'select(.page == "dead letter queue").address'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.Target.Local {
				return problem.Usage("the local stack is not in AWS").Hint("see it in a browser: %s console", s.Self())
			}
			st, err := s.Connect(cmd.Context())
			if err != nil {
				return err
			}
			return show(s, pagesOf(st.Place, s.Target.Stack))
		},
	}
}

// page is one page of the AWS console.
type page struct {
	Page    string `json:"page"`
	Address string `json:"address"`
	Use     string `json:"use"`
}

func pagesOf(place stack.Place, stack string) []page {
	base := "https://" + place.Region + "." + hostOf(place.Region) + "/"

	at := func(service, fragment string) string {
		return base + service + "/home?region=" + place.Region + "#" + fragment
	}
	queue := func(queueURL string) string { return at("sqs/v3", "/queues/"+url.QueryEscape(queueURL)) }
	return []page{
		{"dead letter queue", queue(place.DLQURL), "Start DLQ redrive → Redrive to a custom destination → " + place.LiveQueueARN},
		{"live queue", queue(place.LiveQueueURL), "new events"},
		{"replay queue", queue(place.ReplayQueueURL), "what a redrive or a replay brings back"},
		{"ledger", at("dynamodbv2", "table?name="+url.QueryEscape(place.TableName)), "every event and its state; look, and change nothing by hand"},
		{"logs", at("cloudwatch", "logsV2:log-groups$3FlogGroupNameFilter$3D"+url.QueryEscape(stack)), "one JSON line for each request, event and tick"},
		{"alarms", at("cloudwatch", "alarmsV2:"), "what each means: docs/RUNBOOK.md"},
		{"stack", at("cloudformation", "/stacks?filteringText="+url.QueryEscape(stack)), "parameters, outputs, resources"},
	}
}

// hostOf is the console of a region's partition (AWS, "Partitions and
// regions").
func hostOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "console.amazonaws-us-gov.com"
	}
	return "console.aws.amazon.com"
}

func show(s *session.Session, pages []page) error {
	t := output.NewTable("PAGE", "USE", "+ADDRESS")
	for _, p := range pages {
		if s.JSON {
			if err := s.Emit(p); err != nil {
				return err
			}
			continue
		}
		t.Add(p.Page, p.Use, p.Address)
	}
	if s.JSON {
		return nil
	}
	return s.Print(t, "")
}
