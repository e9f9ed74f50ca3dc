#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Where the instructions of an event go, by profile.sh, and the memory of a parked vCPU,
# as the tables that docs/benchmarks.md has. Needs 'make build-bench'.
#
#   breakdown.sh              measures, about half a minute each, and prints them
#   breakdown.sh --write      puts what was measured last into the document
#
# Environment: BUILD, the output directory.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
export BUILD=${BUILD:-$root/build}
doc=$here/../docs/benchmarks.md
out=$BUILD/bench/breakdown
begin='<!-- breakdown: begin -->'
end='<!-- breakdown: end -->'

# Workload, backend, vCPUs; MB of log: a batch of posted writes is a vCPU's 257 and more.
list='mmio-read ring 64 120
mmio-read raw-batch 64 120
mmio-read threads 64 120
mmio-read floor 64 60
mmio-read ring 1 60
mmio-read ioctl 1 60
mmio-write ring-posted 4 400
timer-wake ring 64 400
timer-wake threads 64 400
bell-wake ring 64 400
bell-wake threads 64 400'

# parts FILE: of one profile, a row
parts() {
	awk '
	/ in all,/ { all = $1; exit }
	NR > 1 { part[$2] = $1 }
	END {
		n = split("guest monitor driver io_uring kernel user", name, " ")
		for (i = 1; i <= n; i++)
			printf " %s |", part[name[i]] == "" ? "" : sprintf("%.0f", part[name[i]])
		printf " %.0f |\n", all
	}' "$1"
}

functions() {
	awk '
	started && $1 >= 1 && $2 != "guest" {
		printf "%s%s %.0f", n++ ? ", " : "", $3, $1
		if (n == 16)
			exit
	}
	/ in all,/ { started = 1 }
	END { print "." }' "$1"
}

# The slab caches that grow with each vCPU of the ring, in memory.log.
measure_memory() {
	printf 'memory ring 1024 --verbose\n' > "$out/list"
	"$root/tests/machine/scripts/run-machine.sh" --icount --modules --quiet --silent \
		--timeout 600 --log "$out/memory.log" --file "$out/list:/root/list" \
		--file "$here/machine.sh" --file "$BUILD/guests/bench.bin" \
		--file "$BUILD/aarch64/bin/gh-bench" 'ulimit -l unlimited; sh machine.sh'
}

memory() {
	tr -d '\r' < "$out/memory.log" | awk '
	/^{"workload":"memory"/ {
		split($0, part, /"vcpu_kernel_bytes":/)
		all = part[2] + 0
	}
	/ bytes in .* of / {
		line[++n] = sprintf("| %s | %s | %.0f |", $6, $4, $1)
		rest += $1
	}
	END {
		if (!all)
			exit 1
		print "| slab cache | objects | bytes |"
		print "| --- | ---: | ---: |"
		for (i = 1; i <= n; i++)
			print line[i]
		printf "| not slab, and slabs not full | | %.0f |\n", all - rest
		printf "| all | | %d |\n", all
	}'
}

tables() {
	local w b n mb f

	echo "$begin"
	echo "Commit $(cat "$out/commit"), instructions per event:"
	echo
	echo "| workload | backend | vCPUs | guest | monitor | driver | io_uring | kernel | user | all |"
	echo "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
	while read -r w b n mb; do
		f=$out/$w-$b-$n
		[ ! -s "$f" ] || echo "| $w | $b | $n |$(parts "$f")"
	done <<< "$list"
	echo
	echo "The functions with the most of it:"
	echo
	while read -r w b n mb; do
		f=$out/$w-$b-$n
		[ ! -s "$f" ] || echo "- \`$w\`, \`$b\`, $n: $(functions "$f")"
	done <<< "$list"
	if [ -s "$out/memory.log" ]; then
		echo
		echo "Kernel memory of one more parked vCPU, \`ring\`, of 1024:"
		echo
		memory
	fi
	echo "$end"
}

write() {
	local tmp

	if ! grep -qxF "$begin" "$doc" || ! grep -qxF "$end" "$doc"; then
		echo "breakdown.sh: no place for the tables in $doc" >&2
		exit 2
	fi
	tmp=$(mktemp)
	{
		sed "/^$begin\$/,\$d" "$doc"
		tables
		sed "1,/^$end\$/d" "$doc"
	} > "$tmp"
	cat "$tmp" > "$doc"
	rm "$tmp"
}

if [ "${1:-}" = --write ]; then
	write
	exit
fi
rm -rf "$out"
mkdir -p "$out"
git -C "$here" describe --always --dirty --abbrev=12 > "$out/commit"
failed=0
while read -r w b n mb; do
	echo "$w $b $n" >&2
	MB=$mb "$here/profile.sh" "$b" "$n" "$w" < /dev/null > "$out/$w-$b-$n" || failed=1
done <<< "$list"
echo "memory ring 1024" >&2
measure_memory || failed=1
tables | tee "$out.md"
exit $failed
