package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"smartlead-receiver/pkg/app"
	apparchiver "smartlead-receiver/pkg/app/archiver"
	appsweeper "smartlead-receiver/pkg/app/sweeper"
	appworker "smartlead-receiver/pkg/app/worker"
	"smartlead-receiver/pkg/auth"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/sourcestore"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack"
	"smartlead-receiver/pkg/webhook"
)

const (
	// parameterPrefix is that of a deployed stack named "local".
	parameterPrefix = "/smartlead-receiver/local"
	demoSource      = "demo"
	demoAccount     = "default"
	archivePrefix   = "smartlead/" // as the template has it
)

// secrets stay the same from start to start, so that a restarted stack has the
// same URL, signs alike, and redacts a credential to the same fingerprint.
type secrets struct {
	token        string // of the demo source
	redactionKey string
	signing      string // of the HTTP destinations
}

func readSecrets(dir local.StateDir) (secrets, error) {
	var s secrets
	var err error
	s.token, err = dir.Secret("token", func() string {
		token, _, _ := auth.NewToken(rand.Reader) // fails only with its reader, which never does
		return token
	})
	if err != nil {
		return secrets{}, err
	}
	if s.redactionKey, err = dir.Secret("redaction-key", rand.Text); err != nil {
		return secrets{}, err
	}
	s.signing, err = dir.Secret("signing-secret", func() string {
		secret, _ := desthttp.NewSecret(rand.Reader) // fails only with its reader, which never does
		return secret
	})
	return s, err
}

// destinationConfigs returns the configuration of each --destination by name. They
// have no breaker, so that what becomes of an event whose destination fails is seen in
// its turn; those of destinations add have one.
// It returns destination.ErrConfig, wrapped, without the URL.
func destinationConfigs(urls []string, signingSecret string) (map[string]destination.Config, error) {
	configs := make(map[string]destination.Config, len(urls))
	for i, url := range urls {
		name := "http"
		if i > 0 {
			name = fmt.Sprintf("http-%d", i+1)
		}
		settings := &desthttp.Config{URL: url, Secrets: []string{signingSecret}}
		settings.AllowNearby()
		cfg := destination.Config{Type: desthttp.Type.Name, Limits: destination.Limits{NoBreaker: true}, Settings: settings}
		if err := cfg.Validate(); err != nil {
			return nil, fmt.Errorf("--destination number %d, which must be an http:// or https:// URL: %w", i+1, err)
		}
		configs[name] = cfg
	}
	return configs, nil
}

// stackName is how notices of incidents call the local stack.
const stackName = "local"

// configOf is what the environment of the functions says.
func configOf(o options, resources local.Resources) (config.Config, error) {
	settings := maps.Clone(o.settings)
	maps.Copy(settings, map[string]string{
		"STACK_NAME":       stackName,
		"TABLE_NAME":       resources.Table,
		"LIVE_QUEUE_URL":   resources.Live.URL,
		"REPLAY_QUEUE_URL": resources.Replay.URL,
		"DLQ_URL":          resources.DLQ.URL,
		"BODY_BUCKET":      resources.Bucket,
		"PARAMETER_PREFIX": parameterPrefix,
	})
	if o.archive {
		settings["ARCHIVE_BUCKET"], settings["ARCHIVE_PREFIX"] = resources.Archive, archivePrefix
	}
	return config.Read(func(name string) string { return settings[name] }, app.ReceiverNeeds|app.WorkerNeeds)
}

