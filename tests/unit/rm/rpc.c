// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <libfdt.h>

#include "rpc.h"

struct event events[MAX_EVENTS];
unsigned int nr_events;
unsigned int reply_at;

static uint16_t next_seq = 100;

static void take(const uint8_t *msg, size_t size, unsigned int *missing, unsigned int *frags)
{
	struct event *e = &events[nr_events - (*missing ? 1 : 0)];
	struct rm_hdr hdr;

	cr_assert_geq(size, sizeof(hdr));
	memcpy(&hdr, msg, sizeof(hdr));
	cr_assert_eq(hdr.api, RM_HDR_API);

	if (!*missing) {
		cr_assert_neq(hdr.type_frags & 3, RM_TYPE_CONT);
		cr_assert_neq(hdr.type_frags & 3, RM_TYPE_REQUEST);
		cr_assert_lt(nr_events, MAX_EVENTS);
		nr_events++;
		*frags = hdr.type_frags >> 2;
		*missing = *frags + 1;
		e->reply = (hdr.type_frags & 3) == RM_TYPE_REPLY;
		e->id = hdr.id;
		e->seq = hdr.seq;
		e->len = 0;
	} else {
		cr_assert_eq(hdr.type_frags & 3, RM_TYPE_CONT);
		cr_assert_eq(hdr.id, e->id);
		cr_assert_eq(hdr.seq, e->seq);
		cr_assert_eq(hdr.type_frags >> 2, *frags);
	}
	/* Only the last message may be short. */
	if (*missing > 1)
		cr_assert_eq(size, RM_MSG_SIZE);
	memcpy(e->data + e->len, msg + sizeof(hdr), size - sizeof(hdr));
	e->len += size - sizeof(hdr);
	--*missing;
}

void drain(void)
{
	unsigned int missing = 0, frags = 0;
	uint8_t msg[RM_MSG_SIZE];
	bool not_empty;
	size_t size;
	int ret;

	nr_events = 0;
	while (!(ret = rm_msgq_recv(msg, sizeof(msg), &size, &not_empty)))
		take(msg, size, &missing, &frags);
	cr_assert_eq(ret, 60);
	cr_assert_eq(missing, 0);
}

int send_raw(uint8_t api, uint8_t type, uint8_t frags, uint16_t seq, uint32_t id,
	     const void *content, size_t len)
{
	const struct rm_hdr hdr = {
		.api = api,
		.type_frags = type | frags << 2,
		.seq = seq,
		.id = id,
	};
	uint8_t msg[RM_MSG_SIZE];
	bool not_full;

	memcpy(msg, &hdr, sizeof(hdr));
	if (len)
		memcpy(msg + sizeof(hdr), content, len);
	return rm_msgq_send(msg, sizeof(hdr) + len, &not_full);
}

void send_request(uint32_t id, uint16_t seq, const void *body, size_t len)
{
	unsigned int i, frags = len ? (len - 1) / RM_CONTENT_SIZE : 0;
	const uint8_t *pos = body;

	for (i = 0; i <= frags; i++) {
		size_t part = len < RM_CONTENT_SIZE ? len : RM_CONTENT_SIZE;

		cr_assert_eq(send_raw(RM_HDR_API, i ? RM_TYPE_CONT : RM_TYPE_REQUEST, frags, seq,
				      id, pos, part), 0);
		pos += part;
		len -= part;
	}
}

uint32_t call(uint32_t id, const void *body, size_t len)
{
	uint16_t seq = next_seq++;
	unsigned int i, replies = 0;
	uint32_t err;

	drain();
	send_request(id, seq, body, len);
	drain();
	for (i = 0; i < nr_events; i++) {
		if (!events[i].reply)
			continue;
		replies++;
		reply_at = i;
	}
	cr_assert_eq(replies, 1, "%u replies to %x", replies, id);
	cr_assert_eq(events[reply_at].id, id);
	cr_assert_eq(events[reply_at].seq, seq);
	cr_assert_geq(events[reply_at].len, sizeof(err));
	memcpy(&err, events[reply_at].data, sizeof(err));
	return err;
}

const uint8_t *reply_data(void)
{
	return events[reply_at].data + sizeof(uint32_t);
}

size_t reply_len(void)
{
	return events[reply_at].len - sizeof(uint32_t);
}

uint32_t call_vmid(uint32_t id, uint16_t vmid)
{
	const struct rm_vmid_req body = { .vmid = vmid };

	return call(id, &body, sizeof(body));
}

uint32_t call_stop(uint16_t vmid, uint8_t flags)
{
	const struct rm_stop_req body = { .vmid = vmid, .flags = flags, .reason = 3 };

	return call(RM_REQ_VM_STOP, &body, sizeof(body));
}

