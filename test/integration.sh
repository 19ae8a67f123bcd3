#!/usr/bin/env bash
# Runs the tests that talk to a real engine: the packages whose tests name
# REQUIRE_ENGINES. Alone such a test skips where its engine is missing; here a
# missing engine, and a skipped test, is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

export REQUIRE_ENGINES=1 DYNOXIDE=$PWD/.tools/bin/dynoxide
packages=$(grep -rl --include='*_test.go' --exclude-dir='.?*' REQUIRE_ENGINES . | xargs -n 1 dirname | sort -u)
[ -n "$packages" ] || { echo "integration: no test asks for an engine" >&2; exit 1; }

# shellcheck disable=SC2086 # one argument a package
go test -count=1 -timeout 12m -json $packages | python3 test/verdict.py
