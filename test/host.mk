# SPDX-License-Identifier: MIT
# host.mk - host tests: the unmodified core, and parts of the kernel, in a process.

.PHONY: test test-things
test: $(B)/deps-build $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(B)/deps-proof $(B)/deps-docs
	@$(MAKE) --no-print-directory -j$$(nproc) test-things
	@test/run --all "$$ONLY"

# Six machines: soft is a TLB in software that never forgets, mmap the host's own MMU through page faults,
# toy the soft one with tables of two entries, and toy8 with eight, which has room for every reserved slot
# and one to share; only and only_direct are the soft one with a core that is built for one world
# (PAGING_ONLY_...). Each compiles the core for itself. A local variable that was given no value holds a
# pattern: on a stack that happens to be clean it would pass for a zero. Tests do not use cmocka's parameter.
HOST_INCLUDE := -Ipaging/include -Ipaging/src -Ikernel -Itest/host -I.
HOST_FLAGS := -std=gnu17 -O1 -g -Wall -Wextra -Wno-unused-parameter -Wshadow -Werror -fno-omit-frame-pointer \
    -fsanitize=address,undefined -fno-sanitize-recover=all -ftrivial-auto-var-init=pattern
KINDS := soft mmap toy toy8 only only_direct
# The soft one has several processors, in turns: each counts for itself.
KIND_soft := -DMACHINE_SOFT -DPAGING_PROCESSORS=3 -DPAGING_ACCESS_HEADER='"machines/access_soft.h"'
# (With the locked accesses, which the others have not.)
KIND_mmap := -DMACHINE_MMAP -DPAGING_LOCKED_ACCESS=1 -DPAGING_ACCESS_HEADER='"machines/access_mmap.h"' \
    -DPAGING_RECURSIVE_SLOT=140 -DPAGING_ALTERNATE_SLOT=141 -DPAGING_SCRATCH_SLOT=142
KIND_toy := $(KIND_soft) -DPAGING_INDEX_BITS=1 -DPAGING_ALTERNATE_SLOT=2 -DPAGING_SCRATCH_SLOT=2
KIND_toy8 := $(KIND_soft) -DPAGING_INDEX_BITS=3
KIND_only := $(KIND_soft) -DPAGING_ONLY_RECURSIVE -DPAGING_ONLY_LEVELS=4
KIND_only_direct := $(KIND_soft) -DPAGING_ONLY_DIRECT -DPAGING_ONLY_LEVELS=4