static size_t put_list(uint8_t *buf, const void *entries, uint16_t n, size_t entry_size)
{
	const struct rm_list_hdr hdr = { .n = n };

	memcpy(buf, &hdr, sizeof(hdr));
	if (n)
		memcpy(buf + sizeof(hdr), entries, n * entry_size);
	return sizeof(hdr) + n * entry_size;
}

uint32_t call_mem(uint32_t id, uint8_t flags, uint32_t label, const struct rm_acl_entry *acl,
		  unsigned int nr_acl, const struct mem *mem, unsigned int nr_mem,
		  uint32_t *handle)
{
	const struct rm_mem_create_req req = { .flags = flags, .label = label };
	static uint8_t body[RM_MAX_CONTENT];
	size_t len = sizeof(req);
	uint32_t err;

	memcpy(body, &req, sizeof(req));
	len += put_list(body + len, acl, nr_acl, sizeof(*acl));
	len += put_list(body + len, mem, nr_mem, sizeof(*mem));
	len += put_list(body + len, NULL, 0, 0);
	err = call(id, body, len);
	if (!err && handle) {
		cr_assert_eq(reply_len(), sizeof(*handle));
		memcpy(handle, reply_data(), sizeof(*handle));
	}
	return err;
}

uint32_t call_append(uint32_t handle, uint8_t flags, const struct mem *mem, unsigned int nr_mem)
{
	const struct rm_mem_append_req req = { .handle = handle, .flags = flags };
	static uint8_t body[RM_MAX_CONTENT];
	size_t len = sizeof(req);

	memcpy(body, &req, sizeof(req));
	len += put_list(body + len, mem, nr_mem, sizeof(*mem));
	return call(RM_REQ_MEM_APPEND, body, len);
}

uint32_t call_reclaim(uint32_t handle, uint8_t flags)
{
	const struct rm_mem_reclaim_req req = { .handle = handle, .flags = flags };

	return call(RM_REQ_MEM_RECLAIM, &req, sizeof(req));
}

uint32_t lend(uint16_t vmid, uint32_t label, uint64_t pa, uint64_t size, uint32_t *handle)
{
	const struct rm_acl_entry acl = VM_ACL(vmid, RM_RIGHTS_RWX);
	const struct mem mem = { pa, size };

	return call_mem(RM_REQ_MEM_LEND, 0, label, &acl, 1, &mem, 1, handle);
}

uint16_t new_vm(void)
{
	cr_assert_eq(call_vmid(RM_REQ_VM_ALLOCATE, 0), RM_OK);
	cr_assert_eq(reply_len(), 4);
	return reply_data()[0] | reply_data()[1] << 8;
}

uint32_t call_config(uint16_t vmid, uint16_t auth, uint32_t handle, uint64_t image_off,
		     uint64_t image_size, uint64_t dt_off, uint64_t dt_size)
{
	const struct rm_config_image_req req = {
		.vmid = vmid,
		.auth = auth,
		.handle = handle,
		.image_off = image_off,
		.image_size = image_size,
		.dt_off = dt_off,
		.dt_size = dt_size,
	};

	return call(RM_REQ_VM_CONFIG_IMAGE, &req, sizeof(req));
}

struct vm build_vm(const struct tree *tree)
{
	struct vm vm;

	write_tree(IMAGE_PA + DT_OFF, tree);
	vm.vmid = new_vm();
	cr_assert_eq(lend(vm.vmid, 1, IMAGE_PA, IMAGE_SIZE, &vm.handle), RM_OK);
	return vm;
}

struct vm build_running(const struct tree *tree)
{
	struct vm vm = build_vm(tree);

	cr_assert_eq(call_config(vm.vmid, RM_AUTH_NONE, vm.handle, 0, DT_OFF, DT_OFF, DT_SIZE),
		     RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_INIT, vm.vmid), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_START, vm.vmid), RM_OK);
	return vm;
}

uint8_t state_of(uint16_t vmid)
{
	cr_assert_eq(call_vmid(RM_REQ_VM_GET_STATE, vmid), RM_OK);
	cr_assert_eq(reply_len(), 4);
	return reply_data()[0];
}

void end_vm(struct vm *vm)
{
	if (state_of(vm->vmid) == RM_STATE_RUNNING)
		cr_assert_eq(call_stop(vm->vmid, RM_STOP_FORCE), RM_OK);
	if (state_of(vm->vmid) != RM_STATE_LOAD && state_of(vm->vmid) != RM_STATE_RESET)
		cr_assert_eq(call_vmid(RM_REQ_VM_RESET, vm->vmid), RM_OK);
	if (vm->handle != RM_INVALID_HANDLE)
		cr_assert_eq(call_reclaim(vm->handle, 0), RM_OK);
	cr_assert_eq(call_vmid(RM_REQ_VM_DEALLOCATE, vm->vmid), RM_OK);
}
