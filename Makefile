# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
#   make             fetch what is missing, build everything
#   make run         boot the machine and run many guests on one ring
#                    GUESTS=64 VCPUS=1 SECONDS=10
#   make test        all tests; test-unit and test-machine are its parts
#   make stress      all operations of the driver from several processes, at random:
#                    SEED= SECONDS=60 WORKERS=4
#   make test-bpftrace  bench/exit-latency.bt in the machine
#   make test-published  the tests of signals against the published logic
#   make test-debug  the machine's tests on a kernel full of detectors, and coverage
#   make model       check the vCPU's parks, wake-ups and kicks with spin
#   make bench       instructions and time of an exit; bench-quick, bench-check,
#                    bench-profile
#   make lint        checkpatch, sparse, shellcheck, mandoc and the project's own rules
#   make install     liburing-ext and the runner, for this machine: PREFIX= DESTDIR=
#   make deb         Debian packages, for this machine and arm64, into build/deb
#   make test-packages  installs them, runs what is in them
#   make clean       remove what was built; distclean also what was fetched
#
# All output is below BUILD (build/). V=1 shows the commands. KERNEL=6.12, 7 or debug.
# docs/testing.md says more about the machine and the tests.

MAKEFLAGS	+= --no-print-directory
BUILD		?= build
override BUILD	:= $(abspath $(BUILD))
KERNEL		?= 6.12
V		?= 0
JOBS		?= $(shell nproc)
export BUILD KERNEL V JOBS

GUESTS		?= 64
VCPUS		?= 1
SECONDS		?= 10
SEED		?= $(shell date +%s)
WORKERS		?= 4
# bash has a variable of its own by this name.
unexport SECONDS

CROSS_COMPILE	?= aarch64-linux-gnu-
SYSROOT		:= $(BUILD)/sysroot
suffix		:= $(if $(filter-out 6.12,$(KERNEL)),-$(KERNEL))
kernel_dir	:= $(BUILD)/kernel$(suffix)
scripts		:= $(CURDIR)/tests/machine/scripts
step		:= $(scripts)/step.sh
cross		:= CROSS_COMPILE=$(CROSS_COMPILE) SYSROOT=$(SYSROOT) -j$(JOBS)

build: build-test-parts

packages:
	@$(scripts)/setup-packages.sh

# What the machine and 'make run' need.
build-machine: packages
	@$(step) 1/$(steps) "kernel and arm64 user space" $(scripts)/fetch.sh
	@$(step) 2/$(steps) "kernel modules" $(MAKE) module-gunyah
	@$(step) 3/$(steps) "EL2 monitor" \
		$(MAKE) -C tests/machine/monitor BUILD=$(BUILD)/machine/monitor CROSS=$(CROSS_COMPILE) $(cross)
	@$(step) 4/$(steps) "guests" $(MAKE) -C tests/machine/guests $(cross)
	@$(step) 5/$(steps) "liburing-ext" $(MAKE) -C liburing-ext $(cross)
	@$(step) 6/$(steps) "runner" $(MAKE) -C runner $(cross)
	@$(step) 7/$(steps) "machine image" $(MAKE) image

build-test-parts: build-machine
	@$(step) 8/$(steps) "tests for the machine" $(MAKE) test-parts
	@$(step) 9/$(steps) "unit tests" $(MAKE) -C tests/unit -j$(JOBS)

image:
	$(scripts)/mkimage.sh
	$(scripts)/mkimage.sh --libs

test-parts:
	$(MAKE) -C tests/machine/suites $(cross)
	$(MAKE) -C tests/machine/stress $(cross)
	$(MAKE) module-conformance
	$(MAKE) module-hostile

# Modules are built in a tree of links, so that the sources stay clean, and with the
# compiler that fetch.sh put beside the headers if the system's is too old for them.
module_src_gunyah	:= kernel
module_src_conformance	:= tests/machine/conformance
module_src_hostile	:= tests/machine/hostile
module_out_gunyah	:= $(BUILD)/modules$(suffix)
module_out_conformance	:= $(BUILD)/conformance$(suffix)
module_out_hostile	:= $(BUILD)/hostile$(suffix)

module-%:
	@mkdir -p $(module_out_$*)
	@cp -rsf $(CURDIR)/$(module_src_$*)/. $(module_out_$*)/
	PATH="$(kernel_dir)/tools/usr/bin:$$PATH" $(MAKE) -C $(kernel_dir)/headers \
		M=$(module_out_$*) CC=$(CROSS_COMPILE)gcc $(module_flags) -j$(JOBS) modules

# The steps are numbered up to where this goal needs them.
steps		:= 9
run: steps	:= 7
run: build-machine
	@$(scripts)/run-demo.sh $(GUESTS) $(VCPUS) $(SECONDS)

test: build-test-parts
	@$(scripts)/run-tests.sh unit machine conformance

test-unit: packages
	@$(step) 1/1 "unit tests" $(MAKE) -C tests/unit -j$(JOBS)
	@$(scripts)/run-tests.sh unit

test-machine: build-test-parts
	@$(scripts)/run-tests.sh machine conformance

stress: SECONDS := 60
stress: steps	:= 8
stress: build-machine
	@$(step) 8/$(steps) "stress" $(MAKE) -C tests/machine/stress $(cross)
	@$(scripts)/run-stress.sh $(SEED) $(SECONDS) $(WORKERS)

test-bpftrace: build-machine
	@$(scripts)/run-bpftrace.sh

# The two defects that no published version has fixed: the tests that find them.
test-published: build-test-parts
	@$(scripts)/test-published.sh

# The states of a vCPU, exhaustively: docs/model.md.
model:
	@$(scripts)/setup-packages.sh --model
	@tests/model/run-model.sh

lint:
	@$(scripts)/setup-packages.sh --lint
	@$(step) 1/2 "kernel and arm64 user space" $(scripts)/fetch.sh
	@[ "$(LINT_CHECKPATCH)" = 0 ] || $(step) 2/2 "checkpatch.pl" $(scripts)/fetch.sh --lint
	@$(scripts)/lint.sh

install:
	$(MAKE) -C liburing-ext install
	$(MAKE) -C runner install

deb:
	@$(scripts)/setup-packages.sh --deb
	@$(step) 1/2 "kernel and arm64 user space" $(scripts)/fetch.sh
	@$(step) 2/2 "Debian packages" runner/packaging/build-deb.sh

test-packages: steps := 7
test-packages: build-machine
	@$(MAKE) deb
	@$(scripts)/run-tests.sh packages

clean:
	rm -rf $(filter-out $(addprefix $(BUILD)/,apt pkg kernel kernel-7 kernel-debug sysroot lint),\
		$(wildcard $(BUILD)/*))

distclean:
	rm -rf $(BUILD)

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

include bench/bench.mk
include tests/machine/debug/debug.mk

.PHONY: build packages build-machine build-test-parts image test-parts run test test-unit \
	test-machine test-published deb test-packages model lint install clean distclean help
