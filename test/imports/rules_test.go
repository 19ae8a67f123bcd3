package imports

// These are groups of imports that a rule may name.
const (
	sdk    = "github.com/aws/aws-sdk-go-v2"
	smithy = "github.com/aws/smithy-go"
	lambda = "github.com/aws/aws-lambda-go"
	kumo   = "github.com/sivchari/kumo"
	cobra  = "github.com/spf13/cobra"
	pflag  = "github.com/spf13/pflag"
	ansi   = "github.com/charmbracelet/x/ansi"
)

// A rule says what one package, and every package below it that has no rule of
// its own, may import.
type rule struct {
	// own lists rules by name: the packages of this module that are allowed. The
	// package itself and those that share its rule by lying below it always are.
	own []string
	// anyOwn allows every package of this module but those whose rule, or whose
	// folder below pkg/, is in notOwn.
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

// rules are the arrows of the design, by the package's path below pkg/. A "*"
// stands for each package of that folder that is not listed, one apart from the
// other. A package without a rule fails the test, so that every new one is given
// its place.
var rules = map[string]rule{
	// The domain.
	"webhook": {not: pure},

	// The provider's wire and the senders' secrets.
	"smartlead": {own: []string{"webhook"}, not: pure, outside: []string{"github.com/go-json-experiment/json"}},
	"auth":      {own: []string{"webhook"}, not: pure},

	// What HTTP lays around a body.
	"gateway": {not: pure},
	"coding":  {not: pure, outside: []string{"github.com/klauspost/compress", "github.com/andybalholm/brotli"}},

	// What an operator writes to choose and to shape events.
	"jq": {not: pure, outside: []string{"github.com/itchyny/gojq"}},

	// How what is kept is compressed.
	"pack": {not: pure, outside: []string{"github.com/klauspost/compress"}},

	// What AWS's services are asked and answer, in JSON.
	"awsjson":  {not: pure, outside: []string{"github.com/go-json-experiment/json"}},
	"dynamodb": {own: []string{"awsjson"}, not: pure, outside: []string{smithy}},
	"sqs":      {own: []string{"awsjson"}, not: pure},

	// Use cases. They declare the ports that they need, and know no technology.
	"receive": {own: []string{"webhook", "smartlead", "auth", "coding"}, not: pure, outside: []string{"golang.org/x/time"}},
	"process": {own: []string{"webhook"}, not: pure},
	"sweep":   {own: []string{"webhook"}, not: pure},
	"redrive": {own: []string{"webhook"}, not: pure},
	// Whether a destination may be sent something now.
	"gate": {own: []string{"webhook"}, not: pure},
	// One run at a time of a schedule.
	"turn": {own: []string{"webhook"}, not: pure},
	// What is kept for years.
	"archive": {own: []string{"webhook", "turn"}, not: pure, outside: []string{"github.com/klauspost/compress"}},
	// What is wrong, by what the ledger keeps.
	"incident": {own: []string{"webhook"}, not: pure},
	// What Smartlead says of a mail stands in the words of its API, and what an event says
	// in its body.
	"reconcile": {own: []string{"webhook", "turn", "smartlead", "smartleadapi"}, not: pure},
	// What a comparison found missing is made of the provider's words, under the identity
	// that the wire's reader gives it, and enters through a port.
	"repair": {own: []string{"webhook", "auth", "smartlead", "smartleadapi", "reconcile"}, not: pure},
	// Who was erased, without a name.
	"erasure": {own: []string{"webhook"}, not: pure},
	// Which webhook sends what.
	"scopes": {own: []string{"webhook"}, not: pure, outside: []string{"golang.org/x/time"}},
	// A key is trusted in a source, and found again in a stored body by the
	// fingerprint that the wire's redaction leaves in its place.
	"operator": {own: []string{"webhook", "auth", "smartlead", "erasure"}, not: pure},

	// Adapters. They never import each other or a use case.
	"ledger":      {own: []string{"webhook", "dynamodb"}, outside: []string{sdk + "/aws"}},
	"queue":       {own: []string{"webhook", "sqs"}, outside: []string{sdk + "/aws"}},
	"sourcestore": {own: []string{"webhook", "auth"}, outside: []string{sdk, smithy}},
	"bodies":      {own: []string{"webhook", "pack"}, outside: []string{sdk, smithy}},
	"objects":     {own: []string{"webhook"}, outside: []string{sdk, smithy}},
	"destination": {own: []string{"webhook", "telemetry", "gate", "jq", "exchange"}},
	// One request to another service, and its answer.
	"exchange": {},
	// Notices go where destinations may be, posted and signed as events are.
	"notice": {own: []string{"webhook", "destination", "destination/*"}},
	// It reads times and the like as the wire has them. Its simulation is for tests and
	// the local stack.
	"smartleadapi":         {own: []string{"smartlead"}, outside: []string{"golang.org/x/time"}},
	"smartleadapi/fakeapi": {own: []string{"smartlead"}},

	// A type of destination knows what holds for all, and no other type. The
	// registry alone knows all types.
	"destination/*": {own: []string{"webhook", "destination", "jq"}},
	// Those of AWS share how its services are called.
	"destination/awsdest":         {own: []string{"webhook", "destination"}},
	"destination/desteventbridge": {own: []string{"webhook", "destination", "destination/awsdest"}},
	"destination/destsns":         {own: []string{"webhook", "destination", "destination/awsdest"}},
	"destination/destsqs":         {own: []string{"webhook", "destination", "destination/awsdest"}},
	"destination/destfirehose":    {own: []string{"webhook", "destination", "destination/awsdest"}},
	"destination/registry": {own: []string{
		"destination", "destination/*", "destination/desteventbridge", "destination/destsns", "destination/destsqs", "destination/destfirehose",
	}},

	// The edges.
	"lambdaio": {
		own:     []string{"webhook", "receive", "process", "sweep", "redrive", "incident", "reconcile", "archive", "telemetry"},
		outside: []string{lambda, "github.com/go-json-experiment/json"},
	},
	"config":    {},
	"telemetry": {own: []string{"webhook"}},

	// The composition root, and what is built on it. The types of destination are
	// the registry's to name.
	// What is linked by the receiver is loaded with each of its starts, so that nothing
	// which all functions share knows destinations or their conditions.
	"app":          {anyOwn: true, notOwn: []string{"destination", "notice", "gate", "jq", "local", "cli", "operator", "stack", "awssdk", "destination/*"}, outside: []string{sdk + "/aws", sdk + "/credentials", sdk + "/service/s3", smithy, lambda}},
	"app/worker":   {own: []string{"app", "bodies", "destination", "destination/registry", "gate", "lambdaio", "process", "queue", "smartlead", "sourcestore", "webhook"}},
	"app/archiver": {own: []string{"app", "archive", "bodies", "lambdaio", "objects", "smartlead", "webhook"}},
	"app/sweeper":  {own: []string{"app", "bodies", "destination", "gate", "incident", "lambdaio", "ledger", "notice", "scopes", "smartlead", "sourcestore", "sweep", "telemetry", "webhook"}},
	// The composition root of a person's tools. The tools of a local stack share
	// where its parts are, so it knows none of them.
	"stack":            {anyOwn: true, notOwn: []string{"local", "cli", "console", "destination/*"}, outside: []string{sdk, smithy}},
	"stack/place":      {outside: []string{sdk, smithy}},
	"awssdk":           {own: []string{"dynamodb", "sqs"}, outside: []string{sdk}},
	"stack/deployment": {own: []string{"exchange"}, outside: []string{sdk, smithy}},

	// The command line puts its commands together, and says how they end.
	"cli": {
		own:     []string{"cli/*", "cli/complete", "cli/consolecmd", "cli/identify", "cli/session", "cli/problem", "cli/output", "webhook", "redrive", "sourcestore"},
		outside: []string{cobra, pflag},
	},
	// A package for each noun knows the use cases, and of the adapters only what the
	// stack hands over: the ledger's queries and the kinds of parameters. What two
	// nouns share lies below.
	"cli/*": {
		own: []string{
			"cli/output", "cli/problem", "cli/session", "cli/filter", "cli/eventview", "cli/payload", "cli/hook", "cli/params", "cli/moves", "cli/mailtext", "cli/refusal", "cli/search", "cli/wording", "cli/checks", "cli/smartleadkey", "cli/comparing", "cli/destcare", "smartleadapi", "reconcile", "repair",
			"webhook", "smartlead", "auth", "redrive", "operator", "incident", "scopes", "gate", "archive", "stack", "stack/deployment", "ledger", "sourcestore", "destination", "destination/registry", "notice",
		},
		outside: []string{cobra, pflag},
	},
	// It says what the receiver would do, so it reads as the receiver does.
	"cli/identify": {
		own:     []string{"cli/output", "cli/problem", "cli/session", "cli/eventview", "cli/payload", "smartlead", "auth", "gateway", "receive"},
		outside: []string{cobra},
	},
	"cli/problem": {outside: []string{smithy, cobra}},
	"cli/output":  {own: []string{"cli/problem", "telemetry"}, outside: []string{cobra, ansi}},
	"cli/session": {own: []string{"cli/output", "cli/problem", "stack", "destination/registry"}, outside: []string{cobra}},
	"cli/smartleadkey": {
		own:     []string{"cli/output", "cli/problem", "cli/session", "stack", "sourcestore", "smartleadapi"},
		outside: []string{cobra},
	},
	// What the command line and the console compare and repair.
	"cli/comparing": {own: []string{
		"cli/output", "cli/problem", "cli/filter", "cli/smartleadkey", "webhook", "smartleadapi", "reconcile", "repair", "stack",
	}},
	// What both do about destinations.
	"cli/destcare": {own: []string{
		"cli/output", "cli/problem", "cli/filter", "cli/wording",
		"webhook", "smartlead", "gate", "stack", "ledger", "sourcestore", "destination", "destination/registry",
	}},
	"cli/payload": {},
	"cli/refusal": {own: []string{"cli/output", "webhook"}},
	"cli/search":  {own: []string{"cli/output", "cli/filter", "cli/eventview", "stack", "ledger", "operator", "webhook"}},
	// What doctor and the console look at.
	"cli/checks": {own: []string{
		"cli/output", "cli/problem", "cli/eventview", "cli/hook",
		"archive", "gate", "reconcile", "webhook", "auth", "redrive", "incident", "scopes", "stack", "stack/deployment", "ledger", "sourcestore", "destination", "destination/registry",
	}},
	"cli/hook":      {},
	"cli/wording":   {own: []string{"cli/output", "cli/eventview", "cli/problem", "destination", "redrive", "operator", "webhook", "reconcile"}},
	"cli/mailtext":  {outside: []string{"golang.org/x/net/html"}},
	"cli/eventview": {own: []string{"cli/output", "cli/mailtext", "webhook", "smartlead"}},
	"cli/filter": {
		own:     []string{"cli/output", "cli/problem", "cli/session", "cli/payload", "webhook", "smartlead", "ledger"},
		outside: []string{cobra},
	},
	"cli/complete": {
		own:     []string{"cli/output", "cli/session", "stack", "sourcestore", "ledger", "incident", "webhook"},
		outside: []string{cobra},
	},
	"cli/params": {own: []string{"cli/output", "cli/problem", "cli/session", "cli/wording", "stack", "sourcestore"}, outside: []string{cobra}},
	"cli/moves":  {own: []string{"cli/output", "cli/problem", "cli/session", "cli/wording", "operator", "stack"}},
	// It serves the console, and wires it.
	"cli/consolecmd": {own: []string{"cli/output", "cli/problem", "cli/session", "console", "stack"}, outside: []string{cobra}},
	// Tests alone import it: it runs the functions over a local stack.
	"cli/clitest": {anyOwn: true, anyOutside: true},

	// The console is the command line in a browser: the same use cases, the same reads
	// and the same words, and none of its commands.
	"console": {
		own: []string{
			"cli/output", "cli/problem", "cli/filter", "cli/eventview", "cli/mailtext", "cli/refusal", "cli/payload", "cli/hook", "cli/search", "cli/wording", "cli/checks", "cli/comparing", "cli/destcare", "cli/smartleadkey",
			"webhook", "smartlead", "auth", "incident", "reconcile", "repair", "redrive", "operator", "gate", "stack", "stack/deployment", "ledger", "sourcestore", "destination", "destination/registry",
		},
		outside: []string{"golang.org/x/net"},
	},
	"console/consoletest": {anyOwn: true, anyOutside: true},

	// The local stack stands in for AWS. It knows the shape of what is deployed,
	// and nothing of the code that runs there: handlers are handed to it.
	"local":         {own: []string{"config", "gateway", "stack/place", "local/ordered", "local/persist"}, outside: []string{sdk, smithy, lambda, kumo, "github.com/google/uuid", "github.com/gofrs/flock"}},
	"local/logtext": {own: []string{"telemetry"}},
	// The fronts speak the engine's HTTP; they know no client and not each other.
	"local/relay":   {},
	"local/ordered": {own: []string{"local/relay"}},
	"local/persist": {own: []string{"local/relay"}, outside: []string{"go.etcd.io/bbolt"}},
}

// neverInFunction may not be linked into a deployed function, however deep. The SDK's
// packages of DynamoDB, SQS and Systems Manager describe every operation when a process
// starts: they take three milliseconds of each start, used or not.
var neverInFunction = []string{
	module + "/pkg/local", module + "/pkg/smartleadapi/fakeapi", module + "/pkg/cli", module + "/pkg/console", module + "/pkg/operator", module + "/pkg/stack", module + "/pkg/awssdk", kumo, cobra, ansi, "golang.org/x/net/html",
	sdk + "/service/dynamodb", sdk + "/service/sqs", sdk + "/service/ssm", sdk + "/feature",
}

// engines is what a test imports that starts an engine, or a deployment of its
// own; ttlcheck is what it then imports, too.
var engines = []string{kumo, module + "/pkg/app", module + "/pkg/local", module + "/test/dynoxide"}

var ttlcheck = module + "/test/ttlcheck"

// noExpiry names packages whose tests start an engine and write no item, and
// what they write instead.
var noExpiry = map[string]string{
	module + "/test/destinations": "messages",
	module + "/pkg/bodies":        "objects",
	module + "/pkg/objects":       "objects",
	module + "/pkg/sourcestore":   "parameters",

	module + "/pkg/local/persist": "items of a table without a TTL",
}
