#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Boots the machine for each part of the benchmark and collects the records.
#
#   run-bench.sh quick|full      records in build/bench/quick.jsonl or full.jsonl
#
# Counted parts run two at a time: what is counted does not depend on how busy the
# build machine is. Timed parts run alone, behind them.
#
# Environment: BUILD, the output directory.
#
# Exit status: 0, or 1 if a measurement failed; the others are kept.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
export BUILD=${BUILD:-$root/build}
set=${1:?quick or full}
suffix=''
[ "${KERNEL:-6.12}" = 6.12 ] || suffix=-$KERNEL
out=$BUILD/bench
results=$out/$set.jsonl
parts=$out/parts
jobs=2

# shellcheck source=/dev/null
. "$here/lists.sh"

# boot PART RUN-MACHINE-OPTION...: measures $parts/PART.list; the status in PART.status
boot() {
	local part=$1 status=0
	shift

	"$root/tests/machine/scripts/run-machine.sh" --quiet --timeout 1500 \
		--log "$parts/$part.log" --file "$parts/$part.list:/root/list" \
		--file "$here/machine.sh" --file "$BUILD/guests/bench.bin" \
		--file "$BUILD/aarch64/bin/gh-bench" \
		--file "$BUILD/floor$suffix/gh_bench_floor.ko" "$@" \
		'ulimit -l unlimited; sh machine.sh' 2>&1 |
		sed -un 's/\r//g; s/^bench: /begin /p; s/^gh-bench: /failed /p; s/^run-machine.sh: /failed /p' ||
		status=$?
	echo "$status" > "$parts/$part.status"
}

# Shows each measurement as it begins: on a terminal the last one, else all.
progress() {
	local total=$1 n=0 begin=$SECONDS kind text

	while read -r kind text; do
		if [ "$kind" = failed ]; then
			[ ! -t 1 ] || printf '\r\033[K'
			echo "  failed: $text"
			continue
		fi
		n=$((n + 1))
		if [ -t 1 ]; then
			printf '\r\033[K  %d/%d, %d s: %s' "$n" "$total" $((SECONDS - begin)) "$text"
		else
			printf '  %3d/%d %4d s  %s\n' "$n" "$total" $((SECONDS - begin)) "$text"
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
	echo "  $n of $total measured in $((SECONDS - begin)) s"
}

# Splits a list over two boots, line by line.
split() {
	local part=$1 list=$2

	sed '/^$/d' <<< "$list" > "$parts/$part.all"
	awk 'NR % 2 == 1' "$parts/$part.all" > "$parts/$part-1.list"
	awk 'NR % 2 == 0' "$parts/$part.all" > "$parts/$part-2.list"
}

counted() {
	local running=0 part

	for part in icount-1 icount-2 icount-kvm; do
		if [ "$running" -ge "$jobs" ]; then
			wait -n || true
			running=$((running - 1))
		fi
		case $part in
		icount-kvm) boot "$part" --icount --no-monitor & ;;
		*) boot "$part" --icount --modules & ;;
		esac
		running=$((running + 1))
	done
	wait
}

timed() {
	local part

	for part in smp2 smp2-kvm; do
		[ -e "$parts/$part.list" ] || continue
		case $part in
		smp2-kvm) boot "$part" --smp 2 --no-monitor ;;
		*) boot "$part" --smp 2 --modules ;;
		esac
	done
}

# Adds what the machine does not know. The order is that of the list.
collect() {
	local machine=$1 all=$2 commit qemu cc prefix
	shift 2

	commit=$(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
	qemu=$("${QEMU:-qemu-system-aarch64}" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	cc=$(aarch64-linux-gnu-gcc -dumpfullversion 2>/dev/null || gcc -dumpfullversion)
	prefix="{\"date\":\"$(date -u +%F)\",\"commit\":\"$commit\",\"machine\":\"$machine\""
	prefix+=",\"qemu\":\"$qemu\",\"cc\":\"$cc\","
	cat "$@" 2>/dev/null | tr -d '\r' | sed -n '/^{"workload".*}$/p' |
	awk -v prefix="$prefix" '
	FNR == NR {
		order[$1 " " $2 " " $3] = FNR
		next
	}
	{
		split($0, part, /[":,]+/)
		key = part[3] " " part[5] " " part[7]
		printf "%06d %s%s\n", order[key], prefix, substr($0, 2)
	}' "$all" - | sort -n | cut -d' ' -f2- >> "$results"
}

total_lines() {
	cat "$@" 2>/dev/null | wc -l
}

mkdir -p "$parts"
rm -f "$parts"/*
: > "$results"
list_gunyah=$("list_gunyah_$set")
split icount "$list_gunyah"
"list_kvm_$set" > "$parts/icount-kvm.list"
if [ "$set" = full ]; then
	list_wall > "$parts/smp2.list"
	list_wall_kvm > "$parts/smp2-kvm.list"
fi
total=$(total_lines "$parts"/*.list)

echo "$total measurements"
{ counted; timed; } | progress "$total"
collect icount "$parts/icount.all" "$parts/icount-1.log" "$parts/icount-2.log"
collect icount-kvm "$parts/icount-kvm.list" "$parts/icount-kvm.log"
if [ "$set" = full ]; then
	collect smp2 "$parts/smp2.list" "$parts/smp2.log"
	collect smp2-kvm "$parts/smp2-kvm.list" "$parts/smp2-kvm.log"
fi

echo
awk -f "$here/record.awk" -f "$here/table.awk" "$results"
echo
echo "Records: $results"
failed=$(cat "$parts"/*.status | grep -cvx 0 || true)
[ "$failed" -eq 0 ] && [ "$(wc -l < "$results")" -eq "$total" ]
