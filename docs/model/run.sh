#!/usr/bin/env bash
# Checks the models of this directory with Spin.
#
#   run.sh [quick|full]                      the runs of runs.txt; quick is the default
#   run.sh only PATTERN                      the runs whose line contains PATTERN
#   run.sh one FILE MODE [-DKNOB ...]        one run
#   run.sh trace FILE MODE [-DKNOB ...]      one run, and the steps of the error it finds (the shortest, for safety)
#
# JOBS  verifiers at once (2)       MEM  megabytes of one (4000)
# T     seconds of one (600)        N    lines of a trace (200)
#
# It fails when a run that must pass finds an error or does not complete, and
# when a mutant finds none.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
need() {
	command -v "$1" >/dev/null && return
	echo "run.sh needs $1: sudo apt-get install $2   (or: brew install $3)" >&2
	exit 2
}
need spin spin spin
need gcc gcc gcc
out=$(mktemp -d "${TMPDIR:-/tmp}/model.XXXXXX")
trap 'rm -rf "$out"' EXIT

# verify DIR FILE MODE KNOBS... writes DIR/result: verdict | states | seconds | megabytes | what was violated
verify() {
	local dir=$1 file=$2 mode=$3 spinflags=() panflags=(-DSAFETY) runflags=(-E -m400000)
	shift 3
	mkdir -p "$dir" && cd "$dir" || return
	if [ "$mode" != safety ]; then
		spinflags=(-DLIVE "-D$mode" -DNOS5) panflags=(-DNFAIR=5) runflags=(-a -f -m800000)
	fi
	[ -n "${BFS:-}" ] && [ "$mode" = safety ] && panflags+=(-DBFS)
	local start=$EPOCHREALTIME
	if ! spin "${spinflags[@]}" "$@" -a "$here/$file" >spin.out 2>&1 || [ ! -s pan.c ]; then
		echo "broken | | | | $(grep -i error spin.out | head -1)" >result
		return
	fi
	if ! gcc -O1 -w -DCOLLAPSE -DMEMLIM="${MEM:-4000}" -DVECTORSZ=2048 "${panflags[@]}" -o pan pan.c 2>gcc.out; then
		echo "broken | | | | $(head -1 gcc.out)" >result
		return
	fi
	timeout -s INT "${T:-600}" ./pan "${runflags[@]}" -n -w22 >pan.out 2>&1
	local states mem violated verdict=incomplete
	states=$(grep -m1 'states, stored' pan.out | awk '{print $1}')
	mem=$(awk '/total actual memory usage/ {printf "%d", $1}' pan.out)
	violated=$(grep -m1 -oE 'assertion violated.*|acceptance cycle' pan.out | sed 's/ (at depth.*//' | cut -c1-60)
	# An error of the bounds is an error of the run, not of the protocol.
	if grep -qE 'invalid array index|assertion violated \(*(ln|gen)<' pan.out; then
		verdict=broken
	elif grep -qE 'errors: [1-9]' pan.out; then
		verdict=error
	elif ! grep -qE 'Search not completed|max search depth|out of memory|interrupted' pan.out && grep -q 'errors: 0' pan.out; then
		verdict=none
	fi
	awk -v a="$start" -v b="$EPOCHREALTIME" -v v="$verdict" -v s="${states:-0}" -v m="${mem:-0}" -v x="$violated" \
		'BEGIN {printf "%s | %s | %.0f | %s | %s\n", v, s, b-a, m, x}' >result
}

# judge NUMBER LINE: one line of runs.txt
judge() {
	local n=$1 set expect file mode knobs what verdict states seconds mem violated mark=ok
	IFS='|' read -r set expect file mode knobs what <<<"$2"
	read -r expect <<<"$expect"; read -r file <<<"$file"; read -r mode <<<"$mode"; read -r what <<<"$what"
	# shellcheck disable=SC2086
	(verify "$out/$n" "$file" "$mode" $knobs)
	IFS='|' read -r verdict states seconds mem violated <"$out/$n/result"
	read -r verdict <<<"$verdict"
	case $expect-$verdict in
	pass-none | same-none | fail-error) ;;
	*) mark=BAD; touch "$out/bad" ;;
	esac
	printf '%-3s  %-5s %-10s  %-14s %-6s %10s states %5ss %5s MB  %s\n%22s%s%s\n' "$mark" "$expect" "$verdict" "$file" "$mode" \
		"${states// /}" "${seconds// /}" "${mem// /}" "$what" '' "$(echo $knobs)" "$(echo "$violated" | sed -E 's/^ *(.*[^ ]) *$/  [\1]/; s/^ *$//')"
	rm -rf "${out:?}/$n"
}

runs() {
	grep -vE '^[[:space:]]*(#|$)' "$here/runs.txt"
}

case ${1:-quick} in
quick | full | only)
	case ${1:-quick} in
	quick) list=$(runs | grep '^quick') ;;
	full) list=$(runs) ;;
	only) list=$(runs | grep -e "$2") ;;
	esac
	began=$SECONDS n=0
	while read -r line; do
		n=$((n + 1))
		while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
		judge "$n" "$line" &
	done <<<"$list"
	wait
	if [ -e "$out/bad" ]; then
		echo "the models: some of $n runs did not end as they must, $((SECONDS - began)) s" >&2
		exit 1
	fi
	echo "the models: $n runs ended as they must, $((SECONDS - began)) s"
	;;
one | trace)
	what=$1 file=$2 mode=$3
	shift 3
	[ "$what" = trace ] && export BFS=1
	(verify "$out/one" "$file" "$mode" "$@")
	cat "$out/one/result"
	if [ "$what" = trace ] && cd "$out/one" && ls ./*.trail >/dev/null 2>&1; then
		flags=()
		[ "$mode" != safety ] && flags=(-DLIVE "-D$mode" -DNOS5)
		cp "$here/$file" m.pml
		spin "${flags[@]}" "$@" -k ./*.trail -p m.pml 2>/dev/null | grep -vE '\(:init:|goto' |
			sed -E 's/^ *[0-9]+:\s*proc +[0-9]+ \(([A-Za-z0-9_]+):[0-9]+\) m.pml:([0-9]+) \(state [0-9]+\)\s*/\1 \2 /' | tail -n "${N:-200}"
	fi
	;;
*)
	sed -n '2,/^set/p' "$0" | grep '^#' | cut -c3-
	exit 2
	;;
esac
