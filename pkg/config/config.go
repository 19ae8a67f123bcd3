// Package config reads the environment of the functions once, validates it and
// names every problem. Nothing in it is secret: secrets are in the parameter
// store.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config is the environment of any function. A function uses some parts of it.
type Config struct {
	Stack           string        // STACK_NAME: the namespace of the metrics
	Table           string        // TABLE_NAME
	LiveQueue       string        // LIVE_QUEUE_URL
	ReplayQueue     string        // REPLAY_QUEUE_URL
	DeadQueue       string        // DLQ_URL
	Bucket          string        // BODY_BUCKET
	ParameterPrefix string        // PARAMETER_PREFIX
	LogLevel        slog.Level    // LOG_LEVEL: debug, info, warn, error
	MaxAttempts     int           // MAX_ATTEMPTS: of each destination, 1 to 40
	RetryBase       time.Duration // RETRY_BASE: first back-off
	RetryMax        time.Duration // RETRY_MAX: longest back-off
	Grace           time.Duration // SWEEP_GRACE: behind a due time, before the sweeper acts
	MaxRetryAfter   time.Duration // MAX_RETRY_AFTER: longest wait that a destination may ask for, 1s to 24h
	Retention       time.Duration // RETENTION_DAYS: of a delivered or unrouted event, 15 to 3650
	SourceTTL       time.Duration // SOURCE_TTL: how long secrets are cached
	Workers         int           // LIVE_CONCURRENCY and REPLAY_CONCURRENCY: worker instances at once, which a destination's rate is split among
	RedriveTick     time.Duration // REDRIVE_TICK: between two looks of a redrive at the ledger

	ReconcileEvery    time.Duration // RECONCILE_EVERY: from one comparison with Smartlead to the next; 0: none is made
	ReconcileAgain    time.Duration // RECONCILE_AGAIN: from one second look to the next
	ReconcileLookBack time.Duration // RECONCILE_LOOK_BACK_DAYS: how far back a second look goes, 1 to 60
	ReconcilePlan     string        // RECONCILE_PLAN: of the account at Smartlead, standard or pro
	ReconcileTypes    []string      // RECONCILE_TYPES: what is compared, by comma; none: all
	ReconcileRepair   string        // RECONCILE_REPAIR: off, retrigger or synthesize
	ReconcileBudget   int           // RECONCILE_BUDGET: events that one run may bring back
	SmartleadURL      string        // SMARTLEAD_URL: address of the API; "": Smartlead's

	ArchiveBucket string        // ARCHIVE_BUCKET: where events are archived; "": nowhere
	ArchivePrefix string        // ARCHIVE_PREFIX: what the keys begin with there
	ArchiveEvery  time.Duration // ARCHIVE_EVERY: the time of which an object holds what was received: an hour, or what divides it
}

// Part is a group of settings that a function needs.
type Part int

// These are the parts. A function adds up those that it needs.
const (
	Table Part = 1 << iota
	LiveQueue
	ReplayQueue
	DeadQueue
	Bucket
	Parameters
)

// maxAttempts is bounded by the redrive policy of the queues: SQS must not move
// a message before its event's budget is used up, and what a destination may postpone
// beside it.
const maxAttempts = 40

// These hold where the deployment says nothing, as in template.yaml.
const (
	DefaultGrace         = 2 * time.Minute
	DefaultRetentionDays = 90
)

// Day is the unit of a retention.
const Day = 24 * time.Hour

// DLQRetention is how long the dead letter queue keeps a message, as in
// template.yaml: the longest that SQS offers. A delivered event is kept longer,
// because its item must outlive every message that may refer to it.
const DLQRetention = 14 * Day

// Ways to repair what a comparison finds missing.
const (
	RepairOff        = "off"
	RepairRetrigger  = "retrigger"  // Smartlead posts again what it counts as failed
	RepairSynthesize = "synthesize" // and what does not come is made of what its API says
)

// Plans of an account at Smartlead.
const (
	PlanStandard = "standard"
	PlanPro      = "pro"
)

