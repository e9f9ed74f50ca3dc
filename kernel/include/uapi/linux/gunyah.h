/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Gunyah virtual machines: the user-space interface.
 *
 * Two generations of the published interface live side by side here, because
 * their numbers differ where their meaning differs:
 *
 *   by name    (v8, v9)      GH_VM_ADD_FUNCTION_BY_NAME, struct gh_vm_function
 *   by number  (v10 onwards) GH_VM_ADD_FUNCTION, struct gh_fn_desc
 *
 * struct gh_vcpu_run is the superset of all generations. What this driver adds
 * is at the end: GH_VCPU_RUN as an io_uring command, GH_VCPU_KICK and
 * GH_VCPU_CANCEL, GH_VCPU_RUN_BATCH, GH_VCPU_RUN_ONCE, wake boards and GH_VM_STOP.
 * docs/protocol.md explains ownership, order and every errno.
 */
#ifndef _UAPI_LINUX_GUNYAH_H
#define _UAPI_LINUX_GUNYAH_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define GH_IOCTL_TYPE		'G'

/* ---- /dev/gunyah ------------------------------------------------------- */

/* Returns a VM file descriptor. The argument must be 0. */
#define GH_CREATE_VM		_IO(GH_IOCTL_TYPE, 0x0)

/* ---- VM file descriptor ------------------------------------------------ */

#define GH_MEM_ALLOW_READ	(1UL << 0)
#define GH_MEM_ALLOW_WRITE	(1UL << 1)
#define GH_MEM_ALLOW_EXEC	(1UL << 2)
/* The host loses access until the VM is gone; without it, memory is shared. */
#define GH_MEM_LENT		(1UL << 3)

/**
 * struct gh_userspace_memory_region - memory given to a VM before it starts
 * @label: chosen by the caller, unique in the VM, passed to the RM
 * @flags: GH_MEM_ALLOW_* and GH_MEM_LENT
 * @guest_phys_addr: guest physical address in bytes, page-aligned
 * @memory_size: in bytes, page-aligned; 0 removes the region with this label
 * @userspace_addr: start in the caller's address space, page-aligned
 */
struct gh_userspace_memory_region {
	__u32 label;
	__u32 flags;
	__u64 guest_phys_addr;
	__u64 memory_size;
	__u64 userspace_addr;
};

#define GH_VM_SET_USER_MEM_REGION \
	_IOW(GH_IOCTL_TYPE, 0x1, struct gh_userspace_memory_region)

/* Android's name for the same with GH_MEM_LENT. */
#define GH_VM_ANDROID_LEND_USER_MEM \
	_IOW('A', 0x11, struct gh_userspace_memory_region)

/**
 * struct gh_vm_dtb_config - where the guest's device tree lies
 * @guest_phys_addr: inside one of the VM's memory regions
 * @size: in bytes; leave room for what the resource manager adds (16 KiB)
 */
struct gh_vm_dtb_config {
	__u64 guest_phys_addr;
	__u64 size;
};

#define GH_VM_SET_DTB_CONFIG	_IOW(GH_IOCTL_TYPE, 0x2, struct gh_vm_dtb_config)
/* Also starts a VM again after GH_VM_STOP. */
#define GH_VM_START		_IO(GH_IOCTL_TYPE, 0x3)

/* VM functions by number (v10 onwards). */
#define GH_FN_VCPU		1
#define GH_FN_IRQFD		2
#define GH_FN_IOEVENTFD		3

#define GH_FN_MAX_ARG_SIZE	256

/**
 * struct gh_fn_vcpu_arg - adds a vCPU; the call returns its file descriptor
 * @id: the vCPU's label in the VM, its index for the resource manager
 */
struct gh_fn_vcpu_arg {
	__u32 id;
};

/* The host's eventfd asserts again and again, see docs/protocol.md. */
#define GH_IRQFD_LEVEL		(1UL << 0)

/**
 * struct gh_fn_irqfd_arg - signals of an eventfd ring a doorbell of the VM
 * @fd: the eventfd
 * @label: of the doorbell in the VM's device tree; tells irqfds apart
 * @flags: GH_IRQFD_LEVEL
 * @padding: 0. By name the argument ends before it
 */
