#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Coverage of the modules' lines, from what debug.sh printed on the machine's console.
#
#   coverage.sh LOG...     console logs; prints a table and a result line
#
#   build/coverage/lines       'FILE LINE COUNT' of each line with code
#   build/coverage/uncovered   'FILE FUNCTION() FIRST-LAST' of each block not reached
#
# Fails below 85 % of all lines, for each block that no run reaches and docs/coverage.md
# does not explain, and for each that it explains and is reached, or is not there.
#
# Environment: BUILD, the output directory; CROSS_COMPILE.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
modules=$BUILD/modules-debug
out=$BUILD/coverage
cross=${CROSS_COMPILE-aarch64-linux-gnu-}
least=85
explained=$root/docs/coverage.md

# The data of one console log into a directory; each boot of the machine has its own.
take_data() {
	local log=$1 dir=$2

	mkdir -p "$dir"
	tr -d '\r' < "$log" | sed -n 's/^.*\] gcov: //p' | base64 -d 2>/dev/null |
		tar -xz -C "$dir" 2>/dev/null || true
	[ -n "$(ls "$dir")" ] || rmdir "$dir"
}

merge_data() {
	local n=0 dir

	mkdir -p "$out/sum"
	for dir in "$out"/raw/*; do
		[ -d "$dir" ] || continue
		n=$((n + 1))
		if [ $n -eq 1 ]; then
			cp "$dir"/* "$out/sum/"
			continue
		fi
		rm -rf "$out/sum.new"
		"${cross}gcov-tool" merge -o "$out/sum.new" "$out/sum" "$dir"
		rm -rf "$out/sum"
		mv "$out/sum.new" "$out/sum"
	done
}

# gcov's listing has 'COUNT:LINE:text', COUNT '-' without code and '#####' for none, and
# with -f a summary of each function. Headers are in several listings: a line is
# reached if it is in one.
list_lines() {
	local data

	mkdir -p "$out/listings"
	for data in "$out"/sum/*.gcda; do
		cp "$modules/$(basename "${data%.gcda}").gcno" "$out/sum/"
		(cd "$out/listings" && "${cross}gcov" -l -p "$data" > /dev/null)
	done
	awk -F: '
	$2 ~ /^ *0$/ && $3 == "Source" {
		path = $4
		own = path ~ /modules-debug\// && path !~ /\.mod\.c$/
		name = path
		sub(/.*modules-debug\//, "", name)
		next
	}
	!own { next }
	{
		count = $1
		gsub(/[ *]/, "", count)
		if (count == "-" || count == "" || $2 + 0 == 0)
			next
		n = count ~ /^[#=]+$/ ? 0 : count + 0
		key = name " " ($2 + 0)
		if (!(key in sum) || n > sum[key])
			sum[key] = n
	}
	END { for (k in sum) print k, sum[k] }' "$out"/listings/*.gcov |
		sort -k1,1 -k2,2n > "$out/lines"
}

# Lines without code between two that are not reached belong to the block. Outside of
# functions, as in the headers of tracepoints, the file's name stands for one.
list_uncovered() {
	local file

	while read -r file; do
		awk -v file="$file" '
		function flush() {
			if (first)
				print file, fn == "" ? file : fn "()", first "-" last
			first = 0
		}
		NR == FNR { if ($1 == file) count[$2] = $3; next }
		/^[A-Za-z_].*[a-z0-9_]+\(/ && !/;$/ {
			name = $0
			sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name)
			flush()
			fn = name
		}
		(FNR in count) && count[FNR] == 0 { if (!first) first = FNR; last = FNR }
		(FNR in count) && count[FNR] > 0 { flush() }
		END { flush() }' "$out/lines" "$modules/$file"
	done < <(cut -d ' ' -f 1 "$out/lines" | sort -u) > "$out/uncovered"
}

table() {
	awk '
	{ lines[$1]++; hit[$1] += $3 > 0; all++; allhit += $3 > 0 }
	END {
		for (f in lines)
			printf "  %-30s %4d of %4d lines  %5.1f %%\n", f, hit[f], lines[f],
				100 * hit[f] / lines[f] | "sort"
		close("sort")
		printf "  %-30s %4d of %4d lines  %5.1f %%\n", "all modules", allhit, all,
			100 * allhit / all
	}' "$out/lines"
}

rm -rf "$out"
mkdir -p "$out/raw"
n=0
for log in "$@"; do
	n=$((n + 1))
	[ ! -e "$log" ] || take_data "$log" "$out/raw/$n"
done
merge_data
if [ -z "$(ls "$out/sum")" ]; then
	echo "coverage.sh: no data in the logs" >&2
	echo "result: suite=coverage planned=2 passed=0 failed=2 skipped=0 seconds=0"
	exit 1
fi
list_lines
list_uncovered
table

passed=0
awk -v least=$least '{ hit += $3 > 0 } END { exit 100 * hit < least * NR }' "$out/lines" &&
	passed=$((passed + 1)) || echo "  less than $least % of all lines"
if "$here/explain.sh" "$out/uncovered" "$modules" "$explained" > "$out/explained"; then
	passed=$((passed + 1))
else
	echo "  blocks against docs/coverage.md:"
	sed 's/^/    /' "$out/explained"
fi
echo "result: suite=coverage planned=2 passed=$passed failed=$((2 - passed)) skipped=0 seconds=0"
