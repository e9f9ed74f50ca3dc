# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
#
# What the tests of the installation have in common.

passed=0 failed=0 skipped=0

# begin_suite NAME LOG: LOG takes the output of all checks.
begin_suite() {
	suite=$1 log=$2
	begin=$SECONDS
}

# check WHAT COMMAND...
check() {
	local what=$1
	shift

	echo "== [$((SECONDS - begin)) s] $what: $*" >> "$log"
	if "$@" >> "$log" 2>&1; then
		passed=$((passed + 1))
	else
		echo "$suite: $what failed, see $log"
		failed=$((failed + 1))
	fi
}

# skip WHAT N: N checks cannot be made here.
skip() {
	echo "$suite: skipped $1"
	skipped=$((skipped + $2))
}

# build COMPILER SOURCE PROGRAM PACKAGE shared|static [FLAG...]: by pkg-config. Static
# are the project's own libraries; not every other one is there as an archive.
build() {
	local compiler=$1 source=$2 program=$3 package=$4 kind=$5 option='' libs
	shift 5

	[ "$kind" = shared ] || option=--static
	libs=$(pkg-config $option --libs "$package") || return
	[ "$kind" = shared ] || libs=$(sed -E 's/-l(gh-runner[^ ]*|uring-ext)/-l:lib\1.a/g' <<< "$libs")
	# shellcheck disable=SC2046,SC2086 # flags are words
	$compiler -Wall -Wextra -Wno-unused-parameter -Werror $(pkg-config --cflags "$package") \
		-o "$program" "$source" "$@" $libs
}

# links PROGRAM yes|no: to the shared libgh-runner.
links() {
	local found=no

	! readelf -d "$1" | grep -q 'NEEDED.*libgh-runner' || found=yes
	[ $found = "$2" ]
}

# The last line is a result line.
result() {
	echo "result: suite=$suite planned=$((passed + failed + skipped)) passed=$passed" \
		"failed=$failed skipped=$skipped seconds=$((SECONDS - begin))"
	[ $failed -eq 0 ]
}
