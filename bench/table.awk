# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# A table for each workload: a row for a number of vCPUs, a column for a backend.

function get(key,	re, v)
{
	re = "\"" key "\":(\"[^\"]*\"|[^,}]*)"
	if (!match($0, re))
		return ""
	v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/"/, "", v)
	return v
}

{
	w = get("workload")
	unit = get("machine") == "smp2" ? "nanoseconds of wall time" : "instructions"
	if (w == "parked") {
		parked[++nparked] = sprintf("%-14s %6d %12d %12d %12d %14d %14d", get("backend"),
			get("vcpus"), get("kernel_bytes"), get("user_bytes"),
			get("vm_kernel_bytes"), get("create_ns"), get("destroy_ns"))
		next
	}
	t = w ", " unit " per event"
	b = get("backend")
	n = get("vcpus")
	if (!(t in seen))
		titles[++ntitles] = t
	seen[t] = 1
	if (!((t, b) in column)) {
		column[t, b] = ++columns[t]
		name[t, columns[t]] = b
	}
	if (!((t, n) in row)) {
		row[t, n] = ++rows[t]
		count[t, rows[t]] = n
	}
	value[t, row[t, n], column[t, b]] = unit == "instructions" ? get("ns") : get("wall_ns")
}

END {
	for (i = 1; i <= ntitles; i++) {
		t = titles[i]
		printf "%s%s\n%6s", (i > 1 ? "\n" : ""), t, "vCPUs"
		for (c = 1; c <= columns[t]; c++)
			printf " %14s", name[t, c]
		print ""
		for (r = 1; r <= rows[t]; r++) {
			printf "%6d", count[t, r]
			for (c = 1; c <= columns[t]; c++)
				if ((t, r, c) in value)
					printf " %14.0f", value[t, r, c]
				else
					printf " %14s", "-"
			print ""
		}
	}
	if (!nparked)
		exit
	print "\nparked, bytes and instructions per vCPU"
	printf "%-14s %6s %12s %12s %12s %14s %14s\n", "backend", "vCPUs", "park kernel",
		"park user", "VM kernel", "create", "destroy"
	for (i = 1; i <= nparked; i++)
		print parked[i]
}
