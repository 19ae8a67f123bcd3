package deployment

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Counter is a metric that the functions count by outcome.
type Counter struct{ Metric, Outcome string }

// Counted is what a counter counted in a span of time that began then.
type Counted struct {
	Counter
	At time.Time
	N  int
}

// maxMetricPages bounds the answers of one look at metrics. Each holds up to 100,800
// data points
// (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html), of
// which a look needs a few hundred.
const maxMetricPages = 5

// Counts returns what was counted between since and until, in spans of step; those in
// which nothing was are missing. A look costs $0.01 for a thousand counters. CloudWatch
// has a count a few minutes late.
func (d *Deployment) Counts(ctx context.Context, since, until time.Time, step time.Duration, counters ...Counter) (counted []Counted, err error) {
	in := &cloudwatch.GetMetricDataInput{StartTime: &since, EndTime: &until, ScanBy: cwtypes.ScanByTimestampAscending}
	of := map[string]Counter{}
	for i, c := range counters {
		id := fmt.Sprintf("m%d", i)
		of[id] = c
		in.MetricDataQueries = append(in.MetricDataQueries, cwtypes.MetricDataQuery{Id: &id, MetricStat: &cwtypes.MetricStat{
			Stat: aws.String("Sum"), Period: aws.Int32(int32(step / time.Second)), //nolint:gosec // at most a day
			Metric: &cwtypes.Metric{
				Namespace: &d.names.Stack, MetricName: &c.Metric,
				Dimensions: []cwtypes.Dimension{{Name: aws.String("outcome"), Value: &c.Outcome}},
			},
		}})
	}
	pages := cloudwatch.NewGetMetricDataPaginator(d.watch, in)
	for n := 0; pages.HasMorePages() && n < maxMetricPages; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.MetricDataResults {
			for i := range min(len(r.Timestamps), len(r.Values)) {
				counted = append(counted, Counted{Counter: of[aws.ToString(r.Id)], At: r.Timestamps[i], N: int(r.Values[i])})
			}
		}
	}
	return counted, nil
}
