#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Runs the tests that are built and ends in 'N passed, N failed[, N skipped]'.
#
#   run-tests.sh GROUP...        unit, machine, conformance, packages; with KERNEL=debug
#                                also detectors, and coverage as the last
#
# Environment: BUILD, the output directory; KERNEL; T='NAME...', only these suites of
# the groups unit and machine; SLOW, by how much all timeouts are longer; MACHINES, how
# many share the suites; SMP, MEM, MACHINE_ARGS for run-machine.sh.
#
# Each suite leaves one result line in build/results/GROUP/NAME; what the kernel
# log shows during a suite is one more failure, in NAME.log. A suite without a
# result has failed.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
results=$BUILD/results
logs=$BUILD/logs
suffix=''
[ "${KERNEL:-6.12}" = 6.12 ] || suffix=-$KERNEL
slow=${SLOW:-1}
suite_timeout=$((240 * slow))
debug=$root/tests/machine/debug
debug_args=()
[ "${KERNEL:-}" != debug ] ||
	debug_args=(--file "$debug/debug.sh" --append "kasan_multi_shot GT_SLOW=$slow")

# result GROUP NAME PASSED FAILED SKIPPED SECONDS
result() {
	mkdir -p "$results/$1"
	echo "result: suite=$2 planned=$(($3 + $4 + $5)) passed=$3 failed=$4 skipped=$5" \
		"seconds=$6" > "$results/$1/$2"
}

# Result lines and programs' complaints, without the kernel's own lines. All of a suite
# comes at once, for several machines write to the same terminal.
show_console() {
	local at_once=()

	# mawk reads a whole buffer before it says anything.
	case $(awk -W version 2>&1 < /dev/null) in
	mawk*) at_once=(-W interactive) ;;
	esac
	awk ${at_once[@]+"${at_once[@]}"} '
	{ gsub(/\r/, "") }
	match($0, /result: suite=/) {
		$0 = substr($0, RSTART)
		for (i = 2; i <= NF; i++)
			if (split($i, kv, "=") == 2)
				r[kv[1]] = kv[2]
		if (r["failed"] > 0)
			said = said asserts
		skipped = r["skipped"] > 0 ? ", " r["skipped"] " skipped" : ""
		printf "%s  %-20s %4d passed, %d failed%s  (%s s)\n", said, r["suite"],
			r["passed"], r["failed"], skipped, r["seconds"]
		fflush()
		said = asserts = ""
		next
	}
	/^\[ *[0-9]+\.[0-9]+\]/ || /Synthesis: / || /machine: exit/ || /^ *$/ { next }
	/^mon: / && !/panic|assert/ { next }
	# Tests that expect an assertion to hold print it; of interest when one fails.
	/^boxfort-worker: .*Assertion/ { asserts = asserts "    " $0 "\n"; next }
	{ said = said "    " $0 "\n" }
	END { printf "%s", said }'
}

