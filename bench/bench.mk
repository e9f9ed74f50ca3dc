# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
#
# The goals of the benchmark; included by the Makefile at the top, whose variables
# it uses.
#
#   make bench           everything; plots in build/bench/. Gives up after 20 minutes,
#                        SLOW=2: 40, which two cores need
#   make bench-quick     the figures that matter most, under 4 minutes; plots of them
#   make bench-check     bench-quick, compared with bench/results/reference.jsonl:
#                        fails when an instruction count is more than 5 % above it
#   make bench-profile   where the instructions of an exit go, for docs/benchmarks.md

module_src_floor	:= bench/floor
module_out_floor	:= $(BUILD)/floor$(suffix)

build-bench bench bench-quick bench-check bench-profile: steps := 8
build-bench: build-machine
	@$(step) 8/$(steps) "benchmark" $(MAKE) bench-parts

bench-parts:
	$(MAKE) -C bench $(cross)
	$(MAKE) module-floor GUNYAH=$(module_out_gunyah) \
		KBUILD_EXTRA_SYMBOLS=$(module_out_gunyah)/Module.symvers

bench-packages:
	@tests/machine/scripts/setup-packages.sh --bench

# Drawn is what there is, also when something failed.
bench: bench-packages build-bench
	@bench/run-bench.sh full; status=$$?; bench/plot.sh $(BUILD)/bench/full.jsonl && exit $$status

bench-quick: bench-packages build-bench
	@bench/run-bench.sh quick; status=$$?; bench/plot.sh $(BUILD)/bench/quick.jsonl && exit $$status

bench-profile: build-bench
	@bench/breakdown.sh

bench-check: bench-quick
	@bench/check.sh bench/results/reference.jsonl $(BUILD)/bench/quick.jsonl

.PHONY: build-bench bench-parts bench-packages bench bench-quick bench-check bench-profile
