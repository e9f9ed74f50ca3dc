/* SPDX-License-Identifier: GPL-2.0-only */
	.section .rodata
	.balign 8
	.global conf_guest_start, conf_guest_end, conf_dtb_start, conf_dtb_end
conf_guest_start:
	.incbin "guest.bin"
conf_guest_end:
	.balign 8
conf_dtb_start:
	.incbin "guest.dtblob"
conf_dtb_end:
