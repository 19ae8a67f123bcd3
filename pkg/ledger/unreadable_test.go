package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"smartlead-receiver/pkg/ledger"
	"smartlead-receiver/pkg/webhook"
)

// An item that a newer version wrote, or a hand, is left out by name, and stops nobody
// from reading the others.
func TestAnUnreadableItemStopsNoOther(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			s := openStore(t, engine, newTransport(t))
			var ids []webhook.EventID
			for _, key := range []string{"v1:EMAIL_REPLY:A", "v1:EMAIL_REPLY:B", "v1:EMAIL_REPLY:C"} {
				c, err := s.Claim(t.Context(), plainReceipt(key), "nonce "+key, noon.Add(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, c.ID)
			}
			s.spoil(t, ids[1].Key(), "E#")

			unreadable := new(webhook.UnreadableError)
			records, err := s.GetMany(t.Context(), ids)
			if !errors.As(err, &unreadable) || len(unreadable.Causes) != 1 || unreadable.Causes[ids[1]] == nil {
				t.Fatalf("GetMany returned %v, want that %s cannot be read", err, ids[1])
			}
			if len(records) != 2 || records[ids[0]].ID == "" || records[ids[2]].ID == "" {
				t.Errorf("%d events beside it, want the other two", len(records))
			}
			page, err := s.List(t.Context(), ledger.Query{Limit: 10, Now: noon.Add(time.Minute)})
			if err != nil || len(page.Records) != 2 || len(page.Unreadable) != 1 || page.Unreadable[0] != ids[1] {
				t.Errorf("the listing has %d events, and cannot read %v (%v)", len(page.Records), page.Unreadable, err)
			}
		})
	}
}

func TestAnUnreadableRefusalIsListedByItsKey(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			s := openStore(t, engine, newTransport(t))
			for i, id := range []string{"first", "second"} {
				r := webhook.RejectedRequest{At: noon.Add(time.Duration(i) * time.Second), RequestID: id, Source: "main", Cause: "token"}
				if err := s.RecordRejectedRequest(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			for _, item := range s.items(t) {
				if got, ok := item["gateway_request_id"].(*types.AttributeValueMemberS); ok && got.Value == "first" {
					item["bytes"] = &types.AttributeValueMemberS{Value: "many"}
					s.put(t, item)
				}
			}
			list, err := s.RejectedRequests(t.Context(), noon.Add(-time.Hour), noon.Add(time.Hour), 10)
			if err != nil || len(list) != 2 {
				t.Fatalf("%d refusals (%v), want both", len(list), err)
			}
			if got := list[1]; got.RequestID != "first" || !got.At.Equal(noon) || got.Cause != "unreadable" {
				t.Errorf("the older one is %+v", got)
			}
		})
	}
}

// spoil gives the events of a key facts of a version that nobody knows.
func (s store) spoil(t *testing.T, key, kind string) {
	t.Helper()
	for _, item := range s.items(t) {
		pk, isText := item["pk"].(*types.AttributeValueMemberS)
		sk, _ := item["sk"].(*types.AttributeValueMemberS)
		if isText && pk.Value == key && sk.Value[:len(kind)] == kind {
			item["facts"] = &types.AttributeValueMemberB{Value: []byte{250, 1}}
			s.put(t, item)
		}
	}
}

func (s store) put(t *testing.T, item map[string]types.AttributeValue) {
	t.Helper()
	if _, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(s.table), Item: item}); err != nil {
		t.Fatal(err)
	}
}
