# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Takes what may differ between two hypervisors out of a record: ids, capability
# ids, interrupt numbers, timing, counts of READY, and repetitions of a line.
# What remains are the facts: requests, error codes, order, states, data.

# Replaces bytes FROM..TO (from 0) of the hexadecimal dump behind the last colon.
function mask(from, to, what,    head, n, b, i) {
	head = $0
	sub(/:[^:]*$/, ":", head)
	n = split(substr($0, length(head) + 1), b, " ")
	for (i = from; i <= to && i < n; i++)
		b[i + 1] = what
	for (i = 1; i <= n; i++)
		head = head " " b[i]
	$0 = head
}

/^#/ || /^$/ { next }

/^tx cap / { $0 = "tx cap C irq I rx cap C irq I" }
/^=== / { sub(/vmid [0-9]+/, "vmid V") }
/^rpc 0x56000001 / { mask(4, 5, "VV") }
/^rpc 0x5100001[23] / { mask(4, 7, "HH") }
/^rpc 0x56000020 / { mask(20, 27, "CC") }
/^  notif 0x5610000[18] / { mask(0, 1, "VV") }
/^  notif 0x51100012 / { mask(0, 3, "HH"); mask(4, 5, "VV") }
/^  res\[/ {
	sub(/capid 0x[0-9a-f]+/, "capid C")
	sub(/virq [1-9][0-9]*/, "virq I")
	sub(/partner_vmid [1-9][0-9]*/, "partner_vmid V")
}
/^  run -> state/ { sub(/ +kicks.*/, ""); gsub(/ +/, " "); sub(/^/, " ") }
/^  vcpu1 run err/ { sub(/ kicks1.*/, "") }
/^  waited / { $0 = "  waited for a kick" }
/^  loop ended: / { sub(/[0-9]+ calls, [0-9]+ READY, /, ""); sub(/, [0-9]+ us$/, "") }
/^  exited notification: / {
	sub(/vmid [0-9]+/, "vmid V")
	# The type of an earlier VM says nothing.
	if (/: 0 /)
		sub(/ type .*/, "")
}
/^  RESET notification / { sub(/ after .*/, "") }
/^  reclaimed; / { sub(/, fdt size.*/, "") }
/^irq counts / { sub(/rx [0-9]+/, "rx N") }

$0 != last { print }
{ last = $0 }