struct gh_fn_irqfd_arg {
	__u32 fd;
	__u32 label;
	__u32 flags;
	__u32 padding;
};

/* Only writes of the value @datamatch signal. */
#define GH_IOEVENTFD_DATAMATCH	(1UL << 0)

/**
 * struct gh_fn_ioeventfd_arg - writes of the guest signal an eventfd
 * @datamatch: with GH_IOEVENTFD_DATAMATCH, the value; its low @len bytes count
 * @addr: guest physical address
 * @len: 1, 2, 4 or 8: only writes of this length; 0: of any, not with DATAMATCH
 * @fd: the eventfd
 * @flags: GH_IOEVENTFD_DATAMATCH
 * @padding: 0. By name the argument ends before it
 */
struct gh_fn_ioeventfd_arg {
	__u64 datamatch;
	__u64 addr;
	__u32 len;
	__s32 fd;
	__u32 flags;
	__u32 padding;
};

/**
 * struct gh_fn_desc - a function, by number
 * @type: GH_FN_*
 * @arg_size: in bytes, at most GH_FN_MAX_ARG_SIZE
 * @arg: pointer to the argument
 */
struct gh_fn_desc {
	__u32 type;
	__u32 arg_size;
	__u64 arg;
};

#define GH_VM_ADD_FUNCTION	_IOW(GH_IOCTL_TYPE, 0x4, struct gh_fn_desc)
#define GH_VM_REMOVE_FUNCTION	_IOW(GH_IOCTL_TYPE, 0x7, struct gh_fn_desc)

/* VM functions by name (v8, v9): "vcpu", "irqfd", "ioeventfd". */
#define GH_FUNCTION_NAME_SIZE		32
#define GH_FUNCTION_MAX_ARG_SIZE	1024

struct gh_vm_function {
	char name[GH_FUNCTION_NAME_SIZE];
	union {
		struct gh_fn_vcpu_arg vcpu;
		char data[GH_FUNCTION_MAX_ARG_SIZE];
	};
};

#define GH_VM_ADD_FUNCTION_BY_NAME	_IOW(GH_IOCTL_TYPE, 0x4, struct gh_vm_function)
#define GH_VM_REMOVE_FUNCTION_BY_NAME	_IOW(GH_IOCTL_TYPE, 0x7, struct gh_vm_function)

/* ---- vCPU file descriptor ---------------------------------------------- */

/* exit_reason */
#define GH_VM_EXIT_UNKNOWN	0
#define GH_VM_EXIT_MMIO		1
#define GH_VM_EXIT_STATUS	2
#define GH_VM_EXIT_PAGE_FAULT	3

/* status */
#define GH_VM_STATUS_LOAD_FAILED	1
#define GH_VM_STATUS_EXITED		2
#define GH_VM_STATUS_CRASHED		3

#define GH_VM_MAX_EXIT_REASON_SIZE	8

/* exit_info.type when the resource manager did not say why. */
#define GH_VM_EXIT_TYPE_NONE		0xffff

/* resume_action */
#define GH_VCPU_RESUME_HANDLED	0
#define GH_VCPU_RESUME_FAULT	1
#define GH_VCPU_RESUME_RETRY	2

/**
 * struct gh_vcpu_run - the page shared with mmap(), the same in all generations
 * @immediate_exit: in: non-zero ends the next run before the guest is entered;
 *	may be set by another thread or a signal handler
 * @exit_reason: out: GH_VM_EXIT_*
 * @mmio: GH_VM_EXIT_MMIO: @data is out for a write, in for a read. The driver
 *	writes @resume_action 0 at each exit
 * @status: GH_VM_EXIT_STATUS: @type and @reason are the resource manager's
 * @page_fault: GH_VM_EXIT_PAGE_FAULT, newer hypervisors only
 */
