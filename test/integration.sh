#!/usr/bin/env bash
# Runs the tests that talk to a real engine: the packages whose tests import
# test/dynoxide; test/destinations, which asks ministack as well; test/verify, which needs Python and Node.js; and test/console, which
# needs Chromium. Alone such a test
# skips where its engine is missing; here a missing engine, and a skipped test, is
# a failure. test/replay needs the machine for itself.
set -euo pipefail
cd "$(dirname "$0")/.."

export REQUIRE_ENGINES=1 DYNOXIDE=$PWD/.tools/bin/dynoxide MINISTACK=$PWD/.tools/bin/ministack
packages=$(grep -rl --include='*_test.go' --exclude-dir='.?*' '"smartlead-receiver/test/dynoxide"' . | xargs -n 1 dirname | grep -v '/test/replay$' | sort -u)
[ -n "$packages" ] || { echo "integration: no test asks for an engine" >&2; exit 1; }

# shellcheck disable=SC2086 # one argument a package
go test -count=1 -timeout 30m -json $packages ./test/verify ./test/console ./test/destinations | python3 test/verdict.py
