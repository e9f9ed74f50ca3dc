#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What 'make run' does when all is built: boots the machine with the monitor, and
# in it runs many guests, and one with four vCPUs, on one ring and one thread.
#
#   run-demo.sh GUESTS VCPUS SECONDS
#
# Environment: BUILD, the output directory.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
guests=$1 vcpus=$2 seconds=$3

for n in "$guests" "$vcpus" "$seconds"; do
	case $n in
	'' | *[!0-9]* | 0*)
		echo "GUESTS, VCPUS and SECONDS are numbers above 0, not '$n'" >&2
		exit 2 ;;
	esac
done

console=--quiet
if [ -t 0 ] && [ -t 1 ]; then
	console=--tty
fi
echo "Booting: $guests guests of $vcpus vCPU(s) and one of 4, for $seconds s"
exec "$here/run-machine.sh" $console --log "$BUILD/logs/run.log" \
	--timeout $((120 + 3 * seconds + guests * vcpus / 2)) \
	--file "$here/../image/demo.sh" --file "$BUILD/aarch64/bin/gh-runner:/bin/gh-runner" \
	--file "$BUILD/guests/demo.bin:/guests/demo.bin" --modules \
	-- sh demo.sh "$guests" "$vcpus" "$seconds"
