#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Fetches the stock arm64 kernel, its headers and arm64 user space from Debian
# and unpacks them below build/. The user's apt is only asked which mirror it
# uses: lists, state and cache are the project's own, and nothing is installed.
#
#   fetch.sh           kernel and sysroot; nothing when both are there
#   fetch.sh --lint    checkpatch.pl and its data, into build/lint
#   fetch.sh --bpftrace  bpftrace and its libraries for the machine, into build/bpftrace
#   fetch.sh --source DIR   source of the kernel, for the debug kernel
#
#   build/kernel/Image         the host kernel, as the boot protocol wants it
#   build/kernel/headers       link to the headers modules are built with
#   build/kernel/tools         compiler and tools for them, where the system's are too old
#   build/sysroot              arm64 C library, liburing, libfdt, Criterion, busybox
#
# Environment: BUILD, the output directory; KERNEL, 6.12 (default), 7, or debug, which
# is 6.12 built by tests/machine/debug/kernel.sh; MIRROR and SUITE, to override what
# apt says.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=$(realpath -m "${BUILD:-$root/build}")
KERNEL=${KERNEL:-6.12}
apt_dir=$BUILD/apt
pkg_dir=$BUILD/pkg
kernel_dir=$BUILD/kernel
[ "$KERNEL" = 6.12 ] || kernel_dir=$BUILD/kernel-$KERNEL
version=${KERNEL/debug/6.12}
sysroot=$BUILD/sysroot
host_arch=$(dpkg --print-architecture)

# Packages of the sysroot: with all they depend on, and by themselves.
sysroot_closure='libc6 libcriterion3 libfdt1 liburing2 libuv1 libglib2.0-0 libsystemd0 libconfig-dev'
sysroot_single='libc6-dev libcriterion-dev libfdt-dev liburing-dev busybox-static
	libuv1-dev libglib2.0-dev libsystemd-dev'

die() {
	echo "fetch.sh: $*" >&2
	exit 1
}

# Which suites hold what: 'suite' is the user's own, the kernel can be newer, and
# then it is built with the tools of 'tools_suite'.
choose_suites() {
	# shellcheck source=/dev/null
	suite=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-}")}
	case $version:$suite in
	6.12:bookworm) kernel_suite=bookworm-backports tools_suite='' ;;
	6.12:trixie) kernel_suite=trixie tools_suite='' ;;
	7:bookworm) kernel_suite=trixie-backports tools_suite=trixie ;;
	7:trixie) kernel_suite=trixie-backports tools_suite='' ;;
	*) die "kernel $KERNEL on '$suite' is not supported: Debian 12 (bookworm) and" \
		"13 (trixie), KERNEL=6.12, 7 or debug" ;;
	esac
	# Debian 13 has GLib's headers in a package of their own.
	glib_headers=''
	[ "$suite" != trixie ] || glib_headers=libgio-2.0-dev
}

# The mirror of the user's sources that carries this release, by its name or, for
# want of that, as stable, oldstable or testing.
find_mirror() {
	local s uris

	mirror=${MIRROR:-}
	[ -z "$mirror" ] || return 0
	uris=$(apt-get update --print-uris 2>/dev/null || true)
	for s in "$suite" stable oldstable testing; do
		mirror=$(sed -n "s|^'\(.*\)/dists/$s/InRelease'.*|\1|p" <<< "$uris" | head -n 1)
		[ -z "$mirror" ] || return 0
	done
	die "no apt source of this system carries '$suite';" \
		"set MIRROR to the address of a Debian mirror"
}

apt_setup() {
	local key=/usr/share/keyrings/debian-archive-keyring.gpg signed='' s

	choose_suites
	find_mirror
	[ ! -e "$key" ] || signed=" signed-by=$key"
	mkdir -p "$apt_dir"/state "$apt_dir"/lists/partial "$apt_dir"/cache/archives/partial
	mkdir -p "$pkg_dir/partial"
	: > "$apt_dir/status"
	for s in $(printf '%s\n' "$suite" "$kernel_suite" "$tools_suite" | sort -u); do
		echo "deb [arch=arm64,$host_arch$signed] $mirror $s main"
	done > "$apt_dir/sources.list"
	cat > "$apt_dir/apt.conf" <<-END
	Dir::State "$apt_dir/state";
	Dir::State::lists "$apt_dir/lists";
	Dir::State::status "$apt_dir/status";
	Dir::Cache "$apt_dir/cache";
	Dir::Cache::archives "$pkg_dir";
	Dir::Etc::sourcelist "$apt_dir/sources.list";
	Dir::Etc::sourceparts "/dev/null";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	APT::Architecture "arm64";
	APT::Architectures { "arm64"; "$host_arch"; };
	APT::Default-Release "$suite";
	APT::Sandbox::User "root";
	APT::Install-Recommends "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	END
	echo "updating the package lists"
	apt_get update
}

# -c: read last, so it wins over the user's own configuration.
apt_get() {
	apt-get -c "$apt_dir/apt.conf" -q -y "$@"
}

