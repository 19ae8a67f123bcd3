// Command baseline is what a good engineer writes in an hour with the AWS SDK: token
// check, parse, id, conditional PutItem with the raw body, SendMessage. The receiver
// is measured against it; it promises none of what the receiver promises.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type payload struct {
	EventType    string `json:"event_type"`
	CampaignID   int64  `json:"campaign_id"`
	CampaignName string `json:"campaign_name"`
	StatsID      string `json:"stats_id"`
	LeadEmail    string `json:"sl_lead_email"`
	FromEmail    string `json:"from_email"`
	ToEmail      string `json:"to_email"`
	Subject      string `json:"subject"`
	MessageID    string `json:"message_id"`
	Sequence     int    `json:"sequence_number"`
	Timestamp    string `json:"event_timestamp"`
	Reply        struct {
		MessageID string `json:"message_id"`
		Text      string `json:"text"`
		HTML      string `json:"html"`
		Time      string `json:"time"`
	} `json:"reply_message"`
}

// id tells two events apart.
func (p payload) id() string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		p.EventType, fmt.Sprint(p.CampaignID), p.StatsID, p.LeadEmail, p.MessageID, p.Reply.MessageID, p.Timestamp,
	}, "\x00")))
	return hex.EncodeToString(sum[:])
}

type receiver struct {
	db    *dynamodb.Client
	queue *sqs.Client
	log   *slog.Logger
	table string
	url   string
	token string
}

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	r := receiver{
		db: dynamodb.NewFromConfig(cfg), queue: sqs.NewFromConfig(cfg),
		log:   slog.New(slog.NewJSONHandler(os.Stdout, nil)),
		table: os.Getenv("TABLE_NAME"), url: os.Getenv("LIVE_QUEUE_URL"), token: os.Getenv("WEBHOOK_TOKEN"),
	}
	lambda.Start(r.handle)
}

func (r receiver) handle(ctx context.Context, ev events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	started := time.Now()
	if subtle.ConstantTimeCompare([]byte(ev.PathParameters["token"]), []byte(r.token)) != 1 {
		return answer(http.StatusUnauthorized, map[string]string{"error": "unauthorized"}), nil
	}
	body := []byte(ev.Body)
	if ev.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(ev.Body); err != nil {
			return answer(http.StatusBadRequest, map[string]string{"error": "bad body"}), nil //nolint:nilerr // the status says it
		}
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil || p.EventType == "" {
		return answer(http.StatusBadRequest, map[string]string{"error": "bad body"}), nil //nolint:nilerr // the status says it
	}
	id := p.id()
	status, err := r.keep(ctx, id, p, body)
	r.log.InfoContext(ctx, "received", "event_id", id, "type", p.EventType, "status", status,
		"request_id", ev.RequestContext.RequestID, "error", err, "duration_ms", time.Since(started).Milliseconds())
	if err != nil {
		return answer(http.StatusInternalServerError, map[string]string{"error": "not stored"}), nil //nolint:nilerr // the status says it
	}
	return answer(http.StatusAccepted, map[string]string{"event_id": id, "status": status}), nil
}

func (r receiver) keep(ctx context.Context, id string, p payload, body []byte) (string, error) {
	_, err := r.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table,
		Item: map[string]types.AttributeValue{
			"pk":          &types.AttributeValueMemberS{Value: id},
			"sk":          &types.AttributeValueMemberS{Value: "event"},
			"type":        &types.AttributeValueMemberS{Value: p.EventType},
			"campaign_id": &types.AttributeValueMemberN{Value: fmt.Sprint(p.CampaignID)},
			"lead_email":  &types.AttributeValueMemberS{Value: p.LeadEmail},
			"received_at": &types.AttributeValueMemberS{Value: time.Now().UTC().Format(time.RFC3339Nano)},
			"body":        &types.AttributeValueMemberB{Value: body},
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	})
	if _, repeated := errors.AsType[*types.ConditionalCheckFailedException](err); repeated {
		return "duplicate", nil
	}
	if err != nil {
		return "", err
	}
	message, err := json.Marshal(map[string]string{"event_id": id, "type": p.EventType})
	if err != nil {
		return "", err
	}
	_, err = r.queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &r.url, MessageBody: aws.String(string(message))})
	return "accepted", err
}

func answer(status int, body any) events.APIGatewayV2HTTPResponse {
	text, err := json.Marshal(body)
	if err != nil {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusInternalServerError}
	}
	return events.APIGatewayV2HTTPResponse{
		StatusCode: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(text),
	}
}
