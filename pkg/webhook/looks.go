package webhook

// Looks is how far each look of the sweeper at what was received has come: a key of the
// ledger's index, "" before the first look.
type Looks struct {
	Keys    []string `json:"keys"`
	Version int      `json:"-"` // of the document that has them
}

// Looked is what a look has done.
type Looked struct {
	Events int    // looked at
	Listed int    // as due, by this look
	Next   string // everything before this key has been looked at
	Cut    bool   // the context ended before all was looked at
}
