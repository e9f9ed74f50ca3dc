#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests explain.sh with a source and a document made up: prints a line for each check
# that fails and a result line as the other tests do.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0

cat > "$tmp/a.c" <<'END'
int first(int a)
{
	int ret = one(a);

	if (ret || a == '`')
		return ret;

	ret = two(a);
	if (ret)
		return ret;
	return 0;
}

int second(int a)
{
	if (a)
		return -EINVAL;
	if (a > 1)
		return -EINVAL;
	return 0;
}
END
blocks='a.c first() 6-6
a.c first() 10-10
a.c second() 17-17'

# check NAME STATUS TEXT BLOCKS EXPLANATION...
check() {
	local name=$1 expected=$2 text=$3 status=0

	echo "$4" > "$tmp/uncovered"
	shift 4
	{ echo '# Blocks'; printf -- '- %s\n' "$@"; } > "$tmp/doc.md"
	"$here/explain.sh" "$tmp/uncovered" "$tmp" "$tmp/doc.md" > "$tmp/out" 2>&1 || status=$?
	if [ "$status" -eq "$expected" ] && grep -qF -- "$text" <(echo end; cat "$tmp/out"); then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	echo "$name: status $status, expected $expected and the text '$text':"
	sed 's/^/    /' "$tmp/out"
}

# shellcheck disable=SC2016 # no expansions: code in a document
{
	one='`first()` `if (ret || a == '"'\`'"')`: never'
	two='`first()` `ret = two(a);`: never'
	three='`second()` `if (a)`: never'
	check 'all explained' 0 end "$blocks" "$one" "$two" "$three"
	check 'a block too many' 1 'not explained: a.c:10-10 - `first()` `return ret;`' "$blocks" \
		"$one" "$three"
	check 'a second block of the kind' 1 'explained 1 times, but there are 2 such blocks' \
		"$blocks
a.c second() 19-19" "$one" "$two" '`second()` `return -EINVAL;`: never'
	check 'a block of a function that is explained' 1 'not explained: a.c:19-19' \
		"$blocks
a.c second() 19-19" "$one" "$two" '`second()` `{`: never'
	check 'as many lines as blocks' 0 end "$blocks
a.c second() 19-19" "$one" "$two" '`second()` `return -EINVAL;`: never' \
		'`second()` `return -EINVAL;`: nor this'
	check 'reached now' 1 'explained, but reached or not there: `second()` `if (a)`' \
		'a.c first() 6-6
a.c first() 10-10' "$one" "$two" "$three"
	check 'changed' 1 'reached or not there: `second()` `if (b)`' "$blocks" "$one" "$two" \
		"$three" '`second()` `if (b)`: never'
	check 'of another function' 1 'not explained: a.c:17-17' "$blocks" "$one" "$two" \
		'`first()` `if (a)`: never'
	some='`second()` `if (a)`, now and then: a race'
	check 'now and then: not reached' 0 end "$blocks" "$one" "$two" "$some"
	check 'now and then: reached' 0 end 'a.c first() 6-6
a.c first() 10-10' "$one" "$two" "$some"
	check 'now and then: another block of the kind' 1 'there are 2 such blocks' "$blocks
a.c second() 19-19" "$one" "$two" '`second()` `return -EINVAL;`, now and then: a race'
	check 'now and then: without a reason' 1 'not explained: a.c:17-17' "$blocks" "$one" "$two" \
		'`second()` `if (a)`, now and then:'
	check 'without a reason' 1 'not explained: a.c:17-17' "$blocks" "$one" "$two" \
		'`second()` `if (a)`:'
}

echo "result: suite=explain planned=$((passed + failed)) passed=$passed failed=$failed" \
	"skipped=0 seconds=0"
[ "$failed" -eq 0 ]
