#!/usr/bin/env bash
# Writes the completions of the command-line tool into a folder, for the archives
# of a release.
set -euo pipefail
folder=${1:?usage: completions.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$(dirname "$0")/.."

# One build, of the machine that runs this, whatever is being cross-compiled.
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
env -u GOOS -u GOARCH go build -o "$tool/smartleadctl" ./cmd/smartleadctl
"$tool/smartleadctl" completion bash >"$folder/smartleadctl.bash"
"$tool/smartleadctl" completion zsh >"$folder/_smartleadctl"
"$tool/smartleadctl" completion fish >"$folder/smartleadctl.fish"
"$tool/smartleadctl" completion powershell >"$folder/smartleadctl.ps1"
