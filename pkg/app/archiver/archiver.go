// Package archiver builds the function that archives closed hours in S3.
package archiver

import (
	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/archive"
	"smartlead-receiver/pkg/bodies"
	"smartlead-receiver/pkg/lambdaio"
	"smartlead-receiver/pkg/objects"
	"smartlead-receiver/pkg/smartlead"
	"smartlead-receiver/pkg/webhook"
)

// New builds the archiver. It makes no call.
func New(e app.Env) (lambdaio.ScheduleHandler, error) {
	e = e.WithDefaults()
	svc, err := Service(e)
	if err != nil {
		return nil, err
	}
	return lambdaio.Archiver(svc, e.Telemetry()), nil
}

// Service builds the use case of the archiver; nil where the configuration names no
// bucket, so that nothing is archived.
func Service(e app.Env) (*archive.Service, error) {
	e = e.WithDefaults()
	if e.Config.ArchiveBucket == "" {
		return nil, nil
	}
	store, err := bodies.New(e.Clients.S3, e.Config.Bucket)
	if err != nil {
		return nil, err
	}
	l := e.Ledger()
	policy := archive.DefaultPolicy.EachHolding(e.Config.ArchiveEvery)
	policy.Back = e.Config.Retention
	return archive.New(archive.Ports{
		Ledger: l, Documents: l, Bodies: store,
		Objects:   objects.New(e.Clients.Archive, webhook.ArchivePlace{Bucket: e.Config.ArchiveBucket, Prefix: e.Config.ArchivePrefix}),
		Normalize: normalize, Now: e.Now, Nonce: e.Nonce,
	}, policy), nil
}

func normalize(body []byte, account string) (webhook.Event, error) {
	return smartlead.Normalize(body, smartlead.Options{Account: account})
}
