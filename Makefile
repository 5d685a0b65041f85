# Selfmap. `make help` lists what can be asked for; README.md says what it is.

VERSION := $(shell cat VERSION)
B := build
MAKEFLAGS += --no-builtin-rules

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$(2))')

.PHONY: all run debug test bench bench-counts bench-boot check image usb format clean help
all: image

help:
	@echo 'make run [OPTIONS="key=value ..."]   boot on OVMF under QEMU, show the report; 0 only if all passed;'
	@echo '                                    options: tests=PREFIX crash=page-fault ... (kernel/options.h)'
	@echo 'make test [ONLY=PATTERN]            all tests, or those whose names match the pattern (see test/run --list)'
	@echo 'make bench [ONLY=PATTERN]           what the core costs, beside the least possible (test/bench/README.md)'
	@echo 'make bench-counts                   write test/bench/counts, the instructions that make test allows'
	@echo 'make bench-boot                     what each verb costs on the emulated processor, in instructions and'
	@echo '                                    flushes, and the way from the entry to our own tables'
	@echo 'make mutants [ONLY=REGEX] [JOBS=N]  change every single thing in the core and the frame allocator; a test must'
	@echo '                                    notice (hours). SAMPLE=N SEED=S: so many of them, drawn at random'
	@echo 'make coverage                       lines and branches that the host tests reach: $(B)/coverage/index.html'
	@echo 'make check                          formatting, linters, include rules, the PE image'
	@echo 'make verify                         what takes too long for every change; $(B)/verify has the logs. Its parts:'
	@echo 'make verify-oracle                    the tables of every machine, as QEMU reads them'
	@echo 'make valgrind                         the host tests under memcheck'
	@echo 'make proofs                           theorems about the core, for all values (test/proof/README.md)'
	@echo 'make frama, make frama-defects        the frame allocator and the memory map, proved by Frama-C'
	@echo 'make proof-defects                    cores with a defect: a theorem must be refuted for each'
	@echo 'make verify-matrix                    the access matrix: every case, on four processors'
	@echo 'make matrix-defects                   wrong predictions: the matrix must notice each'
	@echo 'make fuzz [SECONDS=N] [SEED=S]        random cases on every machine; one that fails is shortened'
	@echo 'make fuzz-libfuzzer [SECONDS=N]       the same, led by the branches they reach (test/fuzz/README.md)'
	@echo 'make explore                          every memory image of toy geometries, and everything from each'
	@echo 'make analyze                        gcc -fanalyzer over all that is booted (part of make check)'
	@echo 'make image                          $(B)/selfmap.img: a GPT disk with a FAT ESP'
	@echo 'make usb DEVICE=/dev/sdX            write the image on a USB stick (FORCE=1 CONFIRM=/dev/sdX if the disk'
	@echo '                                    does not call itself removable)'
	@echo 'make debug [OPTIONS=...]            boot stopped, waiting for gdb on port 1234'
	@echo 'make format                         put all C sources into the house style'
	@echo 'make clean                          remove $(B)/ and the built loader in esp/'
	@echo 'V=1 shows whole commands.'

# ---- the dependency step: one stamp per group of tools, so that it runs once -------------------------------
$(B)/deps-%: tools/deps
	@mkdir -p $(B)
	@tools/deps $*
	@touch $@

# ---- what each folder may include: its own list of directories ---------------------------------------------
# Links to the headers a folder may see stand in a directory of their own, and nothing else is on the path.
CONTRACT := handoff arena processor memory_map options identity runtime frames frame_bits cpu format
GCC_INCLUDE = $(shell $(CC) -print-file-name=include)
FREESTANDING = -nostdinc -isystem $(GCC_INCLUDE)
INCLUDE_paging = $(FREESTANDING)
INCLUDE_kernel = $(FREESTANDING) -Ikernel -I$(B)/include/kernel
INCLUDE_efi    = $(FREESTANDING) -I$(B)/include/efi -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

$(B)/include/stamp: Makefile
	@rm -rf $(B)/include && mkdir -p $(B)/include/kernel $(B)/include/efi/kernel
	@ln -s ../../../paging $(B)/include/kernel/paging
	@ln -s ../../../paging $(B)/include/efi/paging
	@for h in $(CONTRACT); do ln -s ../../../../kernel/$$h.h $(B)/include/efi/kernel/$$h.h; done
	@touch $@

# ---- the application ---------------------------------------------------------------------------------------
CC := gcc
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wundef -Werror
CFLAGS := -O2 -g
# general-regs-only: a firmware may hand over with SSE switched off. No red zone: exceptions use the stack.
TARGET_FLAGS := -ffreestanding -fpic -fshort-wchar -fvisibility=hidden -fno-stack-protector \
    -fno-strict-aliasing -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -DGNU_EFI_USE_MS_ABI \
    -DSELFMAP_VERSION='"$(VERSION)"' -ffile-prefix-map=$(CURDIR)/=
STD_paging := -std=c17
STD_kernel := -std=gnu17
STD_efi    := -std=gnu17

