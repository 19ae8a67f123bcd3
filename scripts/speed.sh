#!/usr/bin/env bash
# Holds speed and memory to their bounds, one package after the other and without
# the race detector, which slows what it watches. Nowhere else does a test fail
# for the time that something took.
set -euo pipefail
cd "$(dirname "$0")/.."
export TEST_SPEED=1 REQUIRE_ENGINES=1 DYNOXIDE=$PWD/.tools/bin/dynoxide

# A pattern that matches no test holds nothing to anything.
bounds() { # package pattern
	local out
	out=$(go test -count=1 -run "$2" -v "$1" 2>&1) || { echo "$out" >&2; exit 1; }
	if ! grep -q '^--- PASS' <<<"$out"; then
		echo "speed: no test of $1 matches $2" >&2
		exit 1
	fi
	grep -vE '^(===|PASS)' <<<"$out"
}

bounds ./pkg/smartlead 'TestFasterThanTheOrdinaryWay|TestAllocations|TestLargeBodies|TestHostileBodies'
bounds ./pkg/local 'TestPollerTakes|TestStackCarriesARequestToTheWorker'
bounds ./pkg/destination/desthttp 'TestHTTPDoesNotWaitForAnEndlessAnswer'
bounds ./test/outsider 'TestAnUnknownSourceTakesAsLongAsAWrongToken'
bounds ./test/local 'TestDeliveryIsSignedAndNormalized'
bounds ./test/crash 'TestStoresHang'
