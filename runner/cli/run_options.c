// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The options of `gh-runner run`.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* In the order of struct run_settings; options and settings of a file alike. */
enum setting { SET_SECONDS, SET_SLICE, SET_CPUS, SET_BACKEND, SET_CONTROL, SET_JSON,
	       NR_SETTINGS };

static const char *const setting_names[NR_SETTINGS] = {
	[SET_SECONDS] = "seconds",
	[SET_SLICE] = "slice-us",
	[SET_CPUS] = "cpus",
	[SET_BACKEND] = "backend",
	[SET_CONTROL] = "control",
	[SET_JSON] = "json",
};

enum {
	OPT_GUEST = 1000,
	OPT_SETTING,
};

static const struct option long_options[] = {
	{ "guest", required_argument, NULL, OPT_GUEST },
	{ "seconds", required_argument, NULL, OPT_SETTING + SET_SECONDS },
	{ "slice-us", required_argument, NULL, OPT_SETTING + SET_SLICE },
	{ "cpus", required_argument, NULL, OPT_SETTING + SET_CPUS },
	{ "backend", required_argument, NULL, OPT_SETTING + SET_BACKEND },
	{ "json", required_argument, NULL, OPT_SETTING + SET_JSON },
	{ "control", optional_argument, NULL, OPT_SETTING + SET_CONTROL },
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
	     "        image=PATH         ELF, arm64 Image or flat binary; required\n"
	     "        name=NAME          letters, digits and . _ - + : @ (guest)\n"
	     "        count=N            so many, named NAME0, NAME1... (1)\n"
	     "        vcpus=N            of each, 1 to 8 (1)\n"
	     "        memory=SIZE        of each, with K, M or G; a multiple of 2M (2M)\n"
	     "        param0=N, param1=N for the guest's test device (0)\n"
	     "        bootargs=TEXT      kernel command line; without commas\n"
	     "        console=WHERE      stdout, pty, file:PATH, or unix:PATH, a socket for\n"
	     "                           one client; with count the number is appended to\n"
	     "                           PATH (stdout)\n"
	     "        rtc=yes            a clock, PL031 (no)\n"
	     "        power=yes          a reset and power device (no)\n"
	     "        file=PATH          a device that reads this file\n"
	     "      --seconds=S        tell the guests to work for S seconds; those that go\n"
	     "                         on are asked to stop after a grace time, then\n"
	     "                         stopped (until they power off, or Ctrl-C)\n"
	     "      --slice-us=N       longest time a vCPU runs before others do (2000)\n"
	     "      --cpus=N           run the guests on N host CPUs, a thread for each (1)\n"
	     "      --backend=NAME     how vCPUs are run:\n"
	     "        auto               uring, ioctl when the ring has nothing else to do;\n"
	     "                           threads where io_uring is not allowed\n"
	     "        uring              on a ring, in one thread\n"
	     "        ioctl              by ioctl, in one thread; a ring for sleepers\n"
	     "        sqpoll             on a ring, in its kernel thread\n"
	     "        threads            by ioctl, with a thread for each vCPU\n"
	     "      --control[=PATH]   take requests of 'gh-runner ps' and others at a\n"
	     "                         socket of mode 0600 (" CLI_CONTROL ")\n"
	     "      --json=FILE        write counters and results to FILE\n"
	     "  -q, --quiet            neither guests' output nor status, only the result\n"
	     "  -h, --help             print this help and exit\n"
	     "  -V, --version          print the version and exit\n"
	     "\n"
	     "FILE has the same settings and more guests: see gh-runner.conf(5). An option\n"
	     "wins over the setting of its name in FILE.\n"
	     "\n"
	     "Exit status: 0 if every guest powered off and each result was right, 1 if one\n"
	     "did not, 2 if something could not be started.\n"
	     "\n"
	     "Example: gh-runner run --guest=image=demo.bin,name=g,count=64 --seconds=10");
}

