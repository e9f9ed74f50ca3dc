/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay of the recorded traces: a kernel module that finds the resource manager
 * in the device tree, does raw hypercalls and writes down what comes back, one
 * line a fact, in the form of the traces.
 *
 * It shares no code with the driver: both are compared with the same facts.
 */
#ifndef GH_CONF_H
#define GH_CONF_H

#include <linux/completion.h>
#include <linux/types.h>

/* ---- hypercalls ---------------------------------------------------------- */

#define HVC_MSGQ_SEND		0xc600801b
#define HVC_MSGQ_RECV		0xc600801c
#define HVC_BELL_SEND		0xc6008012
#define HVC_VCPU_RUN		0xc6008065
#define HVC_IDENTIFY		0xc6008000
#define HVC_VENDOR_UID		0x8600ff01

#define GH_MSGQ_EMPTY		60
#define GH_MSGQ_FULL		61

struct conf_regs {
	u64 x[5];
};

/* SMCCC: @fn in x0, @a in x1 and up. */
void conf_hvc(u32 fn, const struct conf_regs *a, struct conf_regs *out);
/* The other form: the number is the immediate, arguments begin in x0. */
void conf_hvc_identify(struct conf_regs *out);
u64 conf_hvc_msgq_recv(u64 cap, void *buf, size_t max);
u64 conf_hvc_unknown(void);

/* ---- the record ----------------------------------------------------------- */

__printf(1, 2) void conf_log(const char *fmt, ...);
void conf_log_bytes(const void *data, size_t len, size_t max);
int conf_log_init(void);
void conf_log_exit(void);

/* ---- the resource manager -------------------------------------------------- */

#define CONF_MAX_REPLY		2048

/* Fills in from the device tree, requests the interrupts. */
int conf_rpc_init(void);
void conf_rpc_exit(void);
void conf_rpc_facts(void);
void conf_rpc_log_counts(void);

/*
 * One request. Notifications that come before the reply are written down before
 * it. Returns the resource manager's error, or < 0; the reply, without the error
 * word, in conf_reply.
 */
int conf_rpc(u32 id, const void *body, size_t len);
extern u8 conf_reply[CONF_MAX_REPLY];
extern size_t conf_reply_len;

/* Writes down what has arrived. */
void conf_drain(void);

/* What the notifications said since conf_forget(). */
struct conf_seen {
	bool exited;
	u16 exit_type;
	bool reset;
};

extern struct conf_seen conf_seen;
void conf_forget(void);
/* Waits until *flag, drains meanwhile; false after @ms. */
bool conf_wait(const bool *flag, unsigned int ms);

/* ---- the VM ----------------------------------------------------------------- */

/* Guest and device tree, in the module's own file (conf_blob.S). */
extern const u8 conf_guest_start[], conf_guest_end[];
extern const u8 conf_dtb_start[], conf_dtb_end[];

#define CONF_VCPUS		2
#define CONF_BELL_LABEL		0xa

/**
 * struct conf_vcpu - a vCPU and its wake-up interrupt
 * @kicks: how often it came
 * @waited: how many of them conf_wait_kick() has seen
 */
struct conf_vcpu {
	u64 cap;
	int irq;
	atomic_t kicks;
	int waited;
	struct completion kick;
};

struct conf_vm {
	u16 vmid;
	u32 handle;
	bool allocated, lent, configured, running;
	u64 bell_cap;
	struct conf_vcpu vcpu[CONF_VCPUS];
};

/* One life of the guest; negative if it could not be cleaned up. */
int conf_vm_replay(unsigned int mode);
void conf_vm_exit(void);
/* GET_HYP_RESOURCES of another VM, written down only. */
void conf_vm_log_resources(u16 vmid);

struct conf_run {
	u64 err;
	u64 state;
	u64 data[3];
};

void conf_run_once(const struct conf_vcpu *vcpu, u64 resume, struct conf_run *run);
/*
 * Waits for the next kick; false after two seconds. Done after each step that
 * kicks, for two kicks that meet are one.
 */
bool conf_wait_kick(struct conf_vcpu *vcpu);
/* Runs the guest until it is quiet. */
void conf_run_guest(struct conf_vm *vm, unsigned int mode);
const char *conf_state_name(u64 state);

#define RUN_READY		0
#define RUN_EXPECTS_WAKEUP	1
#define RUN_POWERED_OFF		2
#define RUN_BLOCKED		3
#define RUN_MMIO_READ		4
#define RUN_MMIO_WRITE		5
#define RUN_FAULT		6
#define RUN_SYSTEM_RESET	0x100

#endif /* GH_CONF_H */
