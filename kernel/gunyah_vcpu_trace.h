/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, named after the flow: guest exit -> driver -> CQE -> runner.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM gunyah_vcpu

#if !defined(GUNYAH_VCPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GUNYAH_VCPU_TRACE_H

#include <linux/tracepoint.h>

#include "gunyah_vcpu.h"

/* A run was admitted and enters the guest. */
TRACE_EVENT(gh_vcpu_run,
	    TP_PROTO(struct gunyah_vcpu *vcpu, u64 end),
	    TP_ARGS(vcpu, end),
	    TP_STRUCT__entry(__field(u16, vm)
			     __field(u32, vcpu)
			     __field(u64, end)
			     __field(u64, resume)),
	    TP_fast_assign(__entry->vm = gunyah_vm_id(vcpu->ghvm);
			   __entry->vcpu = vcpu->id;
			   __entry->end = end;
			   __entry->resume = vcpu->resume;),
	    TP_printk("vm=%u vcpu=%u end=%llu resume=%#llx",
		      __entry->vm, __entry->vcpu, __entry->end, __entry->resume)
);

/* The hypercall returned. */
TRACE_EVENT(gh_vcpu_exit,
	    TP_PROTO(struct gunyah_vcpu *vcpu, enum gh_error error,
		     const struct gh_vcpu_run_resp *resp),
	    TP_ARGS(vcpu, error, resp),
	    TP_STRUCT__entry(__field(u16, vm)
			     __field(u32, vcpu)
			     __field(s64, error)
			     __field(u64, state)
			     __array(u64, data, 3)),
	    TP_fast_assign(__entry->vm = gunyah_vm_id(vcpu->ghvm);
			   __entry->vcpu = vcpu->id;
			   __entry->error = error;
			   __entry->state = error ? 0 : resp->state;
			   __entry->data[0] = error ? 0 : resp->data0;
			   __entry->data[1] = error ? 0 : resp->data1;
			   __entry->data[2] = error ? 0 : resp->data2;),
	    TP_printk("vm=%u vcpu=%u error=%lld state=%s data=%#llx,%#llx,%#llx",
		      __entry->vm, __entry->vcpu, __entry->error,
		      __print_symbolic(__entry->state,
				       { GH_VCPU_STATE_READY,		"READY" },
				       { GH_VCPU_STATE_EXPECTS_WAKEUP,	"EXPECTS_WAKEUP" },
				       { GH_VCPU_STATE_POWERED_OFF,	"POWERED_OFF" },
				       { GH_VCPU_STATE_BLOCKED,		"BLOCKED" },
				       { GH_VCPU_STATE_VMMIO_READ,	"VMMIO_READ" },
				       { GH_VCPU_STATE_VMMIO_WRITE,	"VMMIO_WRITE" },
				       { GH_VCPU_STATE_FAULT,		"FAULT" },
				       { GH_VCPU_STATE_PAGE_FAULT,	"PAGE_FAULT" },
				       { GH_VCPU_STATE_SYSTEM_RESET,	"SYSTEM_RESET" }),
		      __entry->data[0], __entry->data[1], __entry->data[2])
);

/* The guest was interrupted; @left is what remains of its slice, in ns. */
TRACE_EVENT(gh_vcpu_slice,
	    TP_PROTO(struct gunyah_vcpu *vcpu, s64 left),
	    TP_ARGS(vcpu, left),
	    TP_STRUCT__entry(__field(u16, vm)
			     __field(u32, vcpu)
			     __field(s64, left)),
	    TP_fast_assign(__entry->vm = gunyah_vm_id(vcpu->ghvm);
			   __entry->vcpu = vcpu->id;
			   __entry->left = left;),
	    TP_printk("vm=%u vcpu=%u left=%lld", __entry->vm, __entry->vcpu, __entry->left)
);

DECLARE_EVENT_CLASS(gh_vcpu_wait_class,
		    TP_PROTO(struct gunyah_vcpu *vcpu, enum gh_vcpu_wait_by by),
		    TP_ARGS(vcpu, by),
		    TP_STRUCT__entry(__field(u16, vm)
				     __field(u32, vcpu)
				     __field(u8, by)),
		    TP_fast_assign(__entry->vm = gunyah_vm_id(vcpu->ghvm);
				   __entry->vcpu = vcpu->id;
				   __entry->by = by;),
		    TP_printk("vm=%u vcpu=%u by=%s", __entry->vm, __entry->vcpu,
			      __print_symbolic(__entry->by, { GH_WAIT_IOCTL, "ioctl" },
					       { GH_WAIT_COMMAND, "command" },
					       { GH_WAIT_BOARD, "board" }))
);

/* The vCPU waits for its wake-up. */
DEFINE_EVENT(gh_vcpu_wait_class, gh_vcpu_park,
	     TP_PROTO(struct gunyah_vcpu *vcpu, enum gh_vcpu_wait_by by),
	     TP_ARGS(vcpu, by)
);

/* The wait is over; a command completes, or the board is told. */
DEFINE_EVENT(gh_vcpu_wait_class, gh_vcpu_wake,
	     TP_PROTO(struct gunyah_vcpu *vcpu, enum gh_vcpu_wait_by by),
	     TP_ARGS(vcpu, by)
);

DECLARE_EVENT_CLASS(gh_vcpu_end_class,
		    TP_PROTO(struct gunyah_vcpu *vcpu, u32 state),
		    TP_ARGS(vcpu, state),
		    TP_STRUCT__entry(__field(u16, vm)
				     __field(u32, vcpu)
				     __field(u32, state)),
		    TP_fast_assign(__entry->vm = gunyah_vm_id(vcpu->ghvm);
				   __entry->vcpu = vcpu->id;
				   __entry->state = state;),
		    TP_printk("vm=%u vcpu=%u state=%#x",
			      __entry->vm, __entry->vcpu, __entry->state)
);

/* Somebody kicks the vCPU; @state is the word before. */
DEFINE_EVENT(gh_vcpu_end_class, gh_vcpu_kick,
	     TP_PROTO(struct gunyah_vcpu *vcpu, u32 state),
	     TP_ARGS(vcpu, state)
);

/* Somebody cancels the run, or the ring goes away; @state is the word before. */
DEFINE_EVENT(gh_vcpu_end_class, gh_vcpu_cancel,
	     TP_PROTO(struct gunyah_vcpu *vcpu, u32 state),
	     TP_ARGS(vcpu, state)
);

#endif /* GUNYAH_VCPU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE gunyah_vcpu_trace
#include <trace/define_trace.h>