/* On the command line only. */
static bool usage(void)
{
	fputs("Try 'gh-runner run --help'.\n", stderr);
	return false;
}

/* A number, decimal or 0x; with @sizes also a suffix K, M or G. */
static bool number(const struct origin *at, const char *what, const char *text, bool sizes,
		   uint64_t max, uint64_t *out)
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
		return cli_error(at, "%s: '%s' is not a number%s from 0 to %llu", what, text,
				 sizes ? " (with K, M or G)" : "", (unsigned long long)max);
	*out <<= shift;
	return true;
}

static bool yes_or_no(const struct origin *at, const char *what, const char *text, bool *out)
{
	*out = !strcmp(text, "yes");
	return *out || !strcmp(text, "no") ||
	       cli_error(at, "%s: '%s' is neither yes nor no", what, text);
}

enum guest_key { KEY_IMAGE, KEY_NAME, KEY_COUNT, KEY_VCPUS, KEY_MEMORY, KEY_PARAM0, KEY_PARAM1,
		 KEY_BOOTARGS, KEY_CONSOLE, KEY_RTC, KEY_POWER, KEY_FILE };

static bool console_is_fine(const struct origin *at, const char *value)
{
	if (!strcmp(value, "stdout") || !strcmp(value, "pty"))
		return true;
	if (strncmp(value, "file:", 5) && strncmp(value, "unix:", 5))
		return cli_error(at, "console: '%s' is none of stdout, pty, file:PATH, unix:PATH",
				 value);
	return value[5] || cli_error(at, "console: '%s' needs a path", value);
}

static bool guest_set(struct guest_option *g, const struct origin *at, int key, const char *value)
{
	uint64_t n = 0;

	switch (key) {
	case KEY_IMAGE:
		g->image = value;
		return true;
	case KEY_NAME:
		g->name = value;
		return cli_name_check(at, value);
	case KEY_BOOTARGS:
		g->bootargs = value;
		return true;
	case KEY_CONSOLE:
		g->console = value;
		return console_is_fine(at, value);
	case KEY_FILE:
		g->file = value;
		return true;
	case KEY_RTC:
		return yes_or_no(at, "rtc", value, &g->rtc);
	case KEY_POWER:
		return yes_or_no(at, "power", value, &g->power);
	case KEY_COUNT:
		if (!number(at, "count", value, false, CLI_MAX_GUESTS, &n))
			return false;
		g->count = (unsigned int)n;
		return n || cli_error(at, "count: it must be at least 1");
	case KEY_VCPUS:
		if (!number(at, "vcpus", value, false, 1024, &n))
			return false;
		g->vcpus = (unsigned int)n;
		return true;
	case KEY_MEMORY:
		return number(at, "memory", value, true, 1ULL << 40, &g->memory);
	case KEY_PARAM0:
		return number(at, "param0", value, false, UINT64_MAX, &g->param0);
	case KEY_PARAM1:
		return number(at, "param1", value, false, UINT64_MAX, &g->param1);
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
	[KEY_RTC] = "rtc",
	[KEY_POWER] = "power",
	[KEY_FILE] = "file",
	NULL,
};

#define GUEST_KEYS	"image, name, count, vcpus, memory, param0, param1, bootargs, console, " \
			"rtc, power and file"

bool guest_option_set(struct guest_option *g, const struct origin *at, const char *key,
		      const char *value)
{
	int i;

	for (i = 0; guest_keys[i]; i++)
		if (!strcmp(key, guest_keys[i]))
			return guest_set(g, at, i, value);
	return cli_error(at, "%s: there is no such setting; a guest has " GUEST_KEYS, key);
}

struct guest_option *guest_option_add(struct run_options *o, const struct origin *at)
{
	struct guest_option *g = &o->guests[o->nr_guests];

	if (o->nr_guests == CLI_MAX_GUEST_OPTIONS) {
		cli_error(at, "there are more than %d kinds of guests; use count for equal ones",
			  CLI_MAX_GUEST_OPTIONS);
		return NULL;
	}
	*g = (struct guest_option) {
		.at = *at, .name = "guest", .count = 1, .vcpus = 1, .memory = 2 << 20,
	};
	o->nr_guests++;
	return g;
}

static bool parse_guest(struct run_options *o, char *spec)
{
	const struct origin at = { 0 };
	struct guest_option *g = guest_option_add(o, &at);
	char *value, *start;
	int key;

	if (!g)
		return false;
	while (*spec) {
		start = spec;
		key = getsubopt(&spec, (char *const *)guest_keys, &value);
		if (key < 0)
			return cli_error(&at, "--guest: there is no '%s'; a guest has " GUEST_KEYS,
					 start);
		if (!value || !*value)
			return cli_error(&at, "--guest: '%s' needs a value", guest_keys[key]);
		if (!guest_set(g, &at, key, value))
			return false;
	}
	return g->image || cli_error(&at, "--guest needs image=PATH");
}

static bool backend(const struct origin *at, const char *name, enum gh_backend *out)
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
		*out = (enum gh_backend)i;
		return true;
	}
	return cli_error(at, "backend: '%s' is none of auto, uring, ioctl, sqpoll, threads", name);
}

