# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# profile.sh's counting: symbols first (component, address, name, sorted by address),
# then QEMU's log of each instruction. Variables: workload, backend. A symbol that a
# module has is the driver's; of the rest of the kernel io_uring is told apart.

BEGIN {
	event = "bench_event_tell"
	if (workload ~ /^(mmio-read|mixed|fairness)$/)
		event = "bench_event_read"
	else if (workload == "mmio-write")
		event = "bench_event_write"
	else if (workload == "ioeventfd")
		event = "bench_event_signal"
	mark = "do_el0_svc"
	if (workload == "bell-wake")
		mark = "gh_bench_ring_bells"
	else if (backend == "floor")
		mark = event
}

# The symbol that holds pc: the last one not behind it.
function find(pc,	low, high, mid)
{
	low = 1
	high = n
	while (low < high) {
		mid = int((low + high + 1) / 2)
		if ((address[mid] "") <= (pc ""))
			low = mid
		else
			high = mid - 1
	}
	return low
}

# 1: an event, 2: what is counted may begin and end here, 4: the monitor runs a vCPU.
function look_up(pc,	i, at, is_event)
{
	i = find(pc)
	at = address[i] == pc
	place[pc] = component[i] " " name[i]
	# Libraries there are none: the program is static.
	if ((pc "") >= "0000ffff00000000" && (pc "") < "ffff000000000000")
		place[pc] = "user vdso"
	else if (component[i] == "guest")
		place[pc] = "guest guest"
	is_event = component[i] == "guest" && at && index(name[i], event "_") == 1
	if (is_event)
		kind[pc] = mark == event ? 3 : 1
	else if (at && name[i] == mark)
		kind[pc] = 2
	else if (at && name[i] == "mon_vcpu_run")
		kind[pc] = 4
}

# What went on since the last mark counts, as another one has come.
function commit(	p)
{
	for (p in since)
		total[p] += since[p]
	split("", since)
	if (started) {
		events += new_events
		runs += new_runs
	}
	new_events = 0
	new_runs = 0
	started = 1
}

FNR == NR {
	address[++n] = $2
	name[n] = $3
	component[n] = $1
	if ($4 != "")
		component[n] = "driver"
	else if ($1 == "kernel" && $3 ~ /^_*(io_|arm64_sys_io_uring)/)
		component[n] = "io_uring"
	next
}

!/^Trace/ { next }

{
	split($4, part, "[][/]")
	pc = part[3]
	if (pc == last)
		next
	last = pc
	if (!(pc in place))
		look_up(pc)
	k = kind[pc]
	if (k) {
		if (k == 2 || k == 3)
			commit()
		new_events += k % 2
		new_runs += k == 4
	}
	if (started)
		since[place[pc]]++
}

END {
	if (!events) {
		print "no whole event in the log"
		exit 1
	}
	printf "%d events, vCPUs run %.2f times for each\n", events, runs / events
	for (p in total) {
		split(p, w, " ")
		sum[w[1]] += total[p]
		all += total[p]
	}
	for (c in sum)
		printf "%9.1f %s\n", sum[c] / events, c | "sort -rn"
	close("sort -rn")
	printf "%9.1f in all, of which by function:\n", all / events
	for (p in total)
		if (total[p] / events >= 0.5)
			printf "%9.1f %s\n", total[p] / events, p | "sort -rn"
}
