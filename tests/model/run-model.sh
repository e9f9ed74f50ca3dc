#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Checks the models of the vCPU exhaustively: first as the driver is, in scenarios
# that differ in who takes part, then with one defect after the other, each of which
# must be found. Ends in 'N passed, N failed'.
#
#   run-model.sh [NAME...]       only these scenarios or defects
#
# Needs Debian's packages spin and gcc. Environment: BUILD, the output directory;
# what a check printed is in BUILD/model/NAME/log, and in trail.txt, step by step,
# what led to an error.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${BUILD:-$root/build}/model
depth=2000000
memory_mb=6000
time_limit=240

# Who takes part. -DRINGS: a submitter; -DWORKER: also IOSQE_ASYNC. docs/model.md
# says what the others are.
declare -A scenario=(
	[wake]='-DRINGS -DWORKER -DALONE -DSPURIOUS=2'
	[kick]='-DRINGS -DWORKER -DALONE -DKICK'
	[cancel]='-DRINGS -DWORKER -DALONE -DCANCEL -DCLOSE'
	[two-rings]='-DRINGS -DWORKER -DSPURIOUS=1 -DSUBMITS=2 -DSECOND=1'
	[ring-exit]='-DRINGS -DWORKER -DRING_EXIT -DKICK -DCANCEL'
	[ring-exit-two]='-DRINGS -DWORKER -DRING_EXIT -DONE_RING -DSUBMITS=2 -DSECOND=1'
	[power-off]='-DRINGS -DWORKER -DALONE -DPOWER_OFF'
	[vm-exit]='-DRINGS -DWORKER -DALONE -DPOWER_OFF -DVM_EXIT'
	[teardown]='-DRINGS -DWORKER -DDOWN=2 -DSPURIOUS=1'
	[teardown-report]='-DRINGS -DDOWN=1 -DSUBMITS=2 -DSECOND=2'
	[teardown-exit]='-DRINGS -DWORKER -DDOWN=1 -DRING_EXIT'
	[ioctl]='-DIOCTL=2 -DSPURIOUS=1'
	[ioctl-kick]='-DIOCTL=2 -DSIGNAL -DKICK -DCANCEL'
	[ioctl-vm-exit]='-DIOCTL=2 -DPOWER_OFF -DVM_EXIT'
	[ioctl-teardown]='-DIOCTL=2 -DDOWN=2 -DSPURIOUS=1'
	[ioctl-and-ring]='-DRINGS -DIOCTL=1 -DSIGNAL -DKICK -DSPURIOUS=1'
	[batch]='-DRINGS -DBATCH=2 -DSPURIOUS=1 -DSUBMITS=2'
	[batch-control]='-DRINGS -DBATCH=2 -DKICK -DCANCEL -DSUBMITS=2'
	[batch-vm-exit]='-DRINGS -DBATCH=2 -DPOWER_OFF -DVM_EXIT -DSUBMITS=2'
	[batch-teardown]='-DRINGS -DBATCH=2 -DDOWN=2 -DSUBMITS=2'
	[batch-ioctl]='-DIOCTL=1 -DBATCH=2 -DSPURIOUS=1 -DSIGNAL'
	[told]='-DRINGS -DBATCH=3 -DBOARD -DSPURIOUS=1 -DSUBMITS=1'
	[told-control]='-DRINGS -DBATCH=2 -DBOARD -DKICK -DCANCEL -DSUBMITS=1'
	[told-vm-exit]='-DBATCH=3 -DBOARD -DPOWER_OFF -DVM_EXIT'
	[told-teardown]='-DRINGS -DBATCH=2 -DBOARD -DDOWN=2 -DSUBMITS=1'
	[told-ioctl]='-DIOCTL=1 -DBATCH=2 -DBOARD -DSPURIOUS=1 -DSIGNAL'
	[fair-run]='-DRINGS -DWORKER -DSPURIOUS=1 -DLIVENESS'
	[fair-ring-exit]='-DRINGS -DWORKER -DRING_EXIT -DLIVENESS'
	[fair-teardown]='-DRINGS -DWORKER -DDOWN=1 -DLIVENESS'
	[fair-ioctl]='-DIOCTL=1 -DDOWN=1 -DSPURIOUS=1 -DLIVENESS'
	[guest-kick]=''
	[start]=''
	[start-close]='-DCLOSE'
	[unsaid]=''
	[board]='-DWAKES=2 -DOTHER'
	[board-control]='-DWAKES=1 -DKICK -DDOWN'
	[board-move]='-DWAKES=1 -DMOVE'
)
scenarios='wake kick cancel two-rings ring-exit ring-exit-two power-off vm-exit teardown
teardown-report teardown-exit ioctl ioctl-kick ioctl-vm-exit ioctl-teardown ioctl-and-ring
batch batch-control batch-vm-exit batch-teardown batch-ioctl
told told-control told-vm-exit told-teardown told-ioctl
fair-run fair-ring-exit fair-teardown fair-ioctl guest-kick start start-close unsaid
board board-control board-move'

