# SPDX-License-Identifier: MIT
# fuzz.mk - random cases without end, on each machine (test/host/fuzz/README.md).
#
#?   make fuzz [SECONDS=N] [SEED=S]      random cases on every machine; a failing one is shortened
#?   make fuzz-libfuzzer [SECONDS=N]     the same, guided by coverage (test/host/fuzz/README.md)
#?   make fuzz-heap [SEED=S]             a thousand lives of a heap, each of random calls, against a model

# Two builds: the host tests' own, with sanitizers, which is part of `make test`; a fast one for long runs.
# Seconds are divided among the machines.
.PHONY: fuzz fuzz-libfuzzer fuzz-heap fuzz-programs libfuzzer-programs
VERIFY_PARTS += fuzz fuzz-libfuzzer fuzz-heap
FUZZ_KINDS := $(filter-out only only_direct,$(KINDS))
FUZZ_MAIN := test/host/fuzz/fuzz_main.c test/host/fuzz/shorten.c
# Kind and levels (0 is any) of those in `make test`, and how long each.
FUZZ_TESTS := soft:4 soft:5 mmap:4 toy8:0
FUZZ_SECONDS := 3
FUZZ_FLAGS := $(filter-out -O1 -fsanitize=% -fno-sanitize-recover=%,$(HOST_FLAGS)) -O2 \
    -Wno-maybe-uninitialized
LIBFUZZER_KINDS := soft toy8
LIBFUZZER_FLAGS := $(HOST_FLAGS) -fsanitize=fuzzer

define fuzz_kind
$(call program,host/$(1),fuzz,$(FUZZ_MAIN) $(PARTS_$(1)) $(CORE))
HOST_PROGRAMS += $(B)/host/$(1)/fuzz
FLAGS_fuzz/$(1) := $(FUZZ_FLAGS) $(HOST_INCLUDE) $(KIND_$(1))
LIBRARIES_fuzz/$(1) := -lcmocka
$(call build,fuzz/$(1),build test)
$(call program,fuzz/$(1),fuzz,$(FUZZ_MAIN) $(PARTS_$(1)) $(CORE))
COMPILER_libfuzzer/$(1) := clang
FLAGS_libfuzzer/$(1) := $(LIBFUZZER_FLAGS) $(HOST_INCLUDE) $(KIND_$(1))
LIBRARIES_libfuzzer/$(1) := -lcmocka
$(call build,libfuzzer/$(1),build fuzz)
$(call program,libfuzzer/$(1),fuzz,test/host/fuzz/libfuzzer.c $(PARTS_$(1)) $(CORE))
endef
$(foreach kind,$(FUZZ_KINDS),$(eval $(call fuzz_kind,$(kind))))

fuzz-programs: $(FUZZ_KINDS:%=$(B)/fuzz/%/fuzz)
libfuzzer-programs: $(LIBFUZZER_KINDS:%=$(B)/libfuzzer/%/fuzz)
fuzz: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) fuzz-programs
	@test/host/fuzz/run $(call said,SECONDS,60) $(call said,SEED,1)
fuzz-libfuzzer: $(B)/deps-build $(B)/deps-fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) libfuzzer-programs fuzz-programs
	@test/host/fuzz/run --libfuzzer $(call said,SECONDS,60) $(call said,SEED,1)
fuzz-heap: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory $(B)/host/mmap/test_heap_random
	@OPERATIONS=600000 SEED=$(call said,SEED,1000) $(B)/host/mmap/test_heap_random
test-things: $(FUZZ_KINDS:%=$(B)/host/%/fuzz)
