package mailtext

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// hidden elements have no text for a reader.
var hidden = []atom.Atom{atom.Head, atom.Script, atom.Style, atom.Title, atom.Template, atom.Noscript, atom.Svg}

// breaks are the elements that begin a line.
var breaks = []atom.Atom{
	atom.P, atom.Div, atom.Br, atom.Tr, atom.Li, atom.Ul, atom.Ol, atom.Table, atom.Hr, atom.Pre, atom.Blockquote,
	atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
}

// quotations are the marks of mail programs for the history of a mail. Behind those
// that end it, everything is history.
var (
	quotations = []string{"gmail_quote", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix", "zmail_extra"}
	endings    = []string{"divRplyFwdMsg", "appendonsend", "ms-outlook-mobile-reference-message"}
)

// fromHTML is the text of HTML, a line for each block; unquoted leaves out what is
// marked as history.
func fromHTML(source string, unquoted bool) (text string, quoted bool) {
	var out strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(source))
	var within atom.Atom // the element that is left out; its own kind is counted
	depth := 0
	for {
		kind := tokens.Next()
		token := tokens.Token()
		switch {
		case kind == html.ErrorToken:
			return out.String(), quoted
		case depth > 0:
			if token.DataAtom == within && kind == html.StartTagToken {
				depth++
			}
			if token.DataAtom == within && kind == html.EndTagToken {
				depth--
			}
		case kind == html.TextToken:
			out.WriteString(joined(token.Data))
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			history, all := marked(token)
			switch {
			case unquoted && all:
				return out.String(), true
			case kind == html.StartTagToken && (slices.Contains(hidden, token.DataAtom) || (unquoted && history)):
				within, depth = token.DataAtom, 1
				quoted = quoted || !slices.Contains(hidden, token.DataAtom)
			case slices.Contains(breaks, token.DataAtom):
				out.WriteString("\n")
			case token.DataAtom == atom.Td || token.DataAtom == atom.Th:
				out.WriteString(" ")
			}
		case kind == html.EndTagToken && slices.Contains(breaks, token.DataAtom):
			out.WriteString("\n")
		}
	}
}

// marked tells whether an element is history, and whether all behind it is.
func marked(token html.Token) (history, all bool) {
	history = token.DataAtom == atom.Blockquote
	for _, a := range token.Attr {
		if a.Key != "class" && a.Key != "id" {
			continue
		}
		for _, name := range endings {
			all = all || strings.Contains(a.Val, name)
		}
		for _, name := range quotations {
			history = history || strings.Contains(a.Val, name)
		}
	}
	return history, all
}

// joined is text as a browser joins it: white space is one blank.
func joined(s string) string {
	words := strings.Join(strings.Fields(s), " ")
	if words == "" {
		return strings.Repeat(" ", min(1, len(s)))
	}
	if strings.TrimLeft(s, " \t\r\n") != s {
		words = " " + words
	}
	if strings.TrimRight(s, " \t\r\n") != s {
		words += " "
	}
	return words
}
