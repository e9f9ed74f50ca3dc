// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The options of `gh-runner run`.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
	OPT_GUEST = 1000,
	OPT_SECONDS,
	OPT_SLICE,
	OPT_BACKEND,
	OPT_CPUS,
	OPT_JSON,
	OPT_CONTROL,
};

static const struct option long_options[] = {
	{ "guest", required_argument, NULL, OPT_GUEST },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "slice-us", required_argument, NULL, OPT_SLICE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "control", optional_argument, NULL, OPT_CONTROL },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void help(void)
{
	puts("Usage: gh-runner run --guest=KEY=VALUE[,KEY=VALUE]... [OPTION]...\n"
	     "   or: gh-runner run [OPTION]... FILE\n"
	     "Starts guests, runs them on one io_uring and one thread, shows what they print\n"
	     "with their name in front, and checks the results that they report.\n"
	     "\n"
	     "      --guest=SPEC       guests to start; may be repeated. Keys of SPEC:\n"
	     "                           image=PATH     ELF, arm64 Image or flat binary; required\n"
	     "                           name=NAME      default: guest\n"
	     "                           count=N        so many, named NAME0, NAME1... (1)\n"
	     "                           vcpus=N        of each, 1 to 8 (1)\n"
	     "                           memory=SIZE    of each, with K, M or G; multiple of 2M (2M)\n"
	     "                           param0=N, param1=N   for the guest's test device (0)\n"
	     "                           bootargs=TEXT  kernel command line; without commas\n"
	     "                           console=WHERE  stdout, pty, file:PATH, or unix:PATH, a\n"
	     "                                          socket for one client; with count the\n"
	     "                                          number is appended to PATH (stdout)\n"
	     "      --seconds=S        tell the guests to work for S seconds; those that go on\n"
	     "                           are asked to stop after a grace time, then stopped\n"
	     "                           (default: until they power off, or Ctrl-C)\n"
	     "      --slice-us=N       longest time a vCPU runs before others do (2000)\n"
	     "      --cpus=N           run the guests on N host CPUs, with a thread for each (1)\n"
	     "      --backend=NAME     how vCPUs are run:\n"
	     "                           auto      uring, a lone vCPU by ioctl; threads where\n"
	     "                                     io_uring is not allowed\n"
	     "                           uring     on a ring, in one thread\n"
	     "                           ioctl     by ioctl, in one thread; a ring for sleepers\n"
	     "                           sqpoll    on a ring, in its kernel thread\n"
	     "                           threads   by ioctl, with a thread for each vCPU\n"
	     "      --control[=PATH]   take requests of 'gh-runner ps' and others at a socket of\n"
	     "                         mode 0600 (" CLI_CONTROL ")\n"
	     "      --json=FILE        write counters and results to FILE\n"
	     "  -q, --quiet            neither guests' output nor status, only the result\n"
	     "  -h, --help             print this help and exit\n"
	     "  -V, --version          print the version and exit\n"
	     "\n"
	     "FILE has the same settings, and those in it win: see gh-runner.conf(5).\n"
	     "\n"
	     "Exit status: 0 if every guest powered off and each result was right, 1 if one\n"
	     "did not, 2 if something could not be started.\n"
	     "\n"
	     "Example: gh-runner run --guest=image=demo.bin,name=g,count=64 --seconds=10");
}

__attribute__((format(printf, 1, 2)))
static bool bad(const char *fmt, ...)
{
	va_list ap;

	fputs("gh-runner: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'gh-runner run --help'.\n", stderr);
	return false;
}

/* A number, decimal or 0x; with @sizes also a suffix K, M or G. */
static bool number(const char *what, const char *text, bool sizes, uint64_t max, uint64_t *out)
{
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (sizes && *end) {
		switch (toupper((unsigned char)*end)) {
		case 'G':
			shift = 30;
			break;
		case 'M':
			shift = 20;
			break;
		case 'K':
			shift = 10;
			break;
		}
		if (shift)
			end++;
	}
	if (!isdigit((unsigned char)*text) || *end || errno || *out > max >> shift)
		return bad("%s: '%s' is not a number%s from 0 to %llu", what, text,
			   sizes ? " (with K, M or G)" : "", (unsigned long long)max);
	*out <<= shift;
	return true;
}

enum guest_key { KEY_IMAGE, KEY_NAME, KEY_COUNT, KEY_VCPUS, KEY_MEMORY, KEY_PARAM0, KEY_PARAM1,
		 KEY_BOOTARGS, KEY_CONSOLE };

static bool guest_set(struct guest_option *g, int key, const char *value)
{
	uint64_t n = 0;

	switch (key) {
	case KEY_IMAGE:
		g->image = value;
		return true;
	case KEY_NAME:
		g->name = value;
		return true;
	case KEY_BOOTARGS:
		g->bootargs = value;
		return true;
	case KEY_CONSOLE:
		g->console = value;
		return !strcmp(value, "stdout") || !strcmp(value, "pty") ||
		       !strncmp(value, "file:", 5) || !strncmp(value, "unix:", 5) ||
		       bad("console: '%s' is none of stdout, pty, file:PATH, unix:PATH", value);
	case KEY_COUNT:
		if (!number("count", value, false, CLI_MAX_GUESTS, &n))
			return false;
		g->count = (unsigned int)n;
		return n || bad("count must be at least 1");
	case KEY_VCPUS:
		if (!number("vcpus", value, false, 1024, &n))
			return false;
		g->vcpus = (unsigned int)n;
		return true;
	case KEY_MEMORY:
		return number("memory", value, true, 1ULL << 40, &g->memory);
	case KEY_PARAM0:
		return number("param0", value, false, UINT64_MAX, &g->param0);
	case KEY_PARAM1:
		return number("param1", value, false, UINT64_MAX, &g->param1);
	}
	return false;
}