APP_SOURCES := $(sort $(wildcard paging/*.c kernel/*.c kernel/*/*.c kernel/*.S efi/*.c))
APP_OBJECTS := $(APP_SOURCES:%=$(B)/app/%.o)

$(B)/app/%.o: % $(B)/include/stamp VERSION Makefile | $(B)/deps-build
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(STD_$(firstword $(subst /, ,$<))) $(CFLAGS) $(WARNINGS) $(TARGET_FLAGS) \
	    $(INCLUDE_$(firstword $(subst /, ,$<))) -MMD -MP -c $< -o $@

$(B)/font.psf: | $(B)/deps-build
	$(Q)gunzip -c /usr/share/consolefonts/Lat15-VGA16.psf.gz > $@

$(B)/font.o: $(B)/font.psf
	$(Q)cd $(B) && ld -r -b binary -z noexecstack -o font.o font.psf
	$(Q)objcopy --rename-section .data=.rodata.font,alloc,load,readonly,data,contents $@

LINK = ld -nostdlib -znocombreloc -znoexecstack -shared -Bsymbolic --no-undefined -T efi/selfmap.lds
START := /usr/lib/crt0-efi-x86_64.o
$(B)/selfmap.elf: $(APP_OBJECTS) $(B)/font.o efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(START) $(APP_OBJECTS) $(B)/font.o -L/usr/lib -lgnuefi

PE_SECTIONS := .text .reloc .rodata .rela .dynamic .data .bss
%.efi: %.elf tools/check-pe
	$(call say,PE,$@)
	$(Q)objcopy -S --target=efi-app-x86_64 --section-alignment=4096 --file-alignment=512 \
	    $(PE_SECTIONS:%=-j %) $< $@.tmp
	$(Q)tools/check-pe --set-nx-compat $@.tmp >$@.sections || { cat $@.sections; exit 1; }
	$(Q)mv $@.tmp $@

esp/EFI/BOOT/BOOTX64.EFI: $(B)/selfmap.efi
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/selfmap.img: esp/EFI/BOOT/BOOTX64.EFI esp/selfmap.cfg esp/README.TXT tools/mkimage | $(B)/deps-run
	$(call say,IMAGE,$@)
	$(Q)tools/mkimage $@ esp

image: $(B)/selfmap.img

run: $(B)/selfmap.img
	@tools/boot --options '$(OPTIONS)' $<

bench-boot: $(B)/selfmap.img
	@tools/boot --quiet --icount --options 'bench=yes tests=bench $(OPTIONS)' --log $(B)/bench-boot.log $<
	@tools/bench-table $(B)/bench-boot.log

debug: $(B)/selfmap.img
	@echo 'The image is loaded at image_base, which `make run` prints. In another terminal, without a file:'
	@echo '  gdb -ex "target remote :1234" -ex "add-symbol-file $(B)/selfmap.elf -o 0xIMAGE_BASE"'
	@echo '  (gdb) hbreak kernel_main'
	@echo '  (gdb) continue'
	@tools/boot --debugger --time-limit 7200 --options '$(OPTIONS)' $<

# What a person says about the device reaches the tool unchanged.
export CONFIRM FORCE
usb: $(B)/selfmap.img
	@tools/usb $< '$(DEVICE)'

# ---- host tests: the unmodified core in a process ----------------------------------------------------------
# Four machines: soft is a TLB in software that never forgets, mmap the host's own MMU through page faults,
# toy the soft one with tables of two entries, and toy8 with eight, which has room for all slots that the core
# keeps and one to lend. Each compiles the core for itself. A local that was given no
# value holds a pattern: on a stack that happens to be clean it would pass for a zero.
HOST_FLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Wshadow -Werror -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all -ftrivial-auto-var-init=pattern -I.
KIND_soft := -DMACHINE_SOFT -DPAGING_ACCESS_HEADER='"access_soft.h"'
KIND_mmap := -DMACHINE_MMAP -DPAGING_ACCESS_HEADER='"access_mmap.h"' -DPAGING_RECURSIVE_SLOT=140 \
    -DPAGING_FOREIGN_SLOT=141 -DPAGING_SCRATCH_SLOT=142
KIND_toy := $(KIND_soft) -DPAGING_INDEX_BITS=1 -DPAGING_FOREIGN_SLOT=2 -DPAGING_SCRATCH_SLOT=3
KIND_toy8 := $(KIND_soft) -DPAGING_INDEX_BITS=3
PARTS := $(filter-out chosen example frame_oracle frame_rig machine_mmap machine_soft test_%,$(patsubst test/host/%.c,%,$(wildcard test/host/*.c)))
PARTS_soft := $(PARTS) machine_soft
PARTS_mmap := $(PARTS) machine_mmap
PARTS_toy := $(PARTS_soft)
PARTS_toy8 := $(PARTS_soft)
# Each runs on soft with four and five levels, and on mmap with four. What takes longest comes first.
CORE_TESTS := random range map_range map_range_alloc owned over_reserved unmap_range protect_range split \
    merge merge_not old_or_new visit access spaces spaces_lend spaces_share space reserve machine addresses map map_refuses translate \
    unmap elsewhere junk instructions narrowly express table source
TESTS_soft := $(CORE_TESTS)
TESTS_mmap := $(CORE_TESTS)
TESTS_toy := random owned_everywhere source old_or_new shallow
TESTS_toy8 := random old_or_new
CORE := $(sort $(wildcard paging/*.c))
HOST_INCLUDE := -Ipaging -Itest/host

# Of the mutants in paging/mutant.h each must be noticed by a host test, and these by a booted machine too.
MUTANTS := $(filter-out NONE,$(shell sed -n 's/^.define MUTANT_\([A-Z_]*\) *[0-9].*/\1/p' paging/mutant.h))
BOOT_MUTANTS := NO_PAGE_FLUSH NO_WINDOW_FLUSH READ_ONLY_PARENTS RESERVES_TOO_FEW NEVER_RECLAIM NO_SCRATCH_FLUSH \
    LINK_BEFORE_FILL SPLIT_IN_TWO
MUTANT_TESTS := map map_refuses unmap map_range unmap_range protect_range split merge random
# Those that only several spaces can show are tried by the tests for these.
SPACES_MUTANTS := NO_SLOT_FLUSH COUNTS_PINNED FREES_BORROWED EDITS_SHARED NO_OPEN_VIEW_FLUSH NO_ACTIVATE_FLUSH
SPACES_MUTANT_TESTS := spaces spaces_lend spaces_share
# And these are right again when the verb comes back: only what looks after every store can tell.
STEPS_MUTANTS := LINK_BEFORE_FILL DROPS_PRESENT SETS_THEN_CLEARS SPLIT_IN_TWO MARKS_COME_LATER UNLINKS_LAST
STEPS_MUTANT_TESTS := old_or_new

define compile_host
@mkdir -p $(@D)
$(call say,HOSTCC,$@)
$(Q)$(CC) $(HOST_FLAGS) $(1) -MMD -MP -c $< -o $@
endef
define link_host
@mkdir -p $(@D)
$(call say,HOSTLD,$@)
$(Q)$(CC) $(HOST_FLAGS) $(filter %.o,$^) -lcmocka -o $@
endef

define machine_rules # kind
$(B)/host/$(1)/core/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_host,$(HOST_INCLUDE) $(KIND_$(1)))
$(B)/host/$(1)/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_host,$(HOST_INCLUDE) $(KIND_$(1)))
$(TESTS_$(1):%=$(B)/host/$(1)/test_%): $(B)/host/$(1)/test_%: $(B)/host/$(1)/test_%.o \
    $(PARTS_$(1):%=$(B)/host/$(1)/%.o) $(CORE:paging/%.c=$(B)/host/$(1)/core/%.o)
	$$(link_host)
