package destination

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// decode reads form into the struct that into points to, and refuses what
// encoding/json would pass over. The problems name the field's path below at,
// which encoding/json does not for an unknown member, and quote no value. They
// name members, as an operator wrote them.
func decode(form []byte, into any, at string) []*FieldError {
	var tree any
	if err := json.Unmarshal(form, &tree); err != nil {
		return []*FieldError{{at, "is not JSON: " + err.Error()}}
	}
	var problems []*FieldError
	misfits(tree, reflect.TypeOf(into).Elem(), at, func(field, problem string) {
		problems = append(problems, &FieldError{field, problem})
	})
	if len(problems) > 0 {
		return problems
	}
	err := json.Unmarshal(form, into)
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return []*FieldError{{join(at, memberOf(mismatch.Field)), "has the wrong JSON type"}}
	}
	if err != nil { // its text may quote a value
		return []*FieldError{{at, "cannot be read"}}
	}
	return nil
}

// misfits reports the members of value that t has no field for, and the text
// that a field refuses. Values of the wrong JSON type are left to encoding/json,
// which names their path.
func misfits(value any, t reflect.Type, at string, report func(field, problem string)) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch field := reflect.New(t).Interface().(type) {
	case json.Unmarshaler:
		return // it decides itself what it takes
	case encoding.TextUnmarshaler:
		if text, ok := value.(string); ok {
			if err := field.UnmarshalText([]byte(text)); err != nil {
				report(at, err.Error())
			}
		}
		return
	}
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			switch t.Kind() {
			case reflect.Map:
				misfits(member, t.Elem(), join(at, name), report)
			case reflect.Struct:
				if field, known := fieldOf(t, name); known {
					misfits(member, field, join(at, name), report)
				} else {
					report(join(at, name), "is no member that is known here")
				}
			}
		}
	case []any:
		if t.Kind() == reflect.Slice {
			for i, element := range value {
				misfits(element, t.Elem(), fmt.Sprintf("%s[%d]", at, i), report)
			}
		}
	}
}

// memberOf is a path of encoding/json without the names of structs that are embedded,
// which no operator wrote.
func memberOf(path string) string {
	parts := strings.Split(path, ".")
	return strings.Join(slices.DeleteFunc(parts, func(name string) bool { return name != "" && name[0] >= 'A' && name[0] <= 'Z' }), ".")
}

// fieldOf returns the type of the field whose JSON name is exactly that.
// encoding/json also takes another case, which makes two spellings of one form.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for _, field := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag == name && tag != "" && tag != "-" {
			return field.Type, true
		}
	}
	return nil, false
}

func join(at, field string) string {
	if at == "" || field == "" {
		return at + field
	}
	return at + "." + field
}
