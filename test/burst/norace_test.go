//go:build !race

package burst

// slower is how many times as slow the race detector makes it.
const slower = 1
