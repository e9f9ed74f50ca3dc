#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Shows that the suite 'signals' finds the two defects that every published version
# of the driver has. A copy of kernel/ gets the published logic at one of the two
# places, or at both; the suite runs against each copy, and exactly the tests of that
# defect must fail. Ends in 'N passed, N failed'.
#
#   test-published.sh --check    only that each defect can still be put into kernel/
#                                and that it compiles: seconds, no machine
#
#   answer  v8 keeps the words for the hypercall on the stack of one call and forgets
#           that an access is pending as soon as they are filled: a signal before the
#           hypercall and the answer is gone
#   exit    v8 looks for a signal behind the loop and returns -ERESTARTSYS over an exit
#           that was recorded: the call restarts and the guest goes on without it
#
# Environment: BUILD, the output directory; KERNEL; CROSS_COMPILE.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
CROSS_COMPILE=${CROSS_COMPILE:-aarch64-linux-gnu-}
suffix=''
[ "${KERNEL:-6.12}" = 6.12 ] || suffix=-$KERNEL
out=$BUILD/published$suffix

answer_tests='answer_survives_a_signal answer_survives_immediate_exit answer_survives_on_a_ring'
exit_tests='exit_of_a_read_is_delivered exit_of_a_write_is_delivered'

# What the defects touch, directly or by a header.
objects='gunyah_vcpu_run.o gunyah_vcpu_uring.o gunyah_vcpu_batch.o'

die() { echo "test-published.sh: $*" >&2; exit 2; }

# Puts $3 before the only line of file $1 that is $2.
insert_before() {
	[ "$(grep -cxF "$2" "$1")" -eq 1 ] || die "$1 has not one line '$2': adapt this script"
	WHERE=$2 WHAT=$3 awk '$0 == ENVIRON["WHERE"] { print ENVIRON["WHAT"] } { print }' \
		"$1" > "$1.new"
	mv "$1.new" "$1"
}

defect_answer() {
	insert_before "$1/gunyah_vcpu_slice.h" $'\tret = gh_vcpu_take_answer(vcpu, order);' \
		$'\tvcpu->resume = 0;'
}

defect_exit() {
	insert_before "$1/gunyah_vcpu_run.c" $'\treturn gh_vcpu_ioctl_result(ret);' \
		$'\tif (signal_pending(current))\n\t\treturn -ERESTARTSYS;'
}

# build NAME TARGETS DEFECT...
build() {
	local dir=$out/$1 targets=$2 d
	shift 2

	rm -rf "$dir"
	mkdir -p "$dir"
	cp -r "$root/kernel/." "$dir/"
	for d in "$@"; do
		"defect_$d" "$dir"
	done
	# shellcheck disable=SC2086 # words, on purpose
	PATH="$BUILD/kernel$suffix/tools/usr/bin:$PATH" \
		make -C "$BUILD/kernel$suffix/headers" M="$dir" CC="${CROSS_COMPILE}gcc" -j2 $targets \
		> "$dir.build" 2>&1 || { tail -n 20 "$dir.build"; die "$dir does not build"; }
}

# The names of the tests that failed, in alphabetical order, or a word why none ran.
failed_tests() {
	local dir=$1 log=$1.log files=() f

	for f in "$dir"/*.ko; do
		files+=(--file "$f:/root/modules/$(basename "$f")")
	done
	"$here/run-machine.sh" --silent --log "$log" --timeout 600 "${files[@]}" \
		--overlay "$BUILD/machine/libs.cpio" \
		--file "$BUILD/hostile$suffix/gh_scenario.ko:/root/hostile/gh_scenario.ko" \
		--file "$BUILD/aarch64/suites/signals:/root/signals" \
		--file "$BUILD/guests/script.bin:/root/guests/script.bin" \
		-- './signals -j1 --color=never --tap=tap 2>&1; sed "s/^/tap: /" tap' || true
	tr -d '\r' < "$log" | grep -q '^tap: ok' || { echo "nothing-ran"; return; }
	tr -d '\r' < "$log" | sed -n 's/^tap: not ok - signals::\([^ ]*\).*/\1/p' | sort |
		tr '\n' ' ' | sed 's/ $//'
}

passed=0 failed=0
# check NAME EXPECTED
check() {
	local name=$1 expected=$2 got

	got=$(failed_tests "$out/$name")
	if [ "$got" = "$expected" ]; then
		echo "  $name: as expected, failed: ${expected:-none}"
		passed=$((passed + 1))
	else
		echo "  $name: expected to fail: ${expected:-none}"
		echo "  $name: failed:           ${got:-none}    (log: $out/$name.log)"
		failed=$((failed + 1))
	fi
}

if [ "${1:-}" = --check ]; then
	build check "$objects" answer exit
	exit 0
fi
echo "The published logic against the suite 'signals'"
build ours modules
build answer modules answer
build exit modules exit
build both modules answer exit
check ours ''
check answer "$answer_tests"
check exit "$exit_tests"
check both "$answer_tests $exit_tests"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
