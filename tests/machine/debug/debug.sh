#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# In the machine with the debug kernel: looks for leaks, and hands out coverage. What
# it finds goes to the kernel log, where the build machine looks for it.
#
#   debug.sh leaks     report what leaked
#   debug.sh end       unload the modules, report leaks, print the coverage's data

kmemleak=/sys/kernel/debug/kmemleak
gcov=/sys/kernel/debug/gcov

say() {
	while read -r line; do
		echo "<4>$line" > /dev/kmsg
	done
}

# An object counts when it is 5 s old and two scans found neither a pointer to it nor a
# change of it. What is too young now is found after the next suite.
leaks() {
	echo scan > $kmemleak
	grep -q '^unreferenced object' $kmemleak || return 0
	say < $kmemleak
	echo clear > $kmemleak
}

unload() {
	for m in gunyah_posted gunyah_irqfd gunyah_ioeventfd gunyah_vcpu gunyah_rsc_mgr gunyah; do
		[ ! -e /sys/module/$m ] || rmmod $m ||
			echo "<4>WARNING: cannot unload $m" > /dev/kmsg
	done
}

# One archive, in lines that scan-log.sh and coverage.sh tell from all others. Files of
# debugfs have no size: copies of them have.
coverage() {
	find $gcov/ -name '*.gcda' | while read -r f; do
		mkdir -p /tmp/gcov
		cat "$f" > "/tmp/gcov/${f##*/}"
	done
	[ -d /tmp/gcov ] || return 0
	tar -C /tmp/gcov -cf - . | gzip -9 | base64 -w 800 | sed 's/^/gcov: /' | say
}

case $1 in
leaks)
	leaks
	;;
end)
	echo "<4>suite: unload" > /dev/kmsg
	unload
	sleep 6
	echo scan > $kmemleak
	leaks
	coverage
	;;
esac
