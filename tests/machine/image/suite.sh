#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Runs one Criterion program and prints one line that says how it went:
#
#   result: suite=NAME planned=N passed=N failed=N skipped=N seconds=N
#
#   suite.sh NAME PROGRAM [TIMEOUT]
#
# With RESULT_TO_KMSG set the line goes to the kernel log: what the kernel prints
# on the console is never split by other output.
#
# Used on the build machine and in the test machine (plain sh, busybox). A
# planned test without a result, because the program crashed or hung, counts as
# failed, and so does an exit status that the results do not explain.

name=$1 program=$2 timeout=${3:-300}

tap=$(mktemp)
list=$(mktemp)
trap 'rm -f "$tap" "$list"' EXIT
begin=$(date +%s)

# The list draws a tree: a branch for each test, in ASCII in the C locale.
export LC_ALL=C
"$program" --list > "$list"
planned=$(grep -c '^[|`]-- ' "$list")
timeout "$timeout" "$program" -j1 --color=never --tap="$tap"
status=$?
[ "$status" -ne 124 ] || echo "$name: timeout after $timeout s"

plan_line=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$tap")
[ "${plan_line:-0}" -le "$planned" ] || planned=$plan_line
skipped=$(grep -c '^ok - .*# SKIP' "$tap")
passed=$(($(grep -c '^ok - ' "$tap") - skipped))
failed=$(grep -c '^not ok - ' "$tap")
missing=$((planned - passed - skipped - failed))
if [ "$missing" -ne 0 ]; then
	echo "$name: $planned planned, but $((passed + skipped + failed)) have a result"
	[ "$missing" -gt 0 ] || missing=1
	failed=$((failed + missing))
fi
if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$planned" -eq 0 ]; }; then
	echo "$name: exit status $status, $planned tests planned"
	failed=1
fi
# The last line balances: what is wrong with the plan is among the failures.
planned=$((passed + failed + skipped))
sed -n 's/^ok - \([^ ]*\) *# SKIP \(.*\)/'"$name"': skipped \1: \2/p' "$tap"

line="result: suite=$name planned=$planned passed=$passed failed=$failed"
line="$line skipped=$skipped seconds=$(($(date +%s) - begin))"
if [ -n "$RESULT_TO_KMSG" ]; then
	echo "<4>$line" > /dev/kmsg
else
	echo "$line"
fi
[ "$failed" -eq 0 ]
