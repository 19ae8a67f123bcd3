package dynamodb

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Marshaler is a type that writes itself.
type Marshaler interface {
	MarshalDynamoDBAttributeValue() (AttributeValue, error)
}

// Unmarshaler is a type that reads itself.
type Unmarshaler interface {
	UnmarshalDynamoDBAttributeValue(AttributeValue) error
}

// MarshalMap returns the members of a struct by their tags, as the SDK's package
// attributevalue does: `dynamodbav:"name,omitempty"`, "-" for none. It knows strings,
// whole numbers, booleans, bytes, slices of those, and what marshals itself.
func MarshalMap(in any) (map[string]AttributeValue, error) {
	v := reflect.ValueOf(in)
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("dynamodb: %T is no struct", in)
	}
	fields := fieldsOf(v.Type())
	out := make(map[string]AttributeValue, len(fields))
	for _, f := range fields {
		member := v.Field(f.index)
		if f.omitEmpty && member.IsZero() {
			continue
		}
		av, err := marshal(member)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
		out[f.name] = av
	}
	return out, nil
}

// Marshal returns a value as MarshalMap does.
func Marshal(in any) (AttributeValue, error) { return marshal(reflect.ValueOf(in)) }

// UnmarshalMap reads an item into a struct that MarshalMap would write. It leaves a member
// that the item has not as it is.
func UnmarshalMap(item map[string]AttributeValue, out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("dynamodb: %T is no pointer to a struct", out)
	}
	v = v.Elem()
	for _, f := range fieldsOf(v.Type()) {
		av, found := item[f.name]
		if !found {
			continue
		}
		if err := unmarshal(av, v.Field(f.index)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// Unmarshal reads a value that Marshal would write into what out points at.
func Unmarshal(av AttributeValue, out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("dynamodb: %T is no pointer", out)
	}
	return unmarshal(av, v.Elem())
}

type field struct {
	name      string
	index     int
	omitEmpty bool
}

var known sync.Map // of the fields of a struct, by its type

func fieldsOf(t reflect.Type) []field {
	if fields, found := known.Load(t); found {
		return fields.([]field)
	}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("dynamodbav"), ",")
		if name == "-" || name == "" || !f.IsExported() {
			continue
		}
		fields = append(fields, field{name: name, index: i, omitEmpty: option == "omitempty"})
	}
	known.Store(t, fields)
	return fields
}

var (
	marshaler   = reflect.TypeFor[Marshaler]()
	unmarshaler = reflect.TypeFor[Unmarshaler]()
)

var errNoType = errors.New("DynamoDB has no type for it here")

func marshal(v reflect.Value) (AttributeValue, error) {
	if !v.IsValid() {
		return nil, errNoType
	}
	if v.Type().Implements(marshaler) {
		return v.Interface().(Marshaler).MarshalDynamoDBAttributeValue()
	}
	switch v.Kind() {
	case reflect.String:
		return &AttributeValueMemberS{v.String()}, nil
	case reflect.Int, reflect.Int64, reflect.Int32:
		return &AttributeValueMemberN{strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.Bool:
		return &AttributeValueMemberBOOL{v.Bool()}, nil
	case reflect.Slice:
		if v.IsNil() {
			return &AttributeValueMemberNULL{true}, nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return &AttributeValueMemberB{v.Bytes()}, nil
		}
		list := &AttributeValueMemberL{make([]AttributeValue, v.Len())}
		for i := range list.Value {
			var err error
			if list.Value[i], err = marshal(v.Index(i)); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, fmt.Errorf("%s: %w", v.Type(), errNoType)
}

func unmarshal(av AttributeValue, v reflect.Value) error {
	if v.Addr().Type().Implements(unmarshaler) {
		return v.Addr().Interface().(Unmarshaler).UnmarshalDynamoDBAttributeValue(av)
	}
	switch av := av.(type) {
	case nil:
		return nil
	case *AttributeValueMemberNULL:
		v.SetZero()
		return nil
	case *AttributeValueMemberS:
		if v.Kind() == reflect.String {
			v.SetString(av.Value)
			return nil
		}
	case *AttributeValueMemberN:
		if v.CanInt() {
			n, err := strconv.ParseInt(av.Value, 10, v.Type().Bits())
			if err != nil {
				return err
			}
			v.SetInt(n)
			return nil
		}
	case *AttributeValueMemberBOOL:
		if v.Kind() == reflect.Bool {
			v.SetBool(av.Value)
			return nil
		}
	case *AttributeValueMemberB:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes(av.Value)
			return nil
		}
	case *AttributeValueMemberL:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 {
			return unmarshalList(av.Value, v)
		}
	}
	return fmt.Errorf("%T is no %s", av, v.Type())
}

func unmarshalList(list []AttributeValue, v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, one := range list {
		if err := unmarshal(one, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}
