# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Says which counts did not repeat within 1 %, in one boot or from boot to boot; the
# exit status says whether there are any. Used with record.awk.
#
# Where threads of the kernel do the work (IOSQE_ASYNC, SQPOLL) it depends on who gets
# the CPU when; that is named, but does not count.

function complain(what, spread,	free)
{
	free = get("backend") ~ /^raw-(async|sqpoll)$/
	printf "  %-10s %-14s %6d vCPUs: %s differ by %.2f %%%s\n", get("workload"),
		get("backend"), get("vcpus"), what, 100 * spread, free ? " (may)" : ""
	bad += !free
}

get("machine") !~ /^icount/ || get("ns") == "" { next }

{
	counts++
	if (get("boots") > 1) {
		boots++
		if (get("boot_spread") > most)
			most = get("boot_spread")
		if (get("boot_spread") > 0.01)
			complain("two boots", get("boot_spread"))
	}
	if (get("spread") > 0.01)
		complain(get("repeats") " repeats", get("spread"))
}

END {
	printf "%d of %d counts did not repeat within 1 %%", bad, counts
	if (boots)
		printf "; %d measured in two boots agree to %.2f %%", boots, 100 * most
	print ""
	exit bad > 0
}
