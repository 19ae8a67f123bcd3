package imports

// Groups of imports that a rule may name.
const (
	sdk    = "github.com/aws/aws-sdk-go-v2"
	smithy = "github.com/aws/smithy-go"
	lambda = "github.com/aws/aws-lambda-go"
	kumo   = "github.com/sivchari/kumo"
	cobra  = "github.com/spf13/cobra"
)

// A rule says what one package, and every package below it, may import.
type rule struct {
	// own lists the packages of this module, without "pkg/". The package itself
	// and those below it are always allowed.
	own []string
	// anyOwn allows every package of this module but those in notOwn.
	anyOwn bool
	notOwn []string
	// outside lists module paths that are not the standard library's.
	outside []string
	// anyOutside allows every foreign module.
	anyOutside bool
	// not lists packages of the standard library that are refused.
	not []string
}

// pure refuses what reaches outside the process: a pure package is the same on
// every machine and needs no fake in a test.
var pure = []string{"net/http", "net", "os", "os/exec", "log"}

// rules are the arrows of the design. A package that is not listed fails the
// test, so that every new one is given its place.
var rules = map[string]rule{
	// The domain.
	"webhook": {not: pure},

	// The provider's wire and the senders' secrets.
	"smartlead": {own: []string{"webhook"}, not: pure, outside: []string{"github.com/go-json-experiment/json"}},
	"auth":      {own: []string{"webhook"}, not: pure},

	// Use cases. They declare the ports that they need, and know no technology.
	"receive": {own: []string{"webhook", "smartlead", "auth"}, not: pure, outside: []string{"golang.org/x/time"}},
	"process": {own: []string{"webhook"}, not: pure},
	"sweep":   {own: []string{"webhook"}, not: pure},
	"redrive": {own: []string{"webhook"}, not: pure},

	// Adapters. They never import each other or a use case.
	"ledger":      {own: []string{"webhook"}, outside: []string{sdk, smithy}},
	"queue":       {own: []string{"webhook"}, outside: []string{sdk, smithy}},
	"sourcestore": {own: []string{"webhook", "auth"}, outside: []string{sdk, smithy}},
	"bodies":      {own: []string{"webhook"}, outside: []string{sdk, smithy, "github.com/klauspost/compress"}},
	"destination": {own: []string{"webhook"}, outside: []string{sdk, smithy, "github.com/standard-webhooks/standard-webhooks"}},

	// The edges.
	"lambdaio": {
		own:     []string{"webhook", "receive", "process", "sweep", "redrive", "telemetry"},
		outside: []string{lambda},
	},
	"config":    {},
	"telemetry": {own: []string{"webhook"}},

	// The composition root, and what is built on it.
	"app":   {anyOwn: true, notOwn: []string{"local", "cli"}, outside: []string{sdk, smithy, lambda}},
	"local": {anyOwn: true, notOwn: []string{"cli"}, anyOutside: true},
	"cli":   {anyOwn: true, notOwn: []string{"local"}, anyOutside: true},
}

// neverInFunction may not be linked into a deployed function, however deep.
var neverInFunction = []string{module + "/pkg/local", module + "/pkg/cli", kumo, cobra}

// engines is what a test imports that starts an engine, or a deployment of its
// own; ttlcheck is what it then imports, too.
var engines = []string{kumo, module + "/pkg/app", module + "/pkg/local", module + "/test/dynoxide"}

const ttlcheck = module + "/test/ttlcheck"

// noExpiry names packages whose tests start an engine and write no item, and
// what they write instead.
var noExpiry = map[string]string{
	module + "/pkg/bodies":      "objects",
	module + "/pkg/sourcestore": "parameters",
}
