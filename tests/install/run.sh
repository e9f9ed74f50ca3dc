#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Installs the libraries into a directory of its own, and compiles and runs users'
# programs against what is there: by pkg-config, shared and static, in C and C++.
# The last line is a result line.
#
# Environment: BUILD, the output directory.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
dest=$BUILD/install
prefix=$dest/usr
begin=$SECONDS
passed=0 failed=0
log=$BUILD/logs/install.log

# check WHAT COMMAND...
check() {
	local what=$1
	shift

	if "$@" >> "$log" 2>&1; then
		passed=$((passed + 1))
	else
		echo "install: $what failed, see $log"
		failed=$((failed + 1))
	fi
}

flags() {
	PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@"
}

# build COMPILER SOURCE PROGRAM PACKAGE [--static]
build() {
	local compiler=$1 source=$2 program=$3 package=$4 link=()

	[ -z "${5:-}" ] || link=(-static)
	# shellcheck disable=SC2046,SC2086 # flags are words
	$compiler -Wall -Wextra -Werror $(flags --cflags "$package") -o "$prefix/$program" \
		"$source" "${link[@]}" -Wl,-rpath,"$prefix/lib" $(flags --libs ${5:-} "$package")
}

run() {
	# A library's own needs are not found by the rpath of the program.
	LD_LIBRARY_PATH=$prefix/lib "$prefix/$1"
}

rm -rf "$dest"
mkdir -p "$BUILD/logs"
: > "$log"
check "make install" make -C "$root" install PREFIX="$prefix" JOBS=1
for package in ext runner; do
	name=liburing-ext
	[ $package = ext ] || name=libgh-runner
	check "$package, shared" build gcc "$here/user_$package.c" "$package" $name
	check "$package, shared, running" run $package
	check "$package, static" build gcc "$here/user_$package.c" "$package-static" $name --static
	check "$package, static, running" run $package-static
done
check "header of the runner as C++" g++ -x c++ -fsyntax-only -Wall -Wextra -Werror \
	-I"$prefix/include" "$here/user_runner.c"
check "manual page" test -s "$prefix/share/man/man3/gh_uring_prep_run.3"

echo "result: suite=install planned=$((passed + failed)) passed=$passed failed=$failed" \
	"skipped=0 seconds=$((SECONDS - begin))"
[ $failed -eq 0 ]
