#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Compares a record of gh_conformance.ko with what the hypervisor answered,
# scenario by scenario: discovery, then each guest. A scenario passes when every
# line of it is as recorded, and none is missing or too many.
#
#   check.sh RECORD       ends in 'N passed, N failed'
#   check.sh --plan       prints the number of scenarios

here=$(dirname "$0")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Into $tmp/$1.N, one file a scenario.
scenarios() {
	awk -v out="$tmp/$1" 'BEGIN { n = 0 } /^===/ { n++ } { print > (out "." n) }'
}

grep -v '^#' "$here/expected.txt" | scenarios expected
if [ "$1" = --plan ]; then
	set -- "$tmp"/expected.*
	echo $#
	exit
fi
awk -f "$here/normalise.awk" "$1" | scenarios seen

passed=0 failed=0
for file in "$tmp"/expected.*; do
	n=${file##*.}
	touch "$tmp/seen.$n"
	if diff -U 2 "$file" "$tmp/seen.$n" > "$tmp/diff"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "scenario $n:"
		sed 1,2d "$tmp/diff"
	fi
done
for file in "$tmp"/seen.*; do
	[ -e "$tmp/expected.${file##*.}" ] && continue
	failed=$((failed + 1))
	echo "scenario ${file##*.} was not recorded"
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