HOST_PROGRAMS += $(TESTS_$(1):%=$(B)/host/$(1)/test_%)
endef
$(foreach kind,soft mmap toy toy8,$(eval $(call machine_rules,$(kind))))

# The same tests with a core whose mutant is chosen when the program runs (test/host/chosen.h).
CHOSEN := -include test/host/chosen.h
define tests_of_mutant # mutant
MUTANT_TESTS_$(1) := $(or $(if $(filter $(1),$(SPACES_MUTANTS)),$(SPACES_MUTANT_TESTS)), \
    $(if $(filter $(1),$(STEPS_MUTANTS)),$(STEPS_MUTANT_TESTS)),$(MUTANT_TESTS))
endef
$(foreach mutant,$(MUTANTS),$(eval $(call tests_of_mutant,$(mutant))))
MUTANT_PROGRAMS := $(sort $(foreach mutant,$(MUTANTS),$(MUTANT_TESTS_$(mutant):%=$(B)/mutants/soft/test_%)))
$(B)/mutants/soft/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(call compile_host,$(HOST_INCLUDE) $(KIND_soft) $(CHOSEN))
$(MUTANT_PROGRAMS): $(B)/mutants/soft/test_%: $(B)/host/soft/test_%.o $(B)/host/soft/chosen.o \
    $(PARTS_soft:%=$(B)/host/soft/%.o) $(CORE:paging/%.c=$(B)/mutants/soft/%.o)
	$(link_host)

# The application with one mutant of the core in it.
define boot_mutant_rules # mutant
$(B)/mutants/$(1)/app/%.o: paging/%.c Makefile | $(B)/deps-build
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(CC) $$(STD_paging) $$(CFLAGS) $$(WARNINGS) $$(TARGET_FLAGS) $$(INCLUDE_paging) -DPAGING_MUTANT=$(1) \
	    -MMD -MP -c $$< -o $$@
$(B)/mutants/$(1)/selfmap.elf: $(CORE:paging/%.c=$(B)/mutants/$(1)/app/%.o) \
    $(filter-out $(B)/app/paging/%,$(APP_OBJECTS)) $(B)/font.o efi/selfmap.lds
	$$(call say,LD,$$@)
	$$(Q)$$(LINK) -o $$@ $(START) $$(filter %.o,$$^) -L/usr/lib -lgnuefi
