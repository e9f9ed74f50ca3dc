#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Draws the records of one result file as SVG and PNG beside it: the instructions of
# each workload over the number of vCPUs, latencies with busy neighbours, and the
# memory of a parked vCPU.
#
#   plot.sh RESULTS.jsonl

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
results=${1:?result file}
out=$(dirname "$results")
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT

# A backend looks the same in every picture: colours that colour-blind people can
# tell apart, and a mark of its own.
style() {
	case $1 in
	ring) echo "lw 3 lc rgb '#0072b2' pt 7" ;;
	ring-posted) echo "lw 2 lc rgb '#56b4e9' pt 5" ;;
	raw) echo "lw 2 lc rgb '#009e73' pt 9" ;;
	raw-async) echo "lw 2 lc rgb '#009e73' dt 2 pt 8" ;;
	raw-sqpoll) echo "lw 2 lc rgb '#009e73' dt 3 pt 10" ;;
	raw-*) echo "lw 2 lc rgb '#117733' dt 4 pt 12" ;;
	ioctl) echo "lw 2 lc rgb '#e69f00' pt 11" ;;
	threads) echo "lw 3 lc rgb '#d55e00' pt 13" ;;
	threads-pinned) echo "lw 2 lc rgb '#d55e00' dt 2 pt 12" ;;
	kvm) echo "lw 2 lc rgb '#cc79a7' dt 2 pt 2" ;;
	kvm-posted) echo "lw 2 lc rgb '#cc79a7' dt 3 pt 4" ;;
	kvm*) echo "lw 2 lc rgb '#cc79a7' pt 3" ;;
	*) echo "lw 2 lc rgb '#444444' pt 1" ;;
	esac
}

# fields WORKLOAD FIELD...: backend and these, of counted records that have them all
fields() {
	local workload=$1
	shift

	awk -f "$here/record.awk" -f /dev/stdin "$results" <<-END
		get("machine") ~ /^icount/ && get("workload") == "$workload" {
			n = split("backend $*", keys, " ")
			line = ""
			for (i = 1; i <= n; i++) {
				if (get(keys[i]) == "")
					next
				line = line get(keys[i]) " "
			}
			print line
		}
	END
}

commit=$(sed -n '1s/.*"commit":"\([^"]*\)".*/\1/p' "$results")

# draw NAME TITLE: as SVG and PNG; the rest of the script is standard input
draw() {
	local name=$1 title=$2 type script

	script=$(cat)
	for type in svg pngcairo; do
		gnuplot <<-END
			set terminal $type size 960,560 background rgb 'white' font 'sans,12'
			set output '$out/$name.${type%cairo}'
			set title "$title\\n{/*0.8 commit $commit, counted under QEMU's -icount}"
			set key outside right top Left reverse
			set grid ytics lc rgb '#cccccc'
			set border 3
			set tics nomirror out
			set yrange [0:*]
			$script
		END
	done
	echo "$out/$name.svg"
}

draw_workload() {
	local workload=$1 title=$2 plot='' b

	fields "$workload" vcpus ns > "$data/all"
	while read -r b; do
		awk -v b="$b" '$1 == b { print $2, $3 }' "$data/all" | sort -n > "$data/$b"
		plot+="${plot:+, }'$data/$b' with linespoints ps 1.2 $(style "$b") title '$b'"
	done < <(awk '!seen[$1]++ { print $1 }' "$data/all")
	[ -n "$plot" ] || return 0
	draw "$workload" "$title" <<-END
		set xlabel 'vCPUs'
		set ylabel 'instructions per event'
		set logscale x 2
		set xrange [0.8:1300]
		set xtics (1, 4, 16, 64, 256, 1024)
		plot $plot
	END
}

# draw_bars NAME TITLE YLABEL TITLE...: a group of bars a line of $data/bars
draw_bars() {
	local name=$1 title=$2 ylabel=$3 plot='' i=2 t colours=('#0072b2' '#e69f00' '#d55e00')
	shift 3

	[ -s "$data/bars" ] || return 0
	for t in "$@"; do
		plot+="${plot:+, }'$data/bars' using $i:xtic(1) title '$t' lc rgb '${colours[i - 2]}'"
		i=$((i + 1))
	done
	draw "$name" "$title" <<-END
		set ylabel '$ylabel'
		set style data histograms
		set style histogram clustered gap 1
		set style fill solid
		plot $plot
	END
}

draw_workload mmio-read 'A read of a device register'
draw_workload mmio-write 'A write of a device register'
draw_workload timer-wake 'Sleep, wake-up by the virtual timer, report'
draw_workload bell-wake 'Sleep, wake-up by a doorbell, report'

fields busy wake_p50 wake_p99 wake_p999 |
	awk '{ print $1, $2 / 1000, $3 / 1000, $4 / 1000 }' > "$data/bars"
draw_bars busy 'From a timer to its guest, 63 others computing' 'thousands of instructions' \
	p50 p99 p99.9

fields life vcpus park_kernel_bytes park_user_bytes |
	awk '{ print $1 "," $2, $3 / 1024, $4 / 1024 }' > "$data/bars"
draw_bars memory 'Host memory of a parked vCPU' 'KiB' kernel user
