#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Holds the table of errors in docs/protocol.md against the suites that provoke them.
#
#   check-errnos.sh             against GT_ERRNO() in the suites' sources
#   check-errnos.sh --ran LOG...  against what the suites of these console logs came by
#
# A row of the table has one errno, what provokes it, and in the last column the tests:
# as many as there are conditions, separated by ';' as they are. A test is the name of a
# row for GT_ERRNO(), in backticks, or 'none: ' and why no test can. What stands behind a
# name in parentheses says where alone it can be provoked. One name can stand in two rows
# of one errno. A row without an errno has no test. Prints what does not fit; exit status 1 if there is anything.
#
# Environment: DOCUMENT and SUITES, the table and the sources, for the test of this.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
document=${DOCUMENT:-$root/docs/protocol.md}
suites=${SUITES:-$root/tests/machine/suites}

# 'row NAME ERRNO all|some' of each test that the table names; 'bad TEXT'.
table() {
	awk '
	/^## / { errors = $0 == "## Errors"; next }
	!errors || !/^\|/ || /^\| *---/ { next }
	/\| test \|$/ { next }
	{
		n = split($0, cell, /\|/)
		when = cell[n - 2]
		test = cell[n - 1]
		errno = ""
		for (i = 2; i < n - 2; i++) {
			while (match(cell[i], /-E[A-Z0-9]+/)) {
				errno = errno " " substr(cell[i], RSTART + 1, RLENGTH - 1)
				cell[i] = substr(cell[i], RSTART + RLENGTH)
			}
		}
		gsub(/^ *| *$/, "", errno)
		gsub(/^ *| *$/, "", test)
		if (errno == "" && test == "")
			next
		if (errno !~ /^E[A-Z0-9]+$/) {
			print "bad line " NR ": not one errno, but \"" errno "\""
			next
		}
		conditions = split(when, condition, /;/)
		tests = split(test, name, /;/)
		if (conditions != tests) {
			print "bad line " NR ": " conditions " conditions and " tests " tests"
			next
		}
		for (i = 1; i <= tests; i++) {
			gsub(/^ *| *$/, "", name[i])
			if (name[i] ~ /^none: ./)
				continue
			if (name[i] !~ /^`[a-z0-9_]+`( \(.+\))?$/) {
				print "bad line " NR ": neither a test nor why there is none: " name[i]
				continue
			}
			split(name[i], part, "`")
			print "row", part[2], errno, part[3] == "" ? "all" : "some"
		}
	}' "$document"
}

# 'row NAME ERRNO' of each GT_ERRNO() in a source; one can go over several lines.
sources() {
	cat "$suites"/*.c | tr '\n' ' ' | grep -oE 'GT_ERRNO\([^,]*,[^,]*,' |
		sed -E 's/GT_ERRNO\(\s*//; s/\s*,\s*/ /g; s/^/row /' | sort -u
}

# 'row NAME' of each that a suite came by.
ran() {
	cat "$@" | tr -d '\r' | sed -n 's/^.*errnos seen: //p' | tr ' ' '\n' | grep . |
		sed 's/^/row /' | sort -u
}

compare() {
	awk -v ran="$1" '
	$1 == "bad" { print substr($0, 5); bad = 1; next }
	table {
		if ($2 in errno && errno[$2] != $3) {
			print "twice in the table: " $2
			bad = 1
		}
		errno[$2] = $3
		need[$2] = !ran || $4 == "all"
		next
	}
	{
		found[$2] = 1
		if (!($2 in errno))
			print "not in the table: " $2
		else if (!ran && errno[$2] != $3)
			print $2 ": " errno[$2] " in the table, " $3 " in a test"
		else
			next
		bad = 1
	}
	END {
		for (name in errno) {
			rows++
			if (need[name] && !(name in found)) {
				print "no test " (ran ? "came by: " : "provokes: ") name
				bad = 1
			}
		}
		if (!rows) {
			print "no table"
			bad = 1
		}
		exit bad
	}' table=1 - table=0 "$2"
}

if [ "${1:-}" = --ran ]; then
	shift
	table | compare 1 <(ran "$@")
else
	table | compare 0 <(sources)
fi
