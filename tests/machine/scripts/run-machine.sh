#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Boots the aarch64 test machine in QEMU, runs one command in it as root, powers
# off, and returns the command's exit status.
#
#   run-machine.sh [options] [--] COMMAND [ARGUMENT...]
#
#   --file SRC[:DEST]  put a file or directory into the machine; DEST is its
#                      path there (default: /root/NAME, where the command starts)
#   --modules          put build/modules/*.ko into /root/modules
#   --overlay CPIO     add a ready initramfs archive (for example libs.cpio)
#   --no-monitor       boot the host kernel at EL2, without the EL2 monitor
#   --monitor IMG      another monitor image (default build/machine/monitor/monitor.img)
#   --kernel IMAGE     another raw arm64 Image (default build/kernel/Image)
#   --smp N            CPUs (default 2)        --mem SIZE   memory (default 4G)
#   --append ARGS      more kernel parameters; KEY=VALUE the kernel does not know
#                      become environment variables of the command
#   --timeout SECONDS  kill the machine then and return 124 (default 120)
#   --log FILE         the console's log (default build/logs/machine.log)
#   --quiet            no kernel messages
#   --silent           console to the log only, not to standard output
#   --tty              hand the terminal to the machine: input and window size, no
#                      kernel messages; Ctrl-C stops QEMU
#   --verbose          all kernel messages, early console
#   --icount           one CPU, one nanosecond of guest time per instruction:
#                      repeatable measurements (see docs/testing.md)
#   --gdb              wait for a debugger on localhost:1234
#
# Example:
#   run-machine.sh --file build/modules/gunyah.ko 'insmod gunyah.ko && dmesg | tail'
#
# Environment: BUILD, the output directory; KERNEL, 6.12 (default), 7 or
# debug; QEMU, the emulator; QEMU_ARGS, more arguments for it.
#
# Exit status: the command's; 124 timeout; 125 the machine stopped before the
# command ended (a panic, say); 2 wrong usage or a missing file.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
BUILD=${BUILD:-$root/build}
QEMU=${QEMU:-qemu-system-aarch64}
# Below 32 MiB of RAM lies the monitor; the host kernel is loaded behind it.
host_image_addr=0x42000000

die() {
	echo "run-machine.sh: $*" >&2
	exit 2
}

monitor=$BUILD/machine/monitor/monitor.img
suffix=''
[ "${KERNEL:-6.12}" = 6.12 ] || suffix=-$KERNEL
kernel=$BUILD/kernel$suffix/Image
log=''
smp=2 mem=4G timeout=120 append=''
silent='' quiet='' tty='' verbose='' icount='' gdb=''
files=() overlays=()

