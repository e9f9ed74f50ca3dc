# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# The records as tables. Counted: for each workload a row for a number of vCPUs, a
# column for a backend. Timed: the ratio to a thread per vCPU. Then what else there
# is to a record, a row each. Used with record.awk.

function is_counted(machine)
{
	return machine ~ /^icount/
}

function add_cell(title, b, n, value)
{
	if (!(title in columns))
		titles[++ntitles] = title
	if (!((title, b) in column)) {
		column[title, b] = ++columns[title]
		name[title, columns[title]] = b
	}
	if (!((title, n) in row)) {
		row[title, n] = ++rows[title]
		count[title, rows[title]] = n
	}
	cell[title, row[title, n], column[title, b]] = value
}

function add_row(title, head, line)
{
	if (!(title in lines)) {
		sections[++nsections] = title
		heads[title] = head
	}
	text[title, ++lines[title]] = line
}

function label()
{
	return sprintf("%-10s %-14s %6d", get("workload"), get("backend"), get("vcpus"))
}

function latency(what)
{
	if (get(what "_p50") == "")
		return sprintf(" %11s %11s %11s", "-", "-", "-")
	return sprintf(" %11.1f %11.1f %11.1f", get(what "_p50") / 1000,
		get(what "_p99") / 1000, get(what "_p999") / 1000)
}

{
	machine = get("machine")
	w = get("workload")
	n = get("vcpus") + 0
}

get("ns") != "" && is_counted(machine) {
	add_cell(w ": instructions per event", get("backend"), n, get("ns"))
	add_row("Besides, per event", sprintf("%-10s %-14s %6s %12s %12s %9s", "", "", "vCPUs",
		"system calls", "switches", "spread"),
		label() sprintf(" %12.4f %12.4f %8.2f%%", get("syscalls"), get("switches"),
			100 * get("spread")))
}

get("ns") != "" && !is_counted(machine) {
	wall[w, n, get("backend")] = get("wall_ns")
	wall_order[++walls] = w SUBSEP n SUBSEP get("backend")
}

get("exit_p50") != "" || get("wake_p50") != "" {
	add_row("Latency, thousands of " (is_counted(machine) ? "instructions" : "ns of wall time"),
		sprintf("%-10s %-14s %6s %11s %11s %11s %11s %11s %11s", "", "", "vCPUs",
			"exit p50", "p99", "p99.9", "wake p50", "p99", "p99.9"),
		label() latency("exit") latency("wake"))
}

get("jain") != "" {
	add_row("Fairness over " get("window_ns") / 1000000 " ms",
		sprintf("%-10s %-14s %6s %12s", "", "", "vCPUs", "Jain's index"),
		label() sprintf(" %12.4f", get("jain")))
}

get("create_ns") != "" {
	add_row("A VM's life, thousands of instructions for each of so many", \
		sprintf("%-10s %-14s %6s %9s %9s %9s %9s %9s", "", "", "VMs", "create",
			"start", "park", "stop", "destroy"),
		label() sprintf(" %9.1f %9.1f %9.1f %9.1f %9.1f", get("create_ns") / 1000,
			get("start_ns") / 1000, get("park_ns") / 1000, get("stop_ns") / 1000,
			get("destroy_ns") / 1000))
	add_row("Host memory, bytes for each vCPU", \
		sprintf("%-10s %-14s %6s %14s %14s %14s", "", "", "vCPUs", "parked: kernel",
			"parked: user", "VM: kernel"),
		label() sprintf(" %14d %14d %14d", get("park_kernel_bytes"),
			get("park_user_bytes"), get("vm_kernel_bytes")))
}

function print_cells(title,	r, c, i, order, tmp)
{
	printf "%s\n%6s", title, "vCPUs"
	for (c = 1; c <= columns[title]; c++)
		printf " %14s", name[title, c]
	print ""
	for (r = 1; r <= rows[title]; r++)
		order[r] = r
	for (r = 2; r <= rows[title]; r++)
		for (i = r; i > 1 && count[title, order[i]] < count[title, order[i - 1]]; i--) {
			tmp = order[i]
			order[i] = order[i - 1]
			order[i - 1] = tmp
		}
	for (r = 1; r <= rows[title]; r++) {
		printf "%6d", count[title, order[r]]
		for (c = 1; c <= columns[title]; c++)
			if ((title, order[r], c) in cell)
				printf " %14.0f", cell[title, order[r], c]
			else
				printf " %14s", "-"
		print ""
	}
}

END {
	for (i = 1; i <= walls; i++) {
		split(wall_order[i], part, SUBSEP)
		base = wall[part[1], part[2], "threads"]
		if (base)
			add_row("Wall time on two CPUs, of a thread per vCPU's", \
				sprintf("%-10s %-14s %6s %8s", "", "", "vCPUs", "ratio"),
				sprintf("%-10s %-14s %6d %8.2f", part[1], part[3], part[2],
					wall[part[1], part[2], part[3]] / base))
	}
	for (i = 1; i <= ntitles; i++) {
		if (i > 1)
			print ""
		print_cells(titles[i])
	}
	for (i = 1; i <= nsections; i++) {
		print "\n" sections[i] "\n" heads[sections[i]]
		for (r = 1; r <= lines[sections[i]]; r++)
			print text[sections[i], r]
	}
}
