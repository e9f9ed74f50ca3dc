# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# shellcheck shell=bash
#
# What is measured: workload, backend, vCPUs, options of gh-bench. Sourced. The full
# lists begin with the quick ones, so a full run is a reference for a quick one.

# lines WORKLOAD 'BACKENDS' 'VCPUS' [OPTIONS]
lines() {
	local b n

	for n in $3; do
		for b in $2; do
			echo "$1 $b $n ${4:-}"
		done
	done
}

# Each once, the first counts.
unique() {
	awk '!seen[$1, $2, $3]++'
}

list_gunyah_quick() {
	lines mmio-read "ring threads" "1 64"
	lines mmio-read ring 16
	lines mmio-read "ring-only raw-batch floor" 64
	lines mmio-read ioctl 1
	lines mmio-write "ring threads ring-posted" 64
	lines ioeventfd ring 64
	lines timer-wake "ring threads" 64
	lines bell-wake "ring threads" 64
	lines life "ring threads" 32 --repeats=1
	lines memory "ring threads" 256
}

list_kvm_quick() {
	lines mmio-read kvm-threads "1 64"
}

list_gunyah_full() {
	{
		list_gunyah_quick
		lines mmio-read "ring threads raw raw-batch" "1 4 16 64 256 1024"
		lines mmio-read ring-only "1 4 64"
		lines mmio-read floor "1 4 16 64 256"
		lines mmio-read threads-pinned "1 64"
		lines mmio-read "raw-async raw-sqpoll" "1 16 64 256"
		lines mmio-read raw-sqpoll 1024
		lines mmio-read "ioctl ring-ioctl ioctl-batch" "1 64"
		lines mmio-write ring "1 4 16 64 256 1024"
		lines mmio-write ring-posted "1 16 64 256"
		lines ioeventfd ring "1 4 16 64 256"
		lines mmio-write threads "1 64"
		lines ioeventfd threads "1 64"
		lines timer-wake threads 4 --events=16384
		lines timer-wake "ring threads" "1 4 16 64 256"
		lines timer-wake "raw raw-batch" 64
		lines bell-wake "ring threads" "1 4 16 64 256 1024"
		lines bell-wake "raw raw-batch raw-async" 64
		lines mixed "ring threads" 1000
		lines busy "ring threads" 64 "--events=200 --repeats=1"
		lines fairness "ring threads" 64
		lines life "ring threads" 100
		lines memory "ring threads" 1024
	} | unique
}

list_kvm_full() {
	{
		list_kvm_quick
		lines mmio-read kvm "1 64"
		lines mmio-read kvm-threads "1 4 16 64"
		lines mmio-write kvm-threads "1 64"
		lines mmio-write kvm-posted 64
		lines ioeventfd kvm-threads 64
		lines timer-wake kvm-threads "1 16 64 256"
		lines bell-wake kvm-threads "1 16 64"
		lines timer-wake kvm-nopoll 64
		lines bell-wake kvm-nopoll 64
		lines busy kvm-threads 64 "--events=200 --repeats=1"
		lines fairness kvm-threads 64
		lines life kvm-threads 100
	} | unique
}

# In both boots with the monitor, to see that they agree.
list_twice_quick() {
	lines mmio-read "ring threads" 64
}

list_twice_full() {
	lines mmio-read "ring threads floor" 64
	lines mmio-read ring 1
	lines mmio-write ring-posted 64
	lines timer-wake "ring threads" 64
	lines bell-wake "ring threads" 64
}

list_wall() {
	lines mmio-read "ring raw threads threads-pinned" "16 64"
	lines mmio-write "ring threads ring-posted" 64
	lines timer-wake "ring threads" 64
	lines bell-wake "ring threads" 64
	lines busy "ring threads" 64 "--events=200 --repeats=1"
}

list_wall_kvm() {
	lines mmio-read kvm-threads "16 64"
	lines bell-wake kvm-threads 64
}
