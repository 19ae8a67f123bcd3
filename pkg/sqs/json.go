package sqs

import "smartlead-receiver/pkg/awsjson"

// WriteJSON writes the input.
func (in *SendMessageBatchInput) WriteJSON(w *awsjson.Writer) {
	batch(w, in.QueueUrl, in.Entries, func(e SendMessageBatchRequestEntry) {
		w.TextMember("Id", e.Id)
		w.TextMember("MessageBody", e.MessageBody)
		w.IntMember("DelaySeconds", e.DelaySeconds)
	})
}

// WriteJSON writes the input.
func (in *ReceiveMessageInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("QueueUrl", in.QueueUrl)
	choices(w, "MessageSystemAttributeNames", in.MessageSystemAttributeNames)
	w.IntMember("MaxNumberOfMessages", in.MaxNumberOfMessages)
	w.IntMember("VisibilityTimeout", in.VisibilityTimeout)
	w.IntMember("WaitTimeSeconds", in.WaitTimeSeconds)
	w.End('}')
}

// WriteJSON writes the input.
func (in *DeleteMessageBatchInput) WriteJSON(w *awsjson.Writer) {
	batch(w, in.QueueUrl, in.Entries, func(e DeleteMessageBatchRequestEntry) {
		w.TextMember("Id", e.Id)
		w.TextMember("ReceiptHandle", e.ReceiptHandle)
	})
}

// WriteJSON writes the input. A visibility of 0 is one: the message is seen at once.
func (in *ChangeMessageVisibilityInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("QueueUrl", in.QueueUrl)
	w.TextMember("ReceiptHandle", in.ReceiptHandle)
	w.Name("VisibilityTimeout")
	w.Int(int64(in.VisibilityTimeout))
	w.End('}')
}

// WriteJSON writes the input.
func (in *ChangeMessageVisibilityBatchInput) WriteJSON(w *awsjson.Writer) {
	batch(w, in.QueueUrl, in.Entries, func(e ChangeMessageVisibilityBatchRequestEntry) {
		w.TextMember("Id", e.Id)
		w.TextMember("ReceiptHandle", e.ReceiptHandle)
		w.Name("VisibilityTimeout")
		w.Int(int64(e.VisibilityTimeout))
	})
}

// WriteJSON writes the input.
func (in *GetQueueAttributesInput) WriteJSON(w *awsjson.Writer) {
	w.Begin('{')
	w.TextMember("QueueUrl", in.QueueUrl)
	choices(w, "AttributeNames", in.AttributeNames)
	w.End('}')
}

func batch[T any](w *awsjson.Writer, queue *string, entries []T, members func(T)) {
	w.Begin('{')
	w.TextMember("QueueUrl", queue)
	if entries != nil {
		w.Name("Entries")
		w.Begin('[')
		for _, e := range entries {
			w.Begin('{')
			members(e)
			w.End('}')
		}
		w.End(']')
	}
	w.End('}')
}

func choices[T ~string](w *awsjson.Writer, name string, all []T) {
	if all == nil {
		return
	}
	w.Name(name)
	w.Begin('[')
	for _, one := range all {
		w.Text(string(one))
	}
	w.End(']')
}

// ReadJSON reads the output.
func (out *SendMessageBatchOutput) ReadJSON(r awsjson.Reader) error {
	return readBatch(r, &out.Failed, &out.Successful, func(e *SendMessageBatchResultEntry) error {
		return r.Struct(func(name []byte) error {
			switch string(name) {
			case "Id":
				return r.TextPointer(&e.Id)
			case "MessageId":
				return r.TextPointer(&e.MessageId)
			case "MD5OfMessageBody":
				return r.TextPointer(&e.MD5OfMessageBody)
			}
			return r.Skip()
		})
	})
}

// ReadJSON reads the output.
func (out *ReceiveMessageOutput) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Messages" {
			return awsjson.ReadList(r, &out.Messages, func(m *Message) error { return m.read(r) })
		}
		return r.Skip()
	})
}

func (m *Message) read(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		switch string(name) {
		case "MessageId":
			return r.TextPointer(&m.MessageId)
		case "ReceiptHandle":
			return r.TextPointer(&m.ReceiptHandle)
		case "Body":
			return r.TextPointer(&m.Body)
		case "MD5OfBody":
			return r.TextPointer(&m.MD5OfBody)
		case "Attributes":
			return readTexts(r, &m.Attributes)
		}
		return r.Skip()
	})
}

// ReadJSON reads the output.
func (out *DeleteMessageBatchOutput) ReadJSON(r awsjson.Reader) error {
	return readBatch(r, &out.Failed, &out.Successful, func(e *DeleteMessageBatchResultEntry) error { return readID(r, &e.Id) })
}

// ReadJSON reads the output, which is empty.
func (*ChangeMessageVisibilityOutput) ReadJSON(awsjson.Reader) error { return nil }

// ReadJSON reads the output.
func (out *ChangeMessageVisibilityBatchOutput) ReadJSON(r awsjson.Reader) error {
	return readBatch(r, &out.Failed, &out.Successful, func(e *ChangeMessageVisibilityBatchResultEntry) error { return readID(r, &e.Id) })
}

// ReadJSON reads the output.
func (out *GetQueueAttributesOutput) ReadJSON(r awsjson.Reader) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Attributes" {
			return readTexts(r, &out.Attributes)
		}
		return r.Skip()
	})
}

func readBatch[T any](r awsjson.Reader, failed *[]BatchResultErrorEntry, successful *[]T, read func(*T) error) error {
	return r.Struct(func(name []byte) error {
		switch string(name) {
		case "Successful":
			return awsjson.ReadList(r, successful, read)
		case "Failed":
			return awsjson.ReadList(r, failed, func(e *BatchResultErrorEntry) error { return e.read(r) })
		}
		return r.Skip()
	})
}

func (e *BatchResultErrorEntry) read(r awsjson.Reader) error {
	return r.Struct(func(name []byte) (err error) {
		switch string(name) {
		case "Id":
			return r.TextPointer(&e.Id)
		case "Code":
			return r.TextPointer(&e.Code)
		case "Message":
			return r.TextPointer(&e.Message)
		case "SenderFault":
			e.SenderFault, err = r.Bool()
			return err
		}
		return r.Skip()
	})
}

func readID(r awsjson.Reader, id **string) error {
	return r.Struct(func(name []byte) error {
		if string(name) == "Id" {
			return r.TextPointer(id)
		}
		return r.Skip()
	})
}

func readTexts(r awsjson.Reader, all *map[string]string) error {
	return awsjson.ReadMap(r, all, func(one *string) (err error) { *one, err = r.Text(); return err })
}
