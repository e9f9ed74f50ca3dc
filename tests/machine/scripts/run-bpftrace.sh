#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What 'make test-bpftrace' does when all is built: bpftrace (57 MB of packages, once)
# in the machine, with the script of bench/.
#
# Environment: BUILD, the output directory; KERNEL, as for run-machine.sh.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}

"$here/fetch.sh" --bpftrace
"$here/mkimage.sh" --bpftrace
exec "$here/run-machine.sh" --quiet --timeout 900 --log "$BUILD/logs/bpftrace.log" --modules \
	--overlay "$BUILD/machine/bpftrace.cpio" --file "$root/bench/exit-latency.bt" \
	--file "$here/../image/bpftrace.sh" --file "$BUILD/aarch64/bin/gh-runner:/bin/gh-runner" \
	--file "$BUILD/guests/demo.bin:/guests/demo.bin" -- sh bpftrace.sh
