/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * A serial port: Arm PrimeCell UART (PL011), revision r1p5.
 */
#ifndef GH_RUNNER_PL011_H
#define GH_RUNNER_PL011_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gh-runner/gh-runner.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GH_PL011_SIZE	0x1000	/* of the window; beyond it accesses are refused */

struct gh_pl011;

/**
 * struct gh_pl011_config - callbacks, borrowed until gh_pl011_destroy()
 * @output: a byte that the guest sent; required
 * @irq: optional: the level of the combined interrupt changed
 * @opaque: for both
 * @line: optional: interrupts the guest. Raised when the level rises, and when the guest
 *	writes UARTICR or UARTIMSC and it is still high
 */
struct gh_pl011_config {
	void (*output)(void *opaque, uint8_t byte);
	void (*irq)(void *opaque, bool level);
	void *opaque;
	struct gh_irq *line;
};

extern const struct gh_device_ops gh_pl011_ops;

/* The device for gh_vm_add_device(); gh_pl011_ops.release frees it with the VM. */
int gh_pl011_create(const struct gh_pl011_config *config, struct gh_pl011 **uart);
void gh_pl011_destroy(struct gh_pl011 *uart);
/* Bytes for the guest. Returns how many fit into the receive FIFO. */
size_t gh_pl011_input(struct gh_pl011 *uart, const uint8_t *bytes, size_t len);

#ifdef __cplusplus
}
#endif

#endif /* GH_RUNNER_PL011_H */
