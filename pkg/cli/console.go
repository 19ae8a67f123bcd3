package cli

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) consoleCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "console",
		Short: "Print the addresses of the stack's pages in the AWS console",
		Long: `Print where the parts of a deployed stack are in the AWS console: the dead letter
queue, where a native redrive starts, the other queues, the ledger, the logs, the
alarms and the stack itself. Nothing is opened.`,
		Example: `  smartleadctl console
  smartleadctl console --json | jq -r 'select(.page == "dead letter queue").address'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.target.local {
				return usage("the local stack has no console").hint("see it with: %s doctor", p.self())
			}
			s, err := p.connected(cmd.Context())
			if err != nil {
				return err
			}
			return p.showConsole(consolePages(s.Place, p.target.stack))
		},
	}
}

// consolePage is one page of the AWS console.
type consolePage struct {
	Page    string `json:"page"`
	Address string `json:"address"`
	Use     string `json:"use"`
}

func consolePages(place Place, stack string) []consolePage {
	base := "https://" + place.Region + "." + consoleHost(place.Region) + "/"

	at := func(service, fragment string) string {
		return base + service + "/home?region=" + place.Region + "#" + fragment
	}
	queue := func(queueURL string) string { return at("sqs/v3", "/queues/"+url.QueryEscape(queueURL)) }
	return []consolePage{
		{"dead letter queue", queue(place.DLQURL), "Start DLQ redrive → Redrive to a custom destination → " + place.LiveQueueARN},
		{"live queue", queue(place.LiveQueueURL), "new events"},
		{"replay queue", queue(place.ReplayQueueURL), "what a redrive or a replay brings back"},
		{"ledger", at("dynamodbv2", "table?name="+url.QueryEscape(place.TableName)), "every event and its state; look, and change nothing by hand"},
		{"logs", at("cloudwatch", "logsV2:log-groups$3FlogGroupNameFilter$3D"+url.QueryEscape(stack)), "one JSON line for each request, event and tick"},
		{"alarms", at("cloudwatch", "alarmsV2:"), "what each means: docs/RUNBOOK.md"},
		{"stack", at("cloudformation", "/stacks?filteringText="+url.QueryEscape(stack)), "parameters, outputs, resources"},
	}
}

// consoleHost is the console of a region's partition (AWS, "Partitions and
// regions").
func consoleHost(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "console.amazonaws-us-gov.com"
	}
	return "console.aws.amazon.com"
}

func (p *program) showConsole(pages []consolePage) error {
	t := newTable("PAGE", "USE", "ADDRESS")
	for _, page := range pages {
		if p.json {
			if err := p.emit(page); err != nil {
				return err
			}
			continue
		}
		t.add(page.Page, page.Use, page.Address)
	}
	if p.json {
		return nil
	}
	return p.print(t, "")
}
