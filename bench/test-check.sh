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

# record KERNEL BACKEND VCPUS FIGURES [WORKLOAD]
record() {
	printf '{"date":"2026-01-01","commit":"c","machine":"icount","qemu":"7.2","cc":"12.2",'
	printf '"workload":"%s","backend":"%s","vcpus":%d,"kernel":"%s",%s}\n' \
		"${5:-mmio-read}" "$2" "$3" "$1" "$4"
}

# expect NAME STATUS TEXT GOT: that status, and the text in $tmp/out
expect() {
	if [ "$4" -eq "$2" ] && grep -q -- "$3" "$tmp/out"; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "$1: status $4, expected $2 and the text '$3':"
	sed 's/^/    /' "$tmp/out"
}

# check NAME STATUS TEXT: of check.sh with $tmp/old and $tmp/new
check() {
	local status=0

	"$here/check.sh" "$tmp/old" "$tmp/new" > "$tmp/out" 2>&1 || status=$?
	expect "$@" "$status"
}

# both KERNEL RING THREADS FLOOR
both() {
	record "$1" ring 64 "\"ns\":$2"
	record "$1" threads 64 "\"ns\":$3"
	record "$1" floor 64 "\"ns\":${4:-700}"
}

# sleepers START PARKED
sleepers() {
	record 6.12.1 ring 32 "\"start_ns\":$1,\"park_kernel_bytes\":$2" life
}

both 6.12.1 1000 2000 > "$tmp/old"
both 6.12.1 1000 2000 > "$tmp/new"
check same 0 '^3 compared, 0 more than 5 %'
both 6.12.1 1049 2000 > "$tmp/new"
check 'a little more' 0 '^3 compared, 0 more'
both 6.12.1 1051 2000 > "$tmp/new"
check 'more than 5 %' 1 'ring 64 .*TOO MUCH'
both 6.12.1 1000 2101 > "$tmp/new"
check 'threads count too' 1 'threads 64 .*TOO MUCH'
both 6.12.1 900 2000 > "$tmp/new"
check 'less is better' 0 '^1 more than that better'

# A doctored reference: what was measured is the same, what it is held against is not.
both 6.12.1 1000 2000 > "$tmp/new"
sed -i 's/"ns":1000/"ns":940/' "$tmp/old"
check 'doctored reference' 1 'ring 64 .*TOO MUCH'

both 6.12.1 1000 2000 > "$tmp/old"
both 6.12.9 1200 2400 840 > "$tmp/new"
check 'another kernel' 0 '^no reference for kernel 6.12.9, QEMU 7.2, gcc 12.2'
check 'its ratio' 0 '0.500 ->  *0.500'
both 6.12.9 1300 2300 800 > "$tmp/new"
check 'ratio of another kernel' 1 'ring 64 .*TOO MUCH'
both 6.12.9 1200 2400 700 > "$tmp/new"
check 'what hurts both sides' 1 'threads 64 .*TOO MUCH'
both 6.12.9 1300 2600 910 > "$tmp/new"
check 'what hurts all' 1 'floor 64 .*TOO MUCH'
# Of two references the environment decides, not the place in the file.
{ both 6.12.9 1300 2300; both 6.12.1 1000 2000; } > "$tmp/old"
both 6.12.9 1300 2300 > "$tmp/new"
check 'its own among several' 0 '1300.0 ->  *1300.0 '
{ both 6.12.1 1000 2000; both 6.12.9 1000 2300; } > "$tmp/old"
check 'its own among several, worse' 1 'ring 64 .*TOO MUCH'

# Lives have parts, and memory.
sleepers 100000 4096 > "$tmp/old"
sleepers 104000 4096 > "$tmp/new"
check 'a life' 0 '^2 compared, 0 more'
sleepers 106000 4096 > "$tmp/new"
check 'a longer start' 1 'life ring 32 start .*TOO MUCH'
sleepers 100000 5800 > "$tmp/new"
check 'a slab more' 0 '^2 compared, 0 more'
sleepers 100000 5900 > "$tmp/new"
check 'more memory' 1 'life ring 32 park_kernel .*TOO MUCH'

