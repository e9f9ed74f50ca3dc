#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Makes the machine's base image, an uncompressed initramfs: busybox, /init and
# the C library (for programs that are linked dynamically).
#
#   mkimage.sh               build/machine/base.cpio, when older than its parts
#   mkimage.sh --libs        build/machine/libs.cpio: the other shared libraries of
#                            build/sysroot (Criterion and what it needs)
#   mkimage.sh --bpftrace    build/machine/bpftrace.cpio: bpftrace and what it needs
#   mkimage.sh --dir DIR OUT an archive of DIR, owned by root
#
# The kernel unpacks several archives laid one behind the other, so a run adds
# its own files to the base without building it again.
#
# Environment: BUILD, the output directory (default: build/ of the repository).

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
sysroot=$BUILD/sysroot
out=$BUILD/machine

# Libraries of the C library itself; they go into the base.
libc_libs=(ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0
	librt.so.1 libresolv.so.2 libgcc_s.so.1 libatomic.so.1)

archive() {
	local dir=$1 dest=$2

	mkdir -p "$(dirname "$dest")"
	(cd "$dir" && find . -mindepth 1 -print0 | LC_ALL=C sort -z |
		cpio --null --quiet --reproducible -o -H newc -R 0:0) > "$dest.$$"
	mv "$dest.$$" "$dest"
}

# Prints the shared libraries of the sysroot whose name matches; more arguments
# are find's.
find_libs() {
	find "$sysroot/lib" "$sysroot/usr/lib" -name "$@" 2>/dev/null || true
}

# The sonames are what the loader looks for; copy the file behind the link.
copy_lib() {
	cp -L "$1" "$tmp/lib/aarch64-linux-gnu/$(basename "$1")"
}

make_base() {
	local lib path busybox=$sysroot/bin/busybox

	[ -e "$busybox" ] || busybox=$sysroot/usr/bin/busybox
	install -D -m 755 "$busybox" "$tmp/bin/busybox"
	install -D -m 755 "$here/../image/init" "$tmp/init"
	ln -s busybox "$tmp/bin/sh"
	for lib in "${libc_libs[@]}"; do
		path=$(find_libs "$lib" | head -n 1)
		[ -z "$path" ] || copy_lib "$path"
	done
	ln -s aarch64-linux-gnu/ld-linux-aarch64.so.1 "$tmp/lib/ld-linux-aarch64.so.1"
	archive "$tmp" "$out/base.cpio"
}

make_libs() {
	local path targets skip

	# The file behind a soname's link would only be a second copy.
	targets=$(find_libs 'lib*.so.[0-9]*' -type l -printf '%l\n' | sed 's|.*/||' | tr '\n' ' ')
	skip=" ${libc_libs[*]} $targets "
	find_libs 'lib*.so.[0-9]*' | while read -r path; do
		case $skip in
		*" $(basename "$path") "*) continue ;;
		esac
		[ ! -e "$path" ] || copy_lib "$path"
	done
	archive "$tmp" "$out/libs.cpio"
}

# Copies the libraries that a program needs, and those that they need.
copy_needed() {
	local lib path

	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r lib; do
		case " ${libc_libs[*]} " in
		*" $lib "*) continue ;;
		esac
		[ ! -e "$tmp/lib/aarch64-linux-gnu/$lib" ] || continue
		path=$(find_libs "$lib" -print -quit)
		[ -n "$path" ] || { echo "mkimage.sh: no $lib" >&2; exit 1; }
		copy_lib "$path"
		copy_needed "$path"
	done
}

make_bpftrace() {
	sysroot=$BUILD/bpftrace
	install -D -m 755 "$sysroot/usr/bin/bpftrace" "$tmp/bin/bpftrace"
	copy_needed "$tmp/bin/bpftrace"
	archive "$tmp" "$out/bpftrace.cpio"
}

newer() {
	[ -e "$1" ] && [ "$1" -nt "$here/mkimage.sh" ] && [ "$1" -nt "$here/../image/init" ] &&
		[ "$1" -nt "$sysroot" ]
}

if [ "${1:-}" = --dir ]; then
	archive "$2" "$3"
	exit 0
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/lib/aarch64-linux-gnu" "$out"
case ${1:-} in
'') newer "$out/base.cpio" || make_base ;;
--libs) newer "$out/libs.cpio" || make_libs ;;
--bpftrace) [ "$out/bpftrace.cpio" -nt "$BUILD/bpftrace" ] || make_bpftrace ;;
*) echo "mkimage.sh: unknown option $1" >&2; exit 2 ;;
esac
