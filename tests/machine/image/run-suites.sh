#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# In the machine: runs the suites named, one result line each, and leaves a mark
# in the kernel log before each, so that a line there can be attributed.
#
#   run-suites.sh TIMEOUT SUITE...

timeout=$1
shift
export GT_MODULES=/root/modules RESULT_TO_KMSG=1
status=0
# The debug kernel's own checks.
debug() {
	[ ! -e /root/debug.sh ] || sh /root/debug.sh "$1"
}

for s in "$@"; do
	echo "<4>suite: $s" > /dev/kmsg
	sh /root/suite.sh "$s" "/root/suites/$s" "$timeout" || status=1
	debug leaks
done
# Rows of the table of errors: tests/machine/scripts/check-errnos.sh.
[ ! -e /tmp/errnos ] || sort -u /tmp/errnos | xargs -n 20 | while read -r rows; do
	echo "<4>errnos seen: $rows" > /dev/kmsg
done
debug end
echo "<4>suite: end" > /dev/kmsg
exit $status
