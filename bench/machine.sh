#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Inside the machine: measures each line of the file "list" (workload, backend,
# vCPUs, options) and prints records and progress.

if [ -d modules ]; then
	for m in gunyah gunyah_rsc_mgr gunyah_vcpu gunyah_irqfd gunyah_ioeventfd gunyah_posted; do
		insmod modules/$m.ko || exit 1
	done
fi
# The kernel is done with its own start after so long.
sleep 10
# Instructions are counted on one CPU, and twice is enough; times on more are never that
# steady.
[ "$(nproc)" -gt 1 ] || counted='--repeats=2 --max-spread=0.01'
failed=0
while read -r workload backend vcpus options; do
	# So is it with what the line before left: memory of guests and modules to free.
	sleep 2
	echo "bench: $workload $backend $vcpus"
	# shellcheck disable=SC2086 # words, on purpose
	./gh-bench --image=bench.bin --module=gh_bench_floor.ko --workload="$workload" \
		--backend="$backend" --vcpus="$vcpus" ${counted:-} $options || failed=$((failed + 1))
done < list
exit "$failed"
