# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# The records as tables. Counted: for each workload a row for a number of vCPUs, a
# column for a backend. Timed: the ratio to a thread per vCPU. Then what else there is
# to a record, a row each. Used with record.awk.
#
# markdown=1 prints them for docs/benchmarks.md: of the first environment in the file,
# and of the long tables only the rows of 1, 64 and more than 500 vCPUs.

BEGIN {
	preferred = "ring ring-only ring-posted ring-ioctl raw raw-batch raw-async raw-sqpoll " \
		"ioctl ioctl-batch threads threads-pinned kvm kvm-threads kvm-nopoll kvm-posted floor"
}

function is_counted()
{
	return get("machine") ~ /^icount/
}

function put(t, r, c, value)
{
	if (!(t in rows)) {
		titles[++ntitles] = t
		rows[t] = 0
	}
	if (!((t, r) in row)) {
		row[t, r] = ++rows[t]
		rowkey[t, rows[t]] = r
	}
	if (!((t, c) in column)) {
		column[t, c] = ++columns[t]
		name[t, columns[t]] = c
	}
	cell[t, row[t, r], column[t, c]] = value
}

# Begins a row of its own in a table; returns its key.
function begin(t,	r)
{
	r = w " " b " " n
	put(t, r, "workload", w)
	put(t, r, "backend", b)
	put(t, r, "vCPUs", n)
	return r
}

function long(	some)
{
	return !markdown || n == 1 || n == 64 || n > 500
}

function put_latency(t, r, what)
{
	if (get(what "_p50") == "")
		return
	put(t, r, what " p50", sprintf("%.1f", get(what "_p50") / 1000))
	put(t, r, what " p99", sprintf("%.1f", get(what "_p99") / 1000))
	put(t, r, what " p99.9", sprintf("%.1f", get(what "_p999") / 1000))
}

function add_counted(	t, r)
{
	t = "`" w "`: instructions per event"
	put(t, n, "vCPUs", n)
	put(t, n, b, sprintf("%.0f", get("ns")))
	by_number[t] = 1
	if (!long())
		return
	t = "Besides, per event"
	r = begin(t)
	put(t, r, "system calls", sprintf("%.4f", get("syscalls")))
	put(t, r, "switches", sprintf("%.4f", get("switches")))
	put(t, r, "spread", sprintf("%.2f %%", 100 * get("spread")))
	if (get("boot_spread") != "")
		put(t, r, "two boots", sprintf("%.2f %%", 100 * get("boot_spread")))
}

function add_life(	t, r, i, k, part)
{
	t = "A VM's life, thousands of instructions for each"
	r = begin(t)
	k = split("create start park stop destroy", part, " ")
	for (i = 1; i <= k; i++)
		put(t, r, part[i], sprintf("%.1f", get(part[i] "_ns") / 1000))
	t = "Host memory of a VM, bytes: of its own in the kernel, and more while it sleeps"
	r = begin(t)
	put(t, r, "VM", get("vm_kernel_bytes"))
	put(t, r, "asleep: kernel", get("park_kernel_bytes"))
	put(t, r, "asleep: user", get("park_user_bytes"))
}

{
	w = get("workload")
	b = get("backend")
	n = get("vcpus") + 0
	env = get("kernel") get("qemu") get("cc")
	if (first == "")
		first = env
}

markdown && env != first { next }

get("ns") != "" && is_counted() { add_counted() }

get("ns") != "" && !is_counted() {
	wall[w, n, b] = get("wall_ns")
	wall_order[++walls] = w SUBSEP n SUBSEP b
}

(get("exit_p50") != "" || get("wake_p50") != "") && long() {
	t = is_counted() ? "Latency, thousands of instructions" : "Latency, microseconds of wall time"
	r = begin(t)
	put_latency(t, r, "exit")
	put_latency(t, r, "wake")
}

get("jain") != "" {
	t = "Fairness within " get("window_ns") / 1000000 " ms"
	put(t, begin(t), "Jain's index", get("jain"))
}

get("create_ns") != "" { add_life() }

get("vcpu_kernel_bytes") != "" {
	t = "Host memory of one more parked vCPU, bytes"
	r = begin(t)
	put(t, r, "kernel", get("vcpu_kernel_bytes"))
	put(t, r, "user", get("vcpu_user_bytes"))
	put(t, r, "all that is used", get("vcpu_all_bytes"))
}

# Rows of numbers by number, columns of backends as preferred.
function sort_table(t,	i, j, k, part, tmp)
{
	for (i = 1; i <= rows[t]; i++)
		order[i] = i
	for (i = 1; i <= columns[t]; i++)
		place[i] = i
	if (!(t in by_number))
		return
	for (i = 2; i <= rows[t]; i++)
		for (j = i; j > 1 && rowkey[t, order[j]] + 0 < rowkey[t, order[j - 1]] + 0; j--) {
			tmp = order[j]
			order[j] = order[j - 1]
			order[j - 1] = tmp
		}
	k = split("vCPUs " preferred, part, " ")
	for (i = j = 1; i <= k; i++)
		if ((t, part[i]) in column)
			place[j++] = column[t, part[i]]
}

function is_text(t, c)
{
	return name[t, c] == "workload" || name[t, c] == "backend"
}

function width_of(t, c,	i, most)
{
	most = length(name[t, c])
	for (i = 1; i <= rows[t]; i++)
		if (length(cell[t, i, c]) > most)
			most = length(cell[t, i, c])
	return most
}

function print_row(t, r, sep, lead,	i, c, v, line)
{
	line = lead
	for (i = 1; i <= columns[t]; i++) {
		c = place[i]
		v = r ? cell[t, r, c] : name[t, c]
		if (r && v == "")
			v = markdown ? "" : "-"
		line = line (i > 1 ? sep : "")
		line = line (markdown ? v : sprintf("%" (is_text(t, c) ? "-" : "") wide[c] "s", v))
	}
	print line (markdown ? " |" : "")
}

function print_table(t,	i, line)
{
	sort_table(t)
	if (markdown) {
		print t ":\n"
		print_row(t, 0, " | ", "| ")
		line = "|"
		for (i = 1; i <= columns[t]; i++)
			line = line (is_text(t, place[i]) ? " --- |" : " ---: |")
		print line
		for (i = 1; i <= rows[t]; i++)
			print_row(t, order[i], " | ", "| ")
		return
	}
	for (i = 1; i <= columns[t]; i++)
		wide[i] = width_of(t, i)
	print t
	print_row(t, 0, "  ", "  ")
	for (i = 1; i <= rows[t]; i++)
		print_row(t, order[i], "  ", "  ")
}

END {
	for (i = 1; i <= walls; i++) {
		split(wall_order[i], part, SUBSEP)
		base = wall[part[1], part[2], "threads"]
		t = "Wall time on two CPUs, of a thread per vCPU's"
		if (!base || part[3] == "threads")
			continue
		w = part[1]
		n = part[2]
		b = part[3]
		put(t, begin(t), "ratio", sprintf("%.2f", wall[w, n, b] / base))
	}
	for (i = 1; i <= ntitles; i++) {
		if (i > 1)
			print ""
		print_table(titles[i])
	}
}
