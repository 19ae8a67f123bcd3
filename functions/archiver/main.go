// Command archiver is the Lambda function that archives closed hours in S3. It only wires.
package main

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/lambda"

	"smartlead-receiver/pkg/app"
	apparchiver "smartlead-receiver/pkg/app/archiver"
)

func main() {
	env, err := app.Lambda(context.Background(), app.ArchiverNeeds)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := apparchiver.New(env)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}
