/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef GH_THREADS_H
#define GH_THREADS_H

#include "port.h"

struct gh_threads;

extern const struct gh_port_ops gh_threads_port;

/* For @vcpus at the most, and @entries commands at one time. */
int gh_threads_create(unsigned int vcpus, unsigned int entries, struct gh_threads **threads);
void gh_threads_destroy(struct gh_threads *t);
/* Readable when something has completed. */
int gh_threads_fd(const struct gh_threads *t);
/* Makes the runner's thread return from waiting. Any thread, and signal handlers. */
void gh_threads_wake(const struct gh_threads *t);

#endif /* GH_THREADS_H */
