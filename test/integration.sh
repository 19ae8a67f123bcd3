#!/usr/bin/env bash
# Runs the tests that talk to a real engine: those of the packages whose tests import
# test/dynoxide; test/destinations, which asks ministack as well; test/verify, which
# needs Python and Node.js; and test/console, which needs Chromium. Alone such a test
# skips where its engine is missing; here a missing engine, and a skipped test, is a
# failure. test/replay is a step of its own.
#
# What make test/unit has run does not run again: of a package whose tests of the engine
# are in capacity_test.go only those, and of the ledger's suite its binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

export REQUIRE_ENGINES=1 ENGINES=binaries DYNOXIDE=$PWD/.tools/bin/dynoxide MINISTACK=$PWD/.tools/bin/ministack
files=$(grep -rl --include='*_test.go' --exclude-dir='.?*' '"smartlead-receiver/test/dynoxide"' . | grep -v '/test/replay/')
[ -n "$files" ] || { echo "integration: no test asks for an engine" >&2; exit 1; }
packages() { xargs -n 1 dirname | sort -u; }
whole=$(grep -v '/capacity_test.go$' <<<"$files" | packages)
part=$(comm -23 <(packages <<<"$files") <(echo "$whole"))
tests=$(for package in $part; do sed -nE 's/^func (Test[A-Za-z0-9_]*)\(.*/\1/p' "$package/capacity_test.go"; done | sort -u | paste -sd '|')
[ -n "$tests" ] || { echo "integration: no capacity_test.go has a test" >&2; exit 1; }

# Vetted by make lint.
run() { go test -count=1 -timeout 60m -json -vet=off "$@" || failed=1; }
# shellcheck disable=SC2086 # one argument a package
{
	failed=0
	run $whole ./test/verify ./test/console ./test/destinations
	run -run "^($tests)\$" $part
	exit $failed
} | python3 test/verdict.py