run_unit() {
	local u

	echo "Unit tests (sanitizers: address, undefined)"
	rm -rf "$results/unit"
	make -s -k -C "$root/tests/unit" run ${T:+"T=$T"} 2>&1 | show_console || true
	mkdir -p "$results/unit"
	rm -f "$results"/unit/*.out
	[ -n "${T:-}" ] || run_install
	[ -n "${T:-}" ] || run_script unit bench-check bench/test-check.sh
	[ -n "${T:-}" ] || run_script unit explain tests/machine/debug/test-explain.sh
	[ -n "${T:-}" ] || run_script unit check-errnos tests/machine/scripts/test-check-errnos.sh
	for u in ${T:-$(make -s -C "$root/tests/unit" list)}; do
		[ -e "$results/unit/$u" ] || result unit "$u" 0 1 0 0
	done
}

run_install() {
	run_script unit install tests/install/run.sh
}

# run_script GROUP NAME SCRIPT: its last line is a result line.
run_script() {
	local out=$results/$1/$2.out

	"$root/$3" 2>&1 | tee "$out" | show_console || true
	grep '^result: ' "$out" > "$results/$1/$2" || result "$1" "$2" 0 1 0 0
	rm -f "$out"
}

run_packages() {
	echo "Debian packages"
	rm -rf "$results/packages"
	mkdir -p "$results/packages"
	run_script packages packages tests/install/packages.sh
}

# Boots the machine for the suites named. Output: console log and result files.
boot_suites() {
	local log=$1 status=0
	shift
	# For the boot, and for what most suites need on a busy machine.
	local boot_timeout=$(((600 + 60 * $#) * slow))

	# shellcheck disable=SC2086 # words, on purpose
	"$here/run-machine.sh" --smp "${SMP:-2}" --mem "${MEM:-4G}" ${MACHINE_ARGS:-} \
		${debug_args[@]+"${debug_args[@]}"} --log "$log" --timeout $boot_timeout --modules \
		--overlay "$BUILD/machine/libs.cpio" \
		--file "$root/tests/machine/image/suite.sh" \
		--file "$root/tests/machine/image/run-suites.sh" \
		--file "$BUILD/aarch64/bin/gh-runner:/bin/gh-runner" \
		--file "$BUILD/hostile$suffix/gh_scenario.ko:/root/hostile/gh_scenario.ko" \
		--file "$BUILD/machine/suites:/root/suites" \
		--file "$BUILD/machine/guests:/root/guests" \
		--file "$BUILD/machine/examples:/root/examples" \
		-- sh run-suites.sh $suite_timeout "$@" | show_console || status=$?
	return "$status"
}

# Takes the result lines out of a console log, and the kernel log's complaints.
collect() {
	local group=$1 log=$2 name line

	mkdir -p "$results/$group"
	while read -r line; do
		name=${line#*suite=}
		echo "$line" > "$results/$group/${name%% *}"
	done < <(tr -d '\r' < "$log" | grep -o 'result: suite=.*' || true)

	"$here/scan-log.sh" "$log" > "$log.defects" && return
	echo "  defects in the kernel log ($log):"
	sed 's/^/    /' "$log.defects"
	while read -r name; do
		result "$group" "$name.log" 0 1 0 0
	done < <(sed 's/:.*//' "$log.defects" | sort -u)
}

