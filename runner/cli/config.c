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

/* In the file itself or in one that it includes. */
static struct origin origin(const struct run_options *o, const config_setting_t *s,
			    const char *guest)
{
	const char *file = config_setting_source_file(s);

	return (struct origin) {
		.file = file ? file : o->file,
		.line = config_setting_source_line(s),
		.guest = guest,
	};
}

/* Those that the command line answers with yes or no. */
static bool is_switch(const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);

	return !strcmp(name, "rtc") || !strcmp(name, "power");
}

/* Values as the command line has them; NULL for types that it does not have. */
static const char *as_text(const config_setting_t *setting, char buf[static 24])
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		return config_setting_get_string(setting);
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(buf, 24, "%lld", config_setting_get_int64(setting));
		return buf;
	case CONFIG_TYPE_BOOL:
		if (!is_switch(setting))
			return NULL;
		return config_setting_get_bool(setting) ? "yes" : "no";
	default:
		return NULL;
	}
}

static bool wrong_type(const struct origin *at, const config_setting_t *s)
{
	return cli_error(at, "%s: a number, or a text in double quotes, is needed",
			 config_setting_name(s));
}

static bool read_guest(struct run_options *o, config_setting_t *group)
{
	struct origin at = origin(o, group, NULL);
	struct guest_option *g;
	const char *value;
	char buf[24];
	int i;

	if (!config_setting_is_group(group))
		return cli_error(&at, "guests: write each guest in braces: { name = \"a\"; "
				 "image = \"PATH\"; }");
	if (config_setting_lookup_string(group, "name", &at.guest) && !cli_name_is_fine(at.guest))
		at.guest = NULL;
	g = guest_option_add(o, &at);
	if (!g)
		return false;
	for (i = 0; i < config_setting_length(group); i++) {
		config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const struct origin in = origin(o, s, at.guest);

		value = as_text(s, buf);
		if (!value)
			return wrong_type(&in, s);
		if (!guest_option_set(g, &in, config_setting_name(s), value))
			return false;
	}
	return g->image || cli_error(&at, "there is no image; add image = \"PATH\";");
}

static bool read_all(struct run_options *o, const config_setting_t *root)
{
	const char *value;
	char buf[24];
	int i, j;

	for (i = 0; i < config_setting_length(root); i++) {
		config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);
		const struct origin at = origin(o, s, NULL);

		if (strcmp(config_setting_name(s), "guests")) {
			value = as_text(s, buf);
			if (!value)
				return wrong_type(&at, s);
			if (!run_option_set(o, &at, config_setting_name(s), value))
				return false;
			continue;
		}
		if (!config_setting_is_list(s))
			return cli_error(&at, "guests: a list in parentheses is needed: "
					 "guests = ( { ... }, { ... } );");
		for (j = 0; j < config_setting_length(s); j++)
			if (!read_guest(o, config_setting_get_elem(s, (unsigned int)j)))
				return false;
	}
	return true;
}

bool config_load(struct run_options *o)
{
	config_t *c = calloc(1, sizeof(*c));
	struct origin at = { .file = o->file };

	if (!c)
		return cli_error(NULL, "out of memory");
	config_init(c);
	/* The options point into it. */
	o->config = c;
	if (config_read_file(c, o->file))
		return read_all(o, config_root_setting(c));
	if (config_error_type(c) == CONFIG_ERR_FILE_IO) {
		at.line = 0;
		return cli_error(&at, "%s%s", errno ? strerror(errno) : "cannot be read",
				 cli_path_cure(errno));
	}
	if (config_error_file(c))
		at.file = config_error_file(c);
	at.line = (unsigned int)config_error_line(c);
	return cli_error(&at, "%s; gh-runner.conf(5) shows the syntax", config_error_text(c));
}

void config_unload(struct run_options *o)
{
	if (o->config)
		config_destroy(o->config);
	free(o->config);
	o->config = NULL;
}
