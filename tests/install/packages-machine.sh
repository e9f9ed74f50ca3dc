#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# In the machine: guests by the packaged command and by a user's program.

for m in gunyah gunyah_rsc_mgr gunyah_vcpu gunyah_ioeventfd gunyah_irqfd \
	gunyah_posted; do
	insmod "/root/modules/$m.ko" || exit 1
done
gh-runner run --guest=image=/guests/demo.bin,name=g,count=8,vcpus=2 --seconds=1 --quiet || exit 1
user-guest /guests/demo.bin
