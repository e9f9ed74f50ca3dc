/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * Every limit and every default of the library.
 */
#ifndef GH_LIMITS_H
#define GH_LIMITS_H

#define GH_MAX_VCPUS		16384	/* in one runner */
#define GH_MAX_VCPUS_PER_VM	8
#define GH_MAX_WINDOWS		16	/* devices of one VM */
#define GH_MAX_IRQS		16	/* of the devices of one VM */
#define GH_FIRST_SPI		8	/* the first of them: INTID 40 */
#define GH_MAX_NAME		32	/* with the terminating zero */
#define GH_MAX_BOOTARGS		2048

/* Guest memory: whole huge pages, so that it is pinned and mapped in few pieces. */
#define GH_MEMORY_ALIGN		(2ULL << 20)
#define GH_MAX_MEMORY		(64ULL << 30)

/* The hypervisor hands accesses below this address to the host. */
#define GH_VMMIO_END		0x40000000ULL

/*
 * Device tree: what this library writes, and room behind it. The resource manager
 * adds up to 16 KiB and needs twice the sum when it works in place.
 */
#define GH_DTB_CONTENT		(16U << 10)
#define GH_DTB_SLACK		(48U << 10)
#define GH_DTB_SIZE		(GH_DTB_CONTENT + GH_DTB_SLACK)

/* With so many vCPUs those that wait do so on the wake board. */
#define GH_BOARD_VCPUS		4

/* Accesses of a lone vCPU between two looks at the ring, the timers and the inbox. */
#define GH_ALONE_RUNS		64
/* The same of several. */
#define GH_AGAIN_RUNS		256

#define GH_DEFAULT_VCPUS	1024
/* The driver's default: who asks for less than that has to say so. */
#define GH_LONE_SLICE_NS	1000000U
/* What the driver does with a slice beyond them is its business. */
#define GH_MIN_SLICE_NS		10000U
#define GH_MAX_SLICE_NS		4000000U
#define GH_DEFAULT_SLICE_NS	2000000U
/*
 * Who slept goes first, for this part of its slice: as much as the driver leaves to those
 * whose slices it ends for that.
 */
#define GH_WOKEN_SHIFT		3
#define GH_DEFAULT_BATCH_NS	10000000ULL
#define GH_MAX_BATCH		1024
/* Whoever can run stays in the batch from one to the next; the rest waits in the queue. */
#define GH_DEFAULT_BATCH	GH_MAX_BATCH
/* What the driver bounds a batch to by itself. */
#define GH_DRIVER_BATCH_NS	10000000ULL
/* Guests run so long between two looks at the timers, however many are due. */
#define GH_MIN_BATCH_NS		100000ULL
/* Submission queue entries beyond a batch, for CANCEL, timers and device I/O. */
#define GH_EXTRA_SQES		64

#endif /* GH_LIMITS_H */