# Runs suites, in as many boots as it takes. More options are run-machine.sh's.
#   boot_all LOGNAME 'OPTION...' SUITE...
boot_all() {
	local name=$1 options=$2 left log n=0
	shift 2
	left=("$@")

	# A suite that takes the machine down does not take the others with it.
	while [ ${#left[@]} -gt 0 ]; do
		n=$((n + 1))
		log=$logs/$name-$n.log
		MACHINE_ARGS="${MACHINE_ARGS:-} $options" boot_suites "$log" "${left[@]}" || true
		collect machine "$log"
		while [ ${#left[@]} -gt 0 ] && [ -e "$results/machine/${left[0]}" ]; do
			left=("${left[@]:1}")
		done
		[ ${#left[@]} -gt 0 ] || break
		echo "  ${left[0]}: the machine stopped during this suite; see $log"
		result machine "${left[0]}" 0 1 0 0
		left=("${left[@]:1}")
	done
}

# How many machines share COUNT suites: a boot costs as much as some suites.
machines() {
	local cpus

	cpus=$(nproc)
	[ "$1" -ge 10 ] || cpus=1
	echo "${MACHINES:-$((cpus < 2 ? cpus : 2))}"
}

# Boots all machines that it takes, at the same time: a suite waits more than it works.
boot_suites_dealt_out() {
	local i j n jobs=() share

	boot_all icount '--icount --append GT_ICOUNT=1' ${icount[@]+"${icount[@]}"} &
	jobs+=($!)
	boot_all nohz '--append nohz_full=1' ${nohz[@]+"${nohz[@]}"} &
	jobs+=($!)
	n=$(machines ${#suites[@]})
	for ((i = 0; i < n; i++)); do
		share=()
		for ((j = i; j < ${#suites[@]}; j += n)); do
			share+=("${suites[j]}")
		done
		boot_all "suites-$((i + 1))" '' ${share[@]+"${share[@]}"} &
		jobs+=($!)
	done
	wait "${jobs[@]}" || true
}

run_machine() {
	local s counted tickless suites=() icount=() nohz=()

	echo "Suites in the machine"
	rm -rf "$results/machine" "$logs"/suites-*.log "$logs"/icount-*.log "$logs"/nohz-*.log
	counted=$(make -s -C "$root/tests/machine/suites" list-icount)
	tickless=$(make -s -C "$root/tests/machine/suites" list-nohz)
	for s in ${T:-$(make -s -C "$root/tests/machine/suites" list) $counted $tickless}; do
		case " $counted | $tickless " in
		*" $s "*"|"*) icount+=("$s") ;;
		*"|"*" $s "*) nohz+=("$s") ;;
		*) suites+=("$s") ;;
		esac
	done
	# The debug kernel's instructions are not the driver's.
	[ "${KERNEL:-}" != debug ] || icount=()
	prepare_files ${suites[@]+"${suites[@]}"} ${icount[@]+"${icount[@]}"} \
		${nohz[@]+"${nohz[@]}"}
	boot_suites_dealt_out
	for s in ${suites[@]+"${suites[@]}"} ${icount[@]+"${icount[@]}"} \
		${nohz[@]+"${nohz[@]}"}; do
		[ -e "$results/machine/$s" ] || result machine "$s" 0 1 0 0
	done
	[ -n "${T:-}" ] || check_errnos
}

# All suites ran: together they came by each error that the protocol has.
check_errnos() {
	if "$here/check-errnos.sh" --ran "$logs"/suites-*.log > "$logs/errnos"; then
		result machine errnos_of_all 1 0 0 0
		return
	fi
	echo "  the table of errors in docs/protocol.md:"
	sed 's/^/    /' "$logs/errnos"
	result machine errnos_of_all 0 1 0 0
}

# Only what runs goes into the machine: stripped programs and flat guests.
prepare_files() {
	local s

	rm -rf "$BUILD/machine/suites" "$BUILD/machine/guests" "$BUILD/machine/examples"
	mkdir -p "$BUILD/machine/suites" "$BUILD/machine/guests" "$BUILD/machine/examples"
	for s in "$@"; do
		aarch64-linux-gnu-strip -g -o "$BUILD/machine/suites/$s" \
			"$BUILD/aarch64/suites/$s"
	done
	# The program that the suite "stress" starts.
	cp "$BUILD/aarch64/stress/stress" "$BUILD/machine/suites/stress.program"
	cp "$BUILD"/guests/*.bin "$BUILD/machine/guests/"
	for s in "$BUILD"/aarch64/bin/example-*; do
		aarch64-linux-gnu-strip -g -o "$BUILD/machine/examples/${s##*/}" "$s"
	done
}

run_conformance() {
	local log=$logs/conformance.log

	echo "Conformance with the recorded traces"
	rm -rf "$results/conformance"
	"$root/tests/machine/conformance/run.sh" "$log" | show_console || true
	collect conformance "$log"
	[ -n "$(ls "$results/conformance")" ] || result conformance conformance 0 1 0 0
}

# The debug kernel reports what it should report.
run_detectors() {
	local log=$logs/detectors.log

	echo "Detectors of the debug kernel"
	rm -rf "$results/detectors"
	mkdir -p "$results/detectors"
	"$debug/run-detectors.sh" "$log" | tee "$log.results" | show_console || true
	while read -r line; do
		name=${line#*suite=}
		echo "$line" > "$results/detectors/${name%% *}"
	done < <(grep '^result: ' "$log.results")
}

run_coverage() {
	echo "Coverage of the modules"
	rm -rf "$results/coverage"
	mkdir -p "$results/coverage"
	"$debug/coverage.sh" "$logs"/suites-*.log "$logs"/nohz-*.log | tee "$logs/coverage.log" | show_console || true
	grep '^result: ' "$logs/coverage.log" > "$results/coverage/coverage" ||
		result coverage coverage 0 2 0 0
}

summary() {
	local group

	for group in "$@"; do
		cat "$results/$group"/* 2>/dev/null || echo "planned=1 passed=0 failed=1"
	done | awk '
	{
		delete r
		for (i = 1; i <= NF; i++)
			if (split($i, kv, "=") == 2)
				r[kv[1]] = kv[2]
		passed += r["passed"]
		failed += r["failed"]
		skipped += r["skipped"]
		planned += r["planned"]
	}
	END {
		if (passed + failed + skipped != planned) {
			print "planned " planned ", but results for " passed + failed + skipped
			failed++
		}
		printf "%d passed, %d failed", passed, failed
		if (skipped)
			printf ", %d skipped", skipped
		printf "\n"
		exit failed > 0 || passed == 0
	}'
}

# All is read before anything runs, so the script may change meanwhile.
main() {
	local group begin=$SECONDS

	mkdir -p "$logs" "$results"
	for group in "$@"; do
		case $group in
		unit) run_unit ;;
		machine) run_machine ;;
		conformance) run_conformance ;;
		packages) run_packages ;;
		detectors) run_detectors ;;
		coverage) run_coverage ;;
		*) echo "run-tests.sh: no group $group" >&2; exit 2 ;;
		esac
	done
	echo "Time: $((SECONDS - begin)) s"
	summary "$@"
	exit
}
main "$@"
