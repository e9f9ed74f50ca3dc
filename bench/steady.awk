# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Joins the records of what was measured in two boots, which follow each other: the
# first one stays and gets "boots" and "boot_spread". Used with record.awk.

function flush()
{
	if (held != "")
		print held
	held = ""
}

{
	key = get("machine") " " get("workload") " " get("backend") " " get("vcpus")
	if (key == last && held != "" && get("ns") != "" && ns > 0) {
		change = get("ns") / ns - 1
		sub(/}$/, sprintf(",\"boots\":2,\"boot_spread\":%.4f}",
			change < 0 ? -change : change), held)
		next
	}
	flush()
	held = $0
	last = key
	ns = get("ns")
}

END {
	flush()
}
