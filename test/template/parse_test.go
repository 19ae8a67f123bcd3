// Package template holds what must be true of template.yaml and what no linter
// knows: the arithmetic between its times, and who may do what.
package template

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is a YAML mapping. An intrinsic function is a mapping with one member
// named after its tag: !Ref X is {"!Ref": "X"}.
type object = map[string]any

func parse(t *testing.T, text []byte) object {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	template, ok := value(t, root.Content[0]).(object)
	if !ok {
		t.Fatal("the template is no mapping")
	}
	return template
}

func load(t *testing.T) object {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text)
}

func value(t *testing.T, n *yaml.Node) any {
	t.Helper()
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		plain := *n
		plain.Tag = ""
		return object{n.Tag: value(t, &plain)}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return value(t, n.Alias)
	case yaml.MappingNode:
		m := object{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			list = append(list, value(t, c))
		}
		return list
	case yaml.DocumentNode, yaml.ScalarNode:
	}
	var scalar any
	if err := n.Decode(&scalar); err != nil {
		t.Fatalf("line %d: %v", n.Line, err)
	}
	return scalar
}

// at follows the members from v on. It fails the test where one is missing.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for i, key := range path {
		m, ok := v.(object)
		if !ok {
			t.Fatalf("%s is no mapping", strings.Join(path[:i], "."))
		}
		if v, ok = m[key]; !ok {
			t.Fatalf("%s is missing", strings.Join(path[:i+1], "."))
		}
	}
	return v
}

func number(t *testing.T, v any, path ...string) int {
	t.Helper()
	n, ok := at(t, v, path...).(int)
	if !ok {
		t.Fatalf("%s is no number", strings.Join(path, "."))
	}
	return n
}

// ref returns the resource that !Ref or the first part of !GetAtt names.
func ref(v any) string {
	m, ok := v.(object)
	if !ok {
		return ""
	}
	if name, ok := m["!Ref"].(string); ok {
		return name
	}
	attribute, ok := m["!GetAtt"].(string)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(attribute, ".")
	return name
}

// ofType returns the resources of one type, by logical id.
func ofType(t *testing.T, template object, kind string) map[string]object {
	t.Helper()
	found := map[string]object{}
	resources, ok := at(t, template, "Resources").(object)
	if !ok {
		t.Fatal("Resources is no mapping")
	}
	for id, r := range resources {
		if at(t, r, "Type") == kind {
			properties, ok := at(t, r, "Properties").(object)
			if !ok {
				t.Fatalf("%s has no properties", id)
			}
			found[id] = properties
		}
	}
	if len(found) == 0 {
		t.Fatalf("the template has no %s", kind)
	}
	return found
}

// texts returns a text or a list of texts as a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, texts(e)...)
		}
		return all
	case object:
		for tag, argument := range v {
			if s, ok := argument.(string); ok {
				return []string{tag + " " + s}
			}
		}
	}
	return nil
}
