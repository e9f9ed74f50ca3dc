#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# In the machine: runs exit-latency.bt while guests run, and looks whether it shows
# each of its histograms.

for m in gunyah gunyah_rsc_mgr gunyah_vcpu; do
	insmod "/root/modules/$m.ko" || exit 1
done
# The guests begin when all probes are there.
BPFTRACE_STRLEN=64 bpftrace exit-latency.bt > histograms 2> messages &
tracer=$!
i=0
until grep -q Tracing histograms; do
	i=$((i + 1))
	if [ $i -gt 300 ] || ! kill -0 $tracer 2> /dev/null; then
		echo "bpftrace does not start:"
		cat messages
		exit 1
	fi
	sleep 1
done
gh-runner run --guest=image=/guests/demo.bin,name=g,count=4 --seconds=5 > guests 2>&1 ||
	{ cat guests; exit 1; }
kill -INT $tracer
wait $tracer

cat messages histograms
status=0
# Reads, writes, sleeps; and a line of each kind of histogram.
for want in '@exits\[4\]: [1-9]' '@exits\[5\]: [1-9]' '@exits\[1\]: [1-9]' '@guest\[4\]:' \
	'@guest\[1\]:' '@answer:' '@asleep:' '@scheduled:'; do
	grep -q "^$want" histograms || { echo "nothing like $want"; status=1; }
done
bars=$(grep -c '|@' histograms)
[ "$bars" -ge 8 ] || { echo "$bars bars in all"; status=1; }
echo "result: suite=bpftrace planned=1 passed=$((1 - status)) failed=$status skipped=0 seconds=0"
exit $status
