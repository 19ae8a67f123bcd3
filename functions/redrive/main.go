// Command redrive is the redrive Lambda function. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
)

func main() {
	env, err := app.Lambda(context.Background(), app.RedriveNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := app.Redrive(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