static bool setting(struct run_settings *s, const struct origin *at, enum setting which,
		    const char *value)
{
	switch (which) {
	case SET_SECONDS:
		return number(at, "seconds", value, false, 1000000, &s->seconds);
	case SET_SLICE:
		return number(at, "slice-us", value, false, 4000, &s->slice_us);
	case SET_CPUS:
		return number(at, "cpus", value, false, 256, &s->cpus);
	case SET_BACKEND:
		return backend(at, value, &s->backend);
	case SET_CONTROL:
		s->control = value;
		return true;
	case SET_JSON:
		s->json = value;
		return true;
	case NR_SETTINGS:
		break;
	}
	return false;
}

bool run_option_set(struct run_options *o, const struct origin *at, const char *name,
		    const char *value)
{
	struct run_settings s = o->set;
	unsigned int i = 0;

	while (i < NR_SETTINGS && strcmp(name, setting_names[i]))
		i++;
	if (i == NR_SETTINGS)
		return cli_error(at, "%s: there is no such setting; there are seconds, slice-us, "
				 "cpus, backend, control, json and guests", name);
	if (!setting(&s, at, i, value))
		return false;
	/* What is wrong in a file is said also where an option wins. */
	if (at->file && o->given & 1U << i)
		return true;
	if (!at->file)
		o->given |= 1U << i;
	o->set = s;
	return true;
}

static bool parse_one(struct run_options *o, int opt)
{
	const struct origin at = { 0 };

	switch (opt) {
	case OPT_GUEST:
		return parse_guest(o, optarg) || usage();
	case 'q':
		o->quiet = true;
		return true;
	case '?':
		return usage();
	}
	return run_option_set(o, &at, setting_names[opt - OPT_SETTING],
			      optarg ? optarg : CLI_CONTROL) || usage();
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
				print_version();
			*done = true;
			return true;
		}
		if (!parse_one(o, opt))
			return false;
	}
	if (optind < argc - 1) {
		cli_error(NULL, "unexpected argument '%s'", argv[optind + 1]);
		return usage();
	}
	if (optind < argc) {
		o->file = argv[optind];
		if (!config_load(o))
			return false;
	}
	if (!o->nr_guests) {
		cli_error(NULL, "there is neither a --guest nor one in a FILE");
		return usage();
	}
	for (i = 0; i < o->nr_guests; i++)
		total += o->guests[i].count;
	if (total > CLI_MAX_GUESTS)
		return cli_error(NULL, "there are more than %d guests", CLI_MAX_GUESTS);
	return true;
}
