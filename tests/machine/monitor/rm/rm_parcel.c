// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory parcels as their owner, the host, sees them: lend, share, append,
 * reclaim. Lent memory leaves the host at once and comes back with RECLAIM; a
 * page is in one parcel at most, whether lent or shared.
 */
#include <string.h>

#include "rm_priv.h"

#define GH_ERR_NOMEM	10

static struct rm_parcel *parcels;
static unsigned int nr_parcels;
static uint32_t next_handle;

static struct rm_parcel *find(uint32_t handle)
{
	struct rm_parcel *p = parcels;

	while (p && p->handle != handle)
		p = p->next;
	return p;
}

struct rm_share *rm_parcel_share(const struct rm_parcel *p, uint16_t vmid)
{
	unsigned int i;

	for (i = 0; i < p->nr_shares; i++) {
		if (p->shares[i].vmid == vmid)
			return &p->shares[i];
	}
	return NULL;
}

struct rm_parcel *rm_parcel_find(uint32_t handle, uint16_t vmid)
{
	struct rm_parcel *p = find(handle);

	return p && rm_parcel_share(p, vmid) ? p : NULL;
}

struct rm_parcel *rm_parcel_next(struct rm_parcel *prev, uint16_t vmid)
{
	struct rm_parcel *p = prev ? prev->next : parcels;

	while (p && !rm_parcel_share(p, vmid))
		p = p->next;
	return p;
}

static uint32_t new_handle(void)
{
	while (next_handle == RM_INVALID_HANDLE || find(next_handle))
		next_handle++;
	return next_handle++;
}

static bool rights_valid(uint8_t rights)
{
	return rights <= RM_RIGHTS_RWX && rights & MON_RIGHT_R;
}

static bool vmid_valid(uint16_t vmid)
{
	return vmid == MON_VMID_HLOS || vmid == MON_VMID_RM || rm_vm_find(vmid);
}

/* Takes the next list from the message; *data is where its entries begin. */
static enum rm_error take_list(const uint8_t **pos, size_t *len, size_t entry_size,
			       const uint8_t **data, unsigned int *n)
{
	struct rm_list_hdr hdr;
	size_t size;

	*n = 0;
	*data = NULL;
	if (!*len)
		return RM_OK;
	if (*len < sizeof(hdr))
		return RM_ERR_MSG;

	memcpy(&hdr, *pos, sizeof(hdr));
	if (hdr.n > RM_MAX_LIST)
		return RM_ERR_NORES;
	size = sizeof(hdr) + hdr.n * entry_size;
	if (*len < size)
		return RM_ERR_MSG;

	*n = hdr.n;
	*data = *pos + sizeof(hdr);
	*pos += size;
	*len -= size;
	return RM_OK;
}

static enum rm_error push_region(struct rm_parcel *p, uint64_t pa, uint64_t size)
{
	struct rm_region *last = p->nr_regions ? &p->regions[p->nr_regions - 1] : NULL;

	if (last && rm_region_pa(last) + rm_region_size(last) == pa) {
		last->pages += size / RM_PAGE_SIZE;
		return RM_OK;
	}

	if (p->nr_regions == p->max_regions) {
		unsigned int max = p->max_regions ? 2 * p->max_regions : 8;
		struct rm_region *regions = core_alloc(max * sizeof(*regions));

		if (!regions)
			return RM_ERR_NOMEM;
		if (p->regions) {
			memcpy(regions, p->regions, p->nr_regions * sizeof(*regions));
			core_free(p->regions);
		}
		p->regions = regions;
		p->max_regions = max;
	}
	p->regions[p->nr_regions++] = (struct rm_region){
		.first = pa / RM_PAGE_SIZE,
		.pages = size / RM_PAGE_SIZE,
	};
	return RM_OK;
}

static void give_back(const struct rm_parcel *p, uint64_t pa, uint64_t size)
{
	if (p->lent)
		core_host_map(pa, size);
	rm_pages_release(pa, size);
}

static bool addr_valid(uint64_t addr)
{
	return addr < RM_ADDR_LIMIT && !(addr % RM_PAGE_SIZE);
}

static enum rm_error add_entry(struct rm_parcel *p, const struct rm_sgl_entry *e)
{
	enum rm_error err;
	int hyp_err;

