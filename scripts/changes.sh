#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version, which is what its release says:
# changes.sh v1.2.3. Fails where it says nothing.
set -euo pipefail

[ $# -eq 1 ] || {
	echo "usage: changes.sh VERSION" >&2
	exit 2
}
text=$(awk -v heading="## ${1#v}" '
	/^## / { inside = ($0 == heading || index($0, heading " ") == 1); next }
	inside { print }' "$(dirname "$0")/../CHANGELOG.md")
[ -n "${text//[[:space:]]/}" ] || {
	echo "changes: CHANGELOG.md has no section \"## ${1#v}\"" >&2
	exit 1
}
printf '%s\n' "$text"
