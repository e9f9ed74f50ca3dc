#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# In the machine: loads the host stack and runs the demonstration guests.
#
#   demo.sh GUESTS VCPUS SECONDS

for m in gunyah gunyah_rsc_mgr gunyah_vcpu gunyah_ioeventfd gunyah_irqfd \
	gunyah_posted; do
	insmod "/root/modules/$m.ko" || exit 1
done
exec gh-runner run \
	--guest=image=/guests/demo.bin,name=g,count="$1",vcpus="$2" \
	--guest=image=/guests/demo.bin,name=smp,vcpus=4 \
	--seconds="$3"
