#!/usr/bin/env bash
# Runs make targets one after the other, says which runs and how long each
# took, and stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/.."

began=$SECONDS
summary=()
for step in "$@"; do
	echo "==> $step"
	started=$SECONDS
	if ! make --no-print-directory "$step"; then
		echo "==> $step FAILED after $((SECONDS - started)) s; alone: make $step" >&2
		exit 1
	fi
	summary+=("$(printf '%5d s  %s' $((SECONDS - started)) "$step")")
done
echo "==> all steps passed in $((SECONDS - began)) s"
printf '%s\n' "${summary[@]}"
