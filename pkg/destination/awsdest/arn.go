// Package awsdest is what the destinations that are services of AWS have in common: how
// they are named, how a batch is cut into calls, and what an answer means.
package awsdest

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"smartlead-receiver/pkg/destination"
)

// Timeout bounds one call.
const Timeout = 10 * time.Second

// ARN is the name of a resource of AWS, taken apart
// (docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN returns false for what is no ARN of a resource in a region.
func ParseARN(text string) (ARN, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || !strings.HasPrefix(parts[1], "aws") || len(text) > 1024 {
		return ARN{}, false
	}
	a := ARN{parts[1], parts[2], parts[3], parts[4], parts[5]}
	if len(a.Account) != 12 || strings.Trim(a.Account, "0123456789") != "" || !plain(a.Partition) || !plain(a.Region) {
		return ARN{}, false
	}
	return a, true
}

// plain tells whether a part may stand in the name of a host.
func plain(part string) bool {
	return part != "" && strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Resource is the configuration that names a resource. It is embedded in that of a type.
type Resource struct {
	// ARN names the resource: its region and account may be others than the stack's.
	ARN string `json:"arn"`
}

// Name is how the ARNs of a service name its resources.
type Name struct {
	Service string // as in an ARN
	Prefix  string // of the resource, such as "event-bus/"
	Most    int    // characters of the name behind it
	Example string
}

// Check reports an ARN that names no such resource.
func (r Resource) Check(n Name, report func(field, problem string)) {
	a, ok := ParseARN(r.ARN)
	name, found := strings.CutPrefix(a.Resource, n.Prefix)
	switch {
	case r.ARN == "":
		report("arn", "is needed, such as "+n.Example)
	case !ok || a.Service != n.Service || !found || !named(name):
		report("arn", "is an ARN such as "+n.Example)
	case len(name) > n.Most:
		report("arn", fmt.Sprintf("has a name of at most %d characters", n.Most))
	}
}

// named tells whether a resource may be called so: what all four services allow.
func named(name string) bool {
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && strings.Trim(name, letters+"._-/") == ""
}

// FIFO tells whether the resource keeps an order.
func (r Resource) FIFO() bool { return strings.HasSuffix(r.ARN, ".fifo") }

// String is the ARN, which is no secret.
func (r Resource) String() string { return r.ARN }

// GoString is the ARN.
func (r Resource) GoString() string { return r.ARN }

// LogValue is the ARN.
func (r Resource) LogValue() slog.Value { return slog.StringValue(r.ARN) }

// Summary shows the ARN.
func (r Resource) Summary() map[string]any { return map[string]any{"arn": r.ARN} }

// Flags declares --arn.
func (r *Resource) Flags(flags *flag.FlagSet) {
	flags.StringVar(&r.ARN, "arn", r.ARN, "`ARN` of the event bus, topic, queue or delivery stream")
}

// Call makes one call within Timeout.
func Call(ctx context.Context, aws destination.AWS, call destination.AWSCall) destination.Answer {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return aws.Call(ctx, call)
}