	if (!addr_valid(e->ipa) || !addr_valid(e->size) || !e->size)
		return RM_ERR_ARG;
	if (!core_host_owns(e->ipa, e->size))
		return RM_ERR_MEM;

	err = rm_pages_claim(e->ipa, e->size);
	if (err)
		return err;

	if (p->lent) {
		hyp_err = core_host_unmap(e->ipa, e->size);
		if (hyp_err) {
			err = hyp_err == GH_ERR_NOMEM ? RM_ERR_NOMEM : RM_ERR_MEM;
			goto err_release;
		}
	}

	err = push_region(p, e->ipa, e->size);
	if (err)
		goto err_map;

	p->size += e->size;
	return RM_OK;

err_map:
	if (p->lent)
		core_host_map(e->ipa, e->size);
err_release:
	rm_pages_release(e->ipa, e->size);
	return err;
}

/* All entries or none. */
static enum rm_error add_entries(struct rm_parcel *p, const uint8_t *list, unsigned int n)
{
	unsigned int old_nr = p->nr_regions;
	uint32_t old_last = old_nr ? p->regions[old_nr - 1].pages : 0;
	uint64_t old_size = p->size;
	struct rm_sgl_entry e;
	enum rm_error err = RM_OK;
	unsigned int i;

	for (i = 0; i < n && !err; i++) {
		memcpy(&e, list + i * sizeof(e), sizeof(e));
		err = add_entry(p, &e);
	}
	if (!err) {
		if (p->sanitize)
			rm_parcel_clear(p);
		return RM_OK;
	}

	/* Entry i - 1 failed, those before it were added. */
	for (i--; i--; ) {
		memcpy(&e, list + i * sizeof(e), sizeof(e));
		give_back(p, e.ipa, e.size);
	}
	p->nr_regions = old_nr;
	if (old_nr)
		p->regions[old_nr - 1].pages = old_last;
	p->size = old_size;
	return err;
}

static enum rm_error read_acl(struct rm_parcel *p, const uint8_t *acl, unsigned int n)
{
	struct rm_share *owner;
	struct rm_acl_entry e;
	unsigned int i;

	for (i = 0; i < n; i++) {
		memcpy(&e, acl + i * sizeof(e), sizeof(e));
		if (rm_parcel_share(p, e.vmid) || !vmid_valid(e.vmid) || !rights_valid(e.rights))
			return RM_ERR_ARG;
		p->shares[p->nr_shares++] = (struct rm_share){
			.vmid = e.vmid,
			.rights = e.rights,
		};
	}

	/* The owner is in the list if it shares, and only then. */
	owner = rm_parcel_share(p, MON_VMID_HLOS);
	return !owner == p->lent ? RM_OK : RM_ERR_ARG;
}

/* Attributes other than those of normal memory can not be had here. */
static enum rm_error check_attrs(const struct rm_parcel *p, const uint8_t *attrs, unsigned int n)
{
	struct rm_attr_entry e;
	unsigned int i;

	for (i = 0; i < n; i++) {
		memcpy(&e, attrs + i * sizeof(e), sizeof(e));
		if (e.attr)
			return RM_ERR_ARG;
		if (!rm_parcel_share(p, e.vmid))
			return RM_ERR_VMID;
	}
	return RM_OK;
}

static unsigned int count_of(uint16_t vmid)
{
	struct rm_parcel *p = NULL;
	unsigned int n = 0;

	while ((p = rm_parcel_next(p, vmid)))
		n++;
	return n;
}

/* A VM of the host can be in so many parcels, and the host can own so many. */
static bool limits_reached(const struct rm_parcel *p)
{
	unsigned int i;

	if (nr_parcels >= RM_MAX_PARCELS)
		return true;
	for (i = 0; i < p->nr_shares; i++) {
		if (p->shares[i].vmid != MON_VMID_HLOS &&
		    count_of(p->shares[i].vmid) >= RM_MAX_PARCELS_PER_VM)
			return true;
	}
	return false;
}

static void parcel_free(struct rm_parcel *p)
{
	if (p->regions)
		core_free(p->regions);
	core_free(p->shares);
	core_free(p);
}

