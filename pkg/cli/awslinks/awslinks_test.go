package awslinks

import (
	"net/url"
	"strings"
	"testing"

	"smartlead-receiver/pkg/stack"
)

func TestConsolePages(t *testing.T) {
	place := stack.Place{
		Region: "eu-west-1", TableName: "receiver-Table-1", DLQURL: "https://sqs.eu-west-1.amazonaws.com/111122223333/dlq",
		LiveQueueURL: "https://sqs.eu-west-1.amazonaws.com/111122223333/live", LiveQueueARN: "arn:aws:sqs:eu-west-1:111122223333:live",
	}
	pages := pagesOf(place, "receiver-eu")
	for _, page := range pages {
		u, err := url.Parse(page.Address)
		if err != nil || u.Host != "eu-west-1.console.aws.amazon.com" || u.Query().Get("region") != "eu-west-1" || u.Fragment == "" {
			t.Errorf("%s: %s (%v)", page.Page, page.Address, err)
		}
	}
	if want := "https://eu-west-1.console.aws.amazon.com/sqs/v3/home?region=eu-west-1#/queues/https%3A%2F%2Fsqs.eu-west-1.amazonaws.com%2F111122223333%2Fdlq"; pages[0].Address != want {
		t.Errorf("the dead letter queue is at %s, want %s", pages[0].Address, want)
	}
	if !strings.Contains(pages[0].Use, place.LiveQueueARN) {
		t.Error("nothing says where the console's redrive must send to")
	}
	place.Region = "cn-north-1"
	if got := pagesOf(place, "r")[0].Address; !strings.HasPrefix(got, "https://cn-north-1.console.amazonaws.cn/sqs/") {
		t.Errorf("in China: %s", got)
	}
}
