#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Where the instructions of an exit go: has QEMU log each instruction for a moment
# in the middle of a measurement, and counts them by function.
#
#   profile.sh BACKEND VCPUS [WORKLOAD]
#
# An event is an access of the guest's that the workload is about: in *-wake the report.
# What is counted begins and ends where the process enters the kernel, or rings the
# first bell, so it is of whole batches; of the hypercall alone, at an access. Behind
# the number of events is how often the monitor was asked to run a vCPU.
#
# Afterwards build/bench/profile/trace holds every address. Needs 'make build-bench'.
# Environment: BUILD; MB, how much to log (120); a batch of posted writes needs more.
#
# Instructions of QEMU that it starts again (system registers of devices do that)
# are logged twice in a row and counted once.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
export BUILD=${BUILD:-$root/build}
mb=${MB:-120}
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

machine_options=(--modules)
case $backend in
kvm*) machine_options=(--no-monitor) ;;
esac

# shellcheck disable=SC2016 # expanded in the machine
cmd='for m in gunyah gunyah_rsc_mgr gunyah_vcpu gunyah_irqfd gunyah_ioeventfd gunyah_posted; do
	[ ! -d modules ] || insmod modules/$m.ko
done
ulimit -l unlimited
echo SYMBOLS; grep -i " [tw] " /proc/kallsyms | cut -d" " -f1,3 | gzip -9 | base64; echo END
sleep 10
(sleep 0.6; echo PROFILE > /dev/console) &
./gh-bench --image=bench.bin --module=gh_bench_floor.ko --events=2000000'
cmd+=" --backend=$backend --vcpus=$vcpus --workload=$workload"

QEMU_ARGS="-monitor pipe:$out/hmp" "$root/tests/machine/scripts/run-machine.sh" --icount \
	"${machine_options[@]}" --quiet --silent --timeout 900 --log "$out/log" --append nokaslr \
	--file "$BUILD/guests/bench.bin" --file "$BUILD/aarch64/bin/gh-bench" \
	--file "$BUILD/floor/gh_bench_floor.ko" "$cmd" \
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
for _ in $(seq 4000); do
	kill -0 "$machine" 2>/dev/null || break
	[ "$(stat -c %s "$out/trace" 2>/dev/null || echo 0)" -lt $((mb * 1000000)) ] || break
	sleep 0.2
done
hmp stop
hmp 'log none'
hmp quit
wait "$machine" || true

# Addresses have 16 digits everywhere, so they compare as strings.
sed -n '/^SYMBOLS/,/^END/p' "$out/log" | tr -d '\r' | sed '1d;$d' | base64 -di | zcat |
	sed 's/^/kernel /' > "$out/all"
[[ $backend = kvm* ]] ||
	nm "$BUILD/machine/monitor/monitor.elf" | awk '$2 ~ /[tT]/ { print "monitor", $1, $3 }' \
		>> "$out/all"
nm "$BUILD/aarch64/bin/gh-bench" | awk '$2 ~ /[tTwWi]/ { print "user", $1, $3 }' >> "$out/all"
nm "$BUILD/guests/bench.elf" | awk '$2 ~ /[tT]/ { print "guest", $1, $3 }' >> "$out/all"
sort -k2,2 "$out/all" > "$out/symbols"

awk -v workload="$workload" -v backend="$backend" -f "$here/profile.awk" \
	"$out/symbols" "$out/trace"
