#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Compares a record of gh_conformance.ko with what the hypervisor answered. Each
# line of expected.txt is a check, and so is each line that should not be there.
#
#   check.sh RECORD       ends in 'N passed, N failed'

here=$(dirname "$0")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

grep -v '^#' "$here/expected.txt" > "$tmp/expected"
awk -f "$here/normalise.awk" "$1" > "$tmp/seen"

diff -U 2 "$tmp/expected" "$tmp/seen" > "$tmp/diff"
[ -s "$tmp/diff" ] && sed 1,2d "$tmp/diff"
missing=$(sed 1,2d "$tmp/diff" | grep -c '^-')
extra=$(sed 1,2d "$tmp/diff" | grep -c '^+')
total=$(wc -l < "$tmp/expected")
echo "$((total - missing)) passed, $((missing + extra)) failed"
[ $((missing + extra)) -eq 0 ]
