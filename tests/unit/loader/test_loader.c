// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Loading guest images, good ones and hostile ones.
 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "lib/internal.h"

#define BASE	0x80000000ULL
#define MEM	0x10000ULL

static uint8_t *mem;

static void setup(void)
{
	/* Its own allocation of the exact size: one byte beyond is reported. */
	mem = malloc(MEM);
	memset(mem, 0xee, MEM);
}

static void teardown(void)
{
	free(mem);
}

TestSuite(loader, .init = setup, .fini = teardown);

static int load(const void *image, size_t size, struct gh_image *out)
{
	uint8_t *copy = malloc(size ? size : 1);
	const char *why = NULL;
	int ret;

	memcpy(copy, image, size);
	ret = gh_image_load(copy, size, mem, MEM, BASE, out, &why);
	free(copy);
	cr_assert_eq(!ret, !why, "an error says why, and only an error");
	return ret;
}

Test(loader, flat)
{
	struct gh_image out;

	cr_assert_eq(load("abcde", 5, &out), 0);
	cr_assert_eq(memcmp(mem, "abcde\xee", 6), 0);
	cr_assert_eq(out.entry, 0);
	cr_assert_eq(out.end, 5);
}

Test(loader, flat_limits)
{
	uint8_t *big = calloc(1, MEM + 1);
	struct gh_image out;

	cr_assert_eq(load("", 0, &out), -ENOEXEC);
	cr_assert_eq(load(big, MEM, &out), 0);
	cr_assert_eq(load(big, MEM + 1, &out), -ENOEXEC);
	free(big);
}

struct arm64 {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	char magic[4];
	uint32_t pe;
	uint8_t payload[64];
};

static struct arm64 arm64_image(void)
{
	struct arm64 i = { .image_size = 0x800, .magic = { 'A', 'R', 'M', 'd' } };

	memset(i.payload, 0x5a, sizeof(i.payload));
	return i;
}

Test(loader, arm64_image)
{
	struct arm64 i = arm64_image();
	struct gh_image out;

	cr_assert_eq(load(&i, sizeof(i), &out), 0);
	cr_assert_eq(memcmp(mem, &i, sizeof(i)), 0);
	cr_assert_eq(out.entry, 0);
	cr_assert_eq(out.end, 0x800, "with its bss");
}

Test(loader, arm64_image_with_text_offset)
{
	struct arm64 i = arm64_image();
	struct gh_image out;
	uint32_t insn;

	i.text_offset = 0x1000;
	cr_assert_eq(load(&i, sizeof(i), &out), 0);
	cr_assert_eq(out.entry, 0x1000);
	cr_assert_eq(out.end, 0x1800);
	cr_assert_eq(memcmp(mem + 0x1000, &i, sizeof(i)), 0);
	memcpy(&insn, mem, 4);
	cr_assert_eq(insn, 0x14000400, "b .+0x1000");
}

Test(loader, arm64_image_limits)
{
	struct arm64 i = arm64_image();
	struct gh_image out;

	i.image_size = MEM + 1;
	cr_assert_eq(load(&i, sizeof(i), &out), -ENOEXEC);
	i.image_size = UINT64_MAX;
	i.text_offset = 8;
	cr_assert_eq(load(&i, sizeof(i), &out), -ENOEXEC);
	i.image_size = 0;
	i.text_offset = UINT64_MAX - 3;
	cr_assert_eq(load(&i, sizeof(i), &out), -ENOEXEC);
	i.text_offset = MEM - sizeof(i);
	cr_assert_eq(load(&i, sizeof(i), &out), 0, "exactly at the end");
	i.text_offset = 2;
	cr_assert_eq(load(&i, sizeof(i), &out), -ENOEXEC, "no aligned entry");
	i.text_offset = 0;
	i.flags = 1;
	cr_assert_eq(load(&i, sizeof(i), &out), -ENOEXEC, "big-endian");
}

struct elf {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	uint8_t text[32];
	uint8_t data[16];
};

static struct elf elf_image(void)
{
	struct elf e = {
		.eh = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			.e_type = ET_EXEC,
			.e_machine = EM_AARCH64,
			.e_entry = BASE,
			.e_phoff = offsetof(struct elf, ph),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3,
		},
		.ph = {
			{ .p_type = PT_LOAD, .p_offset = offsetof(struct elf, text),
			  .p_vaddr = BASE, .p_paddr = BASE, .p_filesz = 32, .p_memsz = 32 },
			{ .p_type = PT_NOTE, .p_offset = UINT64_MAX, .p_filesz = UINT64_MAX },
			{ .p_type = PT_LOAD, .p_offset = offsetof(struct elf, data),
			  .p_vaddr = BASE + 0x2000, .p_paddr = BASE + 0x1000, .p_filesz = 16,
			  .p_memsz = 64 },
		},
	};

	memset(e.text, 0x11, sizeof(e.text));
	memset(e.data, 0x22, sizeof(e.data));
	return e;
}

