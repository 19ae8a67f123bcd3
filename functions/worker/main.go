// Command worker is the worker Lambda function. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
	appworker "smartlead-receiver/pkg/app/worker"
)

func main() {
	env, err := app.Lambda(context.Background(), app.WorkerNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := appworker.New(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
