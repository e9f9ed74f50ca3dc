#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Runs one unit test program and keeps its result line. Whatever a sanitizer
# wrote makes it fail, also when all tests passed.
#
#   run-unit.sh NAME PROGRAM RESULT

name=$1 program=$2 result=$3
here=$(dirname "$0")

rm -f "$result" "$program".sanitizer.*
export ASAN_OPTIONS="log_path=$program.sanitizer:detect_stack_use_after_return=1"
export UBSAN_OPTIONS="log_path=$program.sanitizer:print_stacktrace=1"
"$here/../machine/image/suite.sh" "$name" "$program" 120 > "$result.out" 2>&1
grep -v '^result: ' "$result.out"

reports=$(find "$(dirname "$program")" -name "$(basename "$program").sanitizer.*" | wc -l)
line=$(grep '^result: ' "$result.out")
if [ "$reports" -gt 0 ]; then
	cat "$program".sanitizer.*
	echo "$name: $reports sanitizer reports"
	# Each is a failure of its own, as Criterion counted its test as passed.
	line=$(echo "$line" | awk -v n="$reports" '{
		for (i = 1; i <= NF; i++)
			if (split($i, kv, "=") == 2 && (kv[1] == "failed" || kv[1] == "planned"))
				$i = kv[1] "=" kv[2] + n
		print }')
fi
echo "$line" | tee "$result"
