package dynamodb

import (
	"errors"

	"smartlead-receiver/pkg/awsjson"
)

// ReadJSON reads the output.
func (out *GetItemOutput) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Item" {
			return readItem(r, &out.Item)
		}
		return r.Skip()
	})
}

// ReadJSON reads the output.
func (out *PutItemOutput) ReadJSON(r awsjson.Reader) error { return readAttributes(r, &out.Attributes) }

// ReadJSON reads the output.
func (out *UpdateItemOutput) ReadJSON(r awsjson.Reader) error {
	return readAttributes(r, &out.Attributes)
}

func readAttributes(r awsjson.Reader, all *map[string]AttributeValue) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Attributes" {
			return readItem(r, all)
		}
		return r.Skip()
	})
}

// ReadJSON reads the output.
func (out *QueryOutput) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		switch string(name) {
		case "Items":
			return readItems(r, &out.Items)
		case "Count":
			return readCount(r, &out.Count)
		case "ScannedCount":
			return readCount(r, &out.ScannedCount)
		case "LastEvaluatedKey":
			return readItem(r, &out.LastEvaluatedKey)
		}
		return r.Skip()
	})
}

// ReadJSON reads the output.
func (out *BatchGetItemOutput) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		switch string(name) {
		case "Responses":
			return awsjson.ReadMap(r, &out.Responses, func(items *[]map[string]AttributeValue) error { return readItems(r, items) })
		case "UnprocessedKeys":
			return awsjson.ReadMap(r, &out.UnprocessedKeys, func(keys *KeysAndAttributes) error { return keys.read(r) })
		}
		return r.Skip()
	})
}

func (k *KeysAndAttributes) read(r awsjson.Reader) error {
	return r.Struct(func(name []byte) (err error) {
		switch string(name) {
		case "Keys":
			return readItems(r, &k.Keys)
		case "ConsistentRead":
			var v bool
			v, err = r.Bool()
			k.ConsistentRead = &v
			return err
		}
		return r.Skip()
	})
}

// ReadJSON reads the error.
func (e *ConditionalCheckFailedException) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		switch string(name) {
		case "message", "Message":
			return r.TextPointer(&e.Message)
		case "Item":
			return readItem(r, &e.Item)
		}
		return r.Skip()
	})
}

func readCount(r awsjson.Reader, v *int32) error {
	n, err := r.Int(32)
	*v = int32(n) //nolint:gosec // Int has looked at its size
	return err
}

func readItems(r awsjson.Reader, all *[]map[string]AttributeValue) error {
	return awsjson.ReadList(r, all, func(one *map[string]AttributeValue) error { return readItem(r, one) })
}

func readItem(r awsjson.Reader, all *map[string]AttributeValue) error {
	return awsjson.ReadMap(r, all, func(one *AttributeValue) error { return readValue(r, one) })
}

var errTwoTypes = errors.New("a value has more than one type")

// readValue reads a value. One whose type nobody knows is nil.
func readValue(r awsjson.Reader, v *AttributeValue) error {
	return r.Struct(func(name []byte) error {
		one, err := readTyped(r, name)
		if one == nil || err != nil {
			return err
		}
		if *v != nil {
			return errTwoTypes
		}
		*v = one
		return nil
	})
}

// readTyped reads a value of a type. It skips one of a type that nobody knows.
func readTyped(r awsjson.Reader, name []byte) (AttributeValue, error) {
	text := func(one *string) (err error) { *one, err = r.Text(); return err }
	switch string(name) {
	case "S":
		s, err := r.Text()
		return &AttributeValueMemberS{s}, err
	case "N":
		n, err := r.Text()
		return &AttributeValueMemberN{n}, err
	case "B":
		b, err := r.Bytes()
		return &AttributeValueMemberB{b}, err
	case "BOOL":
		is, err := r.Bool()
		return &AttributeValueMemberBOOL{is}, err
	case "NULL":
		is, err := r.Bool()
		return &AttributeValueMemberNULL{is}, err
	case "L":
		v := &AttributeValueMemberL{}
		return v, awsjson.ReadList(r, &v.Value, func(one *AttributeValue) error { return readValue(r, one) })
	case "M":
		v := &AttributeValueMemberM{}
		return v, readItem(r, &v.Value)
	case "SS":
		v := &AttributeValueMemberSS{}
		return v, awsjson.ReadList(r, &v.Value, text)
	case "NS":
		v := &AttributeValueMemberNS{}
		return v, awsjson.ReadList(r, &v.Value, text)
	case "BS":
		v := &AttributeValueMemberBS{}
		return v, awsjson.ReadList(r, &v.Value, func(one *[]byte) (err error) { *one, err = r.Bytes(); return err })
	}
	return nil, r.Skip()
}
