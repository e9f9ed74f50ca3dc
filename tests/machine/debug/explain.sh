#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Holds the blocks that no test reaches against those that a document explains.
#
#   explain.sh UNCOVERED SOURCES DOCUMENT
#
#   UNCOVERED   lines 'FILE FUNCTION() FIRST-LAST', of coverage.sh
#   SOURCES     the directory that has FILE
#   DOCUMENT    has a line for each block:
#
#       - `FUNCTION()` `LINE`: why
#       - `FUNCTION()` `LINE`, now and then: why, of a block that some runs reach
#
# LINE is a whole line of the block, or one of the three in front of it, which say
# what leads to it, without the white space around it. A line that stands for several
# blocks of its function has to be there as often. Prints what is wrong: a block without
# a line, and a line without a block, because it is reached now or is not what it was.
# Exit status 1 if there is anything.

set -euo pipefail

uncovered=$1 sources=$2 document=$3

# 'B FILE FUNCTION FIRST-LAST', then its lines 'L TEXT'; then 'E FUNCTION TEXT'.
list() {
	local file fn range from

	while read -r file fn range; do
		printf 'B\t%s\t%s\t%s\n' "$file" "$fn" "$range"
		from=$((${range%-*} > 3 ? ${range%-*} - 3 : 1))
		sed -n "$from,${range#*-}p" "$sources/$file" | sed 's/^[ \t]*//; s/[ \t]*$//' |
			grep . | sed 's/^/L\t/'
	done < "$uncovered"
	# shellcheck disable=SC2016 # code in a document
	sed -n 's/^- `\([^`]*\)` `\(.*\)`: ..*/E\t\1\t\2/p
		s/^- `\([^`]*\)` `\(.*\)`, now and then: ..*/S\t\1\t\2/p' "$document"
}

list | awk -F '\t' '
$1 == "B" { n++; file[n] = $2; fn[n] = $3; range[n] = $4; lines[n] = 0; next }
$1 == "L" {
	text = substr($0, 3)
	lines[n]++
	line[n, lines[n]] = text
	next
}
$1 == "E" || $1 == "S" {
	key = $2 "\t" substr($0, length($2) + 4)
	if (!(key in wanted))
		order[++m] = key
	wanted[key]++
	some[key] = $1 == "S"
}
function has(block, text,  i) {
	for (i = 1; i <= lines[block]; i++) {
		if (line[block, i] == text)
			return 1
	}
	return 0
}
END {
	for (e = 1; e <= m; e++) {
		split(order[e], part, "\t")
		found = 0
		for (b = 1; b <= n; b++) {
			if (fn[b] == part[1] && has(b, part[2])) {
				found++
				hits[b]++
			}
		}
		if (some[order[e]] && found <= wanted[order[e]])
			continue
		if (!found)
			bad += say("explained, but reached or not there: `" part[1] "` `" part[2] "`")
		else if (found != wanted[order[e]])
			bad += say("explained " wanted[order[e]] " times, but there are " found \
				   " such blocks: `" part[1] "` `" part[2] "`")
	}
	for (b = 1; b <= n; b++) {
		if (!hits[b])
			bad += say("not explained: " file[b] ":" range[b] " - `" fn[b] "` `" \
				   line[b, lines[b]] "`")
	}
	exit bad > 0
}
function say(text) {
	print text
	return 1
}'
