#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests check.sh with records made up: prints a line for each check that fails and a
# result line as the other tests do.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

# record KERNEL BACKEND VCPUS COUNT
record() {
	printf '{"date":"2026-01-01","commit":"c","machine":"icount","qemu":"7.2","cc":"12.2",'
	printf '"workload":"mmio-read","backend":"%s","vcpus":%d,"kernel":"%s","ns":%s}\n' \
		"$2" "$3" "$1" "$4"
}

# check NAME STATUS TEXT: of check.sh with $tmp/old and $tmp/new
check() {
	local status=0

	"$here/check.sh" "$tmp/old" "$tmp/new" > "$tmp/out" 2>&1 || status=$?
	if [ "$status" -eq "$2" ] && grep -q -- "$3" "$tmp/out"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "$1: status $status, expected $2 and the text '$3':"
	sed 's/^/    /' "$tmp/out"
}

both() {
	record "$1" ring 64 "$2"
	record "$1" threads 64 "$3"
}

both 6.12.1 1000 2000 > "$tmp/old"
both 6.12.1 1000 2000 > "$tmp/new"
check same 0 '^2 compared, 0 more than 5 %'
both 6.12.1 1049 2000 > "$tmp/new"
check 'a little more' 0 '^2 compared, 0 more'
both 6.12.1 1051 2000 > "$tmp/new"
check 'more than 5 %' 1 'ring 64 .*TOO MUCH'
both 6.12.1 1000 2101 > "$tmp/new"
check 'threads count too' 1 'threads 64 .*TOO MUCH'
both 6.12.1 900 2000 > "$tmp/new"
check 'less is better' 0 '^1 more than 5 % better'

# A doctored reference: what was measured is the same, what it is held against is not.
both 6.12.1 1000 2000 > "$tmp/new"
sed -i 's/"ns":1000/"ns":940/' "$tmp/old"
check 'doctored reference' 1 'ring 64 .*TOO MUCH'

both 6.12.1 1000 2000 > "$tmp/old"
both 6.12.9 1300 2600 > "$tmp/new"
check 'another kernel' 0 '^no reference for kernel 6.12.9, QEMU 7.2, gcc 12.2'
check 'its ratio' 0 '0.500 ->  *0.500'
both 6.12.9 1300 2300 > "$tmp/new"
check 'ratio of another kernel' 1 'ring 64 .*TOO MUCH'
# Of two references the environment decides, not the place in the file.
{ both 6.12.9 1300 2300; both 6.12.1 1000 2000; } > "$tmp/old"
check 'its own among several' 0 '1300.0 ->  *1300.0 '
{ both 6.12.1 1000 2000; both 6.12.9 1000 2300; } > "$tmp/old"
check 'its own among several, worse' 1 'ring 64 .*TOO MUCH'

record 6.12.1 ring 4 1000 > "$tmp/new"
check 'nothing in common' 2 '^0 compared'
: > "$tmp/new"
check 'no records' 2 'nothing to compare'
both 6.12.1 1000 2000 > "$tmp/new"
: > "$tmp/old"
check 'empty reference' 2 'nothing to compare'
rm "$tmp/old"
check 'no reference file' 2 'cannot read'
both 6.12.1 1000 2000 > "$tmp/old"
sed 's/icount/smp2/' "$tmp/old" > "$tmp/new"
check 'time is not compared' 2 'nothing to compare'

echo "result: suite=bench-check planned=$((passed + failed)) passed=$passed" \
	"failed=$failed skipped=0 seconds=0"
[ "$failed" -eq 0 ]
