#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests check-errnos.sh with a table and sources made up: prints a line for each check
# that fails and a result line as the other tests do.
# shellcheck disable=SC2016 # no expansions: code in a document

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
mkdir "$tmp/suites"
export DOCUMENT=$tmp/doc.md SUITES=$tmp/suites

# check NAME STATUS TEXT [ARGUMENT...]: of check-errnos.sh with $tmp as it is
check() {
	local name=$1 expected=$2 text=$3 status=0
	shift 3

	"$here/check-errnos.sh" "$@" > "$tmp/out" 2>&1 || status=$?
	if [ "$status" -eq "$expected" ] && grep -qF -- "$text" <(echo end; cat "$tmp/out"); then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "$name: status $status, expected $expected and the text '$text':"
	sed 's/^/    /' "$tmp/out"
}

# write LINE...: the table, with lines that are none of it before and behind
write() {
	{
		printf '## Before\n| `-EIO` | never; ever | |\n\n## Errors\n'
		printf '| call | errno | when | test |\n| --- | --- | --- | --- |\n'
		printf '%s\n' "$@"
		printf '\n## Behind\n| `-EIO` | never; ever | |\n'
	} > "$tmp/doc.md"
}

one='| RUN | `-EINVAL` | a flag; a field | `flag`; `field` |'
two='| | `-ENOMEM` | no memory | none: it is never empty |'
three='| STOP | 0 | always | |'
some='| | `-EFAULT` | a buffer | `buffer` (before 6.15) |'
cat > "$tmp/suites/a.c" <<'END'
GT_ERRNO(flag, EINVAL, run(1));
GT_ERRNO(field,
         EINVAL, run(2));
END
write "$one" "$two" "$three"
check 'all is there' 0 end
write "$one" "$two" "$three" "$some"
check 'without a test' 1 'no test provokes: buffer'
echo 'GT_ERRNO(buffer, EFAULT, run(3));' > "$tmp/suites/b.c"
check 'of another suite' 0 end
write "$one" "$two" "$three"
check 'not in the table' 1 'not in the table: buffer'
write "$one" "${some/EFAULT/EIO}"
check 'another errno' 1 'buffer: EIO in the table, EFAULT in a test'
write "$one" "$some" '| KICK | `-EIO` | a flag | `flag` |'
check 'two errnos of a name' 1 'twice in the table: flag'
write "$some" '| RUN | `-EINVAL` | a flag; a field; a lie | `flag`; `field` |'
check 'a condition without a test' 1 '3 conditions and 2 tests'
write "$one" "$some" '| | `-ENOMEM` | no memory | none: |'
check 'no reason' 1 'neither a test nor why there is none'
write "$one" "$some" '| | `-ENOMEM`, `-ENOSPC` | nothing left | `left` |'
check 'two errnos in a row' 1 'not one errno'
: > "$tmp/doc.md"
check 'no table' 1 'no table'

write "$one" "$two" "$some"
echo '[    1.0] errnos seen: flag field' > "$tmp/log"
check 'all came, but what cannot' 0 end --ran "$tmp/log"
echo '[    1.0] errnos seen: flag' > "$tmp/log"
check 'one did not come' 1 'no test came by: field' --ran "$tmp/log"
printf '[    1.0] errnos seen: flag\r\n[    2.0] errnos seen: field odd\r\n' > "$tmp/log"
check 'one came that is not in the table' 1 'not in the table: odd' --ran "$tmp/log"

echo "result: suite=check-errnos planned=$((passed + failed)) passed=$passed failed=$failed" \
	"skipped=0 seconds=0"
[ "$failed" -eq 0 ]