struct gh_vcpu_run {
	__u8 immediate_exit;
	__u8 padding1[7];
	__u32 exit_reason;
	union {
		struct {
			__u64 phys_addr;
			__u8  data[8];
			__u32 len;
			__u8  is_write;
			__u8  resume_action;
		} mmio;
		struct {
			__u32 status;
			struct {
				__u16 type;
				__u16 padding;
				__u32 reason_size;
				__u8  reason[GH_VM_MAX_EXIT_REASON_SIZE];
			} exit_info;
		} status;
		struct {
			__u64 phys_addr;
			__s32 attempt;
			__u8  resume_action;
		} page_fault;
	};
};

#define GH_VCPU_RUN		_IO(GH_IOCTL_TYPE, 0x5)
#define GH_VCPU_MMAP_SIZE	_IO(GH_IOCTL_TYPE, 0x6)

/*
 * Signals of an eventfd end the run in progress, as GH_VCPU_KICK does, and leave
 * parked commands alone. Register the eventfd with a ring as well, and a completion
 * on that ring ends the slice.
 */
#define GH_KICK_FD_HOLD		(1U << 0)

/**
 * struct gh_vcpu_kick_fd - what ends the runs of a vCPU
 * @fd: the eventfd, in place of the one before; -1: none
 * @flags: GH_KICK_FD_HOLD: as long as its counter is not 0, runs end at once with
 *	PREEMPTED (ioctl: -EINTR), so that the rest of a batch ends too
 */
struct gh_vcpu_kick_fd {
	__s32 fd;
	__u32 flags;
};

#define GH_VCPU_KICK_FD		_IOW(GH_IOCTL_TYPE, 0x42, struct gh_vcpu_kick_fd)

/**
 * struct gh_vcpu_stats - counters of a vCPU since it was added; all only ascend
 * @runs: RUN commands that took the vCPU; RUN ioctls, and again after each wait
 * @entries: times the guest was entered, one hypercall each
 * @mmio_reads: MMIO exits that ask for data
 * @mmio_writes: MMIO exits that bring data
 * @mmio_kernel: writes that an ioeventfd or a posted range took, without an exit
 * @status: STATUS exits
 * @preempts: runs that ended with PREEMPTED (ioctl: -EINTR)
 * @intrs: runs ended by a signal or immediate_exit
 * @parks: times the vCPU waited, by command, by ioctl, or left and with a board
 * @wakes: times such a wait ended
 * @stalls: times the hypervisor could not run the vCPU just then
 * @kicks: GH_VCPU_KICK and GH_VCPU_CANCEL, by whomever, with or without effect, and
 *	signals of the kick eventfd that found a run in progress
 *
 * Time in the guest is not here: the kernel counts it as guest time of the thread
 * that runs the vCPU. New counters are added at the end.
 */
struct gh_vcpu_stats {
	__u64 runs;
	__u64 entries;
	__u64 mmio_reads;
	__u64 mmio_writes;
	__u64 mmio_kernel;
	__u64 status;
	__u64 preempts;
	__u64 intrs;
	__u64 parks;
	__u64 wakes;
	__u64 stalls;
	__u64 kicks;
};

/**
 * struct gh_vcpu_stats_arg - where the counters go
 * @size: in: bytes at @stats, a multiple of 8, at most 4096; 0 only asks.
 *	out: bytes of counters that the driver has
 * @padding: 0
 * @stats: pointer to struct gh_vcpu_stats, or to that of another version of this
 *	header: what does not fit is left out, what the driver does not have is 0
 */
struct gh_vcpu_stats_arg {
	__u32 size;
	__u32 padding;
	__u64 stats;
};

/* Any time, also while the vCPU runs; each counter is whole, but not all of one moment. */
#define GH_VCPU_STATS		_IOWR(GH_IOCTL_TYPE, 0x44, struct gh_vcpu_stats_arg)

/* ---- this driver's own: the run, asynchronously -------------------------- */

/*
 * Both work as ioctl and as io_uring command on a vCPU file descriptor.
 * KICK ends the slice in progress with PREEMPTED, or a park with RUNNABLE; if
 * the vCPU is idle it has no effect. CANCEL ends a parked or running command
 * with -ECANCELED; the vCPU is then idle and can be run again.
 */
