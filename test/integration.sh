#!/usr/bin/env bash
# Runs the tests of pkg/ against real engines. A test that needs an engine
# finds it through the environment and skips without it; here every engine is
# there, so that a skipped test is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/.tools
export DYNOXIDE=$tools/bin/dynoxide MINISTACK=$tools/bin/ministack
for engine in "$DYNOXIDE" "$MINISTACK"; do
	[ -x "$engine" ] || { echo "integration: $engine is missing; run make tools" >&2; exit 1; }
done

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
go test -count=1 -timeout 8m -v ./pkg/... >"$log" 2>&1 || status=$?
grep -E '^(ok|FAIL|---? FAIL|panic:)' "$log" || true
if [ "$status" -ne 0 ]; then
	grep -vE '^\s*(=== (RUN|PAUSE|CONT)|--- PASS)' "$log" | tail -n 200
	exit "$status"
fi
if skipped=$(grep -E '^\s*--- SKIP' -A 2 "$log"); then
	echo "integration: tests were skipped although every engine is there" >&2
	echo "$skipped" >&2
	exit 1
fi
