# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# Tests on the debug kernel; included by the Makefile at the top, whose variables it
# uses. KERNEL=debug is that kernel, and every goal takes it:
#
#   make test-debug                      everything, and coverage
#   make test-debug T="life death"       these suites
#   make test-machine KERNEL=debug T=life   the same, without the rest

debug		:= tests/machine/debug

ifeq ($(KERNEL),debug)
module_flags	:= ARCH=arm64 CROSS_COMPILE=$(CROSS_COMPILE) W=1 GH_GCOV=y
# How many times longer than on the stock kernel a suite may take.
export SLOW	?= 8

packages: packages-debug
build-machine: debug-kernel
endif

module_src_detectors	:= $(debug)/detectors
module_out_detectors	:= $(BUILD)/detectors$(suffix)

packages-debug:
	@$(scripts)/setup-packages.sh --debug

debug-kernel: packages-debug
	@$(step) 1/2 "source of the debug kernel" $(debug)/kernel.sh source
	@$(step) 2/2 "debug kernel (long when it is new)" $(debug)/kernel.sh build

# By itself, as KERNEL is read above.
test-debug:
	@$(MAKE) KERNEL=debug test-debug-kernel

test-debug-kernel: build-test-parts
	@$(step) 10/10 "module with defects" $(MAKE) module-detectors
	@$(scripts)/run-tests.sh $(if $(T),machine,detectors machine conformance coverage)

.PHONY: packages-debug debug-kernel test-debug test-debug-kernel
