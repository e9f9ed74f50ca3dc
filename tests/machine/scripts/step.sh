#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Runs one step of a build: says what it does, keeps its output in a log, and
# shows the end of the log when it fails.
#
#   step.sh N/M LABEL COMMAND [ARGUMENT...]
#
# Environment: BUILD, the output directory; V=1 shows the output instead.

set -euo pipefail

number=$1 label=$2
shift 2

if [ "${V:-0}" != 0 ]; then
	echo "[$number] $label"
	exec "$@"
fi

log=$BUILD/logs/${label//[^a-zA-Z0-9_-]/-}.log
mkdir -p "$BUILD/logs"
begin=${EPOCHREALTIME/[.,]/}
[ ! -t 1 ] || printf '[%5s] %s ... ' "$number" "$label"

status=0
"$@" > "$log" 2>&1 < /dev/null || status=$?

tenths=$(((${EPOCHREALTIME/[.,]/} - begin) / 100000))
[ ! -t 1 ] || printf '\r\033[K'
if [ "$status" -eq 0 ]; then
	printf '[%5s] %-44s %3d.%d s\n' "$number" "$label" $((tenths / 10)) $((tenths % 10))
else
	printf '[%5s] %s: failed (%d), last lines of %s:\n' "$number" "$label" "$status" "$log"
	tail -n 40 "$log" | cut -c 1-300
fi
exit "$status"
