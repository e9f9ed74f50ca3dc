#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Draws the records of one result file as SVG and PNG beside it: the instructions of
# each workload over the number of vCPUs, latencies, shares, lives, memory, and the
# ratios of wall time. What was not measured is not drawn.
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
	ring-only) echo "lw 2 lc rgb '#0072b2' dt 2 pt 6" ;;
	ring-ioctl) echo "lw 2 lc rgb '#0072b2' dt 3 pt 4" ;;
	ring-posted) echo "lw 2 lc rgb '#56b4e9' pt 5" ;;
	raw) echo "lw 2 lc rgb '#009e73' pt 9" ;;
	raw-async) echo "lw 2 lc rgb '#009e73' dt 2 pt 8" ;;
	raw-sqpoll) echo "lw 2 lc rgb '#009e73' dt 3 pt 10" ;;
	raw-*) echo "lw 2 lc rgb '#117733' dt 4 pt 12" ;;
	ioctl) echo "lw 2 lc rgb '#e69f00' pt 11" ;;
	ioctl-batch) echo "lw 2 lc rgb '#e69f00' dt 2 pt 10" ;;
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
counted="instructions counted under QEMU's -icount"

# draw NAME TITLE NOTE: as SVG and PNG; the rest of the script is standard input
draw() {
	local name=$1 title=$2 note=$3 type script

	script=$(cat)
	for type in svg pngcairo; do
		gnuplot <<-END
			set terminal $type size 1000,560 background rgb 'white' font 'sans,12'
			set output '$out/$name.${type%cairo}'
			set title "{/:Bold $title}\n{/*0.8 $note; commit $commit}"
			set key outside right top Left reverse
			set grid ytics lc rgb '#cccccc'
			set border 3
			set tics nomirror out
			set yrange [0:*]
			set bmargin 4
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
	draw "$workload" "$title" "$counted" <<-END
		set xlabel 'vCPUs'
		set ylabel 'instructions per event'
		set logscale x 2
		set xrange [0.8:1300]
		set xtics (1, 4, 16, 64, 256, 1024)
		plot $plot
	END
}

# bars NAME TITLE NOTE YLABEL MORE TITLE...: a group of bars for a line of $data/bars,
# whose first word names it; MORE is gnuplot's
bars() {
	local name=$1 title=$2 note=$3 ylabel=$4 more=$5 plot='' i=2 t
	local colours=('#0072b2' '#e69f00' '#d55e00' '#009e73' '#cc79a7' '#56b4e9')
	shift 5

	[ -s "$data/bars" ] || return 0
	for t in "$@"; do
		plot+="${plot:+, }'$data/bars' using $i:xtic(1) title '$t' lc rgb '${colours[i - 2]}'"
		i=$((i + 1))
	done
	draw "$name" "$title" "$note" <<-END
		set ylabel '$ylabel'
		set style data histograms
		set style histogram clustered gap 1
		set style fill solid
		set xtics rotate by -30
		set bmargin 7
		set datafile missing '-'
		$more
		plot $plot
	END
}

# In thousands, and of 64 vCPUs only if the first argument is not empty.
thousands() {
	awk -v n="$1" '!n || $2 == n {
		line = $1
		for (i = 3; i <= NF; i++)
			line = line " " $i / 1000
		print line
	}'
}

# Percentiles differ by orders of magnitude.
percentiles='set logscale y; set yrange [0.5:*]; set format y "%g"'

# draw_latency WORKLOAD exit|wake TITLE
draw_latency() {
	fields "$1" vcpus "$2_p50" "$2_p99" "$2_p999" | thousands 64 > "$data/bars"
	bars "$1-latency" "$3" "$counted" 'thousands of instructions' "$percentiles" p50 p99 p99.9
}

draw_workload mmio-read 'A read of a device register'
draw_workload mmio-write 'A write of a device register'
draw_workload ioeventfd 'A write that signals an eventfd'
draw_workload timer-wake 'Sleep, wake-up by the virtual timer, report'
draw_workload bell-wake 'Sleep, wake-up by a doorbell, report'

draw_latency mmio-read exit 'How long a read takes its guest, one of 64'
draw_latency mmio-write exit 'How long a write takes its guest, one of 64'
draw_latency timer-wake wake 'From the timer to its guest, one of 64'
draw_latency bell-wake wake 'From the doorbell to its report, one of 64'

fields mixed ns > "$data/bars"
bars mixed 'A read, 10 of 1000 vCPUs active' "$counted" 'instructions per event' '' instructions

fields busy vcpus wake_p50 wake_p99 wake_p999 | thousands '' > "$data/bars"
bars busy 'From a timer to its guest, 63 others computing' "$counted" \
	'thousands of instructions' "$percentiles" p50 p99 p99.9

fields fairness jain > "$data/bars"
bars fairness 'Shares of 64 busy guests within 200 ms' "$counted" \
	'Jain index: 1 is equal shares' 'set yrange [0:1.05]' index

fields life vcpus create_ns start_ns park_ns stop_ns destroy_ns |
	awk '{ $1 = $1 "," $2; print }' | thousands '' > "$data/bars"
bars life "A VM's life, each of so many" "$counted" 'thousands of instructions' \
	"set xlabel 'backend, VMs'" \
	create start 'fall asleep' stop destroy

fields memory vcpus vcpu_kernel_bytes vcpu_user_bytes |
	awk '{ print $1 "," $2, $3 / 1024, $4 / 1024 }' > "$data/bars"
bars memory 'Host memory of one more parked vCPU' 'without guest memory and its run page' \
	KiB "set xlabel 'backend, vCPUs'" kernel user

# Wall time, of a thread per vCPU's.
awk -f "$here/record.awk" -f /dev/stdin "$results" > "$data/bars" <<-'EOF'
	get("machine") !~ /^icount/ && get("ns") != "" {
		key = get("workload") "," get("vcpus")
		if (!(key in seen))
			keys[++n] = key
		seen[key] = 1
		wall[key, get("backend")] = get("wall_ns")
	}
	END {
		k = split("ring raw ring-posted threads-pinned kvm-threads", backend, " ")
		for (i = 1; i <= n; i++) {
			line = keys[i]
			base = wall[keys[i], "threads"]
			for (j = 1; j <= k; j++) {
				w = wall[keys[i], backend[j]]
				line = line " " (w && base ? w / base : "-")
			}
			if (base)
				print line
		}
	}
EOF
bars wall 'Wall time on two CPUs, of that of a thread per vCPU' \
	'an emulator on a shared machine: noisy' 'ratio to threads, 1 is the same' \
	'set arrow from graph 0, first 1 to graph 1, first 1 nohead front lc rgb "#444444" dt 2
	set xlabel "workload, vCPUs"' \
	ring raw ring-posted threads-pinned kvm-threads
