package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"smartlead-receiver/pkg/cli/output"
)

// node is a value of a JSON text, for a page.
type node struct {
	Key      string
	Kind     string // object, array, string, number, word
	Value    string // of what has no children
	Children []*node
	Count    int  // of the children, also those that are left out
	Cut      bool // more was there than is shown
}

const (
	// maxNodes bounds how many values of a body a page shows.
	maxNodes = 2000
	// maxValue bounds one of them, in characters.
	maxValue = 4000
)

// treeOf reads a JSON text, in the order in which it is written; nil for none.
func treeOf(text []byte) *node {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	left := maxNodes
	root, err := readNode(d, &left)
	if err != nil {
		return nil
	}
	return root
}

func readNode(d *json.Decoder, left *int) (*node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	*left--
	switch v := token.(type) {
	case json.Delim:
		return readChildren(d, v, left)
	case string:
		shown, cut := bounded(v)
		return &node{Kind: "string", Value: shown, Cut: cut}, nil
	case json.Number:
		return &node{Kind: "number", Value: v.String()}, nil
	case nil:
		return &node{Kind: "word", Value: "null"}, nil
	}
	return &node{Kind: "word", Value: fmt.Sprint(token)}, nil
}

func readChildren(d *json.Decoder, open json.Delim, left *int) (*node, error) {
	n := &node{Kind: "object"}
	if open == '[' {
		n.Kind = "array"
	}
	for d.More() {
		key := fmt.Sprint(n.Count)
		if n.Kind == "object" {
			token, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ = bounded(fmt.Sprint(token))
		}
		child, err := readNode(d, left)
		if err != nil {
			return nil, err
		}
		child.Key = key
		if n.Count++; *left > 0 {
			n.Children = append(n.Children, child)
		} else {
			n.Cut = true
		}
	}
	if _, err := d.Token(); err != nil && err != io.EOF {
		return nil, err
	}
	return n, nil
}

// bounded makes text from outside harmless to look at.
func bounded(s string) (text string, cut bool) {
	if len(s) > maxValue {
		s, cut = strings.ToValidUTF8(s[:maxValue], ""), true
	}
	return output.Plain(s), cut
}
