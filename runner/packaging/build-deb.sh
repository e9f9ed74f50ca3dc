#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Builds the Debian packages into build/deb and checks them with lintian, which must
# find no error.
#
#   build-deb.sh [ARCH]...     default: the architecture of this machine, and arm64
#
# gunyah-dkms is of no architecture and is built with the machine's own. What another
# architecture needs comes from build/sysroot; nothing foreign is installed.
#
# Environment: BUILD, the output directory; JOBS.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
BUILD=${BUILD:-$root/build}
own=$(dpkg --print-architecture)
out=$BUILD/deb

# debhelper wants debian/ at the root of a source tree.
assemble() {
	local tree=$1

	rm -rf "$tree"
	mkdir -p "$tree"
	cp -a "$root/kernel" "$root/liburing-ext" "$root/runner" "$root/LICENSES" "$tree/"
	rm -rf "$tree/runner/packaging"
	cp -a "$here/debian" "$tree/debian"
}

# Which package a library of the sysroot is of, as the packages themselves say it.
shlibs() {
	local deb

	for deb in "$BUILD"/pkg/*_"$1".deb; do
		dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./shlibs 2> /dev/null || true
	done | sort -u
}

build() {
	local arch=$1 kind=binary tree=$out/$1/gunyah-runner

	assemble "$tree"
	unset GH_SYSROOT
	if [ "$arch" != "$own" ]; then
		kind=any
		export GH_SYSROOT=$BUILD/sysroot
		shlibs "$arch" > "$tree/debian/shlibs.local"
	fi
	# Not the flags and outputs of the make that called us. -d: see GH_SYSROOT.
	(cd "$tree" && env -u MAKEFLAGS -u MAKELEVEL -u BUILD -u V \
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=${JOBS:-1}" \
		dpkg-buildpackage --unsigned-source --unsigned-changes --build=$kind \
		--host-arch="$arch" ${GH_SYSROOT:+-d})
	mv "$out/$arch"/*.deb "$out/"
}

[ $# -gt 0 ] || set -- "$own" arm64
[ "$*" != "arm64 arm64" ] || set -- arm64
rm -rf "$out"
mkdir -p "$out"
for arch in "$@"; do
	build "$arch"
done
allow_root=()
[ "$(id -u)" -ne 0 ] || allow_root=(--allow-root)
lintian "${allow_root[@]}" --fail-on error "$out"/*.deb
