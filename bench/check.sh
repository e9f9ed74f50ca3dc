#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Compares instruction counts with the reference.
#
#   check.sh REFERENCE.jsonl NEW.jsonl
#
# Exit status: 0, or 1 if a count has grown by more than 5 % or nothing in NEW has
# a reference. Other kernels and other QEMUs than the reference's count otherwise:
# their records are compared all the same, and the difference is said.

set -euo pipefail

[ $# -eq 2 ] || { sed -n '4,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }

awk '
function get(key,	re, v)
{
	re = "\"" key "\":(\"[^\"]*\"|[^,}]*)"
	if (!match($0, re))
		return ""
	v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/"/, "", v)
	return v
}
get("machine") !~ /^icount/ || get("ns") == "" { next }
{ key = get("workload") " " get("backend") " " get("vcpus") }
FNR == NR {
	reference[key] = get("ns")
	kernel = get("kernel")
	qemu = get("qemu")
	next
}
!(key in reference) { next }
{
	if (!told++ && (get("kernel") != kernel || get("qemu") != qemu))
		printf "reference: kernel %s, QEMU %s; here: %s, %s\n", kernel, qemu,
			get("kernel"), get("qemu")
	change = get("ns") / reference[key] - 1
	bad = (change > 0.05)
	printf "%-32s %10.1f -> %10.1f  %+6.1f %%%s\n", key, reference[key], get("ns"),
		100 * change, bad ? "  TOO MUCH" : ""
	compared++
	worse += bad
}
END {
	printf "%d compared, %d more than 5 %% worse\n", compared, worse
	exit (compared == 0 || worse > 0)
}' "$1" "$2"
