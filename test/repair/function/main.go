// Command function is the function that compares with Smartlead and repairs, in a process
// of its own that a test kills. It goes on until nothing is due.
package main

import (
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"os"
	"strconv"
	"time"

	"smartlead-receiver/pkg/app"
	"smartlead-receiver/pkg/awssdk"
	"smartlead-receiver/pkg/config"
	"smartlead-receiver/pkg/local"
	"smartlead-receiver/pkg/reconcile/scheduled"
	"smartlead-receiver/pkg/sourcestore/ssmstore"
	"smartlead-receiver/pkg/stack"
)

// Its arguments: the file of the stack, the address of Smartlead's API, the time at which
// its clock begins, and how many events a run may bring back.
func main() {
	if len(os.Args) != 5 {
		log.Fatal("function STACK.JSON URL TIME BUDGET")
	}
	service, err := build(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	if _, err := os.Stdout.WriteString("ready\n"); err != nil {
		return // nobody listens
	}
	for {
		sum := service.Run(context.Background())
		switch {
		case sum.Err != nil:
			log.Fatal(sum.Err)
		case sum.Waits != "" || sum.Off != "":
			return
		}
	}
}

func build(file, api, begins, most string) (*scheduled.Service, error) {
	text, err := os.ReadFile(file) //nolint:gosec // of the test
	if err != nil {
		return nil, err
	}
	var at stack.Place
	if err := json.Unmarshal(text, &at); err != nil {
		return nil, err
	}
	start, err := time.Parse(time.RFC3339Nano, begins)
	if err != nil {
		return nil, err
	}
	budget, err := strconv.Atoi(most)
	if err != nil {
		return nil, err
	}
	launched := time.Now()
	clients := local.Connect(local.Endpoints{DynamoDB: at.DynamoDBEndpoint, SQS: at.SQSEndpoint, SSM: at.SSMEndpoint, S3: at.S3Endpoint})
	return app.ReconcileService(app.Env{
		Config: config.Config{
			Table: at.TableName, LiveQueue: at.LiveQueueURL, Bucket: at.Bucket, ParameterPrefix: at.ParameterPrefix, Grace: 2 * time.Minute, Retention: 90 * config.Day,
			ReconcileEvery: time.Hour, ReconcileAgain: config.Day, ReconcileLookBack: 7 * config.Day, ReconcilePlan: config.PlanPro,
			ReconcileRepair: config.RepairSynthesize, ReconcileBudget: budget, SmartleadURL: api,
		},
		Clients: app.Clients{
			DynamoDB: awssdk.DynamoDB{Client: clients.DynamoDB}, SQS: awssdk.SQS{Client: clients.SQS}, S3: clients.S3, SSM: ssmstore.New(clients.SSM),
		},
		Log: slog.New(slog.DiscardHandler), Past: true,
		Now:   func() time.Time { return start.Add(time.Since(launched)) },
		Sleep: func(context.Context, time.Duration) {}, // Smartlead's plan is no matter here
	})
}
