// Package cost holds what an event costs: it runs the real receiver and worker,
// counts what they write, read and log, and multiplies by AWS's list prices. The
// tables of docs/COST.md are its output.
package cost