# All are about vcpu_park.pml but these.
declare -A models=([guest-kick]=vcpu_kick [start]=vcpu_start [start-close]=vcpu_start [unsaid]=vcpu_unsaid
	[board]=vcpu_board [board-control]=vcpu_board [board-move]=vcpu_board)

# What must come to pass under weak fairness, a formula of vcpu_park.pml each.
declare -A formulas=(
	[fair-run]='woken_runs work_done run_ends'
	[fair-ring-exit]='ring_ends work_done'
	[fair-teardown]='teardown_ends'
	[fair-ioctl]='teardown_ends woken_sleeper'
)

# A defect and the scenario that finds it.
defects='
WAKE_NOT_NOTED			wake
WAKE_CLEARED_LATE		wake
WAKE_COMPLETES_TWICE		wake
PARK_IGNORES_FLAGS		wake
SLEEP_IGNORES_FLAGS		ioctl
MARK_AFTER_PARK			wake
CMD_SET_AFTER_PARK		wake
PARK_RETURNS_RESULT		wake
COMPLETE_IN_INTERRUPT		wake
DONE_BEFORE_STOP		wake
DONE_BEFORE_IDLE		wake
TASK_WORK_RUNS_GUEST		wake
RUN_TAKES_PARKED		two-rings
CLOSE_NOT_NOTED			cancel
ORPHAN_PARKS			cancel
REPORT_WITHOUT_OWNER		teardown-report
KICK_LEAVES_PARKED		kick
CANCEL_READS_RUNNABLE		cancel
RING_CANCEL_TAKES_WAKING	ring-exit
RING_CANCEL_TAKES_RUNNING	ring-exit
RING_CANCEL_LEAVES_PARKED	fair-ring-exit
LIVE_AFTER_WAKE			vm-exit
DYING_WITHOUT_TIMER		power-off
DOWN_DOES_NOT_WAIT		teardown
DOWN_LEAVES_PARKED		teardown
DONE_LOSES_DOWN			teardown
PARK_TELLS_NOBODY		teardown
STOP_TELLS_NOBODY		ioctl-teardown
ENTER_IGNORES_FLAGS		fair-ioctl
SLICE_ENDS_BY_READY_ONLY	fair-run
WAKE_LEAVES_LEFT		batch
LEAVE_IGNORES_FLAGS		batch
RUN_STAYS_WHEN_WOKEN		batch
DOWN_LEAVES_LEFT		batch-teardown
WAKE_TELLS_NOBODY		told
KICK_LEAVES_LEFT		told-control
CANCEL_TELLS_NOBODY		told-control
DOWN_TELLS_NOBODY		told-teardown
KICK_WITHOUT_RETRY		guest-kick
KICKED_CLEARED_LATE		guest-kick
FLAG_AFTER_KICK			guest-kick
CPU_WRITTEN_LATE		guest-kick
CLOCK_STARTED_LATE		guest-kick
CLAIM_IGNORES_STATE		start
CLAIM_TAKES_OVER		start
ARM_BEFORE_MARK			start
TAKE_BEFORE_ARMED		start
TAKE_LEAVES_STARTER		start
END_ENDS_TWICE			start
ENDED_IS_FORGOTTEN		start
ENDED_RETURNS			start
STATE_AFTER_NOTIFY		start
REMOVED_LATE			start
RING_CANCELS_ANY		start
ORPHAN_WAITS			start-close
UNSAID_IS_FORGOTTEN		unsaid
UNSAID_STAYS			unsaid
UNSAID_ENTERS			unsaid
SAID_AFTER_STOP			unsaid
TOLD_BEFORE_BIT			board
BITS_BEFORE_TOLD		board
ARMED_BY_STORE			board
SIGNALS_WHEN_QUIET		board
SIGNAL_READ_LATE		board
SET_BOARD_SETS_NO_BIT		board
SET_BEFORE_PUBLISHED		board
BIT_UNCHECKED			board-move
'

