# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# What the ring shall reach, and what was measured. Used with record.awk; markdown=1
# prints the table for docs/benchmarks.md. The exit status is 0 whatever was reached.

get("machine") !~ /^icount/ { next }

{
	key = get("workload") " " get("backend") " " get("vcpus")
	if (get("ns") != "")
		ns[key] = get("ns")
	if (get("vcpu_kernel_bytes") != "")
		memory[get("backend")] = get("vcpu_kernel_bytes") + get("vcpu_user_bytes")
	if (get("boot_spread") != "") {
		boots++
		if (get("boot_spread") > apart)
			apart = get("boot_spread")
	}
}

function start()
{
	if (markdown) {
		print "| target | required | measured | |"
		print "| --- | --- | --- | --- |"
	} else
		printf "%-58s %10s %9s\n", "Targets", "required", "measured"
}

# reached: 1, 0, or -1 for what this run did not measure
function line(what, required, measured, reached,	verdict)
{
	verdict = reached < 0 ? "not measured" : reached ? "reached" : "not reached"
	if (reached < 0)
		measured = "-"
	if (markdown)
		printf "| %s | %s | %s | %s |\n", what, required, measured, verdict
	else
		printf "%-58s %10s %9s  %s\n", what, required, measured, verdict
}

# a/b shall be at least as much
function at_least(what, a, b, least)
{
	if (!a || !b)
		line(what, sprintf(">= %.1f", least), "", -1)
	else
		line(what, sprintf(">= %.1f", least), sprintf("%.2f", a / b), a / b >= least)
}

function at_most(what, a, b, most, format)
{
	if (!a || !b)
		line(what, sprintf("<= " format, most), "", -1)
	else
		line(what, sprintf("<= " format, most), sprintf("%.2f", a / b), a / b <= most)
}

# Largest by smallest of the ring's reads from 16 vCPUs on; 0 if one is missing.
function flatness(	i, n, part, low, high, v)
{
	n = split("16 64 256 1024", part, " ")
	for (i = 1; i <= n; i++) {
		v = ns["mmio-read ring " part[i]]
		if (!v)
			return 0
		if (!low || v < low)
			low = v
		if (v > high)
			high = v
	}
	return high / low
}

END {
	ring = ns["mmio-read ring 64"]
	threads = ns["mmio-read threads 64"]
	floor = ns["mmio-read floor 64"]
	start()
	at_least("MMIO read, 64 vCPUs: threads / ring", threads, ring, 1.5)
	at_least("the same above the floor", ring ? threads - floor : 0,
		floor ? ring - floor : 0, 2.2)
	at_least("MMIO read, 64 vCPUs: KVM_RUN / ring", ns["mmio-read kvm-threads 64"], ring, 4)
	at_least("MMIO read, 1 vCPU: ioctl / ring", ns["mmio-read ioctl 1"],
		ns["mmio-read ring 1"], 1)
	at_most("MMIO read, 16 to 1024 vCPUs: most / least of the ring", flatness(), 1, 1.1, "%.1f")
	at_most("MMIO read, 64 vCPUs: ring / floor", ring, floor, 1.6, "%.1f")
	at_least("wake-up by timer, 64 vCPUs: threads / ring", ns["timer-wake threads 64"],
		ns["timer-wake ring 64"], 2.5)
	at_least("wake-up by doorbell, 64 vCPUs: threads / ring", ns["bell-wake threads 64"],
		ns["bell-wake ring 64"], 2.5)
	at_least("write, 64 vCPUs: exit / posted", ns["mmio-write ring 64"],
		ns["mmio-write ring-posted 64"], 8)
	if ("ring" in memory)
		line("memory of a parked vCPU, ring, bytes", "< 2048", int(memory["ring"] + 0.5),
			memory["ring"] < 2048)
	else
		line("memory of a parked vCPU, ring, bytes", "< 2048", "", -1)
	if (boots)
		line("the same in two boots, differs by at most", "< 1 %",
			sprintf("%.2f %%", 100 * apart), apart < 0.01)
	else
		line("the same in two boots, differs by at most", "< 1 %", "", -1)
}
