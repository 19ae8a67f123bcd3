package dynamodb

import "smartlead-receiver/pkg/awsjson"

// WriteJSON writes the input.
func (in *GetItemInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("TableName", in.TableName)
	attributes(w, "Key", in.Key)
	w.BoolMember("ConsistentRead", in.ConsistentRead)
	w.End('}')
}

// WriteJSON writes the input.
func (in *PutItemInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("TableName", in.TableName)
	attributes(w, "Item", in.Item)
	w.TextMember("ConditionExpression", in.ConditionExpression)
	names(w, in.ExpressionAttributeNames)
	attributes(w, "ExpressionAttributeValues", in.ExpressionAttributeValues)
	choice(w, "ReturnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure)
	w.End('}')
}

// WriteJSON writes the input.
func (in *UpdateItemInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("TableName", in.TableName)
	attributes(w, "Key", in.Key)
	w.TextMember("UpdateExpression", in.UpdateExpression)
	w.TextMember("ConditionExpression", in.ConditionExpression)
	names(w, in.ExpressionAttributeNames)
	attributes(w, "ExpressionAttributeValues", in.ExpressionAttributeValues)
	choice(w, "ReturnValues", in.ReturnValues)
	choice(w, "ReturnValuesOnConditionCheckFailure", in.ReturnValuesOnConditionCheckFailure)
	w.End('}')
}

// WriteJSON writes the input.
func (in *QueryInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("TableName", in.TableName)
	w.TextMember("IndexName", in.IndexName)
	w.TextMember("KeyConditionExpression", in.KeyConditionExpression)
	w.TextMember("ProjectionExpression", in.ProjectionExpression)
	names(w, in.ExpressionAttributeNames)
	attributes(w, "ExpressionAttributeValues", in.ExpressionAttributeValues)
	w.BoolMember("ScanIndexForward", in.ScanIndexForward)
	w.BoolMember("ConsistentRead", in.ConsistentRead)
	if in.Limit != nil {
		w.Name("Limit")
		w.Int(int64(*in.Limit))
	}
	attributes(w, "ExclusiveStartKey", in.ExclusiveStartKey)
	w.End('}')
}

// WriteJSON writes the input.
func (in *BatchGetItemInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	if in.RequestItems != nil {
		w.Name("RequestItems")
		w.Begin('{')
		for table, of := range in.RequestItems {
			w.Key(table)
			of.write(w)
		}
		w.End('}')
	}
	w.End('}')
}

func (k KeysAndAttributes) write(w *awsjson.Writer) {
	w.Begin('{')
	if k.Keys != nil {
		w.Name("Keys")
		w.Begin('[')
		for _, key := range k.Keys {
			item(w, key)
		}
		w.End(']')
	}
	w.BoolMember("ConsistentRead", k.ConsistentRead)
	w.TextMember("ProjectionExpression", k.ProjectionExpression)
	names(w, k.ExpressionAttributeNames)
	w.End('}')
}

func choice[T ~string](w *awsjson.Writer, name string, v T) {
	if v != "" {
		w.Name(name)
		w.Text(string(v))
	}
}

func names(w *awsjson.Writer, all map[string]string) {
	if all == nil {
		return
	}
	w.Name("ExpressionAttributeNames")
	w.Begin('{')
	for placeholder, name := range all {
		w.Key(placeholder)
		w.Text(name)
	}
	w.End('}')
}

func attributes(w *awsjson.Writer, name string, all map[string]AttributeValue) {
	if all != nil {
		w.Name(name)
		item(w, all)
	}
}

func item(w *awsjson.Writer, all map[string]AttributeValue) {
	w.Begin('{')
	for name, v := range all {
		w.Key(name)
		value(w, v)
	}
	w.End('}')
}

func value(w *awsjson.Writer, v AttributeValue) {
	w.Begin('{')
	switch v := v.(type) {
	case *AttributeValueMemberB:
		w.Name("B")
		w.Bytes(v.Value)
	case *AttributeValueMemberBOOL:
		w.Name("BOOL")
		w.Bool(v.Value)
	case *AttributeValueMemberBS:
		list(w, "BS", v.Value, w.Bytes)
	case *AttributeValueMemberL:
		list(w, "L", v.Value, func(one AttributeValue) { value(w, one) })
	case *AttributeValueMemberM:
		w.Name("M")
		item(w, v.Value)
	case *AttributeValueMemberN:
		w.Name("N")
		w.Text(v.Value)
	case *AttributeValueMemberNS:
		list(w, "NS", v.Value, w.Text)
	case *AttributeValueMemberNULL:
		w.Name("NULL")
		w.Bool(v.Value)
	case *AttributeValueMemberS:
		w.Name("S")
		w.Text(v.Value)
	case *AttributeValueMemberSS:
		list(w, "SS", v.Value, w.Text)
	}
	w.End('}')
}

func list[T any](w *awsjson.Writer, name string, all []T, one func(T)) {
	w.Name(name)
	w.Begin('[')
	for _, v := range all {
		one(v)
	}
	w.End(']')
}
