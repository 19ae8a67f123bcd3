// Package dynamodb has the inputs, outputs and errors of the operations of DynamoDB that
// the ledger uses, as far as it uses them, and their JSON. Types and members are named as
// in the SDK's packages of DynamoDB, which describe every operation when a process starts:
// no function links those.
package dynamodb

import "github.com/aws/smithy-go"

// AttributeValue is one of the AttributeValueMember types, by pointer (AWS,
// "AttributeValue").
type AttributeValue interface{ isAttributeValue() }

// AttributeValueMemberB is bytes.
type AttributeValueMemberB struct{ Value []byte }

// AttributeValueMemberBOOL is true or false.
type AttributeValueMemberBOOL struct{ Value bool }

// AttributeValueMemberBS is a set of bytes.
type AttributeValueMemberBS struct{ Value [][]byte }

// AttributeValueMemberL is a list.
type AttributeValueMemberL struct{ Value []AttributeValue }

// AttributeValueMemberM is a map.
type AttributeValueMemberM struct{ Value map[string]AttributeValue }

// AttributeValueMemberN is a number, in decimal.
type AttributeValueMemberN struct{ Value string }

// AttributeValueMemberNS is a set of numbers.
type AttributeValueMemberNS struct{ Value []string }

// AttributeValueMemberNULL is the value null.
type AttributeValueMemberNULL struct{ Value bool }

// AttributeValueMemberS is a text.
type AttributeValueMemberS struct{ Value string }

// AttributeValueMemberSS is a set of texts.
type AttributeValueMemberSS struct{ Value []string }

func (*AttributeValueMemberB) isAttributeValue()    {}
func (*AttributeValueMemberBOOL) isAttributeValue() {}
func (*AttributeValueMemberBS) isAttributeValue()   {}
func (*AttributeValueMemberL) isAttributeValue()    {}
func (*AttributeValueMemberM) isAttributeValue()    {}
func (*AttributeValueMemberN) isAttributeValue()    {}
func (*AttributeValueMemberNS) isAttributeValue()   {}
func (*AttributeValueMemberNULL) isAttributeValue() {}
func (*AttributeValueMemberS) isAttributeValue()    {}
func (*AttributeValueMemberSS) isAttributeValue()   {}

// ReturnValue says what an update answers with.
type ReturnValue string

// ReturnValueAllNew asks for the item as it is after the update.
const ReturnValueAllNew ReturnValue = "ALL_NEW"

// ReturnValuesOnConditionCheckFailure says what a failed condition answers with.
type ReturnValuesOnConditionCheckFailure string

// ReturnValuesOnConditionCheckFailureAllOld asks for the item that failed the condition.
const ReturnValuesOnConditionCheckFailureAllOld ReturnValuesOnConditionCheckFailure = "ALL_OLD"

// GetItemInput asks for an item.
type GetItemInput struct {
	TableName      *string
	Key            map[string]AttributeValue
	ConsistentRead *bool
}

// GetItemOutput is the item, if there is one.
type GetItemOutput struct{ Item map[string]AttributeValue }

// PutItemInput writes an item whole.
type PutItemInput struct {
	TableName                           *string
	Item                                map[string]AttributeValue
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]AttributeValue
	ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
}

// PutItemOutput has what was asked of the item before.
type PutItemOutput struct{ Attributes map[string]AttributeValue }

// UpdateItemInput changes an item.
type UpdateItemInput struct {
	TableName                           *string
	Key                                 map[string]AttributeValue
	UpdateExpression                    *string
	ConditionExpression                 *string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]AttributeValue
	ReturnValues                        ReturnValue
	ReturnValuesOnConditionCheckFailure ReturnValuesOnConditionCheckFailure
}

// UpdateItemOutput has what was asked of the item.
type UpdateItemOutput struct{ Attributes map[string]AttributeValue }

// QueryInput asks for a page of items.
type QueryInput struct {
	TableName                 *string
	IndexName                 *string
	KeyConditionExpression    *string
	ProjectionExpression      *string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]AttributeValue
	ScanIndexForward          *bool
	ConsistentRead            *bool
	Limit                     *int32
	ExclusiveStartKey         map[string]AttributeValue
}

// QueryOutput is a page. It is the last where LastEvaluatedKey is empty.
type QueryOutput struct {
	Items            []map[string]AttributeValue
	Count            int32
	ScannedCount     int32
	LastEvaluatedKey map[string]AttributeValue
}

// KeysAndAttributes names items of a table.
type KeysAndAttributes struct {
	Keys                     []map[string]AttributeValue
	ConsistentRead           *bool
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

// BatchGetItemInput asks for items, by table.
type BatchGetItemInput struct{ RequestItems map[string]KeysAndAttributes }

// BatchGetItemOutput has the items, and those that were not read.
type BatchGetItemOutput struct {
	Responses       map[string][]map[string]AttributeValue
	UnprocessedKeys map[string]KeysAndAttributes
}

// ConditionalCheckFailedException is the error of a write whose condition failed. It has
// the item where the write asked for it and there is one.
type ConditionalCheckFailedException struct {
	Message *string
	Item    map[string]AttributeValue
}

// Error implements error.
func (e *ConditionalCheckFailedException) Error() string {
	return e.ErrorCode() + ": " + e.ErrorMessage()
}

// ErrorCode implements smithy.APIError.
func (*ConditionalCheckFailedException) ErrorCode() string { return "ConditionalCheckFailedException" }

// ErrorMessage implements smithy.APIError.
func (e *ConditionalCheckFailedException) ErrorMessage() string {
	if e.Message == nil {
		return ""
	}
	return *e.Message
}

// ErrorFault implements smithy.APIError.
func (*ConditionalCheckFailedException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }
