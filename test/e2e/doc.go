// Package e2e deploys template.yaml into an emulator of AWS on this machine, as it is
// but for the saved queries, which the emulator does not have, and drives it through its URL; it also runs each built function
// under the Lambda runtime emulator. It needs the tools of `make tools` and
// runs with the build tag e2e (make test/e2e).
//
// What the emulator cannot show: IAM, throttling, real scaling, TTL, alarms,
// the start of a move task. Roles are compared with the calls that functions
// really make; the rest is for the smoke test of a deployed stack.
package e2e