#define GH_VCPU_KICK		_IO(GH_IOCTL_TYPE, 0x40)
#define GH_VCPU_CANCEL		_IO(GH_IOCTL_TYPE, 0x41)

/**
 * struct gh_uring_run - sqe->cmd[] of GH_VCPU_RUN, 16 bytes
 * @resume_data: the answer to the pending MMIO read, little-endian in the low
 *	bytes; must be 0 without GH_URING_RUN_RESUME
 * @deadline_ns: CLOCK_MONOTONIC; a command reached later completes with
 *	PREEMPTED without entering the guest. 0: none
 *
 * The rest of the SQE: cmd_op GH_VCPU_RUN, fd the vCPU, addr the
 * GH_URING_RUN_* flags (other bits 0), len the slice in ns (0: the driver's
 * default; bounded by the driver), uring_cmd_flags 0.
 */
struct gh_uring_run {
	__u64 resume_data;
	__u64 deadline_ns;
};

/*
 * Take the answer to the pending MMIO from @resume_data, not from the shared
 * page. Without a pending MMIO read the data is ignored.
 */
#define GH_URING_RUN_RESUME	(1ULL << 0)
/*
 * If the VM was not started yet, wait until it is: the command is parked, and
 * completes with RUNNABLE when the VM starts or cannot any more. Without it: -ENODEV.
 */
#define GH_URING_RUN_WAIT_START	(1ULL << 1)
#define GH_URING_RUN_FLAGS	(GH_URING_RUN_RESUME | GH_URING_RUN_WAIT_START)

/*
 * cqe->res >= 0 of GH_VCPU_RUN: a GH_URING_EXIT_* in the low 8 bits. With MMIO,
 * GH_URING_RES_WRITE tells the direction and bits 15:12 the length in bytes.
 * MMIO and STATUS are also in the shared page, exactly as after the ioctl. On
 * a ring with 32-byte CQEs GH_URING_RES_INLINE says that big_cqe[0] holds the
 * access (address in the low, data of a write in the high 32 bits); when it
 * does not fit the bit is clear.
 */
#define GH_URING_EXIT_MMIO	GH_VM_EXIT_MMIO
#define GH_URING_EXIT_STATUS	GH_VM_EXIT_STATUS
/* Slice or deadline over, need_resched, kick: submit again, nothing to do. */
#define GH_URING_EXIT_PREEMPTED	16
/* A signal is pending or immediate_exit was set; nothing was lost. */
#define GH_URING_EXIT_INTR	17
/* The wake-up of a parked vCPU came; submit again to run it. */
#define GH_URING_EXIT_RUNNABLE	18
/*
 * Where nothing waits, in a batch and RUN_ONCE: the guest does. GH_VCPU_RUN parks it, or a
 * wake board tells when to run it again.
 */
#define GH_URING_EXIT_WAITING	19

#define GH_URING_RES_EXIT(res)	((res) & 0xff)
#define GH_URING_RES_WRITE	(1 << 8)
/* With PREEMPTED: the guest was not entered, so this was no exit of it. */
#define GH_URING_RES_NOT_ENTERED	(1 << 9)
#define GH_URING_RES_LEN_SHIFT	12
#define GH_URING_RES_LEN(res)	(((res) >> GH_URING_RES_LEN_SHIFT) & 0xf)
#define GH_URING_RES_INLINE	(1 << 16)

/* ---- this driver's own: many runs in one call ----------------------------- */

#define GH_RUN_BATCH_MAX	1024

/**
 * struct gh_run_entry - one run of a batch
 * @resume_data: in: as in struct gh_uring_run
 * @fd: in: descriptor of the vCPU, not an index of a registered file
 * @flags: in: GH_URING_RUN_RESUME, other bits 0
 * @slice_ns: in: as sqe->len of GH_VCPU_RUN
 * @res: out: as cqe->res of GH_VCPU_RUN, GH_URING_EXIT_WAITING, or this entry's
 *	-errno. Written only if the entry was carried out, and says something else
 */