$(B)/mutants/$(1)/selfmap.img: $(B)/mutants/$(1)/selfmap.efi tools/mkimage | $(B)/deps-run
	@mkdir -p $(B)/mutants/$(1)/esp/EFI/BOOT
	@cp $$< $(B)/mutants/$(1)/esp/EFI/BOOT/BOOTX64.EFI
	$$(Q)tools/mkimage $$@ $(B)/mutants/$(1)/esp
endef
$(foreach mutant,$(BOOT_MUTANTS),$(eval $(call boot_mutant_rules,$(mutant))))

# The kernel's parts that need no machine.
$(B)/host/kernel/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(call compile_host,)
$(B)/host/kernel/src/%.o: kernel/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(call compile_host,)
FRAME_TESTS := frames frames_add frames_split frames_edges frames_random
KERNEL_TESTS := memory_map $(FRAME_TESTS) options format screen
$(B)/host/kernel/test_memory_map: $(B)/host/kernel/src/memory_map.o
$(FRAME_TESTS:%=$(B)/host/kernel/test_%): $(B)/host/kernel/frame_rig.o \
    $(patsubst kernel/%.c,$(B)/host/kernel/src/%.o,$(wildcard kernel/frame*.c))
$(B)/host/kernel/test_frames_random: $(B)/host/kernel/frame_oracle.o
$(B)/host/kernel/test_options: $(B)/host/kernel/src/options.o
$(B)/host/kernel/test_screen: $(B)/host/kernel/src/screen.o $(B)/font.o
$(B)/host/kernel/test_format: $(B)/host/kernel/src/format.o
$(KERNEL_TESTS:%=$(B)/host/kernel/test_%): $(B)/host/kernel/test_%: $(B)/host/kernel/test_%.o
	$(link_host)
HOST_PROGRAMS += $(KERNEL_TESTS:%=$(B)/host/kernel/test_%)

# The core as its users compile it, in a program of their own.
$(B)/host/example: test/host/example.c $(CORE) Makefile | $(B)/deps-build $(B)/deps-test
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)
	$(Q)$(CC) $(HOST_FLAGS) -MMD -MP $(filter %.c,$^) -o $@
HOST_PROGRAMS += $(B)/host/example

# ---- the benchmark: the core as the application compiles it, against the least possible --------------------
# Two builds: in a process the window of all P1s of five levels only fits folded, and that costs instructions.
# Slot 512 is one that a table does not have: the scratch page cannot be had in a process.
BENCH_plain := -DPAGING_ACCESS_HEADER='"access_bench.h"' -DPAGING_RECURSIVE_SLOT=8 -DPAGING_FOREIGN_SLOT=9 \
    -DPAGING_SCRATCH_SLOT=512
