package ledger

import (
	"encoding/hex"

	"smartlead-receiver/pkg/dynamodb"
)

// uuidText is a text that is a UUID as a rule: as its 16 bytes it takes less than half
// in the item and in the index. Any other text stays one.
type uuidText string

// MarshalDynamoDBAttributeValue implements dynamodb.Marshaler.
func (t uuidText) MarshalDynamoDBAttributeValue() (dynamodb.AttributeValue, error) {
	if b, ok := t.bytes(); ok {
		return &dynamodb.AttributeValueMemberB{Value: b}, nil
	}
	return &dynamodb.AttributeValueMemberS{Value: string(t)}, nil
}

// bytes are those of a UUID in its one lower-case form.
func (t uuidText) bytes() ([]byte, bool) {
	if len(t) != 36 || t[8] != '-' || t[13] != '-' || t[18] != '-' || t[23] != '-' {
		return nil, false
	}
	b, err := hex.DecodeString(string(t[:8] + t[9:13] + t[14:18] + t[19:23] + t[24:]))
	return b, err == nil && textOfUUID(b) == t
}

func textOfUUID(b []byte) uuidText {
	h := hex.EncodeToString(b)
	return uuidText(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// UnmarshalDynamoDBAttributeValue implements dynamodb.Unmarshaler.
func (t *uuidText) UnmarshalDynamoDBAttributeValue(av dynamodb.AttributeValue) error {
	*t = ""
	switch v := av.(type) {
	case *dynamodb.AttributeValueMemberS:
		*t = uuidText(v.Value)
	case *dynamodb.AttributeValueMemberB:
		if len(v.Value) == 16 {
			*t = textOfUUID(v.Value)
		}
	}
	return nil
}