// compose returns what builds the functions once the stores are there. The
// demo source and the destinations are in their stores before the first request.
//
// Where an account is simulated, comparisons with it begin once all of its events were
// posted.
func compose(o options, s secrets, destinations map[string]destination.Config, account *simulation, log *slog.Logger) local.Build {
	return func(ctx context.Context, clients *local.Clients, resources local.Resources) (local.Handlers, error) {
		if err := seed(ctx, clients, resources, s, destinations); err != nil {
			return local.Handlers{}, fmt.Errorf("write the demo source and the destinations: %w", err)
		}
		cfg, err := configOf(o, resources)
		if err != nil {
			return local.Handlers{}, err
		}
		handlers, err := build(app.Env{
			Config: cfg, Past: account != nil,
			Clients: app.Clients{
				DynamoDB: awssdk.DynamoDB{Client: clients.DynamoDB}, SQS: awssdk.SQS{Client: clients.SQS}, S3: clients.S3, Archive: clients.S3, SSM: ssmstore.New(clients.SSM),
				AWS: stack.LocalAWS(clients.Endpoints),
			},
			Log: log,
		})
		if account != nil {
			handlers.Reconcile = account.after(handlers.Reconcile)
		}
		return handlers, err
	}
}

func build(env app.Env) (local.Handlers, error) {
	receiver, err := app.Receiver(env)
	if err != nil {
		return local.Handlers{}, err
	}
	worker, err := appworker.New(env)
	if err != nil {
		return local.Handlers{}, err
	}
	sweeper, err := appsweeper.New(env)
	if err != nil {
		return local.Handlers{}, err
	}
	redrive, err := app.Redrive(env)
	if err != nil {
		return local.Handlers{}, err
	}
	reconcile, err := app.Reconcile(env)
	if err != nil {
		return local.Handlers{}, err
	}
	archiver, err := apparchiver.New(env)
	if err != nil {
		return local.Handlers{}, err
	}
	handlers := local.Handlers{
		Receiver:  local.HTTPHandler(receiver),
		Worker:    local.QueueHandler(worker),
		Sweeper:   local.ScheduleHandler(sweeper),
		Redrive:   local.ScheduleHandler(redrive),
		Reconcile: local.ScheduleHandler(reconcile),
	}
	if env.Config.ArchiveBucket != "" {
		handlers.Archiver = local.ScheduleHandler(archiver)
	}
	return handlers, nil
}

// seed writes what the command line says. What kept stores have of an earlier
// start stays: an operator may have changed it since.
func seed(ctx context.Context, clients *local.Clients, resources local.Resources, s secrets, destinations map[string]destination.Config) error {
	sources, err := sourcestore.NewSources(sourcestore.Backing{
		Documents: ledger.New(awssdk.DynamoDB{Client: clients.DynamoDB}, resources.Table), Objects: clients.S3, Bucket: resources.Bucket,
		Parameters: ssmstore.New(clients.SSM), Prefix: parameterPrefix, Now: time.Now,
	})
	if err != nil {
		return err
	}
	if err := seedSource(ctx, sources, s, time.Now().UTC()); err != nil {
		return err
	}
	store, err := sourcestore.NewDestinations(ssmstore.New(clients.SSM), parameterPrefix, "")
	if err != nil {
		return err
	}
	for name, cfg := range destinations {
		form, err := json.Marshal(cfg)
		if err != nil {
			return err
		}
		if err := store.Put(ctx, name, form, true); err != nil {
			return err
		}
	}
	return nil
}

// seedSource sees to it that the demo source takes the token of the URL that is
// shown.
func seedSource(ctx context.Context, store *sourcestore.Sources, s secrets, now time.Time) error {
	digest := auth.NewDigest(s.token)
	source := auth.Source{
		Name: demoSource, Account: demoAccount,
		RedactionKey: []byte(s.redactionKey),
		CreatedAt:    now,
	}
	kept, err := store.Get(ctx, demoSource)
	switch {
	case err == nil && bytes.Equal(kept.RedactionKey, source.RedactionKey):
		source = kept
	case errors.Is(err, webhook.ErrUnavailable):
		return err
	case !errors.Is(err, sourcestore.ErrNotFound):
		// Of another state directory, or unreadable: it is made anew.
		if err := store.Remove(ctx, demoSource); err != nil {
			return err
		}
	}
	if slices.Contains(source.Tokens, digest) {
		_, err := store.Sync(ctx)
		return err
	}
	// A token that came by a rotation stays beside it.
	if source, err = source.KeepNewestToken(now).AddToken(s.token, now); err != nil {
		return err
	}
	return store.PutSource(ctx, source)
}
