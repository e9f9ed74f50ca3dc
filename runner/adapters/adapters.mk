# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# The adapters: one small library for each event loop, so that libgh-runner needs
# none of them. Those whose event loop is not installed are left out.

ADAPTERS_ALL := epoll uv glib sd-event
pkg_uv := libuv
pkg_glib := glib-2.0
pkg_sd-event := libsystemd

PKG_CONFIG ?= pkg-config

ifneq ($(SYSROOT),)
cflags_glib := -idirafter $(SYSROOT)/usr/include/glib-2.0 -idirafter $(SYSLIB)/glib-2.0/include
libs_uv := $(SYSLIB)/libuv.so
libs_glib := $(SYSLIB)/libglib-2.0.so
libs_sd-event := $(SYSLIB)/libsystemd.so
LDFLAGS_SYS := -Wl,-rpath-link,$(SYSLIB):$(SYSROOT)/lib/$(notdir $(SYSLIB))
have = $(wildcard $(libs_$(1)))
else
have = $(shell $(PKG_CONFIG) --exists $(pkg_$(1)) 2>/dev/null && echo y)
$(foreach a,uv glib sd-event,$(if $(call have,$(a)),\
	$(eval cflags_$(a) := $(shell $(PKG_CONFIG) --cflags $(pkg_$(a)) 2>/dev/null))\
	$(eval libs_$(a) := $(shell $(PKG_CONFIG) --libs $(pkg_$(a)) 2>/dev/null))))
endif
ADAPTERS := epoll $(foreach a,uv glib sd-event,$(if $(call have,$(a)),$(a)))

ADAPTER_LIBS := $(ADAPTERS:%=$(LIB)/libgh-runner-%.a) $(ADAPTERS:%=$(LIB)/libgh-runner-%.so.$(SOVERSION))
EXAMPLES := $(BIN)/example-minimal $(ADAPTERS:%=$(BIN)/example-%)
ADAPTER_PCS := $(ADAPTERS:%=$(O)/libgh-runner-%.pc)

# source NAME: sd-event is sd_event.c
source = $(subst -,_,$(1))

define adapter_rules
$(O)/adapters/$(call source,$(1)).o: CPPFLAGS += $$(cflags_$(1))
$(O)/examples/$(call source,$(1)).o: CPPFLAGS += $$(cflags_$(1))
$(LIB)/libgh-runner-$(1).a: $(O)/adapters/$(call source,$(1)).o
	@mkdir -p $$(@D)
	rm -f $$@
	$$(AR) rcsD $$@ $$^
$(LIB)/libgh-runner-$(1).so.$(SOVERSION): $(O)/adapters/$(call source,$(1)).o $(LIB)/$(SONAME)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) $$(LDFLAGS_SYS) -shared -Wl,-soname,$$(@F) -Wl,-z,defs \
		-Wl,-rpath-link,$(LIB) \
		-o $$@ $$^ $$(libs_$(1))
	ln -sf $$(@F) $(LIB)/libgh-runner-$(1).so
$(BIN)/example-$(1): $(O)/examples/$(call source,$(1)).o $(O)/examples/guest.o \
		$(LIB)/libgh-runner-$(1).a $(LIB)/libgh-runner.a $(LIB)/liburing-ext.a
	@mkdir -p $$(@D)
	$$(CC) $$(CFLAGS) $$(LDFLAGS) $$(LDFLAGS_SYS) -o $$@ $$^ $$(LIBURING) $$(LIBFDT) \
		$$(libs_$(1))
endef
$(foreach a,$(ADAPTERS),$(eval $(call adapter_rules,$(a))))

$(O)/libgh-runner-%.pc: adapters/libgh-runner-adapter.pc.in FORCE
	@mkdir -p $(@D)
	sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(LIBDIR)|' -e 's|@name@|$*|' \
		-e 's|@includedir@|$(INCLUDEDIR)|' -e 's|@version@|$(VERSION)|' \
		-e 's|@requires@|$(pkg_$*)|' $< > $@

# The header of an adapter goes with its library.
install-adapters: $(ADAPTER_LIBS) $(ADAPTER_PCS)
	set -e; for a in $(ADAPTERS); do \
		install -m 644 include/gh-runner/$$a.h $(DESTDIR)$(INCLUDEDIR)/gh-runner/; \
		install -m 644 $(LIB)/libgh-runner-$$a.a $(DESTDIR)$(LIBDIR)/; \
		install -m 755 $(LIB)/libgh-runner-$$a.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/; \
		ln -sf libgh-runner-$$a.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libgh-runner-$$a.so; \
		install -m 644 $(O)/libgh-runner-$$a.pc $(DESTDIR)$(LIBDIR)/pkgconfig/; \
	done

-include $(wildcard $(O)/adapters/*.d $(O)/examples/*.d)

.PHONY: install-adapters