# build DIR DEFINES MUTATION MODEL: the model and its verifier.
build() {
	local dir=$1 mut=${3:+-DMUT_$3} kind='-DSAFETY'
	local defs=() optimize=-O1

	read -ra defs <<< "$2"
	[[ $2 != *LIVENESS* ]] || kind='-DNFAIR=4'
	[ -z "$3" ] || optimize=-O0
	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$here"/*.pml "$dir"
	cd "$dir"
	# What spin writes has warnings of its own. A defect is found before -O1 pays.
	# shellcheck disable=SC2086 # nothing, or one word
	gcc -Wall -I"$root/kernel" -o gen "$here/gen.c" &&
		./gen $3 > vcpu_table.pml &&
		spin "${defs[@]}" $mut -a "$4.pml" &&
		gcc $optimize -w $kind -DMEMLIM=$memory_mb -o pan pan.c
}

# verify DEFINES MUTATION MODEL [FORMULA]: what the verifier found, on one line.
verify() {
	local options=(-E "-m$depth") text states mut=${2:+-DMUT_$2} status=0

	[ -z "${4:-}" ] || options+=(-a -f -N "$4")
	rm -f ./*.trail
	timeout $time_limit ./pan "${options[@]}" > pan.out 2>&1 || status=$?
	cat pan.out
	if ls ./*.trail > /dev/null 2>&1; then
		# shellcheck disable=SC2086
		spin $1 $mut -t -p -g -k "$3.pml.trail" "$3.pml" > trail.txt 2>&1 || true
	fi
	text=$(< pan.out)
	states=$(awk '/states, stored/ { print $1; exit }' pan.out)
	if [[ $text == *'pan:1:'* ]]; then
		sed -n 's/^pan:1: \(.*\) (at depth.*/error: \1/p' pan.out > verdict
	elif [ $status -ne 0 ] || [[ $text == *'max search depth too small'* ]] ||
		[[ $text == *'reached -DMEMLIM'* ]] || [[ $text == *'Search not completed'* ]] ||
		[[ $text != *'errors: 0'* ]]; then
		echo "incomplete: see the log" > verdict
	else
		echo "complete: $states states" > verdict
	fi
}

# check NAME SCENARIO MUTATION: the first verdict that is not 'complete', or the last.
check() {
	local name=$1 defines=${scenario[$2]} mut=$3 model=${models[$2]:-vcpu_park} f
	(
		if ! build "$out/$name" "$defines" "$mut" "$model"; then
			echo "did not build: see the log" > verdict
			exit
		fi
		for f in ${formulas[$2]:-''}; do
			verify "$defines" "$mut" "$model" "$f"
			[[ $(< verdict) == complete* ]] || break
		done
	) > "$out/$name.log" 2>&1
	mv "$out/$name.log" "$out/$name/log"
	cat "$out/$name/verdict"
}

passed=0 failed=0
report() {
	if [[ $3 == $2* ]]; then
		passed=$((passed + 1))
		printf '  %-28s %s\n' "$1" "$3"
	else
		failed=$((failed + 1))
		printf '  %-28s FAILED, %s\n' "$1" "$3"
	fi
}

selected() {
	local s

	[ ${#only[@]} -gt 0 ] || return 0
	for s in "${only[@]}"; do
		[ "$s" != "$1" ] || return 0
	done
	return 1
}

if ! command -v spin > /dev/null; then
	echo "spin is missing: apt-get install spin" >&2
	exit 1
fi
only=("$@")
mkdir -p "$out"
begin=$SECONDS

echo "The driver as it is: no error in any state"
for s in $scenarios; do
	selected "$s" || continue
	report "$s" complete "$(check "$s" "$s" '')"
done
echo "One defect each: an error"
while read -r name s; do
	if [ -z "$name" ] || ! selected "$name"; then
		continue
	fi
	report "$name" error "$(check "$name" "$s" "$name")"
done <<< "$defects"

echo "Time: $((SECONDS - begin)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
