#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Replays the recorded traces in the machine, without the project's driver, and
# compares. The result line is the last one of LOG and of the output.
#
#   run.sh [LOG]          default build/logs/conformance.log
#
# Environment: BUILD, the output directory; KERNEL; SLOW, by how much the timeout is
# longer; MACHINE_ARGS for run-machine.sh.

set -u

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
suffix=''
[ "${KERNEL:-6.12}" = 6.12 ] || suffix=-$KERNEL
debug_args=()
[ "${KERNEL:-}" != debug ] || debug_args=(--file "$root/tests/machine/debug/debug.sh")
log=${1:-$BUILD/logs/conformance.log}
begin=$SECONDS
mkdir -p "$(dirname "$log")"
: > "$log"
record=$(mktemp)
trap 'rm -f "$record"' EXIT

# Twice: unloading must leave everything as it was.
# shellcheck disable=SC2016,SC2086 # for the shell there; words, on purpose
"$root/tests/machine/scripts/run-machine.sh" --silent --log "$log" --timeout $((180 * ${SLOW:-1})) \
	${debug_args[@]+"${debug_args[@]}"} \
	--file "$BUILD/conformance$suffix/gh_conformance.ko" ${MACHINE_ARGS:-} -- '
	for i in 1 2; do
		echo "<4>suite: conformance" > /dev/kmsg
		insmod gh_conformance.ko || exit 1
		sed "s/^/record$i: /" /sys/kernel/debug/gh_conformance
		rmmod gh_conformance || exit 1
	done
	[ ! -e debug.sh ] || sh debug.sh leaks'
status=$?

passed=0 failed=0
[ $status -eq 0 ] || failed=1
for i in 1 2; do
	tr -d '\r' < "$log" | sed -n "s/^record$i: //p" > "$record"
	line=$("$here/check.sh" "$record" | tee /dev/stderr | tail -n 1)
	passed=$((passed + ${line%% passed*}))
	line=${line#*, }
	failed=$((failed + ${line%% failed*}))
done 2>&1

planned=$((2 * $("$here/check.sh" --plan)))
[ $((passed + failed)) -eq $planned ] || failed=$((planned - passed))

echo "result: suite=conformance planned=$planned passed=$passed failed=$failed" \
	"skipped=0 seconds=$((SECONDS - begin))" | tee -a "$log"
[ $failed -eq 0 ]
