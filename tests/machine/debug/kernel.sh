#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Builds the debug kernel, KERNEL=debug: Debian's linux-source-6.12 with
# kernel.config. Does nothing when that is built already; a new configuration or
# another version of the source is built anew.
#
#   kernel.sh source    fetch and unpack the source
#   kernel.sh build     configure and build, JOBS at a time
#
#   build/kernel-debug/Image      as run-machine.sh wants it
#   build/kernel-debug/headers    link to what modules are built with
#   build/kernel-debug/src, out   source and objects, 3 GB
#
# Environment: BUILD, the output directory; CROSS_COMPILE; JOBS.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=$(realpath -m "${BUILD:-$root/build}")
dir=$BUILD/kernel-debug
cross=${CROSS_COMPILE-aarch64-linux-gnu-}

kmake() {
	make -C "$dir/src" O="$dir/out" ARCH=arm64 CROSS_COMPILE="$cross" "$@"
}

# What the kernel was built of and with.
identity() {
	cat "$dir/src/.version-debian"
	"${cross}gcc" --version | head -n 1
	sha256sum < "$here/kernel.config"
}

# The options of kernel.config that the configuration has not got.
missing_options() {
	grep -E '^CONFIG_|^# CONFIG_.* is not set$' "$here/kernel.config" |
		grep -vxF -f "$dir/out/.config" || true
}

fetch_source() {
	[ ! -e "$dir/src/.version-debian" ] || return 0
	"$here/../scripts/fetch.sh" --source "$dir/src"
}

build() {
	local missing

	if [ -e "$dir/.fetched" ] && [ "$(identity)" = "$(cat "$dir/.fetched")" ]; then
		echo "the debug kernel is up to date"
		return
	fi
	rm -f "$dir/.fetched"
	mkdir -p "$dir/out"
	KCONFIG_ALLCONFIG=$here/kernel.config kmake -s allnoconfig
	missing=$(missing_options)
	if [ -n "$missing" ]; then
		printf 'kernel.sh: options that this source does not know or allow:\n%s\n' \
			"$missing" >&2
		exit 1
	fi
	kmake -j"${JOBS:-$(nproc)}" Image modules
	ln -sfn out "$dir/headers"
	ln -sfn out/arch/arm64/boot/Image "$dir/Image"
	kmake -s kernelrelease > "$dir/release"
	identity > "$dir/.fetched"
}

case ${1:-} in
source) fetch_source ;;
build) build ;;
*) echo "kernel.sh: source or build" >&2; exit 2 ;;
esac
