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

# The machine says nothing while it boots; show that time goes by, until the
# first line of the command in it.
show_boot() {
	local begin=$SECONDS

	while ! grep -q guest "$log" 2> /dev/null; do
		printf '\rbooting ... %d s\033[K\r' $((SECONDS - begin))
		sleep 0.5
	done
}

log=$BUILD/logs/run.log
console=--quiet
rm -f "$log"
mkdir -p "$BUILD/logs"
echo "Starting $guests guests of $vcpus vCPU(s) and one of 4, for $seconds s"
if [ -t 0 ] && [ -t 1 ]; then
	console=--tty
	show_boot &
	ticker=$!
	trap 'kill $ticker 2> /dev/null || true' EXIT
fi
status=0
"$here/run-machine.sh" $console --log "$log" \
	--timeout $((120 + 3 * seconds + guests * vcpus / 2)) \
	--file "$here/../image/demo.sh" --file "$BUILD/aarch64/bin/gh-runner:/bin/gh-runner" \
	--file "$BUILD/guests/demo.bin:/guests/demo.bin" --modules \
	-- sh demo.sh "$guests" "$vcpus" "$seconds" || status=$?
exit $status