Test(loader, elf)
{
	struct elf e = elf_image();
	struct gh_image out;
	unsigned int i;

	cr_assert_eq(load(&e, sizeof(e), &out), 0);
	cr_assert_eq(out.entry, 0);
	cr_assert_eq(out.end, 0x1040);
	cr_assert_eq(memcmp(mem, e.text, 32), 0);
	cr_assert_eq(memcmp(mem + 0x1000, e.data, 16), 0);
	for (i = 16; i < 64; i++)
		cr_assert_eq(mem[0x1000 + i], 0, "bss");
	cr_assert_eq(mem[0x1040], 0xee);
	cr_assert_eq(mem[32], 0xee);
}

Test(loader, elf_entry_elsewhere)
{
	struct elf e = elf_image();
	struct gh_image out;
	uint32_t insn;

	e.eh.e_entry = BASE + 8;
	cr_assert_eq(load(&e, sizeof(e), &out), -ENOEXEC, "the first byte is taken");

	/* Virtual 0x2004 of the second segment is physical 0x1004. */
	e.eh.e_entry = BASE + 0x2004;
	e.ph[0].p_type = PT_NULL;
	cr_assert_eq(load(&e, sizeof(e), &out), 0);
	cr_assert_eq(out.entry, 0x1004);
	memcpy(&insn, mem, 4);
	cr_assert_eq(insn, 0x14000000 | 0x1004 / 4);

	e.eh.e_entry = BASE + 0x1004;
	cr_assert_eq(load(&e, sizeof(e), &out), -ENOEXEC, "in no segment");
	e.eh.e_entry = BASE + 0x2002;
	cr_assert_eq(load(&e, sizeof(e), &out), -ENOEXEC, "not aligned");
}

/* Each change alone must be refused. */
Test(loader, elf_hostile)
{
	static const struct {
		size_t offset;
		unsigned int size;
		uint64_t value;
	} changes[] = {
#define FIELD(field, value)	\
	{ offsetof(struct elf, field), sizeof(((struct elf *)0)->field), value }
#define EH(field, value)	FIELD(eh.field, value)
#define PH(n, field, value)	FIELD(ph[n].field, value)
		EH(e_ident[EI_CLASS], ELFCLASS32), EH(e_ident[EI_DATA], ELFDATA2MSB),
		EH(e_machine, EM_X86_64), EH(e_type, ET_DYN), EH(e_type, ET_REL),
		EH(e_phentsize, 1), EH(e_phoff, UINT64_MAX), EH(e_phoff, sizeof(struct elf) - 8),
		EH(e_phnum, 0xffff), EH(e_phnum, 0), EH(e_entry, 0),
		PH(0, p_offset, UINT64_MAX), PH(0, p_offset, sizeof(struct elf) - 31),
		PH(0, p_filesz, UINT64_MAX), PH(0, p_filesz, 33), PH(0, p_paddr, BASE - 1),
		PH(0, p_paddr, 0), PH(0, p_paddr, UINT64_MAX), PH(0, p_paddr, BASE + MEM - 31),
		PH(0, p_memsz, MEM + 1), PH(0, p_memsz, UINT64_MAX), PH(2, p_memsz, UINT64_MAX),
		PH(2, p_memsz, 15), PH(2, p_paddr, BASE + MEM - 63),
	};
	struct gh_image out;
	struct elf e;
	unsigned int i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		e = elf_image();
		memcpy((uint8_t *)&e + changes[i].offset, &changes[i].value, changes[i].size);
		cr_assert_eq(load(&e, sizeof(e), &out), -ENOEXEC, "change %u", i);
	}
}

Test(loader, elf_cut_short)
{
	struct elf e = elf_image();
	struct gh_image out;
	size_t size;

	for (size = 4; size < sizeof(e); size++)
		cr_assert_eq(load(&e, size, &out), -ENOEXEC, "%zu bytes", size);
	for (size = 1; size < 4; size++)
		cr_assert_eq(load(&e, size, &out), 0, "too short to be anything but flat");
}

/* No input may read or write out of bounds; the sanitizers watch. */
Test(loader, random_damage)
{
	struct gh_image out;
	unsigned int round, i;

	srandom(2);
	for (round = 0; round < 20000; round++) {
		struct elf e = elf_image();

		for (i = 0; i < 3; i++)
			((uint8_t *)&e)[4 + (size_t)random() % (offsetof(struct elf, text) - 4)] =
				(uint8_t)random();
		if (!load(&e, sizeof(e) - (unsigned int)random() % 8, &out)) {
			cr_assert_lt(out.entry, out.end);
			cr_assert_leq(out.end, MEM);
		}
	}
}