static struct rm_parcel *parcel_alloc(unsigned int nr_shares)
{
	struct rm_parcel *p = core_alloc(sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->shares = core_alloc(nr_shares * sizeof(*p->shares));
	if (!p->shares) {
		core_free(p);
		return NULL;
	}
	return p;
}

static void parcel_link(struct rm_parcel *p)
{
	struct rm_parcel **end = &parcels;

	/* In order of creation: the order in which a VM accepts them. */
	while (*end)
		end = &(*end)->next;
	*end = p;
	nr_parcels++;
}

enum rm_error rm_mem_create(const struct rm_req *req, struct rm_rep *rep)
{
	const uint8_t *pos = req->body + sizeof(struct rm_mem_create_req);
	size_t len = req->len - sizeof(struct rm_mem_create_req);
	const uint8_t *acl, *sgl, *attrs;
	unsigned int nr_acl, nr_sgl, nr_attrs;
	struct rm_mem_create_req body;
	struct rm_parcel *p;
	enum rm_error err;

	memcpy(&body, req->body, sizeof(body));
	err = take_list(&pos, &len, sizeof(struct rm_acl_entry), &acl, &nr_acl);
	if (!err)
		err = take_list(&pos, &len, sizeof(struct rm_sgl_entry), &sgl, &nr_sgl);
	if (!err)
		err = take_list(&pos, &len, sizeof(struct rm_attr_entry), &attrs, &nr_attrs);
	if (err)
		return err;
	if (len)
		return RM_ERR_MSG;
	if (!nr_acl || !nr_sgl || body.mem_type != RM_MEM_TYPE_NORMAL)
		return RM_ERR_ARG;

	p = parcel_alloc(nr_acl);
	if (!p)
		return RM_ERR_NOMEM;
	p->label = body.label;
	p->lent = req->id == RM_REQ_MEM_LEND;
	p->sanitize = body.flags & RM_MEM_SANITIZE;
	p->complete = !(body.flags & RM_MEM_APPEND_MORE);

	err = read_acl(p, acl, nr_acl);
	if (!err)
		err = check_attrs(p, attrs, nr_attrs);
	if (!err && limits_reached(p))
		err = RM_ERR_DENIED;
	if (!err)
		err = add_entries(p, sgl, nr_sgl);
	if (err) {
		parcel_free(p);
		return err;
	}

	p->handle = new_handle();
	parcel_link(p);
	memcpy(rep->data, &p->handle, sizeof(p->handle));
	rep->len = sizeof(p->handle);
	return RM_OK;
}

enum rm_error rm_mem_append(const struct rm_req *req, struct rm_rep *rep)
{
	const uint8_t *pos = req->body + sizeof(struct rm_mem_append_req);
	size_t len = req->len - sizeof(struct rm_mem_append_req);
	struct rm_mem_append_req body;
	const uint8_t *sgl;
	struct rm_parcel *p;
	unsigned int n;
	enum rm_error err;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	err = take_list(&pos, &len, sizeof(struct rm_sgl_entry), &sgl, &n);
	if (err)
		return err;
	if (len)
		return RM_ERR_MSG;
	if (!n)
		return RM_ERR_ARG;

	p = find(body.handle);
	if (!p)
		return RM_ERR_HANDLE;
	if (p->complete)
		return RM_ERR_DENIED;

	err = add_entries(p, sgl, n);
	if (!err)
		p->complete = body.flags & RM_APPEND_END;
	return err;
}

enum rm_error rm_mem_reclaim(const struct rm_req *req, struct rm_rep *rep)
{
	struct rm_mem_reclaim_req body;
	struct rm_parcel **link = &parcels;
	struct rm_parcel *p;
	unsigned int i;

	(void)rep;
	memcpy(&body, req->body, sizeof(body));
	while (*link && (*link)->handle != body.handle)
		link = &(*link)->next;
	p = *link;
	if (!p)
		return RM_ERR_HANDLE;
	if (p->users)
		return RM_ERR_INUSE;

	if (p->sanitize_reclaim || body.flags & RM_RECLAIM_SANITIZE)
		rm_parcel_clear(p);
	for (i = 0; i < p->nr_regions; i++)
		give_back(p, rm_region_pa(&p->regions[i]), rm_region_size(&p->regions[i]));

	*link = p->next;
	nr_parcels--;
	parcel_free(p);
	return RM_OK;
}