# The newest package whose name matches a regular expression.
newest() {
	apt-cache -c "$apt_dir/apt.conf" pkgnames | grep -E "^$1\$" | sort -V | tail -n 1 || true
}

# get VERB PACKAGE...: VERB download takes the packages alone, install with all
# they depend on. Fills the array 'debs' with the archives' paths.
get() {
	local verb=$1 uris name
	shift

	# With an empty cache, as apt does not name what it has already.
	uris=$(apt_get -o Dir::Cache::archives="$apt_dir/cache/archives" \
		--print-uris "$verb" "$@") || die "no such package among: $*"
	debs=()
	while read -r name; do
		debs+=("$pkg_dir/$name")
	done < <(sed -n "s/^'[^']*' \([^ ]*\.deb\) .*/\1/p" <<< "$uris")
	[ ${#debs[@]} -gt 0 ] || die "apt names no archive for: $*"
	if [ "$verb" = install ]; then
		apt_get --download-only install "$@"
	else
		(cd "$pkg_dir" && apt_get download "$@")
	fi
}

unpack() {
	local deb dir=$1
	shift

	for deb in "$@"; do
		dpkg -x "$deb" "$dir"
	done
}

# replace NEW OLD: NEW takes the place of OLD, which is never seen half done.
replace() {
	rm -rf "$2.old"
	[ ! -e "$2" ] || mv "$2" "$2.old"
	mv "$1" "$2"
	rm -rf "$2.old"
}

# Debian's vmlinuz is a raw Image, a compressed one, or an EFI program with a
# compressed one inside, by release.
raw_image() {
	local offset size

	case $(od -A n -t x1 -N 8 "$1" | tr -d ' ') in
	1f8b*) gzip -dc "$1" > "$2" ;;
	4d5a????7a696d67)
		offset=$(od -A n -t u4 -j 8 -N 4 "$1")
		size=$(od -A n -t u4 -j 12 -N 4 "$1")
		tail -c "+$((offset + 1))" "$1" | head -c $((size)) | unpack_stream > "$2" ;;
	*) cp "$1" "$2" ;;
	esac
	[ "$(od -A n -t x1 -j 56 -N 4 "$2" | tr -d ' ')" = 41524d64 ] ||
		die "$1 holds no arm64 Image"
}

unpack_stream() {
	local file

	file=$(mktemp)
	cat > "$file"
	gzip -dc "$file" 2>/dev/null || zstd -dqc "$file" || xz -dc "$file"
	rm -f "$file"
}