static const char *const guest_keys[] = {
	[KEY_IMAGE] = "image",
	[KEY_NAME] = "name",
	[KEY_COUNT] = "count",
	[KEY_VCPUS] = "vcpus",
	[KEY_MEMORY] = "memory",
	[KEY_PARAM0] = "param0",
	[KEY_PARAM1] = "param1",
	[KEY_BOOTARGS] = "bootargs",
	[KEY_CONSOLE] = "console",
	NULL,
};

bool guest_option_set(struct guest_option *g, const char *key, const char *value)
{
	int i;

	for (i = 0; guest_keys[i]; i++)
		if (!strcmp(key, guest_keys[i]))
			return guest_set(g, i, value);
	return bad("a guest has no '%s'", key);
}

struct guest_option *guest_option_add(struct run_options *o)
{
	struct guest_option *g = &o->guests[o->nr_guests];

	if (o->nr_guests == CLI_MAX_GUEST_OPTIONS) {
		bad("more than %d kinds of guests", CLI_MAX_GUEST_OPTIONS);
		return NULL;
	}
	*g = (struct guest_option) { .name = "guest", .count = 1, .vcpus = 1, .memory = 2 << 20 };
	o->nr_guests++;
	return g;
}

static bool parse_guest(struct run_options *o, char *spec)
{
	struct guest_option *g = guest_option_add(o);
	char *value, *start;
	int key;

	if (!g)
		return false;
	while (*spec) {
		start = spec;
		key = getsubopt(&spec, (char *const *)guest_keys, &value);
		if (key < 0)
			return bad("--guest: unknown key '%s'", start);
		if (!value || !*value)
			return bad("--guest: '%s' needs a value", guest_keys[key]);
		if (!guest_set(g, key, value))
			return false;
	}
	return g->image || bad("--guest needs image=PATH");
}

static bool backend(struct run_options *o, const char *name)
{
	static const char *const names[] = {
		[GH_BACKEND_AUTO] = "auto",
		[GH_BACKEND_URING] = "uring",
		[GH_BACKEND_SQPOLL] = "sqpoll",
		[GH_BACKEND_THREADS] = "threads",
		[GH_BACKEND_IOCTL] = "ioctl",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]))
			continue;
		o->backend = (enum gh_backend)i;
		return true;
	}
	return bad("--backend: '%s' is none of auto, uring, ioctl, sqpoll, threads", name);
}

bool run_option_set(struct run_options *o, const char *name, const char *value)
{
	if (!strcmp(name, "seconds"))
		return number("seconds", value, false, 1000000, &o->seconds);
	if (!strcmp(name, "slice-us"))
		return number("slice-us", value, false, 1000000, &o->slice_us);
	if (!strcmp(name, "cpus"))
		return number("cpus", value, false, 256, &o->cpus);
	if (!strcmp(name, "backend"))
		return backend(o, value);
	if (!strcmp(name, "control"))
		o->control = value;
	else if (!strcmp(name, "json"))
		o->json = value;
	else
		return bad("there is no setting '%s'", name);
	return true;
}

static bool parse_one(struct run_options *o, int opt)
{
	switch (opt) {
	case OPT_GUEST:
		return parse_guest(o, optarg);
	case OPT_SECONDS:
		return number("--seconds", optarg, false, 1000000, &o->seconds);
	case OPT_SLICE:
		return number("--slice-us", optarg, false, 1000000, &o->slice_us);
	case OPT_CPUS:
		return number("--cpus", optarg, false, 256, &o->cpus);
	case OPT_BACKEND:
		return backend(o, optarg);
	case OPT_CONTROL:
		o->control = optarg ? optarg : CLI_CONTROL;
		return true;
	case OPT_JSON:
		o->json = optarg;
		return true;
	case 'q':
		o->quiet = true;
		return true;
	default:
		fputs("Try 'gh-runner run --help'.\n", stderr);
		return false;
	}
}

bool run_options_parse(int argc, char **argv, struct run_options *o, bool *done)
{
	uint64_t total = 0;
	unsigned int i;
	int opt;

	memset(o, 0, sizeof(*o));
	*done = false;
	while ((opt = getopt_long(argc, argv, "qhV", long_options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			if (opt == 'h')
				help();
			else
				puts("gh-runner " CLI_VERSION);
			*done = true;
			return true;
		}
		if (!parse_one(o, opt))
			return false;
	}
	if (optind < argc - 1)
		return bad("unexpected argument '%s'", argv[optind + 1]);
	if (optind < argc) {
		o->file = argv[optind];
		if (!config_load(o))
			return false;
	}
	if (!o->nr_guests)
		return bad("there is neither a --guest nor one in a FILE");
	for (i = 0; i < o->nr_guests; i++)
		total += o->guests[i].count;
	if (total > CLI_MAX_GUESTS)
		return bad("more than %d guests", CLI_MAX_GUESTS);
	return true;
}