both 6.12.1 1000 2000 > "$tmp/old"
{ both 6.12.1 1000 2000; record 6.12.1 ring 4 '"ns":1000'; } > "$tmp/new"
check 'one without a reference' 1 '^mmio-read ring 4: not in the reference'
record 6.12.1 ring 4 '"ns":1000' > "$tmp/new"
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

# The reference that the project has: complete, and of known environments, or nothing
# would ever be held to 5 %.
reference=$here/results/reference.jsonl
# shellcheck source=/dev/null
. "$here/lists.sh"
cp "$reference" "$tmp/old"
cp "$reference" "$tmp/new"
check 'the reference against itself' 0 ', 0 more than 5 % worse$'

# empty NAME: succeeds if there is nothing in $tmp/out
empty() {
	if [ ! -s "$tmp/out" ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "$1:"
	head -n 10 "$tmp/out" | sed 's/^/    /'
}

awk -f "$here/record.awk" -f /dev/stdin "$reference" > "$tmp/out" <<'EOF'
{
	n = split("date commit machine board cpu qemu cc kernel", field, " ")
	for (i = 1; i <= n; i++)
		if (get(field[i]) == "")
			print "line " FNR ": no " field[i]
}
EOF
empty 'fields of the reference'

{ list_gunyah_quick; list_kvm_quick; } | awk '{ print $1, $2, $3 }' > "$tmp/keys"
awk -f "$here/record.awk" -f /dev/stdin "$tmp/keys" "$reference" > "$tmp/out" <<'EOF'
FNR == NR { keys[$0] = 1; next }
get("machine") ~ /^icount/ {
	env = get("kernel") ", QEMU " get("qemu") ", gcc " get("cc")
	envs[env] = 1
	has[env, get("workload") " " get("backend") " " get("vcpus")] = 1
}
END {
	for (e in envs)
		for (k in keys)
			if (!((e, k) in has))
				print e ": no " k
}
EOF
empty 'what bench-check needs of the reference'

"$here/tables.sh" --check > "$tmp/out" 2>&1 || echo 'bench/tables.sh --write helps' >> "$tmp/out"
empty 'tables of docs/benchmarks.md'

# repeat NAME STATUS TEXT: of repeat.awk with $tmp/new
repeat() {
	local status=0

	awk -f "$here/record.awk" -f "$here/steady.awk" "$tmp/new" > "$tmp/joined"
	awk -f "$here/record.awk" -f "$here/repeat.awk" "$tmp/joined" > "$tmp/out" || status=$?
	expect "$@" "$status"
}

record 6.12.1 ring 64 '"repeats":3,"ns":1000,"spread":0.0099' > "$tmp/new"
repeat 'steady' 0 '^0 of 1 counts'
record 6.12.1 ring 64 '"repeats":3,"ns":1000,"spread":0.0101' > "$tmp/new"
repeat 'repeats apart' 1 'ring .* 3 repeats differ by 1.01 %'
record 6.12.1 raw-sqpoll 64 '"repeats":3,"ns":1000,"spread":0.2' > "$tmp/new"
repeat 'may be apart' 0 'raw-sqpoll .* differ by 20.00 % (may)'
record 6.12.1 ring 64 '"repeats":3,"ns":1000,"spread":0' > "$tmp/new"
record 6.12.1 ring 64 '"repeats":3,"ns":1009,"spread":0' >> "$tmp/new"
repeat 'boots agree' 0 '1 measured in two boots agree to 0.90 %'
record 6.12.1 ring 64 '"repeats":3,"ns":985,"spread":0' >> "$tmp/new"
sed -i 2d "$tmp/new"
repeat 'boots apart' 1 'ring .* two boots differ by 1.50 %'

echo "result: suite=bench-check planned=$((passed + failed)) passed=$passed" \
	"failed=$failed skipped=0 seconds=0"
[ "$failed" -eq 0 ]