# fetch_tools DIR: the compiler of the kernel's own release, for its headers ask for
# options that an older one lacks, and the type information tool. They, and the
# tools that came with the headers, get the C library they were linked with: each
# program names its loader and its libraries' directory, so no environment is needed.
fetch_tools() {
	local dir=$1 tools=$1/tools gcc='gcc' loader libs program patchelf=$1/patchelf

	[ "$host_arch" = arm64 ] || gcc='gcc-aarch64-linux-gnu'
	echo "fetching the tools to build its modules with"
	get install -t "$tools_suite" -o APT::Architecture="$host_arch" \
		"$gcc" pahole libelf1t64 libssl3t64
	unpack "$tools" "${debs[@]}"
	get download "patchelf:$host_arch"
	unpack "$patchelf" "${debs[@]}"

	# Found where it will not be: the directory takes the kernel's place when complete.
	loader=$(find "$tools/usr/lib" -name 'ld-linux-*.so.*' -print -quit)
	loader=$kernel_dir/${loader#"$dir/"}
	libs=$(find "$tools/usr/lib" -name libelf.so.1 -printf '%h' -quit)
	libs=$kernel_dir/${libs#"$dir/"}
	find "$tools/usr" "$dir/usr/lib"/linux-kbuild-* -type f -perm -u+x ! -name '*.so*' |
		while read -r program; do
			[ "$(head -c 4 "$program")" = $'\x7fELF' ] || continue
			"$patchelf/usr/bin/patchelf" --print-interpreter "$program" \
				> /dev/null 2>&1 || continue
			"$patchelf/usr/bin/patchelf" --force-rpath \
				--set-rpath "$libs" --set-interpreter "$loader" "$program"
		done
	rm -rf "$patchelf" "$dir/tools/usr/share"
}

fetch_kernel() {
	local re=${version//./\\.} image release tmp headers common packages part

	# The same kernel comes signed and unsigned, or, in newer releases, once.
	image=$(newest "linux-image-$re\.[0-9.]+[^ ]*-cloud-arm64(-unsigned)?")
	[ -n "$image" ] || die "$kernel_suite has no linux-image-$KERNEL*-cloud-arm64"
	release=${image#linux-image-}
	release=${release%-unsigned}
	common=${release%-cloud-arm64}
	echo "fetching the host kernel $release and its headers"
	packages=("$image:arm64" "linux-headers-$release:arm64"
		"linux-headers-$common-common" "linux-kbuild-$common:$host_arch")
	# Newer releases have the image in parts.
	for part in linux-binary-unsigned linux-modules; do
		[ -z "$(newest "$part-${release//+/\\+}")" ] || packages+=("$part-$release:arm64")
	done
	get download "${packages[@]}"

	tmp=$kernel_dir.new
	rm -rf "$tmp"
	mkdir -p "$tmp"
	unpack "$tmp" "${debs[@]}"
	[ -z "$tools_suite" ] || fetch_tools "$tmp"
	headers=usr/src/linux-headers-$release
	# The headers expect to lie in the root directory; say where they will be.
	sed -i "s|/usr/src/|$kernel_dir/usr/src/|g" "$tmp/$headers/Makefile"
	ln -s "$headers" "$tmp/headers"
	raw_image "$(find "$tmp/boot" "$tmp/usr/lib/modules" -name 'vmlinuz*' -print -quit \
		2> /dev/null)" "$tmp/Image"
	echo "$release" > "$tmp/release"
	touch "$tmp/.fetched"
	replace "$tmp" "$kernel_dir"
}

# A sysroot with other packages than these is fetched anew.
sysroot_parts() {
	# shellcheck disable=SC2086 # lists of words
	printf '%s\n' $sysroot_closure $sysroot_single $glib_headers
}

fetch_sysroot() {
	local tmp=$sysroot.new d

	echo "fetching arm64 user space"
	rm -rf "$tmp"
	mkdir -p "$tmp"
	# shellcheck disable=SC2086 # lists of words
	get install $sysroot_closure
	unpack "$tmp" "${debs[@]}"
	# shellcheck disable=SC2086
	get download $sysroot_single $glib_headers
	unpack "$tmp" "${debs[@]}"
	# Releases with a merged /usr have nothing of their own in these.
	for d in lib bin; do
		[ -e "$tmp/$d" ] || ln -s "usr/$d" "$tmp/$d"
	done
	rm -rf "$tmp/usr/share/doc" "$tmp/usr/share/locale" "$tmp/usr/share/man"
	sysroot_parts > "$tmp/.fetched"
	replace "$tmp" "$sysroot"
}

# Leaves the path of the kernel's source package in debs[0].
get_source() {
	local re=${version//./\\.} source

	apt_setup
	source=$(newest "linux-source-${re}[0-9.]*")
	echo "fetching $source"
	get download "$source"
}

# unpack_source DIR TAR_ARGUMENT...
unpack_source() {
	local dir=$1
	shift

	rm -rf "$dir"
	mkdir -p "$dir"
	dpkg --fsys-tarfile "${debs[0]}" |
		tar -xO --wildcards "./usr/src/linux-source-*.tar.xz" |
		tar -xJ -C "$dir" --strip-components=1 --wildcards "$@"
}

fetch_lint() {
	get_source
	unpack_source "$BUILD/lint.new" \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch' '*/scripts/coccinelle'
	rm -f "${debs[0]}"
	replace "$BUILD/lint.new" "$BUILD/lint"
}

fetch_bpftrace() {
	local d

	apt_setup
	echo "fetching bpftrace for arm64"
	rm -rf "$BUILD/bpftrace.new"
	mkdir -p "$BUILD/bpftrace.new"
	get install bpftrace
	unpack "$BUILD/bpftrace.new" "${debs[@]}"
	for d in lib bin; do
		[ -e "$BUILD/bpftrace.new/$d" ] || ln -s "usr/$d" "$BUILD/bpftrace.new/$d"
	done
	replace "$BUILD/bpftrace.new" "$BUILD/bpftrace"
}

# Without the largest drivers, which nobody builds here, but with all Kconfig files.
fetch_source() {
	get_source
	unpack_source "$1.new" --exclude='*/drivers/gpu/drm/*.[ch]' \
		--exclude='*/drivers/net/*/*.[ch]' --exclude='*/sound/*.[ch]' \
		--exclude='*/Documentation/*.rst' --exclude='*/Documentation/*.yaml' '*'
	basename "${debs[0]}" > "$1.new/.version-debian"
	rm -f "${debs[0]}"
	replace "$1.new" "$1"
}

if [ "${1:-}" = --lint ]; then
	[ -x "$BUILD/lint/scripts/checkpatch.pl" ] || fetch_lint
	exit 0
fi
if [ "${1:-}" = --bpftrace ]; then
	[ -x "$BUILD/bpftrace/usr/bin/bpftrace" ] || fetch_bpftrace
	exit 0
fi
if [ "${1:-}" = --source ]; then
	fetch_source "$2"
	exit 0
fi

choose_suites
need_kernel='' need_sysroot=''
[ -e "$kernel_dir/.fetched" ] || need_kernel=y
[ "$(sysroot_parts)" = "$(cat "$sysroot/.fetched" 2>/dev/null)" ] || need_sysroot=y
if [ -n "$need_kernel$need_sysroot" ]; then
	apt_setup
	[ -z "$need_kernel" ] || fetch_kernel
	[ -z "$need_sysroot" ] || fetch_sysroot
fi
