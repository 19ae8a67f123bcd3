// Command sweeper is the sweeper Lambda function. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
	appsweeper "smartlead-receiver/pkg/app/sweeper"
)

func main() {
	env, err := app.Lambda(context.Background(), app.SweeperNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := appsweeper.New(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
