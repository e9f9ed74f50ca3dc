#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Compares instruction counts with a reference.
#
#   check.sh REFERENCE.jsonl NEW.jsonl
#
# Counts depend on the kernel, on QEMU and on the compiler, so a reference is one of
# an environment. If REFERENCE has records of NEW's environment, each count may be at
# most 5 % above its own. If it has none, that is said, and what is compared instead is
# how many times the count of a thread per vCPU in the same run it is, with the last
# environment in REFERENCE; that may grow by 10 %.
#
# Exit status: 0; 1 if something has grown by more; 2 if nothing could be compared.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ $# -eq 2 ] || { sed -n '4,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
for f in "$@"; do
	[ -r "$f" ] || { echo "check.sh: cannot read $f" >&2; exit 2; }
done

exec awk -f "$here/record.awk" -f "$here/check.awk" "$1" "$2"
