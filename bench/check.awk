# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The comparison of check.sh: reference first, then the new records.

function environment()
{
	return "kernel " get("kernel") ", QEMU " get("qemu") ", gcc " get("cc")
}

# What is compared of a record, as "name count" pairs in parts[]; how many there are.
function figures(parts,	n, i, k, names)
{
	split("", parts)
	if (get("ns") != "")
		parts[++n] = " " get("ns")
	k = split("create start park stop destroy", names, " ")
	for (i = 1; i <= k; i++)
		if (get(names[i] "_ns") != "")
			parts[++n] = " " names[i] " " get(names[i] "_ns")
	k = split("park_kernel park_user vcpu_kernel vcpu_user", names, " ")
	for (i = 1; i <= k; i++)
		if (get(names[i] "_bytes") != "")
			parts[++n] = " " names[i] " " get(names[i] "_bytes")
	return n
}

# More than next to nothing is not 5 %: memory comes in slabs and pages, a few of which
# are shared by all vCPUs, and a part of a life may be short.
function slack(key,	part)
{
	split(key, part, " ")
	if (key ~ /_(kernel|user)$/)
		return 49152 / part[3]
	return key ~ / (create|start|park|stop|destroy)$/ ? 500 : 0
}

function compare(key, old, new, limit, unit,	change, bad)
{
	change = old > 0 ? new / old - 1 : 0
	bad = new > old * (1 + limit) + slack(key)
	printf "%-44s " unit " -> " unit "  %+6.1f %%%s\n", key, old, new, 100 * change,
		bad ? "  TOO MUCH" : ""
	compared++
	worse += bad
	better += new + slack(key) < old * (1 - limit)
}

# Another environment has other counts. A ratio of two of one environment shows what one
# side does worse than before; a thread per vCPU is held against the bare hypercall, so
# that what makes all ways worse is seen as well.
function base(counts, env, w, b, n)
{
	if (b == "threads" && w !~ /^(life|memory)$/)
		return counts[env, "mmio-read floor 64"]
	if (w ~ /^(life|memory)$/)
		return 0
	if ((env, w " threads " n) in counts)
		return counts[env, w " threads " n]
	return counts[env, "mmio-read threads " n]
}

function elsewhere(key, i,	b_old, b_new)
{
	# Only the monitor is in it; nothing that it could be held against.
	if (backend[i] == "floor") {
		compare(key, old[last, key], new[here, key], 0.25, "%10.1f")
		return
	}
	b_old = base(old, last, workload[i], backend[i], vcpus[i])
	b_new = base(new, here, workload[i], backend[i], vcpus[i])
	if (b_old && b_new)
		compare(key, old[last, key] / b_old, new[here, key] / b_new, 0.10, "%10.3f")
	else
		compare(key, old[last, key], new[here, key], 0.25, "%10.1f")
}

get("machine") !~ /^icount/ { next }

{
	env = environment()
	key = get("workload") " " get("backend") " " get("vcpus")
	count = figures(parts)
}

!count { next }

FNR == NR {
	for (i = 1; i <= count; i++) {
		split(parts[i], part, " ")
		name = part[2] == "" ? "" : " " part[1]
		old[env, key name] = part[2] == "" ? part[1] : part[2]
	}
	known[env] = 1
	last = env
	next
}

{
	if (here != "" && here != env) {
		print "new records of two environments: " here "; " env
		broken = 1
		exit
	}
	here = env
	for (i = 1; i <= count; i++) {
		split(parts[i], part, " ")
		name = part[2] == "" ? "" : " " part[1]
		keys[++n] = key name
		new[env, key name] = part[2] == "" ? part[1] : part[2]
		workload[n] = get("workload")
		backend[n] = get("backend")
		vcpus[n] = get("vcpus")
	}
}

END {
	if (broken || !n || last == "") {
		print "nothing to compare"
		exit 2
	}
	same = here in known
	if (!same) {
		print "no reference for " here
		print "compared with " last ":"
		print "ratios to a thread per vCPU, and of that to the bare hypercall, may grow by 10 %;"
		print "counts that have no such ratio by 25 %. Smaller changes are not seen, nor what"
		print "makes the hypercall itself up to 25 % worse."
	}
	for (i = 1; i <= n; i++) {
		if (same && (here, keys[i]) in old)
			compare(keys[i], old[here, keys[i]], new[here, keys[i]], 0.05, "%10.1f")
		else if (same) {
			print keys[i] ": not in the reference"
			missing++
		} else if ((last, keys[i]) in old)
			elsewhere(keys[i], i)
	}
	printf "%d compared, %d more than %s %% worse\n", compared, worse, same ? "5" : "10 or 25"
	if (missing)
		printf "%d without a reference: a new one is due\n", missing
	if (better)
		printf "%d more than that better: a new reference is due\n", better
	exit compared == 0 ? 2 : worse > 0 || missing > 0
}
