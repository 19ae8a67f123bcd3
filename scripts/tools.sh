#!/usr/bin/env bash
# Installs the pinned tools that `make test` needs into .tools/ of the project.
#
# A tool is installed once: its stamp names its version, so a new pin here
# installs anew and nothing else does. Python tools have a virtual environment
# each, because their dependencies do not resolve together. Safe to run twice
# at the same time: the second run waits for the first.
set -euo pipefail

GOLANGCI_LINT=v2.15.0
LAMBDA_RIE=v0.0.0-20261030222936-bef5c4ba774d
GOVULNCHECK=v1.9.0
SAM_CLI=1.170.0
CFN_LINT=1.58.0
CHECKOV=3.3.30
MINISTACK=1.5.33
CBOR2=6.3.0 # for CloudWatch of MiniStack, which imports it and does not ask for it
DYNOXIDE=1.2.1
TYPESCRIPT=5.9.3
NODE_TYPES=22.20.7
CHROMIUM=153.0.0 # as @sparticuz/chromium packs it: it runs without root and without a display
AXE=4.14.1

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/.tools
bin=$tools/bin
stamps=$tools/stamps
logs=$tools/logs
lock=$tools/lock
mkdir -p "$bin" "$stamps" "$logs"

die() {
	echo "tools: $*" >&2
	exit 1
}

# A prerequisite that is missing is an error that says where to get it: a
# skipped check would look like a passed one.
require() {
	command -v "$1" >/dev/null 2>&1 || die "$1 is missing. $2"
}

check_prerequisites() {
	require go "Install Go 1.26 or newer: https://go.dev/doc/install"
	require python3 "Install Python 3.10 or newer (Debian: apt-get install python3 python3-venv; macOS: brew install python)"
	require npm "Install Node.js 20 or newer with npm (Debian: apt-get install npm; macOS: brew install node)"
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
		die "python3 is $(python3 --version | cut -d' ' -f2); 3.10 or newer is needed"
	python3 -c 'import venv, ensurepip' 2>/dev/null ||
		die "python3 has no venv module. Debian: apt-get install python3-venv"
}

# mkdir is the lock because flock(1) is not on macOS. A lock whose owner is
# gone was left by a killed run.
take_lock() {
	local owner waited=0
	until mkdir "$lock" 2>/dev/null; do
		owner=$(cat "$lock/pid" 2>/dev/null || true)
		if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
			rm -rf "$lock"
			continue
		fi
		[ "$waited" -ne 0 ] || echo "tools: waiting for process ${owner:-?} to finish its set-up" >&2
		waited=$((waited + 1))
		[ "$waited" -lt 600 ] || die "$lock is still held after 10 minutes; remove it if nothing runs"
		sleep 1
	done
	echo $$ >"$lock/pid"
	trap 'rm -rf "$lock"' EXIT
}

link() { ln -sf "$1" "$bin/$(basename "$1")"; }

install_go() { # package version
	GOFLAGS='' GOBIN=$bin go install "$1@$2"
}

install_python() { # folder "requirement…" command…
	local folder=$tools/$1
	local -a requirements
	read -r -a requirements <<<"$2"
	shift 2
	rm -rf "$folder"
	python3 -m venv "$folder"
	"$folder/bin/pip" install --quiet --disable-pip-version-check "${requirements[@]}"
	local command
	for command in "$@"; do link "$folder/bin/$command"; done
}

install_dynoxide() {
	local system machine package
	case $(uname -s) in
	Linux) system=linux ;;
	Darwin) system=darwin ;;
	*) die "there is no dynoxide for $(uname -s)" ;;
	esac
	case $(uname -m) in
	x86_64 | amd64) machine=x64 ;;
	aarch64 | arm64) machine=arm64 ;;
	*) die "there is no dynoxide for $(uname -m)" ;;
	esac
	package=@dynoxide/$system-$machine
	npm install --prefix "$tools/npm" --no-save --no-audit --no-fund --silent "$package@$DYNOXIDE"
	link "$tools/npm/node_modules/$package/dynoxide"
}

# The compiler and the types of Node.js, for the TypeScript example of
# docs/VERIFY.md. A folder of its own: npm removes from a folder what it was not
# told to install.
install_typescript() {
	npm install --prefix "$tools/typescript" --no-save --no-audit --no-fund --silent "typescript@$TYPESCRIPT" "@types/node@$NODE_TYPES"
}

# The browser of test/console, and axe-core, which looks for what hinders a person.
# Neither is shipped. The package is for Linux on x86_64; elsewhere CHROME names a
# Chrome or Chromium that is there.
install_browser() {
	local folder=$tools/browser unpacked
	rm -rf "$folder"
	mkdir -p "$folder/unpacked"
	npm install --prefix "$folder" --no-save --no-audit --no-fund --silent "@sparticuz/chromium@$CHROMIUM" "axe-core@$AXE"
	case $(uname -s)-$(uname -m) in
	Linux-x86_64)
		unpacked=$(cd "$folder" && TMPDIR=$folder/unpacked node --input-type=module -e \
			"import c from '@sparticuz/chromium'; console.log(await c.executablePath())")
		;;
	*) unpacked=${CHROME:-} ;;
	esac
	[ -x "$unpacked" ] || die "there is no Chromium for $(uname -s) on $(uname -m) among the packages; install Chrome and set CHROME to its path"
	ln -sf "$unpacked" "$bin/chromium"
}

# Runs one installation unless its stamp is there. The stamp is written last,
# so that a broken installation is tried again.
once() { # name version command…
	local stamp=$stamps/$1-$2 name=$1 version=$2
	shift 2
	[ ! -e "$stamp" ] || return 0
	rm -f "$stamps/$name"-*
	local started=$SECONDS
	# In the background, because bash ignores errexit inside a condition and a
	# step that failed half way would pass for a success.
	"$@" >"$logs/$name.log" 2>&1 &
	if ! wait $!; then
		tail -n 25 "$logs/$name.log" | cut -c 1-300 >&2
		die "could not install $name $version (whole log: $logs/$name.log)"
	fi
	touch "$stamp"
	echo "tools: $name $version installed in $((SECONDS - started)) s"
}

# Two lanes, because installing Python packages waits for the network and for
# one core while a Go build takes what is left.
python_lane() {
	once sam "$SAM_CLI" install_python sam "aws-sam-cli==$SAM_CLI" sam
	once ministack "$MINISTACK-cbor2-$CBOR2" install_python ministack "ministack[full]==$MINISTACK cbor2==$CBOR2" ministack
	once checkov "$CHECKOV" install_python checkov "checkov==$CHECKOV" checkov
	once cfn-lint "$CFN_LINT" install_python cfn-lint "cfn-lint==$CFN_LINT" cfn-lint
}

go_lane() {
	once dynoxide "$DYNOXIDE" install_dynoxide
	once typescript "$TYPESCRIPT" install_typescript
	once browser "$CHROMIUM-axe-$AXE" install_browser
	once lambda-rie "$LAMBDA_RIE" install_go github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie "$LAMBDA_RIE"
	once govulncheck "$GOVULNCHECK" install_go golang.org/x/vuln/cmd/govulncheck "$GOVULNCHECK"
	once golangci-lint "$GOLANGCI_LINT" install_go github.com/golangci/golangci-lint/v2/cmd/golangci-lint "$GOLANGCI_LINT"
}

check_prerequisites
take_lock
python_lane &
python_pid=$!
go_lane &
go_pid=$!
status=0
wait "$python_pid" || status=1
wait "$go_pid" || status=1
exit "$status"
