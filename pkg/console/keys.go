package console

var keysPage = page{path: "/keys", file: "keys.html", title: "Keys", read: readKeys}

// keyLine is a key and what it does.
type keyLine struct{ Key, Does string }

func readKeys(q *request) (any, error) {
	lines := []keyLine{
		{"/", "search"}, {"j, k", "the next row, the one before"}, {"Enter", "open the row"}, {"x", "select the row, or not"}, {"[, ]", "newer, older"}, {"f", "the filter"},
		{"l", "show what has arrived"}, {"r", "replay the event, or what is selected (asks first)"}, {"?", "this list"},
	}
	for _, p := range q.bar {
		if p.key != "" {
			lines = append(lines, keyLine{"g " + p.key, p.bar})
		}
	}
	return lines, nil
}
