#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Draws the counts of one result file over the number of vCPUs, one picture a
# workload, as SVG and PNG beside it.
#
#   plot.sh RESULTS.jsonl

set -euo pipefail

results=${1:?result file}
out=$(dirname "$results")
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

field() {
	sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

for workload in mmio-read mmio-write timer-wake; do
	grep "\"machine\":\"icount.*\"workload\":\"$workload\"" "$results" > "$data/all" || continue
	plot=''
	for b in $(field backend < "$data/all" | sort -u); do
		grep "\"backend\":\"$b\"" "$data/all" > "$data/one"
		paste <(field vcpus < "$data/one") <(field ns < "$data/one") | sort -n > "$data/$b"
		plot+="${plot:+, }'$data/$b' using 1:2 with linespoints title '$b'"
	done
	for type in svg pngcairo; do
		gnuplot <<-END
			set terminal $type size 900,560
			set output '$out/$workload.${type%cairo}'
			set title '$workload'
			set xlabel 'vCPUs'
			set ylabel 'instructions per event'
			set logscale x 4
			set yrange [0:*]
			set key outside right
			set grid
			plot $plot
		END
	done
	echo "$out/$workload.svg"
done
