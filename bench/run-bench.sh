#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Boots the machine for each part of the benchmark and collects the records.
#
#   run-bench.sh quick|full      records in build/bench/quick.jsonl or full.jsonl
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

# Workload, backend, vCPUs, options of gh-bench. Counted with --icount.
list_gunyah_quick='
mmio-read ring 1
mmio-read ring 16
mmio-read ring 64
mmio-read raw 64
mmio-read ioctl 1
mmio-read threads 1
mmio-read threads 64
mmio-read floor 64
mmio-write ring 64
mmio-write threads 64
timer-wake ring 64
timer-wake threads 64
parked ring 256
parked threads 256'
list_kvm_quick='
mmio-read kvm-threads 1
mmio-read kvm-threads 64'

# lines WORKLOAD 'BACKENDS' 'VCPUS' [OPTIONS]
lines() {
	local b n

	for b in $2; do
		for n in $3; do
			echo "$1 $b $n ${4:-}"
		done
	done
}

list_gunyah_full() {
	lines mmio-read "ring threads" "1 4 16 64 256 1024"
	lines mmio-read raw "1 16 64 1024"
	lines mmio-read "threads-pinned raw-async raw-sqpoll" "1 64"
	lines mmio-read "ioctl floor" "1 64"
	lines mmio-write "ring threads" "1 64 256"
	lines timer-wake "ring threads" "16 64 256"
	lines timer-wake raw 64
	lines mixed "ring threads" 1000
	lines parked "ring threads" "100 256"
}

list_kvm_full() {
	lines mmio-read kvm "1 64"
	lines mmio-read kvm-threads "1 4 16 64"
	lines mmio-write kvm-threads "1 64"
	lines timer-wake kvm-threads "16 64"
	lines parked kvm-threads 100
}

list_wall_full() {
	lines mmio-read "ring threads threads-pinned" "16 64"
	lines timer-wake "ring threads" 64
}

# Adds what the machine does not know; records may share lines with nothing.
collect() {
	local machine=$1 log=$2 commit qemu

	commit=$(git -C "$root" describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
	qemu=$("${QEMU:-qemu-system-aarch64}" --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	tr -d '\r' < "$log" | grep '^{"workload"' |
		sed "s/^{/{\"date\":\"$(date -u +%F)\",\"commit\":\"$commit\",\"machine\":\"$machine\",\"qemu\":\"$qemu\",/" \
			>> "$results" || true
}

# part MACHINE TITLE LIST RUN-MACHINE-OPTION...
part() {
	local machine=$1 title=$2 list=$3 log=$out/$set-$1.log status=0
	shift 3

	echo "$title"
	sed '/^$/d' <<< "$list" > "$out/list"
	"$root/tests/machine/scripts/run-machine.sh" --quiet --timeout 1500 \
		--log "$log" --file "$out/list" --file "$here/machine.sh" \
		--file "$BUILD/guests/bench.bin" --file "$BUILD/aarch64/bin/gh-bench" \
		--file "$BUILD/floor$suffix/gh_bench_floor.ko" "$@" \
		'ulimit -l unlimited; sh machine.sh' |
		sed -un 's/\r//g; s/^bench: /  /p; s/^gh-bench: /  failed: /p' || status=$?
	[ "$status" -eq 0 ] || failed=$((failed + 1))
	collect "$machine" "$log"
}

mkdir -p "$out"
: > "$results"
failed=0
if [ "$set" = quick ]; then
	part icount "Gunyah, instructions" "$list_gunyah_quick" --icount --modules
	part icount-kvm "KVM, instructions" "$list_kvm_quick" --icount --no-monitor
else
	part icount "Gunyah, instructions" "$(list_gunyah_full)" --icount --modules
	part icount-kvm "KVM, instructions" "$(list_kvm_full)" --icount --no-monitor
	part smp2 "Gunyah, wall time on two CPUs" "$(list_wall_full)" --smp 2 --modules
fi
rm -f "$out/list"
echo
awk -f "$here/table.awk" "$results"
echo
echo "Records: $results"
[ "$failed" -eq 0 ]
