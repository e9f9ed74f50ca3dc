// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Puts a guest image into memory: ELF, arm64 Image or flat binary.
 *
 * The hypervisor starts the boot vCPU at the first byte of memory. An image with
 * its entry elsewhere gets a branch there, if it leaves that place free.
 *
 * The image is untrusted: every offset is checked against both sizes.
 */
#include <elf.h>
#include <endian.h>

#include "internal.h"

/* Head of an arm64 Image, see Documentation/arch/arm64/booting in Linux. */
struct arm64_image {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint64_t reserved[3];
	uint32_t magic;
	uint32_t pe_offset;
};

#define ARM64_IMAGE_MAGIC	0x644d5241U	/* "ARM\x64" */

_Static_assert(sizeof(struct arm64_image) == 64, "fixed by the boot protocol");

struct load {
	const uint8_t *image;
	uint64_t image_size;
	uint8_t *mem;
	uint64_t mem_size;
	uint64_t mem_base;
	struct gh_image *out;
	const char *why;
};

static int refuse(struct load *l, const char *why)
{
	l->why = why;
	return -ENOEXEC;
}

static bool fits(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

/* b <offset>: at most 128 MiB away, which the caller has checked. */
static void put_branch(struct load *l, uint64_t offset)
{
	uint32_t insn = htole32(0x14000000U | (uint32_t)(offset / 4));

	memcpy(l->mem, &insn, sizeof(insn));
}

static int finish(struct load *l, uint64_t entry, uint64_t first_byte, uint64_t end)
{
	if (entry % 4 || entry >= end)
		return refuse(l, "the entry point is not in the image");
	if (entry) {
		if (first_byte < 4)
			return refuse(l, "the entry point is not the first byte, which is taken");
		if (entry >= (128ULL << 20))
			return refuse(l, "the entry point is more than 128 MiB into memory");
		put_branch(l, entry);
	}
	l->out->entry = entry;
	l->out->end = end;
	return 0;
}

static int load_flat(struct load *l)
{
	if (l->image_size > l->mem_size)
		return refuse(l, "the image is larger than the guest's memory");
	memcpy(l->mem, l->image, l->image_size);
	return finish(l, 0, 0, l->image_size);
}

static int load_arm64(struct load *l)
{
	struct arm64_image head;
	uint64_t offset, size;

	memcpy(&head, l->image, sizeof(head));
	offset = le64toh(head.text_offset);
	size = le64toh(head.image_size);
	if (size < l->image_size)
		size = l->image_size;
	if (le64toh(head.flags) & 1)
		return refuse(l, "a big-endian arm64 Image");
	if (!fits(offset, size, l->mem_size))
		return refuse(l, "the image is larger than the guest's memory");
	memcpy(l->mem + offset, l->image, l->image_size);
	return finish(l, offset, offset, offset + size);
}

static int elf_segment(struct load *l, const Elf64_Phdr *ph, uint64_t *offset)
{
	if (ph->p_filesz > ph->p_memsz)
		return refuse(l, "an ELF segment with more bytes in the file than in memory");
	if (!fits(ph->p_offset, ph->p_filesz, l->image_size))
		return refuse(l, "an ELF segment outside the file");
	if (ph->p_paddr < l->mem_base || !fits(ph->p_paddr - l->mem_base, ph->p_memsz, l->mem_size))
		return refuse(l, "an ELF segment outside the guest's memory (it starts at 0x80000000)");
	*offset = ph->p_paddr - l->mem_base;
	memcpy(l->mem + *offset, l->image + ph->p_offset, ph->p_filesz);
	memset(l->mem + *offset + ph->p_filesz, 0, ph->p_memsz - ph->p_filesz);
	return 0;
}

static int elf_check(struct load *l, const Elf64_Ehdr *eh)
{
	if (l->image_size < sizeof(*eh))
		return refuse(l, "an ELF header that is cut short");
	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh->e_machine != EM_AARCH64)
		return refuse(l, "an ELF file for another machine than little-endian aarch64");
	if (eh->e_type != ET_EXEC)
		return refuse(l, "an ELF file that is not a static executable (ET_EXEC)");
	if (eh->e_phentsize != sizeof(Elf64_Phdr) ||
	    !fits(eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(Elf64_Phdr), l->image_size))
		return refuse(l, "an ELF file with program headers outside the file");
	return 0;
}

static int load_elf(struct load *l)
{
	uint64_t entry = UINT64_MAX, first = UINT64_MAX, end = 0, offset = 0;
	Elf64_Ehdr eh = { 0 };
	Elf64_Phdr ph;
	unsigned int i;
	int ret;

	memcpy(&eh, l->image, l->image_size < sizeof(eh) ? l->image_size : sizeof(eh));
	ret = elf_check(l, &eh);
	if (ret)
		return ret;
	for (i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, l->image + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || !ph.p_memsz)
			continue;
		ret = elf_segment(l, &ph, &offset);
		if (ret)
			return ret;
		if (offset < first)
			first = offset;
		if (offset + ph.p_memsz > end)
			end = offset + ph.p_memsz;
		if (eh.e_entry >= ph.p_vaddr && eh.e_entry - ph.p_vaddr < ph.p_memsz)
			entry = eh.e_entry - ph.p_vaddr + offset;
	}
	return finish(l, entry, first, end);
}

int gh_image_load(const void *image, size_t image_size, void *mem, uint64_t mem_size,
		  uint64_t mem_base, struct gh_image *out, const char **why)
{
	struct load l = {
		.image = image,
		.image_size = image_size,
		.mem = mem,
		.mem_size = mem_size,
		.mem_base = mem_base,
		.out = out,
	};
	uint32_t magic = 0;
	int ret;

	if (image_size >= sizeof(struct arm64_image))
		memcpy(&magic, l.image + offsetof(struct arm64_image, magic), sizeof(magic));

	if (!image_size)
		ret = refuse(&l, "an empty image");
	else if (image_size >= SELFMAG && !memcmp(image, ELFMAG, SELFMAG))
		ret = load_elf(&l);
	else if (le32toh(magic) == ARM64_IMAGE_MAGIC)
		ret = load_arm64(&l);
	else
		ret = load_flat(&l);
	*why = l.why;
	return ret;
}
