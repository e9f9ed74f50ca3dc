#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Installs the Debian packages that building and testing need and that are
# missing, and says which and why. Does nothing when all are there.
#
#   setup-packages.sh         for build, run and test
#   setup-packages.sh --lint  for 'make lint' also
#   setup-packages.sh --deb   for 'make deb' and 'make test-packages' also
#   setup-packages.sh --model for 'make model' also
#   setup-packages.sh --bench for 'make bench' also
#   setup-packages.sh --debug for 'make test-debug' also
#
# Debian 12 and 13, as root or with sudo.

set -euo pipefail

packages='
make                   runs the build
gcc                    compiles the unit tests, which run on this machine
g++                    checks that the public headers are valid C++
libc6-dev              the C library to compile them with
libcriterion-dev       the unit test framework
libfdt-dev             device trees, in the unit tests
liburing-dev           rings, in the unit tests
libconfig-dev          configuration files of the command line
libuv1-dev             event loops that the runner has adapters for: libuv,
libglib2.0-dev         GLib
libsystemd-dev         and sd-event
pkgconf                finds these libraries
qemu-system-arm        the emulated arm64 machine
cpio                   packs the initramfs of that machine
device-tree-compiler   compiles the device trees of tests
dwarves                type information (BTF) of the kernel modules
'
cross_packages='
gcc-aarch64-linux-gnu  compiles modules, monitor, guests and programs for arm64
libc6-dev-arm64-cross  the arm64 C library
'
deb_packages='
build-essential        what each Debian build takes for granted
debhelper              builds the Debian packages
dh-dkms                installs the sources of the modules in one of them
dkms                   builds the modules from there
lintian                checks the packages
'
lint_packages='
sparse                 checks the kernel modules (make C=1)
shellcheck             checks the scripts
mandoc                 checks the manual pages
zsh                    checks its completions
fish                   checks its completions
perl                   runs checkpatch.pl of the kernel
xz-utils               unpacks the kernel source it comes from
'
model_packages='
spin                   checks the model of the vCPU
'
debug_packages='
flex                   builds the configuration program of the kernel
bison                  the same
bc                     computes constants of the kernel
xz-utils               unpacks the kernel source
'
bench_packages='
gnuplot-nox            draws the plots of the benchmark
'

[ "$(dpkg --print-architecture)" = arm64 ] || packages+=$cross_packages
[ "${1:-}" != --lint ] || packages+=$lint_packages
[ "${1:-}" != --deb ] || packages+=$deb_packages
[ "${1:-}" != --model ] || packages+=$model_packages
[ "${1:-}" != --bench ] || packages+=$bench_packages
[ "${1:-}" != --debug ] || packages+=$debug_packages

wanted=$(echo "$packages" | awk 'NF { print $1 }')
# shellcheck disable=SC2086 # one word a package
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null |
	awk '$1 == "ii" { print $2 }' || true)
missing=$(comm -23 <(sort -u <<< "$wanted") <(sort -u <<< "$installed"))
[ -n "$missing" ] || exit 0

echo "Installing what is missing:"
for p in $missing; do
	awk -v p="$p" '$1 == p { print "  " $0 }' <<< "$packages"
done

as_root=''
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo > /dev/null; then
		echo "Needs root: apt-get install --no-install-recommends" "${missing//$'\n'/ }" >&2
		exit 1
	fi
	as_root='sudo'
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
log=${BUILD:-$here/../../../build}/logs/packages.log
mkdir -p "$(dirname "$log")"
apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >> "$log" 2>&1 && return
	echo "apt-get $1 failed, last lines of $log:" >&2
	tail -n 20 "$log" >&2
	exit 1
}
: > "$log"
apt update
# shellcheck disable=SC2086 # one word a package
apt install --no-install-recommends $missing
