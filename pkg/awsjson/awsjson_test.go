package awsjson_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"smartlead-receiver/pkg/awsjson"
)

// shape is an object with a member of each kind.
type shape struct {
	text  *string
	bytes []byte
	is    bool
	n     int64
	f     float64
	all   map[string]string
	list  []string
}

func (s *shape) read(r awsjson.Reader) error {
	text := func(one *string) (err error) { *one, err = r.Text(); return err }
	return r.Struct(func(name []byte) (err error) {
		switch string(name) {
		case "text":
			return r.TextPointer(&s.text)
		case "bytes":
			s.bytes, err = r.Bytes()
		case "is":
			s.is, err = r.Bool()
		case "n":
			s.n, err = r.Int(32)
		case "f":
			s.f, err = r.Float()
		case "all":
			return awsjson.ReadMap(r, &s.all, text)
		case "list":
			return awsjson.ReadList(r, &s.list, text)
		default:
			return r.Skip()
		}
		return err
	})
}

func TestReader(t *testing.T) {
	text := "ü\"\n"
	for in, want := range map[string]*shape{
		`{}`: {},
		`{"text":"ü\"\n","bytes":"AP8=","is":true,"n":-7,"f":1.5,"all":{"a":"b","c":null},"list":["x",null]} trailing`: {
			text: &text, bytes: []byte{0, 255}, is: true, n: -7, f: 1.5, all: map[string]string{"a": "b", "c": ""}, list: []string{"x", ""},
		},
		`{"text":null,"n":null,"all":null,"list":null,"unknown":[{"n":"x"}]}`: {},
		"{\"\\u006e\":1,\"n\":2,\"n\":3}":                                     {n: 3}, // the last of a name counts
		"{\"all\":{},\"list\":[]}":                                            {all: map[string]string{}, list: []string{}},

		``: nil, `null`: nil, `[]`: nil, `{`: nil, `{"n":1,}`: nil, `{"n" 1}`: nil, `{n:1}`: nil, `"text"`: nil,
		`{"text":1}`: nil, `{"text":"a` + "\n" + `"}`: nil, `{"text":"\x"}`: nil, `{"bytes":"%"}`: nil, `{"bytes":7}`: nil,
		`{"is":"true"}`: nil, `{"n":"1"}`: nil, `{"n":1.5}`: nil, `{"n":2147483648}`: nil, `{"f":"NaN"}`: nil,
		`{"all":[]}`: nil, `{"all":{"a":1}}`: nil, `{"list":{}}`: nil, `{"list":[1]}`: nil, `{"unknown":[}`: nil,
	} {
		var got shape
		err := got.read(awsjson.NewReader([]byte(in)))
		if (err != nil) != (want == nil) || want != nil && !reflect.DeepEqual(&got, want) {
			t.Errorf("%s: %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func TestWriter(t *testing.T) {
	text, is := "a\"\\\n\u2028\xff", false
	var w awsjson.Writer
	w.Begin('{')
	w.TextMember("text", &text)
	w.TextMember("none", nil)
	w.BoolMember("is", &is)
	w.BoolMember("not", nil)
	w.IntMember("zero", 0)
	w.IntMember("n", -7)
	w.Name("list")
	w.Begin('[')
	w.Bytes([]byte{0, 255})
	w.Bytes([]byte{})
	w.Bytes(nil)
	w.Begin('{')
	w.Key("k\"")
	w.Int(1)
	w.End('}')
	w.Begin('[')
	w.End(']')
	w.End(']')
	w.Name("last")
	w.Bool(true)
	w.End('}')
	var got any
	if err := json.Unmarshal(w, &got); err != nil {
		t.Fatalf("%s: %v", w, err)
	}
	want := map[string]any{
		"text": "a\"\\\n\u2028\ufffd", "is": false, "n": -7.0,
		"list": []any{"AP8=", "", nil, map[string]any{"k\"": 1.0}, []any{}}, "last": true,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s is\n%v, want\n%v", w, got, want)
	}
}
