#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Boots the machine for each part of the benchmark and collects the records.
#
#   run-bench.sh quick|full      records in build/bench/quick.jsonl or full.jsonl
#
# Counted parts run two at a time: what is counted does not depend on how busy the
# build machine is. Timed parts run alone, behind them. What is not measured when the
# time is over (4 minutes, 20 for all) has failed.
#
# Environment: BUILD, the output directory; SLOW, by how much the time is longer.
#
# Exit status: 0, or 1 if a measurement failed or, of the full set, a count did not repeat
# within 1 %; the records are kept.

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
limit=$((1200 * ${SLOW:-1}))
[ "$set" = full ] || limit=$((240 * ${SLOW:-1}))

# shellcheck source=/dev/null
. "$here/lists.sh"

# boot PART RUN-MACHINE-OPTION...: measures $parts/PART.list; the status in PART.status
boot() {
	local part=$1 status=0 left=$((limit - SECONDS))
	shift

	[ -s "$parts/$part.list" ] || return 0
	"$root/tests/machine/scripts/run-machine.sh" --quiet --timeout $((left > 0 ? left : 1)) \
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
	echo "  $n of $total in $((SECONDS - begin)) s"
}

# About how many seconds each line takes: "SECONDS LINE".
weigh() {
	awk '
	{
		weight = 4 + $3 / 200
		threads = $2 ~ /threads|kvm-/
		if ($2 ~ /posted/)
			weight += 10 + $3 / 16
		else if (threads && $1 ~ /^(mmio|ioeventfd)/ && $3 > 16)
			weight += 14 + $3 / 13
		else if ($1 == "ioeventfd")
			weight += 4 + $3 / 20
		else if (threads && $1 == "bell-wake")
			weight += $3 == 1 || $3 >= 256 ? 30 : 11
		else if ($1 == "timer-wake")
			weight += $3 / (threads ? 25 : 13)
		else if ($1 == "fairness")
			weight += 35
		else if ($1 ~ /^(busy|mixed)$/)
			weight += 8
		printf "%.1f %s\n", weight, $0
	}'
}

# Splits the lines over two boots; the second one has less to do, for KVM's runs behind
# it. What is measured twice is in both.
split() {
	local kvm

	"list_gunyah_$set" > "$parts/icount.all"
	"list_kvm_$set" > "$parts/icount-kvm.list"
	"list_twice_$set" | awk '{ print $1, $2, $3 }' > "$parts/twice"
	kvm=$(weigh < "$parts/icount-kvm.list" | awk '{ sum += $1 } END { print sum + 8 }')
	weigh < "$parts/icount.all" | awk -v out="$parts/icount" -v kvm="$kvm" '
	FNR == NR {
		twice[$0] = 1
		next
	}
	{
		both = ($2 " " $3 " " $4) in twice
		line = $0
		sub(/^[^ ]* /, "", line)
		to_second = first > second + kvm
		if (both || !to_second) {
			print line > (out "-1.list")
			first += $1
		}
		if (both || to_second) {
			print line > (out "-2.list")
			second += $1
		}
	}' "$parts/twice" -
}

counted() {
	boot icount-1 --icount --modules &
	{
		boot icount-2 --icount --modules
		boot icount-kvm --icount --no-monitor
	} &
	wait
}

timed() {
	local part

	for part in smp2 smp2-kvm; do
		case $part in
		smp2-kvm) boot "$part" --smp 2 --no-monitor ;;
		*) boot "$part" --smp 2 --modules ;;
		esac
	done
}

# Adds what the machine does not know. The order is that of the list.
collect() {
	local machine=$1 all=$2 commit qemu cc prefix board cpu
	shift 2

	[ -s "$all" ] || return 0
	board=$(sed -n 's/^args=(-M "\([^,"]*\).*/\1/p' "$root/tests/machine/scripts/run-machine.sh")
	cpu=$(sed -n 's/^args=.* -cpu \([^ ]*\).*/\1/p' "$root/tests/machine/scripts/run-machine.sh")

	commit=$(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
	qemu=$("${QEMU:-qemu-system-aarch64}" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	cc=$(aarch64-linux-gnu-gcc -dumpfullversion 2>/dev/null || gcc -dumpfullversion)
	prefix="{\"date\":\"$(date -u +%F)\",\"commit\":\"$commit\",\"machine\":\"$machine\""
	prefix+=",\"board\":\"$board\",\"cpu\":\"$cpu\",\"qemu\":\"$qemu\",\"cc\":\"$cc\","
	{ cat "$@" 2>/dev/null || true; } | tr -d '\r' | sed -n '/^{"workload".*}$/p' |
	awk -v prefix="$prefix" '
	FNR == NR {
		order[$1 " " $2 " " $3] = FNR
		next
	}
	{
		split($0, part, /[":,]+/)
		key = part[3] " " part[5] " " part[7]
		printf "%06d %s%s\n", order[key], prefix, substr($0, 2)
	}' "$all" - | sort -s -n -k1,1 | cut -d' ' -f2- |
		awk -f "$here/record.awk" -f "$here/steady.awk" >> "$results"
}

total_lines() {
	{ cat "$@" 2>/dev/null || true; } | wc -l
}

mkdir -p "$parts"
rm -f "$parts"/*
: > "$results"
split
if [ "$set" = full ]; then
	list_wall > "$parts/smp2.list"
	list_wall_kvm > "$parts/smp2-kvm.list"
fi
total=$(total_lines "$parts"/*.list)
wanted=$((total - $(wc -l < "$parts/twice")))

echo "$total measurements"
{ counted; timed; } | progress "$total"
collect icount "$parts/icount.all" "$parts/icount-1.log" "$parts/icount-2.log"
collect icount-kvm "$parts/icount-kvm.list" "$parts/icount-kvm.log"
collect smp2 "$parts/smp2.list" "$parts/smp2.log"
collect smp2-kvm "$parts/smp2-kvm.list" "$parts/smp2-kvm.log"

echo
awk -f "$here/record.awk" -f "$here/table.awk" "$results"
echo
awk -f "$here/record.awk" -f "$here/targets.awk" "$results"
echo
status=0
# The check compares counts by 5 %; what does not repeat within 1 % fails the reference.
awk -f "$here/record.awk" -f "$here/repeat.awk" "$results" || [ "$set" = quick ] || status=1
echo "Records: $results"
echo "Time: $SECONDS s of at most $limit s"
! grep -qvx 0 "$parts"/*.status && [ "$(wc -l < "$results")" -eq "$wanted" ] && exit $status
echo "$(($(wc -l < "$results"))) of $wanted records"
exit 1