struct gh_run_entry {
	__u64 resume_data;
	__s32 fd;
	__u32 flags;
	__u32 slice_ns;
	__s32 res;
};

/**
 * struct gh_run_batch - argument of GH_VCPU_RUN_BATCH as ioctl
 * @entries: address of an array of struct gh_run_entry
 * @deadline_ns: CLOCK_MONOTONIC; no guest runs beyond it. 0: the driver's own bound
 * @nr: entries, 1 to GH_RUN_BATCH_MAX
 * @flags: 0
 */
struct gh_run_batch {
	__u64 entries;
	__u64 deadline_ns;
	__u32 nr;
	__u32 flags;
};

/**
 * struct gh_uring_run_batch - sqe->cmd[] of GH_VCPU_RUN_BATCH, 16 bytes
 * @deadline_ns: as in struct gh_run_batch
 * @flags: 0
 *
 * The rest of the SQE: cmd_op GH_VCPU_RUN_BATCH, fd as below, addr the address of
 * the entries, len how many, uring_cmd_flags 0.
 */
struct gh_uring_run_batch {
	__u64 deadline_ns;
	__u64 flags;
};

/*
 * Runs many vCPUs one after the other in the caller's thread and never waits. Works
 * as ioctl and as io_uring command on any vCPU file descriptor, which only carries
 * the call. Returns the number of entries that were carried out, from the front: the
 * rest was not looked at, because the deadline came, or a signal, a reschedule, work
 * for the thread, or a kick eventfd that is held; submit it again. It is never 0: an entry
 * that is reached too late is PREEMPTED with GH_URING_RES_NOT_ENTERED.
 * An entry that fails has its -errno in @res and the batch goes on. A guest that
 * waits is left (WAITING), and its next GH_VCPU_RUN parks, or runs it if a wake-up
 * came since. Errors of the whole: -EINVAL (@nr, flags), and -EFAULT if the first
 * entry cannot be read or written; an exit that could not be written is said again
 * by the vCPU's next run.
 */
#define GH_VCPU_RUN_BATCH	_IOW(GH_IOCTL_TYPE, 0x43, struct gh_run_batch)

/* ---- this driver's own: one run that never waits ----------------------------------- */

/*
 * An entry of a batch as an ioctl of its own, for a vCPU that is alone: nothing is
 * copied. It runs for one slice of the default length, and not beyond the argument: a
 * time of CLOCK_MONOTONIC in ns, 0 for none. The answer to a pending read is taken from
 * the shared page, as GH_VCPU_RUN does. Returns what @res of an entry says, or -errno.
 * The argument has the size of a long: a program of 32 bits can only say 0.
 */
#define GH_VCPU_RUN_ONCE	_IO(GH_IOCTL_TYPE, 0x46)

/* ---- this driver's own: wake boards ------------------------------------------------- */

#define GH_WAKE_BOARD_MAX	65536

/**
 * struct gh_wake_board_arg - a board on which vCPUs that were left waiting are marked
 * @nr: bits, 1 to GH_WAKE_BOARD_MAX
 * @fd: eventfd that is signalled when a bit is set while the board is armed; -1: none
 * @flags: 0
 * @padding: 0
 */
struct gh_wake_board_arg {
	__u32 nr;
	__s32 fd;
	__u32 flags;
	__u32 padding;
};

/*
 * Returns the descriptor of a new board: map GH_WAKE_BOARD_WORDS bytes of it and 8 for
 * each 64 bits begun, rounded up to pages. The vCPU that it is sent to only carries the call.
 */
#define GH_VCPU_NEW_BOARD	_IOW(GH_IOCTL_TYPE, 0x47, struct gh_wake_board_arg)

/**
 * struct gh_vcpu_board - where a vCPU is marked
 * @fd: the board, in place of the one before; -1: none
 * @bit: on it; 0 for none. Several vCPUs may share one
 */
struct gh_vcpu_board {
	__s32 fd;
	__u32 bit;
};

