package gate

// Limits are what an operator sets for one destination: the member "limits" of its
// stored form. The zero value has a breaker, and no limit.
type Limits struct {
	PerSecond   float64 `json:"per_second,omitempty"`  // deliveries a second, of all workers together; 0: any number
	Concurrency int     `json:"concurrency,omitempty"` // deliveries at once, of all workers together; 0: any number
	NoBreaker   bool    `json:"no_breaker,omitempty"`  // it is sent events however often it fails
}

// Bounds of Limits: below a delivery in a hundred seconds nothing would ever end, and
// more than a thousand a second is no limit.
const (
	MinPerSecond   = 0.01
	MaxPerSecond   = 1000
	MaxConcurrency = 1000
)

// IsZero tells whether nothing is limited.
func (l Limits) IsZero() bool { return l == Limits{} }

// Validate reports each rule that is broken: the field and the problem.
func (l Limits) Validate(report func(field, problem string)) {
	if l.PerSecond != 0 && !(l.PerSecond >= MinPerSecond && l.PerSecond <= MaxPerSecond) { // not a number fails, too
		report("per_second", "is between 0.01 and 1000, or 0 for no limit")
	}
	if l.Concurrency < 0 || l.Concurrency > MaxConcurrency {
		report("concurrency", "is between 1 and 1000, or 0 for no limit")
	}
}
