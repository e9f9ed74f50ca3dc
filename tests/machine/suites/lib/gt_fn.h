/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* VM functions beside the vCPU, and the eventfds they work with. */
#ifndef GT_FN_H
#define GT_FN_H

#include "gt_vm.h"

/* ADD_FUNCTION and REMOVE_FUNCTION, by number and by name; 0, a descriptor or -errno. */
int gt_fn_add(int vm_fd, uint32_t type, const void *arg, uint32_t size);
int gt_fn_remove(int vm_fd, uint32_t type, const void *arg, uint32_t size);
int gt_fn_add_by_name(int vm_fd, const char *name, const void *arg, uint32_t size);
int gt_fn_remove_by_name(int vm_fd, const char *name, const void *arg, uint32_t size);

/* @len 0 is any; *@match (may be NULL) asks for DATAMATCH. */
int gt_ioeventfd_add(int vm_fd, int fd, uint64_t addr, uint32_t len, const uint64_t *match);
int gt_ioeventfd_remove(int vm_fd, uint64_t addr, uint32_t len, const uint64_t *match);
int gt_irqfd_add(int vm_fd, int fd, uint32_t label, uint32_t flags);
int gt_irqfd_remove(int vm_fd, uint32_t label);

/* A new eventfd, non-blocking; asserts. */
int gt_eventfd(void);
/* How often it was signalled since it was asked last. */
uint64_t gt_eventfd_count(int fd);
void gt_eventfd_signal(int fd);

#endif /* GT_FN_H */
