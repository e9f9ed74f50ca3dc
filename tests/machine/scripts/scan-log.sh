#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Looks for defects the kernel or the monitor reported on the machine's console.
# Prints 'SUITE: line' for each, with the suite whose mark came before it, and
# returns 1 if there are any.
#
#   scan-log.sh LOG

set -euo pipefail

# Words a healthy machine never prints at warning level or above.
defects='BUG:|WARNING:|Oops|Internal error|Kernel panic|Unable to handle kernel'
defects+='|possible (recursive|circular|irq lock inversion) |possible deadlock'
defects+='|inconsistent lock state|suspicious RCU usage|held lock'
defects+='|blocked for more than|rcu: INFO|self-detected stall|soft lockup|hard LOCKUP'
defects+='|refcount_t:|list_(add|del) corruption|Bad page|Bad rss-counter|nobody cared'
defects+='|scheduling while atomic|sleeping function called|KASAN|UBSAN|KFENCE|kmemleak'
defects+='|Unhandled .*exception|unreferenced object|mon: panic|mon: assert'

tr -d '\r' < "$1" | awk -v defects="$defects" '
	match($0, /suite: [A-Za-z0-9_.-]+/) {
		suite = substr($0, RSTART + 7, RLENGTH - 7)
		next
	}
	# Coverage of the modules, in base64.
	/\] gcov: / { next }
	# 6.12 about itself, see is_kernels_own() in the suites.
	/WARNING: .* (remove_proc_entry|io_lockdep_assert_cq_locked)\+/ { next }
	# The detector of leaks met an injected failure, and goes on without that.
	/kmemleak: Cannot allocate a scan area/ { next }
	$0 ~ defects {
		print (suite == "" ? "boot" : suite) ": " $0
		found = 1
	}
	END { exit found }'
