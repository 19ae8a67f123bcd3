// Package registry names the types of destination. A new type is its package,
// one line here, and one row of the contract in contract_test.go.
package registry

import (
	"smartlead-receiver/pkg/destination"
	"smartlead-receiver/pkg/destination/desteventbridge"
	"smartlead-receiver/pkg/destination/destfirehose"
	"smartlead-receiver/pkg/destination/desthttp"
	"smartlead-receiver/pkg/destination/desthubspot"
	"smartlead-receiver/pkg/destination/destlog"
	"smartlead-receiver/pkg/destination/destslack"
	"smartlead-receiver/pkg/destination/destsns"
	"smartlead-receiver/pkg/destination/destsqs"
)

// Types are all types; the first is the operator's default.
var Types = destination.Types{
	desthttp.Type,
	destlog.Type,
	destslack.Type,
	desthubspot.Type,
	desteventbridge.Type,
	destsns.Type,
	destsqs.Type,
	destfirehose.Type,
}
