# SPDX-License-Identifier: MIT
# bench.mk - the core as the application compiles it, against the least possible (test/bench/README.md).
#
#? Speed:
#?   make bench [ONLY=PATTERN]           what the core costs, beside the least possible
#?   make bench-counts                   write test/bench/counts: the instructions that make test allows

# Two builds: in a process the window of all P1s of five levels only fits folded, and that costs instructions.
# Slot 512 is one that a table does not have: the scratch page cannot be had in a process.
.PHONY: bench bench-counts bench-programs
BENCH_plain := -DPAGING_ACCESS_HEADER='"access_bench.h"' -DPAGING_RECURSIVE_SLOT=8 -DPAGING_ALTERNATE_SLOT=9 \
    -DPAGING_SCRATCH_SLOT=512
BENCH_fold := $(BENCH_plain) -DBENCH_FOLD_BITS=44
# One part may use vector registers.
BENCH_VECTOR = $(if $(filter %/vector.c,$<),-O3 -funroll-loops)
BENCH_FLAGS = -std=gnu17 -O2 $(WARNINGS) \
    $(filter-out $(if $(BENCH_VECTOR),-mgeneral-regs-only),$(TARGET_FLAGS)) $(BENCH_VECTOR) \
    -Ipaging/include -Ipaging/src -Ikernel -Itest/bench -I.
define bench_build
FLAGS_bench/$(1) = $$(BENCH_FLAGS) $$(BENCH_$(1))
$(call build,bench/$(1),build bench)
$(call program,bench/$(1),bench,$(sort $(wildcard test/bench/*.c)) $(CORE) $(FRAMES))
BENCH_PROGRAMS += $(B)/bench/$(1)/bench
endef
$(foreach name,plain fold,$(eval $(call bench_build,$(name))))
test-things: $(BENCH_PROGRAMS)

bench-programs: $(BENCH_PROGRAMS)
	@:
bench: $(B)/deps-build $(B)/deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) bench-programs
	@test/bench/bench.py table -- "$$ONLY"
bench-counts: $(B)/deps-build $(B)/deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) bench-programs
	@test/bench/bench.py write
