#!/usr/bin/env bash
# Writes what is linked into each function, as a CycloneDX document read out of the
# built program: sbom.sh FOLDER. With a program behind the folder, of that program
# alone. The same commit gives the same documents.
set -euo pipefail

CYCLONEDX_GOMOD=v1.10.0

[ $# -ge 1 ] || {
	echo "usage: sbom.sh FOLDER [PROGRAM]" >&2
	exit 2
}
mkdir -p "$1"
into=$(cd "$1" && pwd)

document() { # program name
	# Another module's program, so that ours needs none of what it needs.
	GOFLAGS='' GOOS='' GOARCH='' go run "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$CYCLONEDX_GOMOD" \
		bin -json -std -noserial -notimestamp -output "$into/$2.cdx.json" "$1"
}

if [ $# -eq 2 ]; then
	program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
	document "$program" "$(basename "$2")"
	exit
fi

cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for main in functions/*/main.go; do
	name=$(basename "$(dirname "$main")")
	make --no-print-directory "functions/$name.bootstrap" ARTIFACTS_DIR="$folder" >&2
	document "$folder/bootstrap" "$name"
done