# What each test program is linked with: machine, rig, and the generator of operations.
FUZZ_CASES := $(wildcard test/host/fuzz/draw*.c test/host/fuzz/case_*.c)
PARTS := $(filter-out %_machine.c $(wildcard test/host/*/test_*.c), \
    $(wildcard test/host/machines/*.c test/host/rig/*.c)) $(FUZZ_CASES)
PARTS_soft := $(PARTS) test/host/machines/soft_machine.c
PARTS_mmap := $(PARTS) test/host/machines/mmap_machine.c
PARTS_toy := $(PARTS_soft)
PARTS_toy8 := $(PARTS_soft)
PARTS_only := $(PARTS_soft)
PARTS_only_direct := $(PARTS_soft)

# Each test of the core runs on soft with four and five levels, and on mmap with four: all files test_*.c of
# these folders, except those for toys. What takes longest comes first.
SLOW_TESTS := random range map_range map_range_alloc owned replace_marker unmap_range protect_range split \
    merge merge_rejected old_or_new for_each check_access attach
TOY_TESTS := owned_exhaustive three_levels one_world
CORE_TEST_FILES := $(notdir $(wildcard test/host/machines/test_*.c test/host/operations/test_*.c))
CORE_TESTS := $(SLOW_TESTS) $(filter-out $(SLOW_TESTS) $(TOY_TESTS),$(CORE_TEST_FILES:test_%.c=%))
# Those that also run with spaces that live through a direct map.
RECURSIVE_TESTS := attach addresses frame_supply instructions operation_table typed_tables
DIRECT_TESTS := $(filter-out $(RECURSIVE_TESTS),$(CORE_TESTS))
# Parts of the kernel that need a machine, on soft; areas also on mmap. WITH_name are their sources.
KERNEL_MACHINE_TESTS := page_fault page_walk space_view areas audit audit_runs runtime_space
WITH_audit_runs = $(WITH_audit)
WITH_runtime_space := kernel/boot/runtime_space.c kernel/boot/identity_map.c kernel/boot/stack_guards.c \
    kernel/frames/usable_memory.c kernel/cpu/known_spaces.c
WITH_audit := $(wildcard kernel/audit/*.c) kernel/frames/frames.c kernel/frames/zone.c \
    kernel/frames/zone_table.c kernel/console/format.c
WITH_space_view := kernel/display/space_view.c
WITH_areas := $(addprefix kernel/faults/,areas.c area_faults.c work_pages.c) \
    kernel/frames/frame_sharing.c kernel/console/format.c
WITH_page_fault := kernel/cpu/page_fault.c kernel/cpu/page_walk.c kernel/console/format.c
WITH_page_walk := kernel/cpu/page_walk.c kernel/cpu/neighbours.c kernel/console/format.c
TESTS_soft := $(CORE_TESTS) $(KERNEL_MACHINE_TESTS)
# The heap reads and writes the pages that it maps, so it needs an MMU that does so: on mmap only.
HEAP_TESTS := heap heap_pages heap_findings heap_debug heap_random
HEAP := $(wildcard kernel/heap/*.c)
$(foreach name,$(HEAP_TESTS),$(eval WITH_$(name) := $(HEAP)))
TESTS_mmap := $(CORE_TESTS) $(HEAP_TESTS) areas
TESTS_toy := random frame_supply old_or_new $(filter-out one_world,$(TOY_TESTS))
TESTS_toy8 := random old_or_new
TESTS_only := random map unmap translate space split unmap_range one_world
TESTS_only_direct := random map unmap space one_world

# What a program is made of besides its subject and its rig. filter.c lets FUNCTION choose among its tests.
source_of_test = $(wildcard test/host/*/test_$(1).c) $(WITH_$(1)) test/host/filter.c
core_test = $(call program,host/$(1),test_$(2),$(call source_of_test,$(2)) $(PARTS_$(1)) $(CORE))
define machine
FLAGS_host/$(1) := $(HOST_FLAGS) $(HOST_INCLUDE) $(KIND_$(1))
LIBRARIES_host/$(1) := -lcmocka
$(call build,host/$(1),build test)
$(foreach name,$(TESTS_$(1)),$(eval $(call core_test,$(1),$(name))))
HOST_PROGRAMS += $(TESTS_$(1):%=$(B)/host/$(1)/test_%)
endef
$(foreach kind,$(KINDS),$(eval $(call machine,$(kind))))

# ---- the kernel's parts that need no machine ---------------------------------------------------------------
FRAMES := $(filter-out kernel/frames/memory_map.c kernel/frames/arena.c,$(wildcard kernel/frames/*.c))
FRAME_TESTS := frames frames_add frames_runs frames_split frames_boundaries frames_random \
    frame_sharing
KERNEL_TESTS := memory_map memory_audit usable_memory arena $(FRAME_TESTS) memory_regions start_frames \
    identity_map options format canvas screen pages display report keyboard graphics_mode \
    stack_trace serial spcr acpi option_text chosen_tests test_slots soak menu pager log kept qr qr_text \
    stack_use memory_functions emulator deviations differences console mmio steps qr_page \
    late_audit failures own_blocks text_rows last_results log_page known_spaces
SUBJECT_known_spaces := kernel/cpu/known_spaces.c
SUBJECT_last_results := kernel/display/last_results.c
SUBJECT_console := kernel/console/console.c kernel/console/format.c
SUBJECT_late_audit := kernel/boot/late_audit.c kernel/console/format.c \
    $(addprefix kernel/frames/,arena.c memory_audit.c memory_map.c usable_memory.c)
SUBJECT_own_blocks := kernel/boot/own_blocks.c
SUBJECT_steps := kernel/boot/steps.c kernel/console/format.c
NO_DEVICES := test/host/devices/no_devices.c
SUBJECT_memory_audit := kernel/frames/memory_audit.c kernel/frames/usable_memory.c
SUBJECT_memory_map := kernel/frames/memory_map.c
SUBJECT_usable_memory := kernel/frames/usable_memory.c
SUBJECT_arena := kernel/frames/arena.c
OPTIONS_READER := kernel/boot/options.c kernel/boot/option_words.c kernel/console/format.c
SUBJECT_memory_regions := $(OPTIONS_READER) kernel/boot/memory_regions.c kernel/frames/memory_map.c \
    kernel/frames/usable_memory.c
SUBJECT_start_frames := kernel/boot/start_frames.c kernel/frames/arena.c \
    $(sort $(SUBJECT_memory_regions) $(FRAMES))
SUBJECT_stack_use := kernel/boot/stack_use.c
SUBJECT_identity_map := kernel/boot/identity_map.c
SUBJECT_options := $(OPTIONS_READER)
SUBJECT_option_text := kernel/boot/option_text.c
SUBJECT_chosen_tests := kernel/selftest/chosen_tests.c
SUBJECT_test_slots := kernel/selftest/test_slots.c
SUBJECT_soak := kernel/selftest/soak.c kernel/console/format.c
SUBJECT_menu := efi/menu_state.c efi/menu_picture.c $(SUBJECT_options)
SUBJECT_pager := efi/pager.c kernel/console/format.c
SUBJECT_format := kernel/console/format.c
SUBJECT_canvas := kernel/console/canvas.c
SUBJECT_screen := kernel/console/screen.c kernel/console/canvas.c
SUBJECT_display := $(filter-out %/qr.c %/qr_page.c %/qr_text.c,$(wildcard kernel/display/*.c)) \
    kernel/cpu/cpuid.c \
    $(filter-out %/keyboard.c,$(wildcard kernel/console/*.c)) $(NO_DEVICES)
SUBJECT_report := kernel/report/report.c \
    $(filter-out %/keyboard.c %/scancode.c,$(wildcard kernel/console/*.c)) $(NO_DEVICES)
SUBJECT_pages := kernel/display/pages.c
SUBJECT_emulator := kernel/cpu/emulator.c
SUBJECT_differences := $(addprefix kernel/selftest/matrix/,differences.c print.c) kernel/console/format.c
SUBJECT_deviations := kernel/selftest/deviations.c kernel/console/format.c
SUBJECT_graphics_mode := kernel/console/graphics_mode.c kernel/console/format.c
SUBJECT_serial := kernel/console/serial.c kernel/console/uart.c kernel/console/format.c
SUBJECT_spcr := kernel/console/spcr.c kernel/console/format.c
SUBJECT_acpi := kernel/boot/acpi.c kernel/console/format.c
SUBJECT_keyboard := kernel/console/keyboard.c kernel/console/scancode.c
SUBJECT_stack_trace := kernel/cpu/stack_trace.c kernel/console/format.c
$(foreach name,$(FRAME_TESTS),$(eval SUBJECT_$(name) := $(FRAMES) test/host/frames/frame_rig.c))
SUBJECT_frames_random += test/host/frames/frame_oracle.c
OBJECTS_screen := $(B)/font.o
OBJECTS_display := $(B)/font.o
OBJECTS_report := $(B)/font.o
OBJECTS_canvas := $(B)/font.o
SUBJECT_log := kernel/console/log.c kernel/console/kept.c
SUBJECT_kept := kernel/console/kept.c
SUBJECT_qr := kernel/display/qr.c
SUBJECT_qr_page := $(addprefix kernel/display/,qr_page.c qr_text.c drawing.c) kernel/console/canvas.c \
    kernel/console/format.c
SUBJECT_failures := $(addprefix kernel/display/,failures.c drawing.c) kernel/console/canvas.c \
    kernel/console/format.c
SUBJECT_log_page := $(addprefix kernel/display/,log_page.c drawing.c) kernel/console/canvas.c \
    kernel/console/format.c
OBJECTS_log_page := $(B)/font.o
OBJECTS_failures := $(B)/font.o
OBJECTS_qr_page := $(B)/font.o
SUBJECT_qr_text := kernel/display/qr_text.c kernel/console/format.c
# Made-up devices take the place of the real ones.
FLAGS_host/kernel := $(HOST_FLAGS) -DPAGING_HEADERS_ONLY -fno-builtin-log -Itest/host/devices \
    $(HOST_INCLUDE) -DSELFMAP_VERSION='"$(VERSION)"'
LIBRARIES_host/kernel := -lcmocka -lqrcodegen
$(eval $(call build,host/kernel,build test))
kernel_test = $(call program,host/kernel,test_$(1),$(call source_of_test,$(1)) \
    $(SUBJECT_$(1)),$(OBJECTS_$(1)))
$(foreach name,$(KERNEL_TESTS),$(eval $(call kernel_test,$(name))))
HOST_PROGRAMS += $(KERNEL_TESTS:%=$(B)/host/kernel/test_%)

# Parts that use instructions and registers which a process may not: over a made-up processor.
PROCESSOR := test/host/devices/processor/processor.c
PROCESSOR_TESTS := control cpuid processor descriptors end exceptions hardware_errors local_apic page_faults \
    safe_access take_over tsc tsc_rate watchdog
SUBJECT_descriptors := kernel/cpu/descriptors.c
SUBJECT_end := kernel/boot/end.c kernel/console/uart.c kernel/console/format.c
SUBJECT_control := kernel/cpu/control.c
SUBJECT_cpuid := kernel/cpu/cpuid.c
SUBJECT_processor := paging/src/processor.c
SUBJECT_hardware_errors := kernel/cpu/hardware_errors.c kernel/console/format.c
SUBJECT_local_apic := kernel/cpu/local_apic.c
SUBJECT_exceptions := $(addprefix kernel/cpu/,exceptions.c known_spaces.c stack_trace.c) \
    kernel/console/format.c paging/src/guarded_load.c
SUBJECT_safe_access := kernel/cpu/safe_access.c kernel/cpu/safe_access.S
SUBJECT_page_faults := kernel/faults/page_faults.c kernel/cpu/known_spaces.c kernel/console/format.c
SUBJECT_tsc := kernel/cpu/tsc.c
SUBJECT_watchdog := kernel/cpu/watchdog.c kernel/cpu/local_apic.c kernel/console/format.c
SUBJECT_take_over := kernel/cpu/take_over.c
SUBJECT_tsc_rate := kernel/cpu/tsc_rate.c
MADE_UP_PROCESSOR := -Itest/host/devices/processor \
    -DPAGING_PROCESSOR_HEADER='"devices/processor/paging_processor.h"'
FLAGS_host/processor := $(MADE_UP_PROCESSOR) $(FLAGS_host/kernel)
LIBRARIES_host/processor := -lcmocka
$(eval $(call build,host/processor,build test))
processor_test = $(call program,host/processor,test_$(1),$(call source_of_test,$(1)) \
    $(SUBJECT_$(1)) $(PROCESSOR))
$(foreach name,$(PROCESSOR_TESTS),$(eval $(call processor_test,$(name))))
HOST_PROGRAMS += $(PROCESSOR_TESTS:%=$(B)/host/processor/test_%)

# The loader over a made-up firmware, compiled as UEFI code is: 16-bit characters, and the firmware's way to
# call. Its steps share one firmware; parts that need only a few services are linked with their subject alone.
EFI_STEP_TESTS := firmware_map own_memory preflight image_sections runtime_regions exit_boot_services \
    fresh_tables
EFI_PART_TESTS := firmware_console find_framebuffer config_file smbios network_config option_sources \
    volume kept_blocks last_run find_serial_port show_report ask_what_to_run
EFI_TESTS := $(EFI_STEP_TESTS) $(EFI_PART_TESTS)
EFI_CONSOLE := efi/firmware_console.c $(addprefix kernel/console/,format.c kept.c log.c serial.c uart.c)
EFI_SUBJECT := $(NO_DEVICES) \
    $(addprefix efi/,exit_boot_services.c find_framebuffer.c firmware_map.c fresh_tables.c image_sections.c \
    kept_blocks.c own_memory.c platform.c preflight.c runtime_regions.c variables.c) $(EFI_CONSOLE) \
    kernel/console/graphics_mode.c kernel/boot/identity_map.c kernel/boot/own_blocks.c \
    $(filter-out kernel/console/format.c,$(sort $(SUBJECT_memory_regions) $(FRAMES) \
    kernel/frames/arena.c)) $(filter-out %/processor.c,$(CORE))
SUBJECT_firmware_console := $(EFI_CONSOLE)
SUBJECT_find_framebuffer := efi/find_framebuffer.c kernel/boot/own_blocks.c kernel/console/graphics_mode.c \
    kernel/console/format.c
SUBJECT_volume := efi/volume.c kernel/console/format.c test/host/efi/disk.c
SUBJECT_find_serial_port := efi/find_serial_port.c kernel/boot/own_blocks.c kernel/console/uart.c \
    kernel/console/format.c
SUBJECT_efi_main := efi/main.c $(addprefix kernel/console/,format.c kept.c log.c)
SUBJECT_platform := efi/platform.c paging/src/processor.c kernel/cpu/cpuid.c kernel/console/format.c
SUBJECT_last_run := efi/last_run.c efi/breadcrumb.c $(SUBJECT_volume)
SUBJECT_show_report := efi/show_report.c efi/pager.c $(SUBJECT_volume)
SUBJECT_ask_what_to_run := efi/menu.c efi/variables.c $(SUBJECT_menu)
SUBJECT_kept_blocks := efi/kept_blocks.c efi/variables.c $(addprefix kernel/console/,format.c kept.c log.c)
SUBJECT_smbios := efi/smbios.c kernel/console/format.c
SUBJECT_network_config := efi/config_file.c
SUBJECT_option_sources := efi/option_sources.c kernel/boot/option_text.c $(OPTIONS_READER)
SUBJECT_config_file := efi/config_file.c efi/volume.c efi/option_sources.c kernel/boot/option_text.c \
    $(OPTIONS_READER)
FLAGS_host/efi := $(FLAGS_host/kernel) -fshort-wchar -DGNU_EFI_USE_MS_ABI \
    -isystem /usr/include/efi -isystem /usr/include/efi/x86_64
LIBRARIES_host/efi := -lcmocka
$(eval $(call build,host/efi,build test))
efi_test = $(call program,host/efi,test_$(1),$(call source_of_test,$(1)) $(2))
$(foreach name,$(EFI_STEP_TESTS),$(eval $(call efi_test,$(name),test/host/efi/firmware.c $(EFI_SUBJECT))))
$(foreach name,$(EFI_PART_TESTS),$(eval $(call efi_test,$(name),$(SUBJECT_$(name)))))
HOST_PROGRAMS += $(EFI_TESTS:%=$(B)/host/efi/test_%)
# Those of its parts that use such instructions.
EFI_PROCESSOR_TESTS := platform efi_main
FLAGS_host/efi_processor := $(MADE_UP_PROCESSOR) $(FLAGS_host/efi)
LIBRARIES_host/efi_processor := -lcmocka
$(eval $(call build,host/efi_processor,build test))
$(foreach name,$(EFI_PROCESSOR_TESTS),$(eval $(call program,host/efi_processor,test_$(name), \
    $(call source_of_test,$(name)) $(SUBJECT_$(name)) $(PROCESSOR))))
HOST_PROGRAMS += $(EFI_PROCESSOR_TESTS:%=$(B)/host/efi_processor/test_%)

# Every state of the frame allocator that a few frames can reach: with tables of 2 entries, and of 4 in words
# of 2.
EVERY_2 := -DPAGING_INDEX_BITS=1 -DFRAMES_WORD_ITEMS=2
EVERY_4 := -DPAGING_INDEX_BITS=2 -DFRAMES_WORD_ITEMS=2
EVERY_FLAGS := -DFRAMES_INITIALISED_AT_ONCE=1 -DORACLE_FRAMES=272
EVERY_SOURCES := $(call source_of_test,frames_every) $(FRAMES) \
    test/host/frames/frame_oracle.c test/host/frames/frame_rig.c
define every
FLAGS_host/every_$(1) := $(FLAGS_host/kernel) $(EVERY_FLAGS) $(EVERY_$(1))
LIBRARIES_host/every_$(1) := -lcmocka
$(call build,host/every_$(1),build test)
$(call program,host/every_$(1),test_frames_every,$(EVERY_SOURCES))
HOST_PROGRAMS += $(B)/host/every_$(1)/test_frames_every
endef
$(foreach entries,2 4,$(eval $(call every,$(entries))))

# The core as its users compile it, in a program of their own.
FLAGS_host/user := $(HOST_FLAGS) -Ipaging/include -Ipaging/src
$(eval $(call build,host/user,build test))
$(eval $(call program,host/user,example,test/host/operations/example.c $(CORE)))
HOST_PROGRAMS += $(B)/host/user/example

# ---- one test, one function of it, or the same in a debugger -----------------------------------------------
TESTS_kernel := $(KERNEL_TESTS)
TESTS_processor := $(PROCESSOR_TESTS)
TESTS_efi := $(EFI_TESTS)
TESTS_efi_processor := $(EFI_PROCESSOR_TESTS)
TESTS_every_2 := frames_every
TESTS_every_4 := frames_every
LEVELS_soft := 4 5
LEVELS_mmap := 4
LEVELS_toy := 3 4 5
LEVELS_toy8 := 3 4 5
LEVELS_only := 4
LEVELS_only_direct := 4
# How spaces can live there, and what is taken without LIFE.
$(foreach kind,soft mmap toy toy8,$(eval LIVES_$(kind) := recursive direct))
LIVES_only := recursive
LIVES_only_direct := direct
ALL_KINDS := $(KINDS) kernel processor efi efi_processor every_2 every_4
# The kind that was asked for, or the first that has the test.
kinds_with = $(foreach kind,$(ALL_KINDS),$(if $(filter $(1),$(TESTS_$(kind))),$(kind)))
HOST_KIND = $(or $(KIND),$(firstword $(call kinds_with,$(TEST))))
HOST_LIFE = $(or $(LIFE),$(filter direct,$(firstword $(LIVES_$(HOST_KIND)))))
HOST_LEVELS = $(or $(LEVELS),$(firstword $(LEVELS_$(HOST_KIND))))$(HOST_LIFE:%=:%)
HOST_PROGRAM = $(B)/host/$(HOST_KIND)/test_$(TEST)
define no_such_test
$(1)
  make $@ TEST=NAME [FUNCTION='PATTERN'] [KIND=KIND] [LEVELS=N] [LIFE=direct]
$(foreach kind,$(ALL_KINDS),  KIND=$(kind): $(TESTS_$(kind))
)
endef
bad_kind = $(filter-out $(ALL_KINDS),$(KIND))
bad_test = $(filter-out $(TESTS_$(HOST_KIND)),$(TEST))
bad_levels = $(filter-out $(LEVELS_$(HOST_KIND)),$(LEVELS))
bad_life = $(filter-out $(LIVES_$(HOST_KIND)),$(LIFE))
HOST_FAULT = $(or $(if $(TEST),,which test? Say TEST=NAME), \
    $(if $(bad_kind),KIND=$(KIND) does not exist), \
    $(if $(bad_test),no test is called $(TEST)$(if $(KIND), with KIND=$(KIND))), \
    $(if $(bad_levels),LEVELS with KIND=$(HOST_KIND) can be: $(or $(LEVELS_$(HOST_KIND)),nothing)), \
    $(if $(bad_life),LIFE with KIND=$(HOST_KIND) can be: $(or $(LIVES_$(HOST_KIND)),nothing)), \
    $(if $(filter host-debug:old_or_new:mmap,$@:$(TEST):$(HOST_KIND)),gdb cannot run it on mmap: KIND=soft))

.PHONY: host-test host-debug
host-test host-debug: $(B)/deps-build $(B)/deps-test
	$(if $(HOST_FAULT),$(error $(call no_such_test,$(HOST_FAULT))))
	@$(MAKE) --no-print-directory -j$$(nproc) $(HOST_PROGRAM)
	@$(if $(filter host-debug,$@),$(HOST_GDB)) $(HOST_PROGRAM) $(HOST_LEVELS)
host-debug: $(B)/deps-debug

# Options of gdb are in test/host/debug*.gdb. On mmap old_or_new traps after each of its stores, and gdb takes
# SIGTRAP for its own: the two do not go together.
EXPECTS_FAULTS = $(filter mmap,$(HOST_KIND))$(filter instructions,$(TEST))
DEBUG_FAULTS = $(if $(EXPECTS_FAULTS),-x test/host/debug-faults.gdb)
HOST_GDB = ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=abort_on_error=1 gdb -q \
    -x test/host/debug.gdb $(DEBUG_FAULTS) --args

test-things: $(HOST_PROGRAMS) $(B)/selfmap.img