/*
 * From here on the end of each wait behind GH_URING_EXIT_WAITING sets the bit: a wake-up,
 * a KICK, a CANCEL, a change of the VM's state. The call sets it as well, for what came
 * before. A bit may be set without reason: then the next run says WAITING again.
 */
#define GH_VCPU_SET_BOARD	_IOW(GH_IOCTL_TYPE, 0x48, struct gh_vcpu_board)

/* The state of a board. */
#define GH_BOARD_QUIET		0
#define GH_BOARD_ARMED		1	/* by user space: signal the eventfd */
#define GH_BOARD_TOLD		2	/* by the driver: bits were set */

/* Where the bits lie in the mapping: 64-bit words, bit n is 1 << n % 64 of word n / 64. */
#define GH_WAKE_BOARD_WORDS	64

/**
 * struct gh_wake_board - the start of the mapping
 * @state: GH_BOARD_*. The driver sets a bit, then exchanges the state for TOLD, and signals
 *	if it was ARMED. User space exchanges TOLD for QUIET, then takes the bits; before it
 *	waits it changes QUIET into ARMED by compare-and-exchange. All of it fully ordered.
 *	While it is TOLD, an interrupt leaves a vCPU of the board that uses its slices up
 *	an eighth of this one
 * @nr: written by the driver once
 *
 * The driver trusts nothing in here.
 */
struct gh_wake_board {
	__u32 state;
	__u32 nr;
	__u8 padding[56];
};

/* ---- this driver's own: stop and start again ------------------------------------ */

/*
 * Of a VM file descriptor: stops the guest by force if it runs, and takes the VM away
 * from the hypervisor. When it returns 0 the memory is the caller's again and the VM
 * is as before its first GH_VM_START: regions, device tree and functions are kept
 * and may be changed. The argument is ignored.
 */
#define GH_VM_STOP		_IO(GH_IOCTL_TYPE, 0x45)

/* ---- this driver's own: posted writes ------------------------------------------ */

/* A VM function, by number and as "posted" by name. */
#define GH_FN_POSTED		64

#define GH_POSTED_MAX_ENTRIES	4096

/**
 * struct gh_fn_posted_arg - writes to a range go to a ring, and the guest goes on
 * @addr: guest physical address
 * @size: of the range in bytes; it overlaps no other
 * @entries: of the ring, a power of two, at most GH_POSTED_MAX_ENTRIES
 * @fd: eventfd that is signalled when the ring was empty and is not any more; -1: none
 * @flags: 0
 * @padding: 0
 *
 * The call returns the descriptor of the ring: map @entries * 32 + 4096 bytes of it,
 * rounded up to pages. REMOVE_FUNCTION looks at @addr only.
 */
struct gh_fn_posted_arg {
	__u64 addr;
	__u64 size;
	__u32 entries;
	__s32 fd;
	__u32 flags;
	__u32 padding;
};

/**
 * struct gh_posted_write - a write of the guest
 * @addr: guest physical address
 * @data: the value, in the low @len bytes
 * @seq: counts the posted writes of the VM, over all of its rings
 * @vcpu: who wrote
 * @len: 1, 2, 4 or 8 bytes
 * @padding: 0
 */
struct gh_posted_write {
	__u64 addr;
	__u64 data;
	__u64 seq;
	__u32 vcpu;
	__u8 len;
	__u8 padding[3];
};

/* Where the first record lies in the mapping. */
#define GH_POSTED_RECORDS	4096

/**
 * struct gh_posted_ring - the start of the mapping
 * @tail: written by the driver: records appended so far. Load it with acquire order
 * @entries: written by the driver once
 * @full: written by the driver: writes that found no room and were exits instead
 * @head: written by user space: records consumed so far. Store it with release order
 *
 * Record n is at index n % @entries. Both counters wrap at 2^32. Before user space
 * waits for the eventfd it stores @head, and looks at @tail again behind a full
 * barrier. The driver trusts nothing in here.
 */
struct gh_posted_ring {
	__u32 tail;
	__u32 entries;
	__u64 full;
	__u8 padding1[48];
	__u32 head;
	__u8 padding2[60];
};

#endif /* _UAPI_LINUX_GUNYAH_H */
