#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests the Debian packages of build/deb:
#
#  - those of this machine are installed by dpkg, with their dependencies, into this
#    system as a throwaway overlay sees it; users' programs are built against them,
#    DKMS builds the modules for the arm64 kernel, and all is removed again
#  - those for arm64 are unpacked and go into the machine with DKMS's modules; the
#    packaged command and a user's program run guests there
#
# The first part needs root, or sudo, and a kernel that lets it mount.
#
# Environment: BUILD, the output directory.

set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
deb=$BUILD/deb
arm=$deb/arm64-root
modules=$deb/modules
log=$BUILD/logs/packages-test.log
own=$(dpkg --print-architecture)
# shellcheck source=/dev/null
. "$here/lib.sh"
begin_suite packages "$log"

# ---- in the overlay --------------------------------------------------------------

# The names of the packages of this machine's architecture and of none.
names() {
	local f

	for f in "$deb"/*_all.deb "$deb"/*_"$own".deb; do
		dpkg-deb -f "$f" Package
	done
}

# Configured, and every file as it was packed.
installed() {
	local p

	for p in $(names); do
		[ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$p")" = 'ii ' ] || return
		[ -z "$(dpkg --verify "$p")" ] || return
	done
}

same_version() {
	local v

	v=$(pkg-config --modversion libgh-runner)
	[ "$(gh-runner --version | head -n 1)" = "gh-runner $v" ] &&
		[ "$(pkg-config --modversion liburing-ext)" = "$v" ] &&
		[ "$(dpkg-query -W -f '${Version}' gunyah-dkms)" = "$v" ] &&
		dkms status | grep -q "^gunyah[,/] *$v"
}

# The headers are of the stock kernel in build/; the compiler is the cross compiler.
dkms_build() {
	local release

	release=$(cat "$BUILD/kernel/release")
	MAKEFLAGS="CC=aarch64-linux-gnu-gcc" dkms build gunyah/0.1 -k "$release" -a aarch64 \
		--kernelsourcedir "$BUILD/kernel/headers" || {
		cat /var/lib/dkms/gunyah/0.1/build/make.log
		return 1
	}
	mkdir -p "$modules"
	cp "/var/lib/dkms/gunyah/0.1/$release/aarch64/module"/*.ko* "$modules/" &&
		unpack_modules
}

# DKMS compresses modules where the kernel of the build machine has them so.
unpack_modules() {
	local f

	for f in "$modules"/*.ko.*; do
		case $f in
		*.xz) xz -d "$f" ;;
		*.gz) gzip -d "$f" ;;
		*.zst) zstd -q -d --rm "$f" ;;
		esac || return
	done
	[ "$(find "$modules" -name '*.ko' | wc -l)" -eq 6 ]
}

# DKMS refuses what the modules are not for.
dkms_refuses() {
	! dkms build gunyah/0.1 -k 6.1.0-test -a aarch64 \
		--kernelsourcedir "$BUILD/kernel/headers"
}

man_pages() {
	local page

	for page in libgh-runner.3 gh_runner_run.3 gh_runner_quit.3 gh_uring_prep_run.3 gh-runner.1 \
		gh-runner.conf.5 gh_wake_board_set.3; do
		[ -s "/usr/share/man/man${page##*.}/$page.gz" ] || return
	done
}

# For root and a group that is there, and for nobody else.
device_rule() {
	local rule=/usr/lib/udev/rules.d/60-gunyah.rules

	grep -q '^SUBSYSTEM=="misc", KERNEL=="gunyah", GROUP="gunyah", MODE="0660"$' "$rule" &&
		[ "$(grep -cv '^#\|^$' "$rule")" -eq 1 ] && getent group gunyah
}

removed() {
	local p

	for p in $(names); do
		! dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2> /dev/null | grep -q '^i' || return
	done
	[ ! -e /usr/bin/gh-runner ] && [ ! -e /usr/src/gunyah-0.1 ] &&
		[ ! -e /usr/lib/udev/rules.d/60-gunyah.rules ] &&
		[ -z "$(dkms status gunyah)" ]
}

in_overlay() {
	local program loop kind tmp

	tmp=$(mktemp -d)
	# Also where containers leave manual pages and documentation out.
	check "dpkg -i" dpkg --path-include='/usr/share/*' -i "$deb"/*_all.deb "$deb"/*_"$own".deb
	check "all installed" installed
	check "one version" same_version
	check "manual pages" man_pages
	check "rule of the device" device_rule
	for program in ext:liburing-ext runner:libgh-runner epoll:libgh-runner-epoll \
		uv:libgh-runner-uv glib:libgh-runner-glib sd-event:libgh-runner-sd-event; do
		loop=${program%:*}
		for kind in shared static; do
			check "$loop, $kind" build gcc "$here/user_$loop.c" "$tmp/$loop-$kind" \
				"${program#*:}" $kind
			check "$loop, $kind, running" "$tmp/$loop-$kind"
		done
	done
	check "the runner is a shared library" links "$tmp/runner-shared" yes
	check "DKMS builds" dkms_build
	check "DKMS refuses an older kernel" dkms_refuses
	# shellcheck disable=SC2046 # names are words
	check "dpkg --purge" dpkg --purge $(names)
	check "all removed" removed
}

# This system below $1: writes go to memory; the repository and the output are themselves.
enter_overlay() {
	local merged=$1/merged d

	mount -t tmpfs -o mode=755 tmpfs "$1" || return
	mkdir "$1/upper" "$1/work" "$merged"
	mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$merged" || return
	for d in /proc /sys /dev "$root" "$BUILD"; do
		mkdir -p "$merged$d" && mount --rbind "$d" "$merged$d" || return
	done
	# The host's own, where it is a mount of its own.
	mkdir -p "$merged/tmp" "$merged/run"
	mount -t tmpfs tmpfs "$merged/run" || return
	exec chroot "$merged" "$here/packages.sh" --in-overlay
}

if [ "${1:-}" = --enter ]; then
	enter_overlay "$2"
	exit 125
fi
if [ "${1:-}" = --in-overlay ]; then
	: > "$deb/overlay.entered"
	in_overlay
	echo "$passed $failed $skipped" > "$deb/overlay.result"
	exit 0
fi

# ---- outside ------------------------------------------------------------------------

overlay() {
	local as_root=() dir

	[ "$(id -u)" -eq 0 ] || as_root=(sudo env "BUILD=$BUILD" "PATH=$PATH")
	rm -f "$deb/overlay.result" "$deb/overlay.entered"
	dir=$(mktemp -d)
	"${as_root[@]}" unshare --mount --propagation private "$here/packages.sh" --enter "$dir" \
		2>> "$log"
	rmdir "$dir"
	if [ -e "$deb/overlay.result" ]; then
		read -r passed failed skipped < "$deb/overlay.result"
	elif [ -e "$deb/overlay.entered" ]; then
		check "the installation on this system came to its end" false
	else
		skip "the installation on this system: no overlay can be mounted, see $log" \
			"$(count_overlay)"
	fi
}

# How many checks in_overlay makes.
count_overlay() (
	planned=0
	check() { planned=$((planned + 1)); }
	in_overlay > /dev/null
	echo $planned
)

arm_program() {
	PKG_CONFIG_SYSROOT_DIR=$arm PKG_CONFIG_LIBDIR=$arm/usr/lib/aarch64-linux-gnu/pkgconfig \
		build aarch64-linux-gnu-gcc "$root/runner/examples/minimal.c" "$arm/usr/bin/user-guest" \
		libgh-runner shared -idirafter "$BUILD/sysroot/usr/include" \
		"-Wl,-rpath-link,$arm/usr/lib/aarch64-linux-gnu" \
		"-Wl,-rpath-link,$BUILD/sysroot/usr/lib/aarch64-linux-gnu"
}

# Requires.private is not unpacked: its files are in the sysroot.
arm_unpack() {
	local f

	rm -rf "$arm"
	for f in "$deb"/*_arm64.deb; do
		dpkg -x "$f" "$arm" || return
	done
	cp "$BUILD"/sysroot/usr/lib/aarch64-linux-gnu/pkgconfig/liburing.pc \
		"$arm/usr/lib/aarch64-linux-gnu/pkgconfig/"
}

machine() {
	local libs=$arm/usr/lib/aarch64-linux-gnu f files=()

	# DKMS's where they could be built.
	[ -n "$(ls "$modules" 2> /dev/null)" ] || modules=$BUILD/modules
	for f in "$modules"/*.ko; do
		files+=(--file "$f:/root/modules/${f##*/}")
	done
	for f in "$libs"/*.so.?; do
		files+=(--file "$f:/lib/aarch64-linux-gnu/${f##*/}")
	done
	timeout 400 "$root/tests/machine/scripts/run-machine.sh" --silent --timeout 300 \
		--log "$BUILD/logs/packages-machine.log" --overlay "$BUILD/machine/libs.cpio" \
		"${files[@]}" --file "$here/packages-machine.sh" \
		--file "$arm/usr/bin/gh-runner:/usr/bin/gh-runner" \
		--file "$arm/usr/bin/user-guest:/usr/bin/user-guest" \
		--file "$BUILD/guests/demo.bin:/guests/demo.bin" -- sh packages-machine.sh &&
		"$root/tests/machine/scripts/scan-log.sh" "$BUILD/logs/packages-machine.log"
}

mkdir -p "$BUILD/logs"
: > "$log"
rm -rf "$modules"
overlay
check "arm64 packages" arm_unpack
check "a program for arm64" arm_program
check "it links the shared library" links "$arm/usr/bin/user-guest" yes
check "so does the command" links "$arm/usr/bin/gh-runner" yes
check "guests in the machine" machine
result
