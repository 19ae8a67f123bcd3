package smartlead

import "strings"

// maxLinks bounds the links that are read from one click.
const maxLinks = 1000

// linksIn collects links in order; depth bounds containers within containers.
func (t *tree) linksIn(links []string, v uint32, depth int) []string {
	if depth == 0 || len(links) >= maxLinks {
		return links
	}
	switch t.kind(v) {
	case '"':
		return textLinks(links, t.text(v), depth)
	case '[':
		for _, c := range t.children(v) {
			links = t.linksIn(links, c, depth-1)
		}
	case '{':
		for _, name := range [...]string{"url", "link", "link_clicked", "href", "link_url", "original_url"} {
			if c := t.get(v, name); c != 0 && (t.kind(c) == '{' || t.kind(c) == '[' || t.text(c) != "") {
				return t.linksIn(links, c, depth-1)
			}
		}
		// No name that is known: the first text that is a link.
		for _, c := range t.children(v) {
			if s := t.text(c); strings.Contains(s, "://") {
				return append(links, s)
			}
		}
	}
	return links
}

// textLinks adds a link, or those of the JSON that the text holds.
func textLinks(links []string, s string, depth int) []string {
	if s == "" {
		return links
	}
	if strings.HasPrefix(s, "[") || strings.HasPrefix(s, "{") || strings.HasPrefix(s, `"`) {
		inner, err := scanTree([]byte(s), bodyLimits)
		if err == nil {
			defer inner.free()
			return inner.linksIn(links, 0, depth-1)
		}
	}
	return append(links, s)
}