// Read validates what getenv returns. Its error names every problem found.
func Read(getenv func(string) string, need Part) (Config, error) {
	r := reader{getenv: getenv}
	if getenv("RECONCILE_REPAIR") == RepairSynthesize { // what is made is claimed and enqueued
		need |= LiveQueue | Bucket
	}
	c := Config{
		Stack:           r.text("STACK_NAME", false),
		Table:           r.text("TABLE_NAME", need&Table != 0),
		LiveQueue:       r.url("LIVE_QUEUE_URL", need&LiveQueue != 0),
		ReplayQueue:     r.url("REPLAY_QUEUE_URL", need&ReplayQueue != 0),
		DeadQueue:       r.url("DLQ_URL", need&DeadQueue != 0),
		Bucket:          r.text("BODY_BUCKET", need&Bucket != 0),
		ParameterPrefix: r.text("PARAMETER_PREFIX", need&Parameters != 0),
		MaxAttempts:     r.number("MAX_ATTEMPTS", 8, 1, maxAttempts),
		RetryBase:       r.duration("RETRY_BASE", 5*time.Second, 10*time.Millisecond, time.Hour),
		RetryMax:        r.duration("RETRY_MAX", 30*time.Minute, 10*time.Millisecond, 24*time.Hour),
		MaxRetryAfter:   r.duration("MAX_RETRY_AFTER", 6*time.Hour, time.Second, 24*time.Hour),
		Grace:           r.duration("SWEEP_GRACE", DefaultGrace, 100*time.Millisecond, time.Hour),
		Retention:       time.Duration(r.number("RETENTION_DAYS", DefaultRetentionDays, int(DLQRetention/Day)+1, 3650)) * Day,
		SourceTTL:       r.duration("SOURCE_TTL", time.Minute, 0, time.Hour),
		Workers:         r.number("LIVE_CONCURRENCY", 3, 1, 1000) + r.number("REPLAY_CONCURRENCY", 2, 1, 1000),
		RedriveTick:     r.duration("REDRIVE_TICK", 5*time.Second, 100*time.Millisecond, 20*time.Second),

		ReconcileEvery:    r.duration("RECONCILE_EVERY", time.Hour, 0, 24*time.Hour),
		ReconcileAgain:    r.duration("RECONCILE_AGAIN", Day, time.Second, 7*Day),
		ReconcileLookBack: time.Duration(r.number("RECONCILE_LOOK_BACK_DAYS", 7, 1, 60)) * Day,
		ReconcilePlan:     r.oneOf("RECONCILE_PLAN", PlanStandard, PlanPro),
		ReconcileTypes:    r.list("RECONCILE_TYPES"),
		ReconcileRepair:   r.oneOf("RECONCILE_REPAIR", RepairOff, RepairRetrigger, RepairSynthesize),
		ReconcileBudget:   r.number("RECONCILE_BUDGET", 500, 1, 100_000),
		SmartleadURL:      r.url("SMARTLEAD_URL", false),

		ArchiveBucket: r.text("ARCHIVE_BUCKET", false),
		ArchivePrefix: r.text("ARCHIVE_PREFIX", false),
		ArchiveEvery:  r.duration("ARCHIVE_EVERY", time.Hour, time.Minute, time.Hour),
	}
	if level := getenv("LOG_LEVEL"); level != "" {
		if err := c.LogLevel.UnmarshalText([]byte(level)); err != nil {
			r.problem("LOG_LEVEL", "is debug, info, warn or error")
		}
	}
	if c.ArchiveEvery%time.Minute != 0 || time.Hour%c.ArchiveEvery != 0 {
		r.problem("ARCHIVE_EVERY", "is a number of minutes that divides an hour, such as 1m or 15m")
	}
	if c.RetryMax < c.RetryBase {
		r.problem("RETRY_MAX", "is not below RETRY_BASE")
	}
	if c.ParameterPrefix != "" && (!strings.HasPrefix(c.ParameterPrefix, "/") || strings.HasSuffix(c.ParameterPrefix, "/")) {
		r.problem("PARAMETER_PREFIX", "begins with / and does not end with it")
	}
	if err := errors.Join(r.problems...); err != nil {
		return Config{}, fmt.Errorf("invalid configuration: %w", err)
	}
	return c, nil
}

type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) problem(name, what string) {
	r.problems = append(r.problems, fmt.Errorf("%s %s", name, what))
}

func (r *reader) text(name string, needed bool) string {
	v := r.getenv(name)
	if v == "" && needed {
		r.problem(name, "is missing")
	}
	return v
}

func (r *reader) url(name string, needed bool) string {
	v := r.text(name, needed)
	if v == "" {
		return ""
	}
	if u, err := url.Parse(v); err != nil || u.Scheme == "" || u.Host == "" {
		r.problem(name, "is not a URL")
	}
	return v
}

// oneOf returns the setting, or the first of the names where there is none.
func (r *reader) oneOf(name string, names ...string) string {
	v := r.getenv(name)
	switch {
	case v == "":
		return names[0]
	case !slices.Contains(names, v):
		r.problem(name, "is one of "+strings.Join(names, ", "))
	}
	return v
}

func (r *reader) list(name string) (list []string) {
	for part := range strings.SplitSeq(r.getenv(name), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

func (r *reader) number(name string, fallback, low, high int) int {
	v := r.getenv(name)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		r.problem(name, fmt.Sprintf("is a number from %d to %d", low, high))
		return fallback
	}
	return n
}

func (r *reader) duration(name string, fallback, low, high time.Duration) time.Duration {
	v := r.getenv(name)
	if v == "" {
		return fallback
	}
	d, err := time.ParseDuration(v)
	if err != nil || d < low || d > high {
		r.problem(name, fmt.Sprintf("is a duration from %s to %s, such as 30s", low, high))
		return fallback
	}
	return d
}
