// Command reconcile is the Lambda function that compares with Smartlead. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
)

func main() {
	env, err := app.Lambda(context.Background(), app.ReconcileNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := app.Reconcile(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
