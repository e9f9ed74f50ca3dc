#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# The tables of docs/benchmarks.md, made of records; so the document cannot say
# anything else than the reference.
#
#   tables.sh [RESULTS.jsonl]            prints them; default: results/reference.jsonl
#   tables.sh --write [RESULTS.jsonl]    puts them into the document, between its marks
#   tables.sh --check                    prints the difference; exit status 1 if any
#
# Exit status: 0, 1, or 2 if the document has no marks.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
doc=$here/../docs/benchmarks.md
begin='<!-- tables: begin -->'
end='<!-- tables: end -->'
mode=print
case ${1:-} in
--write | --check)
	mode=${1#--}
	shift
	;;
esac
results=${1:-$here/results/reference.jsonl}

tables() {
	echo "$begin"
	awk -f "$here/record.awk" -f /dev/stdin "$results" <<-'EOT'
		FNR == 1 {
			printf "Of %s, commit %s: Linux %s, QEMU %s (%s, %s), gcc %s.\n\n", get("date"),
				get("commit"), get("kernel"), get("qemu"), get("board"), get("cpu"),
				get("cc")
		}
	EOT
	awk -v markdown=1 -f "$here/record.awk" -f "$here/targets.awk" "$results"
	echo
	awk -v markdown=1 -f "$here/record.awk" -f "$here/table.awk" "$results"
	echo "$end"
}

if [ "$mode" = print ]; then
	tables
	exit
fi
if ! grep -qxF "$begin" "$doc" || ! grep -qxF "$end" "$doc"; then
	echo "tables.sh: no place for the tables in $doc" >&2
	exit 2
fi
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
{
	sed "/^$begin\$/,\$d" "$doc"
	tables
	sed "1,/^$end\$/d" "$doc"
} > "$tmp"
if [ "$mode" = check ]; then
	diff "$doc" "$tmp"
else
	cat "$tmp" > "$doc"
fi
