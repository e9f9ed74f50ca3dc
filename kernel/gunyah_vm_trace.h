/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of the life of a VM: create, start, state, end, and each call to the
 * resource manager on the way.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM gunyah_vm

#if !defined(GUNYAH_VM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define GUNYAH_VM_TRACE_H

#include <linux/tracepoint.h>

#include "vm_mgr.h"

DECLARE_EVENT_CLASS(gh_vm_class,
		    TP_PROTO(const struct gunyah_vm *ghvm),
		    TP_ARGS(ghvm),
		    TP_STRUCT__entry(__field(u16, vm)
				     __field(pid_t, owner)),
		    TP_fast_assign(__entry->vm = READ_ONCE(ghvm->vmid);
				   __entry->owner = ghvm->owner;),
		    TP_printk("vm=%u owner=%d", __entry->vm, __entry->owner)
);

/* A VM was created; it has no number yet. */
DEFINE_EVENT(gh_vm_class, gh_vm_create,
	     TP_PROTO(const struct gunyah_vm *ghvm),
	     TP_ARGS(ghvm)
);

/* Nobody holds the VM any more: its memory is back. */
DEFINE_EVENT(gh_vm_class, gh_vm_end,
	     TP_PROTO(const struct gunyah_vm *ghvm),
	     TP_ARGS(ghvm)
);

/* VM_START is over; @ret is its result. */
TRACE_EVENT(gh_vm_start,
	    TP_PROTO(const struct gunyah_vm *ghvm, int ret),
	    TP_ARGS(ghvm, ret),
	    TP_STRUCT__entry(__field(u16, vm)
			     __field(pid_t, owner)
			     __field(int, ret)),
	    TP_fast_assign(__entry->vm = READ_ONCE(ghvm->vmid);
			   __entry->owner = ghvm->owner;
			   __entry->ret = ret;),
	    TP_printk("vm=%u owner=%d ret=%d", __entry->vm, __entry->owner, __entry->ret)
);

/* The VM has a new state, seen by its vCPUs from here on. */
TRACE_EVENT(gh_vm_state,
	    TP_PROTO(const struct gunyah_vm *ghvm, unsigned int state),
	    TP_ARGS(ghvm, state),
	    TP_STRUCT__entry(__field(u16, vm)
			     __field(unsigned int, state)
			     __field(u16, type)),
	    TP_fast_assign(__entry->vm = READ_ONCE(ghvm->vmid);
			   __entry->state = state;
			   __entry->type = ghvm->exit_info.type;),
	    TP_printk("vm=%u state=%s type=%u", __entry->vm,
		      __print_symbolic(__entry->state,
				       { GUNYAH_VM_NOT_STARTED,	"NOT_STARTED" },
				       { GUNYAH_VM_RUNNING,	"RUNNING" },
				       { GUNYAH_VM_EXITED,	"EXITED" },
				       { GUNYAH_VM_FAILED,	"FAILED" }),
		      __entry->type)
);

/* The resource manager has answered, or not: @ret; @error is its own. */
TRACE_EVENT(gh_rm_call,
	    TP_PROTO(u32 msg_id, int ret, int error),
	    TP_ARGS(msg_id, ret, error),
	    TP_STRUCT__entry(__field(u32, msg_id)
			     __field(int, ret)
			     __field(int, error)),
	    TP_fast_assign(__entry->msg_id = msg_id;
			   __entry->ret = ret;
			   __entry->error = error;),
	    TP_printk("msg=%#x ret=%d error=%d",
		      __entry->msg_id, __entry->ret, __entry->error)
);

#endif /* GUNYAH_VM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE gunyah_vm_trace
#include <trace/define_trace.h>
