/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
#ifndef UNIT_SHIM_LINUX_STRING_H
#define UNIT_SHIM_LINUX_STRING_H

#include <string.h>

#endif /* UNIT_SHIM_LINUX_STRING_H */
