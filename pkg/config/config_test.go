package config_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"smartlead-receiver/pkg/config"
)

func env(pairs ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return m[name] }
}

func TestDefaults(t *testing.T) {
	c, err := config.Read(env("TABLE_NAME", "events"), config.Table)
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxAttempts != 8 || c.RetryBase != 5*time.Second || c.RetryMax != 30*time.Minute ||
		c.Grace != 2*time.Minute || c.Retention != 90*24*time.Hour || c.RedriveTick != 5*time.Second {
		t.Errorf("%+v", c)
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	_, err := config.Read(env(
		"LIVE_QUEUE_URL", "not a url", "MAX_ATTEMPTS", "0", "RETRY_BASE", "2h", "SWEEP_GRACE", "soon",
		"RETENTION_DAYS", "14", "LOG_LEVEL", "loud", "PARAMETER_PREFIX", "x/",
	), config.Table|config.LiveQueue|config.DeadQueue)
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{
		"TABLE_NAME is missing", "DLQ_URL is missing", "LIVE_QUEUE_URL is not a URL", "MAX_ATTEMPTS is a number from 1 to 40",
		"RETRY_BASE is a duration", "SWEEP_GRACE is a duration", "RETENTION_DAYS is a number from 15", "LOG_LEVEL is", "PARAMETER_PREFIX begins with /",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%q is not in: %v", name, err)
		}
	}
}

// What is made is claimed and enqueued, by the function that otherwise only compares.
func TestWhoMakesEventsNeedsAQueueAndABucket(t *testing.T) {
	if _, err := config.Read(env("RECONCILE_REPAIR", config.RepairRetrigger), 0); err != nil {
		t.Error(err)
	}
	_, err := config.Read(env("RECONCILE_REPAIR", config.RepairSynthesize), 0)
	if err == nil || !strings.Contains(err.Error(), "LIVE_QUEUE_URL is missing") || !strings.Contains(err.Error(), "BODY_BUCKET is missing") {
		t.Errorf("%v", err)
	}
	c, err := config.Read(env("RECONCILE_REPAIR", config.RepairSynthesize, "LIVE_QUEUE_URL", "https://sqs.example/live", "BODY_BUCKET", "b"), 0)
	if err != nil || c.ReconcileRepair != config.RepairSynthesize {
		t.Errorf("%v, %v", c, err)
	}
}

// An item must outlive every message that may refer to it.
func TestRetentionIsLongerThanThatOfTheDeadLetterQueue(t *testing.T) {
	days := int(config.DLQRetention / config.Day)
	if _, err := config.Read(env("RETENTION_DAYS", strconv.Itoa(days)), 0); err == nil {
		t.Errorf("%d days are as long as the dead letter queue keeps a dead letter", days)
	}
	if _, err := config.Read(env("RETENTION_DAYS", strconv.Itoa(days+1)), 0); err != nil {
		t.Error(err)
	}
}

func TestLongestWaitIsNotBelowTheFirst(t *testing.T) {
	if _, err := config.Read(env("RETRY_BASE", "10s", "RETRY_MAX", "5s"), 0); err == nil {
		t.Error("accepted")
	}
}
