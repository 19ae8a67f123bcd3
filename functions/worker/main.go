// Command worker is the worker Lambda function. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
)

func main() {
	env, err := app.Lambda(context.Background(), app.WorkerNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := app.Worker(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
