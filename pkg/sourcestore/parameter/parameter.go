// Package parameter is what passes between the store of destinations and whoever
// reaches Parameter Store for it.
package parameter

import "time"

// Parameter is one of Parameter Store, decrypted. Its value is secret.
type Parameter struct {
	Name      string
	Value     string
	Version   int64 // rises by one with every write
	UpdatedAt time.Time
}
