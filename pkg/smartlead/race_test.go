//go:build race

package smartlead

const raceEnabled = true
