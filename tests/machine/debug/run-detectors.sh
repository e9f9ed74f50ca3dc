#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Commits defects in the machine with the debug kernel (detectors/), and checks that
# scan-log.sh finds each under the name of the right one. A result line each.
#
#   run-detectors.sh LOG
#
# Environment: BUILD, the output directory; MACHINE_ARGS for run-machine.sh.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scripts=$here/../scripts
log=$1

# What the report of each defect says. lock_order is first: with the first report of
# whatever kind lockdep stops.
detectors='
clean
lock_order         possible circular locking dependency
use_after_free     KASAN: slab-use-after-free in gh_defect_use_after_free
out_of_bounds      KASAN: slab-out-of-bounds in gh_defect_out_of_bounds
leak               unreferenced object
shift              UBSAN: shift-out-of-bounds
sleep_in_atomic    sleeping function called from invalid context
list               list_del corruption
refcount           refcount_t: addition on 0
free_active_timer  ODEBUG: free active
fault_injection    FAULT_INJECTION: forcing a failure
'

result() {
	echo "result: suite=detect.$1 planned=1 passed=$2 failed=$((1 - $2)) skipped=0 seconds=0"
}

# shellcheck disable=SC2016,SC2086 # for the shell there; words, on purpose
"$scripts/run-machine.sh" --silent --log "$log" --timeout 600 --append kasan_multi_shot \
	--file "$BUILD/detectors-debug/gh_detectors.ko" --file "$here/debug.sh" \
	${MACHINE_ARGS:-} -- '
	insmod gh_detectors.ko || exit 1
	for d in '"$(awk 'NF { print $1 }' <<< "$detectors" | tr '\n' ' ')"'; do
		echo "<4>suite: detect.$d" > /dev/kmsg
		case $d in
		clean) ;;
		fault_injection)
			echo 0 > /sys/kernel/debug/failslab/ignore-gfp-wait
			sh -c "echo 1 > /proc/self/fail-nth; exec true"
			dmesg | sed -n "s/.*FAULT_INJECTION: f/<4>FAULT_INJECTION: f/p" |
				head -n 1 > /dev/kmsg ;;
		*) echo $d > /sys/kernel/debug/gh_detectors ;;
		esac
		case $d in
		leak) sleep 6; sh debug.sh leaks; sh debug.sh leaks ;;
		clean) sh debug.sh leaks ;;
		esac
	done
	echo "<4>suite: detect.end" > /dev/kmsg
	exit 0' || true

"$scripts/scan-log.sh" "$log" > "$log.defects" || true
while read -r name words; do
	[ -n "$name" ] || continue
	passed=0
	case $name in
	# The log must have been read up to there, and be clean.
	clean)
		if grep -q 'suite: detect.end' "$log" &&
			! grep -q '^detect.clean:' "$log.defects"; then
			passed=1
		fi ;;
	# No defect, so nothing for scan-log.sh.
	fault_injection) ! grep -qF "$words" "$log" || passed=1 ;;
	*) ! sed -n "s/^detect.$name: //p" "$log.defects" | grep -qF "$words" || passed=1 ;;
	esac
	result "$name" $passed
done <<< "$detectors"
