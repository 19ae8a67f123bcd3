package webhook

// Scope is what an event that is trusted says of the webhook at the provider that sent
// it. It is comparable, so that it can be remembered.
type Scope struct {
	Account  string
	Source   string
	Campaign string // empty for an event of none
	Type     Type
	Hook     string // the provider's id of the webhook; empty where the body has none
	Name     string // its name
	Level    string // user, client or campaign; empty where the request did not say
	Checked  bool   // the source trusts bodies by their secret_key alone
}
