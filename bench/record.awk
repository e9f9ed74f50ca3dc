# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
# A field of the record that is the line; "" if it has none.

function get(key,	re, v)
{
	re = "\"" key "\":(\"[^\"]*\"|[^,}]*)"
	if (!match($0, re))
		return ""
	v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	gsub(/"/, "", v)
	return v
}
