// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formatting for messages: %s %c %d %u %x %p with l, ll, z, width and zero fill.
 */
#include <mon/core.h>

struct out {
	char *buf;
	unsigned int size;
	unsigned int len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_number(struct out *o, uint64_t v, unsigned int base, unsigned int width, char fill)
{
	char digits[20];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (; width > n; width--)
		put(o, fill);
	while (n)
		put(o, digits[--n]);
}

static void put_signed(struct out *o, int64_t v, unsigned int width, char fill)
{
	if (v < 0) {
		put(o, '-');
		put_number(o, 0 - (uint64_t)v, 10, width, fill);
	} else {
		put_number(o, (uint64_t)v, 10, width, fill);
	}
}

static const char *one(struct out *o, const char *f, va_list *ap)
{
	unsigned int width = 0, longs = 0;
	char fill = *f == '0' ? '0' : ' ';
	const char *s;

	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + (unsigned int)(*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		longs++;
	switch (*f) {
	case 's':
		for (s = va_arg(*ap, const char *); s && *s; s++)
			put(o, *s);
		break;
	case 'c':
		put(o, (char)va_arg(*ap, int));
		break;
	case 'd':
	case 'i':
		put_signed(o, longs ? va_arg(*ap, int64_t) : va_arg(*ap, int), width, fill);
		break;
	case 'u':
	case 'x':
		put_number(o, longs ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int),
			   *f == 'u' ? 10 : 16, width, fill);
		break;
	case 'p':
		put_number(o, va_arg(*ap, uint64_t), 16, 16, '0');
		break;
	case '\0':
		return f;
	default:
		put(o, *f);
		break;
	}
	return f + 1;
}

int mon_vsnprintf(char *buf, unsigned int size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt = one(&o, fmt + 1, &args);
	}
	va_end(args);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}
