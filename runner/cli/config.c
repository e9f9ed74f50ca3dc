// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The file of `gh-runner run FILE`, in libconfig's syntax; gh-runner.conf(5). What
 * is wrong is printed with file and line.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Where a setting is: in the file itself or in one that it includes. */
static bool wrong(const struct run_options *o, const config_setting_t *at, const char *guest)
{
	const char *file = config_setting_source_file(at);

	fprintf(stderr, "gh-runner: %s:%u: setting '%s'%s%s%s is not usable\n",
		file ? file : o->file, config_setting_source_line(at),
		config_setting_name(at) ? config_setting_name(at) : "guests",
		guest ? " of guest '" : "", guest ? guest : "", guest ? "'" : "");
	return false;
}

/* Numbers and texts as the command line has them; NULL for other types. */
static const char *as_text(const config_setting_t *setting, char buf[static 24])
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		return config_setting_get_string(setting);
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(buf, 24, "%lld", config_setting_get_int64(setting));
		return buf;
	default:
		return NULL;
	}
}

static bool read_guest(struct run_options *o, config_setting_t *group)
{
	struct guest_option *g = guest_option_add(o);
	const char *value;
	char buf[24];
	int i;

	if (!g || !config_setting_is_group(group))
		return wrong(o, group, NULL);
	config_setting_lookup_string(group, "name", &g->name);
	for (i = 0; i < config_setting_length(group); i++) {
		config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);

		value = as_text(s, buf);
		if (!value || !guest_option_set(g, config_setting_name(s), value))
			return wrong(o, s, g->name);
	}
	return g->image || wrong(o, group, g->name);
}

static bool read_all(struct run_options *o, const config_setting_t *root)
{
	const char *value;
	char buf[24];
	int i, j;

	for (i = 0; i < config_setting_length(root); i++) {
		config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);

		if (strcmp(config_setting_name(s), "guests")) {
			value = as_text(s, buf);
			if (!value || !run_option_set(o, config_setting_name(s), value))
				return wrong(o, s, NULL);
			continue;
		}
		if (!config_setting_is_list(s))
			return wrong(o, s, NULL);
		for (j = 0; j < config_setting_length(s); j++)
			if (!read_guest(o, config_setting_get_elem(s, (unsigned int)j)))
				return false;
	}
	return true;
}

bool config_load(struct run_options *o)
{
	config_t *c = calloc(1, sizeof(*c));

	if (!c)
		return false;
	config_init(c);
	/* The options point into it. */
	o->config = c;
	if (config_read_file(c, o->file))
		return read_all(o, config_root_setting(c));
	if (config_error_type(c) == CONFIG_ERR_FILE_IO)
		fprintf(stderr, "gh-runner: %s: %s\n", o->file, errno ? strerror(errno) :
			"cannot be read");
	else
		fprintf(stderr, "gh-runner: %s:%d: %s\n", config_error_file(c) ?
			config_error_file(c) : o->file, config_error_line(c),
			config_error_text(c));
	return false;
}

void config_unload(struct run_options *o)
{
	if (o->config)
		config_destroy(o->config);
	free(o->config);
	o->config = NULL;
}
