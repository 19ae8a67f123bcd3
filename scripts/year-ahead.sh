#!/usr/bin/env bash
# Runs go test, with the arguments that it is given, as if today were a year from
# now: it finds the dates that are baked into tests, certificates and texts.
#
# A Go program asks the kernel for the time without the C library, so that no
# preloaded library can move its clock. Instead everything is compiled over a
# copy of the installed time package whose Now is ahead. What a test builds with
# go build moves along; engines written in other languages keep the real time. So
# test/e2e cannot: its emulator tells a function, by its own clock, when to end.
# Durations, sleeps and timeouts are untouched: they are of the monotonic clock.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly ahead=$((366 * 24 * 60 * 60)) # seconds
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

die() {
	echo "year-ahead: $*" >&2
	exit 1
}

# The one place that reads the wall clock for Now: time.now until Go 1.24,
# time.runtimeNow since.
original=$(go env GOROOT)/src/time/time.go
awk -v ahead="$ahead" '
	/^func Now\(\) Time \{$/ { inside = 1 }
	/^}$/ { inside = 0 }
	{ print }
	inside && /^\tsec, nsec, mono := (runtimeNow|now)\(\)$/ { print "\tsec += " ahead; moved++ }
	END { exit moved != 1 }
' "$original" >"$folder/time.go" || die "$original reads the clock in another way: adapt the patch in $0"

printf '{"Replace": {"%s": "%s"}}\n' "$original" "$folder/time.go" >"$folder/overlay.json"
GOFLAGS="$(go env GOFLAGS) -overlay=$folder/overlay.json"
export GOFLAGS

# The proof that it took effect: the time by Go and by the system, and that a
# duration stayed one.
cat >"$folder/main.go" <<'GO'
package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	time.Sleep(time.Millisecond)
	fmt.Println(began.Unix(), int(time.Since(began).Minutes()))
}
GO
go build -o "$folder/now" "$folder/main.go"
before=$(date +%s)
read -r now elapsed < <("$folder/now")
after=$(date +%s)
if [ $((now - ahead)) -lt "$before" ] || [ $((now - ahead)) -gt "$after" ] || [ "$elapsed" -ne 0 ]; then
	die "time.Now is $now, and $elapsed min later a moment later; the system says $before"
fi
echo "year-ahead: the tests run on $(date -u -d "@$now" +%F 2>/dev/null || date -u -r "$now" +%F)"

go test -count=1 "$@"
