// Package crash shows the promise of the receiver, never lost and never twice,
// on the functions as they are deployed: built by pkg/app, with real SDK
// clients over HTTP, on a simulated clock.
//
// Every call of a run is lost, before or after it took effect, one after the
// other, until a run ends unhit; a new call in the code is swept without being
// listed anywhere. What must hold afterwards is compared with a recorder of its
// own, which knows what was acknowledged and what reached the destinations, and
// never with the ledger's word alone. Negative controls break the protocol from
// outside, by a middleware that rewrites a call before it is sent, and see the
// same checks fail.
//
// Plain `go test` runs a short sweep on the embedded engine; with DYNOXIDE it
// is the whole one, on both engines.
package crash
