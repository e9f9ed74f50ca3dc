#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What 'make stress' does when all is built: boots the machine and mixes all
# operations of the driver in it, from several processes, for a while.
#
#   run-stress.sh SEED SECONDS WORKERS
#
# Environment: BUILD, the output directory; KERNEL, as for run-machine.sh; SLOW, by how
# much all timeouts are longer (8 for KERNEL=debug); SMP, MEM, MACHINE_ARGS for it.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
seed=$1 seconds=$2 workers=$3
slow=${SLOW:-1}
[ "${KERNEL:-}" != debug ] || slow=${SLOW:-8}

for n in "$seed" "$seconds" "$workers"; do
	case $n in
	'' | *[!0-9]*)
		echo "SEED, SECONDS and WORKERS are numbers, not '$n'" >&2
		exit 2 ;;
	esac
done

log=$BUILD/logs/stress-$seed.log
console=--quiet
[ ! -t 0 ] || [ ! -t 1 ] || console=--tty
echo "Stress with SEED=$seed for $seconds s, $workers workers; log: $log"
status=0
# shellcheck disable=SC2086 # words, on purpose
"$here/run-machine.sh" $console --log "$log" --smp "${SMP:-2}" --mem "${MEM:-4G}" \
	--timeout $((600 * slow + 2 * seconds)) --append "GT_SLOW=$slow" ${MACHINE_ARGS:-} --modules \
	--file "$BUILD/aarch64/stress/stress" \
	--file "$BUILD/guests/script.bin:/root/guests/script.bin" \
	-- ./stress --seed "$seed" --seconds "$seconds" --workers "$workers" || status=$?
"$here/scan-log.sh" "$log" || status=1
[ "$status" -eq 0 ] || echo "Failed; again with: make stress SEED=$seed SECONDS=$seconds"
exit $status
