# SPDX-License-Identifier: MIT
# defects.mk - defects on purpose: test/defects/run builds each into the core, and tests must notice it.
#
# What the runner needs to know of a build: how the core is compiled (quickly, because it lives for a second),
# its objects, and what is linked to them.

# The host tests that are named, with the core as a library: only that is made anew for a defect.
DEFECT_TESTS := map map_errors unmap map_range unmap_range protect_range split merge random attach share \
    shared_half old_or_new page_numbers broken_source space marker owned map_owned remap touched two_lives \
    protect for_each find_hole test_and_clear move_range list next_piece gather counters clone
DEFECT_FLAGS_host := $(HOST_FLAGS) -fno-sanitize=all -g0 -O0 -fPIC $(HOST_INCLUDE) $(KIND_soft)
FLAGS_defects/core := $(DEFECT_FLAGS_host)
$(eval $(call build,defects/core,build test))
DEFECT_CORE_host := $(CORE:%=$(B)/defects/core/%.o)
$(B)/defects/libcore.so: $(DEFECT_CORE_host)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -o $@ $^
DEFECT_PROGRAMS := $(DEFECT_TESTS:%=$(B)/defects/test_%)
define defect_test
$(B)/defects/test_$(1): $(patsubst %,$(B)/host/soft/%.o,$(call source_of_test,$(1)) $(PARTS_soft)) \
    $(B)/defects/libcore.so
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(HOST_FLAGS) -rdynamic $$^ -lcmocka -o $$@
endef
$(foreach name,$(DEFECT_TESTS),$(eval $(call defect_test,$(name))))
test-things: $(DEFECT_PROGRAMS)

# Tests of parts of the kernel: for each defect a program of the objects that the test is made of anyway.
DEFECT_KERNEL_TESTS := areas page_fault page_walk
define kernel_defect_test # name, build, subject, other sources
DEFECT_FLAGS_$(1) := $(FLAGS_host/$(2)) -fno-sanitize=all -g0 -O0
DEFECT_CORE_$(1) := $(patsubst %,$(B)/host/$(2)/%.o,$(3))
DEFECT_PARTS_$(1) := $(patsubst %,$(B)/host/$(2)/%.o,test/host/kernel/test_$(1).c test/host/filter.c $(4))
endef
$(foreach name,$(DEFECT_KERNEL_TESTS),\
    $(eval $(call kernel_defect_test,$(name),soft,$(WITH_$(name)),$(PARTS_soft) $(CORE))))

# The heap's tests, with the heap as a library. It takes the core from the program.
DEFECT_FLAGS_heap := $(HOST_FLAGS) -fno-sanitize=all -g0 -O1 -fPIC $(HOST_INCLUDE) $(KIND_mmap)
FLAGS_defects/heap := $(DEFECT_FLAGS_heap)
$(eval $(call build,defects/heap,build test))
DEFECT_CORE_heap := $(HEAP:%=$(B)/defects/heap/%.o)
$(B)/defects/libheap.so: $(DEFECT_CORE_heap)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,$(@F) -o $@ $^
define heap_defect_test
$(B)/defects/test_$(1): $(patsubst %,$(B)/host/mmap/%.o,$(filter-out $(HEAP),$(call source_of_test,$(1))) \
    $(PARTS_mmap) $(CORE)) $(B)/defects/libheap.so
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(HOST_FLAGS) -rdynamic $$^ -lcmocka -o $$@
endef
$(foreach name,$(HEAP_TESTS),$(eval $(call heap_defect_test,$(name))))
test-things: $(HEAP_TESTS:%=$(B)/defects/test_%)

# The application, of other objects (test/defects/run says which in APP_OBJECTS).
DEFECT_FLAGS_boot = $(FOLDER_paging) -Ikernel $(CFLAGS) -g0 -O1 $(TARGET_FLAGS)
DEFECT_CORE_boot := $(patsubst %,$(B)/app/%.o,$(CORE) $(HEAP))
DEFECT_PARTS_boot := $(filter-out $(DEFECT_CORE_boot),$(APP_OBJECTS))
$(B)/defects/%/boot/selfmap.elf: $(APP_OBJECTS) $(B)/font.o efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)$(LINK_APP)
$(B)/defects/%/boot/selfmap.img: $(B)/defects/%/boot/selfmap.efi tools/mkimage | $(B)/deps-run
	@mkdir -p $(@D)/esp/EFI/BOOT
	@cp $< $(@D)/esp/EFI/BOOT/BOOTX64.EFI
	$(Q)tools/mkimage $@ $(@D)/esp

# What the explorer and booted machines notice.
.PHONY: verify-defects
VERIFY_PARTS += verify-defects
verify-defects: $(B)/deps-build $(B)/deps-run $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) $(EXPLORE_PROGRAMS) $(B)/selfmap.img
	@test/run --verify defects
