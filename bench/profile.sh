#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Where the instructions of an exit go: has QEMU log each instruction for a moment
# in the middle of a measurement, and counts them by function.
#
#   profile.sh BACKEND VCPUS [WORKLOAD]
#
# Afterwards build/bench/profile/trace holds every address. Needs 'make build-bench'.
#
# Instructions of QEMU that it starts again (system registers of devices do that)
# are logged twice in a row and counted once.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
export BUILD=${BUILD:-$root/build}
backend=${1:?backend} vcpus=${2:?number of vCPUs} workload=${3:-mmio-read}
out=$BUILD/bench/profile

mkdir -p "$out"
rm -f "$out"/*
mkfifo "$out/hmp.in" "$out/hmp.out"

# The monitor of QEMU, asked through the pipes.
hmp() {
	echo "$1" >&3
	sleep 0.2
}

cmd='cd modules; insmod gunyah.ko; insmod gunyah_rsc_mgr.ko; insmod gunyah_vcpu.ko; cd ..
ulimit -l unlimited
echo SYMBOLS; grep -i " [tw] " /proc/kallsyms | cut -d" " -f1,3 | gzip -9 | base64; echo END
sleep 10
(sleep 0.6; echo PROFILE > /dev/console) &
./gh-bench --image=bench.bin --events=2000000'
cmd+=" --backend=$backend --vcpus=$vcpus --workload=$workload"

QEMU_ARGS="-monitor pipe:$out/hmp" "$root/tests/machine/scripts/run-machine.sh" --icount \
	--modules --quiet --silent --timeout 300 --log "$out/log" --append nokaslr \
	--file "$BUILD/guests/bench.bin" --file "$BUILD/aarch64/bin/gh-bench" "$cmd" \
	> "$out/machine" 2>&1 &
machine=$!
exec 3<> "$out/hmp.in" 4<> "$out/hmp.out"
cat <&4 > "$out/hmp.log" &
reader=$!
trap 'kill "$reader" 2>/dev/null || true' EXIT

until grep -q '^PROFILE' "$out/log" 2>/dev/null; do
	kill -0 "$machine" 2>/dev/null || { cat "$out/machine" >&2; exit 1; }
	sleep 0.5
done
hmp stop
hmp "logfile $out/trace"
hmp 'singlestep on'
hmp 'log exec,nochain'
hmp cont
for _ in $(seq 150); do
	[ "$(stat -c %s "$out/trace" 2>/dev/null || echo 0)" -lt 60000000 ] || break
	sleep 0.2
done
hmp stop
hmp 'log none'
hmp quit
wait "$machine" || true

# Addresses have 16 digits everywhere, so they compare as strings.
sed -n '/^SYMBOLS/,/^END/p' "$out/log" | tr -d '\r' | sed '1d;$d' | base64 -di | zcat |
	sed 's/^/kernel /' > "$out/all"
nm "$BUILD/machine/monitor/monitor.elf" | awk '$2 ~ /[tT]/ { print "monitor", $1, $3 }' >> "$out/all"
nm "$BUILD/aarch64/bin/gh-bench" | awk '$2 ~ /[tTwWi]/ { print "user", $1, $3 }' >> "$out/all"
sort -k2,2 "$out/all" > "$out/symbols"

awk -v start=gh_hypercall_vcpu_run '
FNR == NR {
	address[++n] = $2
	component[n] = $1
	name[n] = $3
	next
}
!/^Trace/ { next }
{
	split($4, part, "[][/]")
	pc = part[3]
	if (pc == last)
		next
	last = pc
	if (!(pc in place)) {
		low = 1
		high = n
		while (low < high) {
			mid = int((low + high + 1) / 2)
			if ((address[mid] "") <= (pc ""))
				low = mid
			else
				high = mid - 1
		}
		place[pc] = component[low] " " name[low]
		# Behind the monitor and below the kernel: guests, and libraries.
		if ((pc "") >= "0000000042000000" && (pc "") < "0000ffff00000000")
			place[pc] = "guest guest"
		else if ((pc "") >= "0000ffff00000000" && (pc "") < "ffff000000000000")
			place[pc] = "user vdso"
		entry[pc] = (name[low] == start && address[low] == pc)
	}
	if (entry[pc]) {
		for (p in since)
			total[p] += since[p]
		split("", since)
		if (started++)
			exits++
	}
	if (started)
		since[place[pc]]++
}
END {
	if (!exits) {
		print "no exit in the trace"
		exit 1
	}
	printf "%d exits\n", exits
	for (p in total) {
		split(p, w, " ")
		sum[w[1]] += total[p]
		all += total[p]
	}
	for (c in sum)
		printf "%9.1f %s\n", sum[c] / exits, c | "sort -rn"
	close("sort -rn")
	printf "%9.1f in all, of which by function:\n", all / exits
	for (p in total)
		if (total[p] / exits >= 1)
			printf "%9.1f %s\n", total[p] / exits, p | "sort -rn"
}' "$out/symbols" "$out/trace"
