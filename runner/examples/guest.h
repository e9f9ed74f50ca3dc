/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the examples have in common: a guest with a serial port on standard output.
 */
#ifndef EXAMPLE_GUEST_H
#define EXAMPLE_GUEST_H

#include <gh-runner/gh-runner.h>

/* Starts the guest of the image @path; prints why when it does not. */
struct gh_vm *example_start(struct gh_runner *runner, const char *path);
/* Guests that have not ended. */
unsigned int example_running(void);
/* Destroys the guest, which has ended, and the runner. */
void example_end(struct gh_runner *runner, struct gh_vm *vm);

#endif /* EXAMPLE_GUEST_H */
