/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/* Where the hostile guest (scribble.c) reports: 8 bytes, the attempts stopped in a round. */
#ifndef GUEST_SCRIBBLE_H
#define GUEST_SCRIBBLE_H

#define SCRIBBLE_REPORT	0x0b000f00

#endif /* GUEST_SCRIBBLE_H */
