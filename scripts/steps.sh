#!/usr/bin/env bash
# Runs make targets one after the other, says which runs and how long each took, and stops
# at the first that fails. A target behind the word "beside" runs beside those that follow
# it, because it mostly waits: what it prints is shown when they have ended. One behind the
# word "alone" begins when nothing runs beside it any more.
set -euo pipefail
cd "$(dirname "$0")/.."

began=$SECONDS
summary=()
beside=() pids=()
out=$(mktemp -d)

# finish ends what still runs beside, with its children, and forgets what it printed.
finish() {
	for pid in ${pids[@]+"${pids[@]}"}; do kill -- "-$pid" 2>/dev/null || true; done
	rm -rf "$out"
}
trap finish EXIT

# ended STEP SECONDS CODE: notes a step that passed, and ends with one that failed.
ended() {
	if [ "$3" -ne 0 ]; then
		echo "==> $1 FAILED after $2 s; alone: make $1" >&2
		exit 1
	fi
	summary+=("$(printf '%5d s  %s' "$2" "$1")")
}

# start STEP: begins it in a process group of its own, in which it notes how it ended.
start() {
	local file=$out/${1//\//-}
	set -m
	{
		code=0
		make --no-print-directory "$1" >"$file.log" 2>&1 </dev/null || code=$?
		echo "$((SECONDS - began)) $code" >"$file.end"
	} &
	pids+=($!)
	set +m
	beside+=("$1 $((SECONDS - began))")
}

# join waits for what runs beside, shows what it printed, and takes note of how it ended.
join() {
	local entry step started file stopped code
	for entry in ${beside[@]+"${beside[@]}"}; do
		read -r step started <<<"$entry"
		echo "==> $step, which ran beside the others"
		file=$out/${step//\//-}
		while [ ! -s "$file.end" ] && [ -n "$(jobs -r)" ]; do sleep 1; done
		cat "$file.log"
		read -r stopped code <"$file.end" || { stopped=$((SECONDS - began)) code=1; }
		ended "$step" "$((stopped - started))" "$code"
	done
	beside=()
}

while [ $# -gt 0 ]; do
	step=$1
	shift
	case $step in
	beside)
		echo "==> $1, beside what follows"
		start "$1"
		shift
		continue
		;;
	alone)
		join
		step=$1
		shift
		;;
	esac
	echo "==> $step"
	started=$SECONDS code=0
	make --no-print-directory "$step" || code=$?
	ended "$step" "$((SECONDS - started))" "$code"
done
join

echo "==> all steps passed in $((SECONDS - began)) s"
printf '%s\n' "${summary[@]}"