BENCH_fold := $(BENCH_plain) -DBENCH_FOLD_BITS=44
BENCH_FLAGS := -O2 $(WARNINGS) $(TARGET_FLAGS) -I. -Ipaging -Itest/bench
BENCH_PARTS := $(patsubst test/bench/%.c,%,$(sort $(wildcard test/bench/*.c)))

define compile_bench # flags
@mkdir -p $(@D)
$(call say,BENCHCC,$@)
$(Q)$(CC) -std=gnu17 $(1) -MMD -MP -c $< -o $@
endef
define bench_rules # kind
$(B)/bench/$(1)/core/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-bench
	$$(call compile_bench,$(BENCH_FLAGS) $(BENCH_$(1)))
$(B)/bench/$(1)/kernel/%.o: kernel/%.c Makefile | $(B)/deps-build $(B)/deps-bench
	$$(call compile_bench,$(BENCH_FLAGS) $(BENCH_$(1)))
$(B)/bench/$(1)/%.o: test/bench/%.c Makefile | $(B)/deps-build $(B)/deps-bench
	$$(call compile_bench,$(BENCH_FLAGS) $(BENCH_$(1)))
# The one part that may use vector registers.
$(B)/bench/$(1)/vector.o: test/bench/vector.c Makefile | $(B)/deps-build $(B)/deps-bench
	$$(call compile_bench,$(filter-out -mgeneral-regs-only,$(BENCH_FLAGS)) -O3 -funroll-loops $(BENCH_$(1)))
$(B)/bench/$(1)/bench: $(BENCH_PARTS:%=$(B)/bench/$(1)/%.o) $(CORE:paging/%.c=$(B)/bench/$(1)/core/%.o) \
    $(B)/bench/$(1)/kernel/frames.o $(B)/bench/$(1)/kernel/frame_zone.o $(B)/bench/$(1)/kernel/frames_add.o
	$$(call say,BENCHLD,$$@)
	$$(Q)$(CC) $$^ -o $$@
BENCH_PROGRAMS += $(B)/bench/$(1)/bench
endef
$(foreach kind,plain fold,$(eval $(call bench_rules,$(kind))))

bench: $(B)/deps-build $(B)/deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) bench-programs
	@test/bench/bench.py table '$(ONLY)'

bench-counts: $(B)/deps-build $(B)/deps-bench
	@$(MAKE) --no-print-directory -j$$(nproc) bench-programs
	@test/bench/bench.py write
.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)
	@:

print-%:
	@echo $($*)

test: $(B)/deps-build $(B)/deps-run $(B)/deps-test $(B)/deps-proof
	@$(MAKE) --no-print-directory -j$$(nproc) test-things
	@test/run --all '$(ONLY)'
.PHONY: test-things

# ---- what takes long: parts of `make verify` ---------------------------------------------------------------
.PHONY: verify
# Each part says one line; what it printed is kept, and shown if it failed.
verify:
	@mkdir -p $(B)/verify; status=0; for part in $(VERIFY_PARTS); do began=$$(date +%s); \
	if $(MAKE) --no-print-directory $$part >$(B)/verify/$$part.log 2>&1; then word=ok; \
	else word=FAILED; status=1; tail -n 40 $(B)/verify/$$part.log; fi; \
	echo "verify: $$part: $$word ($$(($$(date +%s) - began)) s)"; done; exit $$status

# ---- foreign oracles, memcheck, the analyzer: others look at the same code ---------------------------------
.PHONY: verify-oracle valgrind analyze valgrind-programs
VERIFY_PARTS += verify-oracle valgrind

# QEMU's own walkers and an independent one read the tables of a booted machine (test/boot/oracle.py): of a
# machine for each firmware and each number of levels in `make test`, of every machine here.
ORACLE_TESTS := ovmf-max uboot-pc uboot-five-levels
verify-oracle: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/run --verify oracle

# The host tests under memcheck, built without sanitizers and without a pattern in locals: what nobody set is
# undefined, and so is a frame that was just handed out, until it is written. (What may be uninitialised is
# memcheck's question here; the compiler's answer, without the pattern, is a guess.)
VALGRIND_FLAGS := $(filter-out -fsanitize=% -fno-sanitize-recover=% -ftrivial-auto-var-init=%,$(HOST_FLAGS)) \
    -Wno-maybe-uninitialized -DHOST_MEMCHECK
# Valgrind does not know the privileged instructions that one of the tests executes.
VALGRIND_TESTS := $(filter-out instructions,$(TESTS_soft))
VALGRIND_LEVELS := 4 5
VALGRIND_VERBS := 2000
define compile_valgrind
@mkdir -p $(@D)
$(call say,HOSTCC,$@)
$(Q)$(CC) $(VALGRIND_FLAGS) $(HOST_INCLUDE) $(KIND_soft) -MMD -MP -c $< -o $@
endef
$(B)/valgrind/soft/core/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(compile_valgrind)
$(B)/valgrind/soft/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(compile_valgrind)
VALGRIND_PROGRAMS := $(VALGRIND_TESTS:%=$(B)/valgrind/soft/test_%)
$(VALGRIND_PROGRAMS): %: %.o $(PARTS_soft:%=$(B)/valgrind/soft/%.o) \
    $(CORE:paging/%.c=$(B)/valgrind/soft/core/%.o)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(VALGRIND_FLAGS) $(filter %.o,$^) -lcmocka -o $@
valgrind-programs: $(VALGRIND_PROGRAMS)
valgrind: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) valgrind-programs
	@test/run --verify valgrind

# gcc's analyzer follows the paths through each source, as the application compiles it, but with -Og: what -O2
# makes of a returned struct looks to it as if nobody had set that (kernel/selftest/spaces.c).
ANALYZED := $(APP_SOURCES:%.c=$(B)/analyzed/%.o)
$(B)/analyzed/%.o: %.c $(B)/include/stamp VERSION Makefile | $(B)/deps-build
	@mkdir -p $(@D)
	$(call say,ANALYZE,$<)
	$(Q)$(CC) $(STD_$(firstword $(subst /, ,$<))) $(CFLAGS) $(WARNINGS) $(TARGET_FLAGS) -Og -fanalyzer \
	    $(INCLUDE_$(firstword $(subst /, ,$<))) -MMD -MP -c $< -o $@
analyze: $(filter %.o,$(ANALYZED))

# ---- proofs: theorems about the unmodified core, for all values, put to two solvers (test/proof/README.md) ---
# PROOF_B and PROOF_CORE are other folders, and warnings are off, when a core of test/proof/defects is built.
PROOF_B := $(B)/proof
PROOF_CORE := paging
PROOF_QUICK := entry count address bits
PROOF_THEMES := itself $(PROOF_QUICK) window rules range
PROOF_WARNINGS := -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-unused-function
PROOF_FLAGS = -std=gnu++20 $(PROOF_WARNINGS) -ftrivial-auto-var-init=pattern -Itest/proof
PROOF_ENGINE := $(B)/proof/engine.o $(B)/proof/terms.o

$(PROOF_ENGINE): $(B)/proof/%.o: test/proof/%.cpp test/proof/engine.h test/proof/terms.h test/proof/word.h \
    Makefile | $(B)/deps-proof
	@mkdir -p $(@D)
	$(call say,PROOF,$@)
	$(Q)g++ $(PROOF_FLAGS) -O2 -c $< -o $@
# What a theme's files call but no theorem reaches is left out, and need not be there.
PROOF_SOURCES := test/proof
$(PROOF_THEMES:%=$(PROOF_B)/%): $(PROOF_B)/%: $(PROOF_SOURCES)/%.cpp $(PROOF_ENGINE) Makefile | $(B)/deps-proof
	@mkdir -p $(@D)
	$(call say,PROOF,$@)
	$(Q)g++ $(PROOF_FLAGS) -ffunction-sections -Wl,--gc-sections -I$(PROOF_CORE) -Ikernel -MMD -MP -MF $@.d -MT $@ $< \
	    $(PROOF_ENGINE) -o $@
test-things: $(PROOF_QUICK:%=$(PROOF_B)/%)

.PHONY: proof-programs proofs proof-defects
VERIFY_PARTS += proofs proof-defects
proof-programs: $(PROOF_THEMES:%=$(PROOF_B)/%)
proofs: $(B)/deps-proof $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) proof-programs
	@test/proof/prove --all
proof-defects: $(B)/deps-proof $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) proof-programs
	@test/proof/prove --defects

# ---- the access matrix: every case on the emulated processor, and whether a wrong prediction is noticed -------
# A sample of the cases is among the self-tests of every boot (kernel/matrix.h).
.PHONY: verify-matrix matrix-defects
VERIFY_PARTS += verify-matrix matrix-defects
verify-matrix: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/boot/matrix --machines
matrix-defects: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/boot/matrix --defects

# ---- fuzz: random cases without end, on each machine (test/fuzz/README.md) ---------------------------------
# Two builds: the host tests' own, under the sanitizers, which is part of `make test`; and a fast one for long runs.
# Seconds are divided between the machines.
.PHONY: fuzz fuzz-libfuzzer fuzz-programs libfuzzer-programs
FUZZ_KINDS := soft mmap toy toy8
FUZZ_PARTS := main shorten
# Kind and levels (0 is any) of those in `make test`, and how long each.
FUZZ_TESTS := soft:4 soft:5 mmap:4 toy8:0
FUZZ_SECONDS := 5
FUZZ_FLAGS := $(filter-out -O1 -fsanitize=% -fno-sanitize-recover=%,$(HOST_FLAGS)) -O2 -Wno-maybe-uninitialized
LIBFUZZER_KINDS := soft toy8
LIBFUZZER_FLAGS := $(HOST_FLAGS) -fsanitize=fuzzer
define compile_fuzz # compiler, which flags, kind
@mkdir -p $(@D)
$(call say,FUZZCC,$@)
$(Q)$(1) $($(2)) $(HOST_INCLUDE) $(KIND_$(3)) -MMD -MP -c $< -o $@
endef
define fuzz_rules # kind
$(B)/host/$(1)/fuzz/%.o: test/fuzz/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_host,$(HOST_INCLUDE) $(KIND_$(1)))
$(B)/host/$(1)/fuzz/fuzz: $(FUZZ_PARTS:%=$(B)/host/$(1)/fuzz/%.o) $(PARTS_$(1):%=$(B)/host/$(1)/%.o) \
    $(CORE:paging/%.c=$(B)/host/$(1)/core/%.o)
	$$(link_host)
HOST_PROGRAMS += $(B)/host/$(1)/fuzz/fuzz
$(B)/fuzz/$(1).o/%.o: %.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_fuzz,$(CC),FUZZ_FLAGS,$(1))
$(B)/fuzz/$(1): $(CORE:%.c=$(B)/fuzz/$(1).o/%.o) $(PARTS_$(1):%=$(B)/fuzz/$(1).o/test/host/%.o) \
    $(FUZZ_PARTS:%=$(B)/fuzz/$(1).o/test/fuzz/%.o)
	$$(call say,FUZZLD,$$@)
	$$(Q)$(CC) $(FUZZ_FLAGS) $$(filter %.o,$$^) -lcmocka -o $$@
$(B)/fuzz/libfuzzer/$(1).o/%.o: %.c Makefile | $(B)/deps-build $(B)/deps-fuzz
	$$(call compile_fuzz,clang,LIBFUZZER_FLAGS,$(1))
$(B)/fuzz/libfuzzer/$(1): $(CORE:%.c=$(B)/fuzz/libfuzzer/$(1).o/%.o) \
    $(PARTS_$(1):%=$(B)/fuzz/libfuzzer/$(1).o/test/host/%.o) $(B)/fuzz/libfuzzer/$(1).o/test/fuzz/libfuzzer.o
	$$(call say,FUZZLD,$$@)
	$$(Q)clang $(LIBFUZZER_FLAGS) $$(filter %.o,$$^) -lcmocka -o $$@
endef
$(foreach kind,$(FUZZ_KINDS),$(eval $(call fuzz_rules,$(kind))))
fuzz-programs: $(FUZZ_KINDS:%=$(B)/fuzz/%)
libfuzzer-programs: $(LIBFUZZER_KINDS:%=$(B)/fuzz/libfuzzer/%)
fuzz: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) fuzz-programs
	@test/fuzz/run '$(or $(SECONDS),60)' '$(or $(SEED),1)'
fuzz-libfuzzer: $(B)/deps-build $(B)/deps-fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) libfuzzer-programs fuzz-programs
	@test/fuzz/run --libfuzzer '$(or $(SECONDS),60)' '$(or $(SEED),1)'
VERIFY_PARTS += fuzz fuzz-libfuzzer

# ---- the frame allocator and the memory map: proofs, and every state of a few frames ------------------------
# Frama-C's WP proves what the comments with an @ say (test/frama/README.md); its packages are large, so only
# `make verify` asks for them.
.PHONY: frama frama-defects
VERIFY_PARTS += frama frama-defects
frama: $(B)/deps-framac
	@test/frama/prove
frama-defects: $(B)/deps-framac
	@test/frama/prove --defects

# The same sources with tables of 2 entries, and of 4 in words of 2.
EVERY_2 := -DPAGING_INDEX_BITS=1 -DFRAMES_WORD_ITEMS=2
EVERY_4 := -DPAGING_INDEX_BITS=2 -DFRAMES_WORD_ITEMS=2
EVERY_FLAGS := -DFRAMES_LEARNED_AT_ONCE=1 -DORACLE_FRAMES=272
define every_rules # entries
$(B)/host/every_$(1)/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_host,$(EVERY_FLAGS) $(EVERY_$(1)))
$(B)/host/every_$(1)/src/%.o: kernel/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_host,$(EVERY_FLAGS) $(EVERY_$(1)))
$(B)/host/kernel/test_frames_every_$(1): $(patsubst %,$(B)/host/every_$(1)/%.o,test_frames_every frame_oracle frame_rig) \
    $(patsubst kernel/%.c,$(B)/host/every_$(1)/src/%.o,$(wildcard kernel/frame*.c))
	$$(link_host)
KERNEL_TESTS += frames_every_$(1)
HOST_PROGRAMS += $(B)/host/kernel/test_frames_every_$(1)
endef
$(foreach entries,2 4,$(eval $(call every_rules,$(entries))))

# ---- small scopes, exhaustively: every memory image of the toy, and everything from each --------------------
# Builds: plain is fast, for millions of steps; sanitized is not; in mutants and scratch the mutant of the core
# is chosen when the program runs, and scratch has tables of four entries, and so a
# scratch page.
.PHONY: explore
VERIFY_PARTS += explore
EXPLORE_FLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Wshadow -Werror -I. -Itest/explore -DWALK_CACHE_BITS=7u
EXPLORE_plain := $(EXPLORE_FLAGS) $(KIND_toy)
EXPLORE_sanitized := $(EXPLORE_plain) $(filter -f%,$(HOST_FLAGS))
EXPLORE_mutants := $(EXPLORE_plain)
EXPLORE_scratch := $(EXPLORE_FLAGS) $(KIND_soft) -DPAGING_INDEX_BITS=2
EXPLORE_CORE_mutants := $(CHOSEN)
EXPLORE_CORE_scratch := $(CHOSEN)
EXPLORE_PARTS := $(PARTS_toy) $(patsubst test/explore/%.c,%,$(wildcard test/explore/*.c))
# What `make test` and `make verify` explore: build, levels, a scope, and a bound of frames if it does not close.
EXPLORE := sanitized:3:kinds sanitized:3:rights plain:4:kinds:3 plain:4:pages:4 scratch:3:owned:3 \
    scratch:3:foreign:3
EXPLORE_LONG := plain:4:kinds:5 plain:4:pages plain:3:both plain:4:rights:4 plain:5:kinds:4 plain:5:pages:5 \
    scratch:3:owned:4 scratch:3:foreign:4
# One space is explored, so what is wrong with several shows in what the slot remembers only. A verb that changes
# rights has one bit to change, and marks that are late are in time for the end of the verb.
EXPLORE_MUTANTS := $(filter-out $(filter-out NO_SLOT_FLUSH,$(SPACES_MUTANTS)) SETS_THEN_CLEARS MARKS_COME_LATER, \
    $(MUTANTS))

define compile_explore # flags
@mkdir -p $(@D)
$(call say,HOSTCC,$@)
$(Q)$(CC) $(HOST_INCLUDE) $(1) -MMD -MP -c $< -o $@
endef
define explore_rules # build
$(B)/explore/$(1)/core/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_explore,$(EXPLORE_$(1)) $(EXPLORE_CORE_$(1)))
$(B)/explore/$(1)/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_explore,$(EXPLORE_$(1)))
$(B)/explore/$(1)/%.o: test/explore/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_explore,$(EXPLORE_$(1)))
$(B)/explore/$(1)/explore: $(EXPLORE_PARTS:%=$(B)/explore/$(if $(filter mutants,$(1)),plain,$(1))/%.o) \
    $(CORE:paging/%.c=$(B)/explore/$(1)/core/%.o)
	$$(call say,HOSTLD,$$@)
	$$(Q)$(CC) $$(EXPLORE_$(1)) $$(filter %.o,$$^) -lcmocka -o $$@
EXPLORE_PROGRAMS += $(B)/explore/$(1)/explore
endef
$(foreach build,plain sanitized mutants scratch,$(eval $(call explore_rules,$(build))))
test-things: $(EXPLORE_PROGRAMS)
explore: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) $(EXPLORE_PROGRAMS)
	@test/run --verify explore

# ---- how good the tests are: generated mutants, and coverage ------------------------------------------------
# test/mutants/run makes the mutants, and builds and judges them: they are thousands, each lives for a second.
# A sample is what fits into make verify; another seed takes others. LISTED=without leaves out those that are
# listed as equivalent, LISTED=only takes no others.
.PHONY: mutants coverage verify-mutants coverage-programs
MUTANT_SAMPLE := 300
mutants: $(B)/deps-build $(B)/deps-test
	@test/mutants/run --only '$(ONLY)' --sample '$(or $(SAMPLE),0)' --seed '$(or $(SEED),1)' \
	    --jobs '$(or $(JOBS),0)' --listed '$(or $(LISTED),with)'
verify-mutants: $(B)/deps-build $(B)/deps-test
	@test/mutants/run --sample $(MUTANT_SAMPLE) --seed '$(or $(SEED),1)'

# Neither optimised nor inlined, so that lines and branches are those of the source, each once.
COVERAGE_FLAGS := $(filter-out -O1 -fsanitize% -fno-sanitize% -ftrivial%,$(HOST_FLAGS)) -O0 --coverage \
    -Dalways_inline=unused
define compile_coverage # flags
@mkdir -p $(@D)
$(call say,COVCC,$@)
$(Q)$(CC) $(COVERAGE_FLAGS) $(1) -MMD -MP -c $< -o $@
endef
define link_coverage
$(call say,COVLD,$@)
$(Q)$(CC) $(COVERAGE_FLAGS) $(filter %.o,$^) -lcmocka -o $@
endef
define coverage_rules # kind
$(B)/coverage/$(1)/core/%.o: paging/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_coverage,$(HOST_INCLUDE) $(KIND_$(1)))
$(B)/coverage/$(1)/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$$(call compile_coverage,$(HOST_INCLUDE) $(KIND_$(1)))
$(TESTS_$(1):%=$(B)/coverage/$(1)/test_%): $(B)/coverage/$(1)/test_%: $(B)/coverage/$(1)/test_%.o \
    $(PARTS_$(1):%=$(B)/coverage/$(1)/%.o) $(CORE:paging/%.c=$(B)/coverage/$(1)/core/%.o)
	$$(link_coverage)
COVERAGE_PROGRAMS += $(TESTS_$(1):%=$(B)/coverage/$(1)/test_%)
endef
$(foreach kind,soft toy mmap,$(eval $(call coverage_rules,$(kind))))
$(B)/coverage/kernel/%.o: test/host/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(call compile_coverage,)
$(B)/coverage/kernel/src/%.o: kernel/%.c Makefile | $(B)/deps-build $(B)/deps-test
	$(call compile_coverage,)
$(FRAME_TESTS:%=$(B)/coverage/kernel/test_%): $(B)/coverage/kernel/test_%: $(B)/coverage/kernel/test_%.o \
    $(patsubst %,$(B)/coverage/kernel/%.o,frame_rig frame_oracle) \
    $(patsubst kernel/%.c,$(B)/coverage/kernel/src/%.o,$(wildcard kernel/frame*.c))
	$(link_coverage)
COVERAGE_PROGRAMS += $(FRAME_TESTS:%=$(B)/coverage/kernel/test_%)
coverage-programs: $(COVERAGE_PROGRAMS)

coverage: $(B)/deps-build $(B)/deps-test $(B)/deps-verify
	@$(MAKE) --no-print-directory -j$$(nproc) coverage-programs
	@test/coverage/run
VERIFY_PARTS += coverage verify-mutants

# ---- all that `make test` runs: after everything that adds to it ---------------------------------------------
test-things: $(HOST_PROGRAMS) $(BENCH_PROGRAMS) $(MUTANT_PROGRAMS) $(BOOT_MUTANTS:%=$(B)/mutants/%/selfmap.img) \
    $(B)/selfmap.img

# ---- what people and linters see ---------------------------------------------------------------------------
check: $(B)/deps-build $(B)/deps-check
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/selfmap.efi
	@test/check

format: | $(B)/deps-check
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(B) esp/EFI/BOOT/BOOTX64.EFI

-include $(shell [ -d $(B) ] && find $(B) -name '*.d')
