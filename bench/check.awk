# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# The comparison of check.sh: reference first, then the new records.

function environment()
{
	return "kernel " get("kernel") ", QEMU " get("qemu") ", gcc " get("cc")
}

# Of a thread per vCPU with the same workload, or of its MMIO reads.
function base(counts, env, w, n)
{
	if ((env, w " threads " n) in counts)
		return counts[env, w " threads " n]
	return counts[env, "mmio-read threads " n]
}

function compare(key, old, new, limit, unit,	change, bad)
{
	change = new / old - 1
	bad = change > limit
	printf "%-34s " unit " -> " unit "  %+6.1f %%%s\n", key, old, new, 100 * change,
		bad ? "  TOO MUCH" : ""
	compared++
	worse += bad
	better += change < -limit
}

get("machine") !~ /^icount/ || get("ns") == "" { next }

{
	env = environment()
	key = get("workload") " " get("backend") " " get("vcpus")
}

FNR == NR {
	old[env, key] = get("ns")
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
	new[env, key] = get("ns")
	keys[++n] = key
	workload[n] = get("workload")
	vcpus[n] = get("vcpus")
}

END {
	if (broken || !n || last == "") {
		print "nothing to compare"
		exit 2
	}
	same = here in known
	limit = same ? 0.05 : 0.10
	if (!same) {
		print "no reference for " here
		print "ratios to a thread per vCPU, compared with " last
	}
	for (i = 1; i <= n; i++) {
		if (same && (here, keys[i]) in old)
			compare(keys[i], old[here, keys[i]], new[here, keys[i]], limit, "%10.1f")
		if (same || !((last, keys[i]) in old))
			continue
		b_old = base(old, last, workload[i], vcpus[i])
		b_new = base(new, here, workload[i], vcpus[i])
		if (b_old && b_new && keys[i] !~ / threads /)
			compare(keys[i], old[last, keys[i]] / b_old, new[here, keys[i]] / b_new,
				limit, "%10.3f")
	}
	printf "%d compared, %d more than %d %% worse\n", compared, worse, 100 * limit
	if (better)
		printf "%d more than %d %% better: a new reference is due\n", better, 100 * limit
	exit compared == 0 ? 2 : worse > 0
}
