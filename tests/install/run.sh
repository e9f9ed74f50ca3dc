#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Installs the libraries into a directory of its own, and compiles and runs users'
# programs against what is there: by pkg-config, shared and static, in C and C++,
# for the libraries and for the adapter of each event loop.
#
# Environment: BUILD, the output directory.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
dest=$BUILD/install
prefix=$dest/usr
stage=$BUILD/install-stage
log=$BUILD/logs/install.log
# shellcheck source=/dev/null
. "$here/lib.sh"
begin_suite install "$log"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

run() {
	# A library's own needs are not found by the rpath of the program.
	LD_LIBRARY_PATH=$prefix/lib "$1"
}

lost_output() {
	local option

	for option in --help --version 'ps --help' 'run --version'; do
		# shellcheck disable=SC2086 # words
		! "$prefix/bin/gh-runner" $option > /dev/full || return
	done
}

# On a terminal of 80 columns.
help_fits() {
	local command

	for command in '' run ps stats top kick stop console; do
		# shellcheck disable=SC2086 # no word, or one
		! "$prefix/bin/gh-runner" $command --help | grep -n '.\{80\}' || return
	done
}

# user NAME PACKAGE: shared and static.
user() {
	local kind program

	for kind in shared static; do
		program=$prefix/user-$1-$kind
		check "$1, $kind" build gcc "$here/user_$1.c" "$program" "$2" $kind "-Wl,-rpath,$prefix/lib"
		check "$1, $kind, running" run "$program"
	done
}

# What one installation has the other has, too.
same_files() {
	diff <(cd "$prefix" && find . ! -type d | sort) <(cd "$stage/usr" && find . ! -type d | sort) &&
		[ "$(ls "$stage")" = usr ]
}

nowhere() {
	! grep -r -l -F -e "$1" --include='*.pc' --include='*.rules' --include='*.[1357]' "$stage" &&
		grep -q '^prefix=/usr$' "$stage/usr/lib/pkgconfig/libgh-runner.pc"
}

rm -rf "$dest" "$stage"
mkdir -p "$BUILD/logs"
: > "$log"
check "make install" make -C "$root" install PREFIX="$prefix" JOBS=1
check "make install DESTDIR=" make -C "$root" install DESTDIR="$stage" PREFIX=/usr JOBS=1
check "all of it is below DESTDIR" same_files
check "DESTDIR is in no file" nowhere "$stage"
# What is built next is against the first.
check "make install again" make -C "$root" install PREFIX="$prefix" JOBS=1
user ext liburing-ext
user runner libgh-runner
for loop in epoll uv glib sd-event; do
	user $loop libgh-runner-$loop
	check "$loop links the shared library" links "$prefix/user-$loop-shared" yes
	check "$loop links the archive" links "$prefix/user-$loop-static" no
done
check "a guest's program" build gcc "$root/runner/examples/minimal.c" "$prefix/user-guest" libgh-runner shared \
	"-Wl,-rpath,$prefix/lib"
check "a program with nothing shared" build gcc "$here/user_runner.c" "$prefix/user-static" \
	libgh-runner static -static
check "the same, running" "$prefix/user-static"
check "header of the runner as C++" g++ -x c++ -fsyntax-only -Wall -Wextra -Werror \
	-I"$prefix/include" "$here/user_runner.c"
check "completions" "$here/completions.sh" "$prefix/bin/gh-runner" "$root/runner/completions"
check "rule of the device" grep -q 'GROUP="gunyah", MODE="0660"' \
	"$prefix/lib/udev/rules.d/60-gunyah.rules"
# What cannot be written is an error, as with other tools.
check "output that is lost" lost_output
check "help fits the screen" help_fits
for file in bash-completion/completions/gh-runner zsh/site-functions/_gh-runner \
	fish/vendor_completions.d/gh-runner.fish; do
	check "completion $file" test -s "$prefix/share/$file"
done
check "the command" test "$("$prefix/bin/gh-runner" --version | head -n 1)" = \
	"gh-runner $(pkg-config --modversion libgh-runner)"
for page in man1/gh-runner.1 man3/libgh-runner.3 man3/gh_runner_quit.3 man3/gh_epoll_wait.3 \
	man3/gh_uring_prep_cancel.3 man5/gh-runner.conf.5 man7/gh_uring.7; do
	check "manual page $page" test -s "$prefix/share/man/$page"
done
result