while [ $# -gt 0 ]; do
	case $1 in
	--file) files+=("$2"); shift ;;
	--overlay) overlays+=("$2"); shift ;;
	--no-monitor) monitor='' ;;
	--monitor) monitor=$2; shift ;;
	--kernel) kernel=$2; shift ;;
	--smp) smp=$2; shift ;;
	--mem) mem=$2; shift ;;
	--append) append+=" $2"; shift ;;
	--timeout) timeout=$2; shift ;;
	--log) log=$2; shift ;;
	--silent) silent=y ;;
	--quiet) quiet=y ;;
	--tty) tty=y quiet=y ;;
	--modules)
		for f in "$BUILD/modules$suffix"/*.ko; do
			files+=("$f:/root/modules/$(basename "$f")")
		done ;;
	--verbose) verbose=y ;;
	--icount) icount=y ;;
	--gdb) gdb=y ;;
	--help) sed -n '4,/^$/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--) shift; break ;;
	-*) die "unknown option $1 (--help shows them)" ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || die "no command (--help shows the usage)"
[ -e "$kernel" ] || die "$kernel is missing; 'make build' fetches it"
[ -z "$monitor" ] || [ -e "$monitor" ] ||
	die "$monitor is missing; 'make build' makes it (or: --no-monitor)"

tmp=$(mktemp -d)
# Runs at the same time do not share a log: the default one is moved into place
# at the end.
final_log=''
if [ -z "$log" ]; then
	log=$tmp/console.log
	final_log=$BUILD/logs/machine.log
fi
# shellcheck disable=SC2317 # called by the trap
clean_up() {
	[ -z "$final_log" ] || [ ! -e "$log" ] || mv "$log" "$final_log"
	rm -rf "$tmp"
}
trap clean_up EXIT

# The command and its files, in an archive behind the base image.
mkdir -p "$tmp/root/root" "$(dirname "${final_log:-$log}")"
echo "$*" > "$tmp/root/run"
for f in "${files[@]}"; do
	src=${f%%:*} dest=
	[ "$src" = "$f" ] || dest=${f#*:}
	[ -n "$dest" ] || dest=/root/$(basename "$src")
	[ -e "$src" ] || die "$src is missing"
	mkdir -p "$tmp/root$(dirname "$dest")"
	cp -rL "$src" "$tmp/root$dest"
done
"$here/mkimage.sh"
"$here/mkimage.sh" --dir "$tmp/root" "$tmp/run.cpio"
cat "$BUILD/machine/base.cpio" ${overlays[@]+"${overlays[@]}"} "$tmp/run.cpio" > "$tmp/initrd"

params="console=ttyAMA0 panic=-1 rdinit=/init"
if [ -n "$verbose" ]; then
	params+=" earlycon=pl011,0x09000000 loglevel=8"
elif [ -n "$quiet" ]; then
	params+=" quiet loglevel=1"
else
	params+=" loglevel=5"
fi
if [ -n "$tty" ]; then
	size=$(stty size 2>/dev/null </dev/tty || true)
	case $size in
	'' | '0 '* | *' 0') size='24 80' ;;
	esac
	params+=" TERM=${TERM:-linux} LINES=${size% *} COLUMNS=${size#* }"
else
	# The machine's console is a terminal, but what comes out is a log.
	params+=" TERM=dumb"
fi
params+=$append

args=(-M "virt-7.2,virtualization=on,gic-version=3" -cpu cortex-a76 -m "$mem"
	-display none -nodefaults -no-reboot -monitor none
	-chardev "stdio,id=console,signal=on,logfile=$log,logappend=off"
	-serial chardev:console -append "$params" -initrd "$tmp/initrd")
if [ -n "$icount" ]; then
	args+=(-smp 1 -icount "shift=0,sleep=off")
else
	args+=(-smp "$smp" -accel "tcg,thread=multi")
fi
if [ -n "$monitor" ]; then
	args+=(-kernel "$monitor"
		-device "loader,file=$kernel,addr=$host_image_addr,force-raw=on")
else
	args+=(-kernel "$kernel")
fi
[ -z "$gdb" ] || args+=(-S -gdb tcp::1234)
# shellcheck disable=SC2206 # words, on purpose
args+=(${QEMU_ARGS:-})

: > "$log"
status=0
if [ -n "$tty" ]; then
	timeout --foreground -k 5 "$timeout" "$QEMU" "${args[@]}" || status=$?
elif [ -n "$silent" ]; then
	timeout -k 5 "$timeout" "$QEMU" "${args[@]}" </dev/null >/dev/null || status=$?
else
	timeout -k 5 "$timeout" "$QEMU" "${args[@]}" </dev/null || status=$?
fi

if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
	echo "run-machine.sh: timeout after $timeout s; console in ${final_log:-$log}" >&2
	exit 124
fi
inner=$(sed -n 's/.*machine: exit \([0-9]\{1,3\}\).*/\1/p' "$log" | tail -n 1)
if [ -z "$inner" ]; then
	echo "run-machine.sh: the machine stopped before its command ended" \
		"(QEMU returned $status); console in ${final_log:-$log}" >&2
	exit 125
fi
exit "$inner"
