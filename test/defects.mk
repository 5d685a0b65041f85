# defects.mk - cores with one defect on purpose, which a test must notice.

# Of the mutants in mutant.h each must be noticed by a host test, and these by a booted machine too.
MUTANT_HEADER := paging/include/selfmap/mutant.h
MUTANTS := $(filter-out NONE,$(shell sed -n 's/^.define MUTANT_\([A-Z_]*\) *[0-9].*/\1/p' $(MUTANT_HEADER)))
BOOT_MUTANTS := NO_PAGE_FLUSH NO_WINDOW_FLUSH READ_ONLY_PARENTS RESERVES_TOO_FEW NEVER_RECLAIM NO_SCRATCH_FLUSH \
    LINK_BEFORE_FILL SPLIT_IN_TWO
MUTANT_TESTS := map map_errors unmap map_range unmap_range protect_range split merge random
# Those that only several spaces can show are tried by the tests for these.
SPACES_MUTANTS := NO_SLOT_FLUSH COUNTS_PINNED FREES_BORROWED EDITS_SHARED NO_OPEN_VIEW_FLUSH NO_ACTIVATE_FLUSH
SPACES_MUTANT_TESTS := attach share shared_half
# And these are right again when the operation returns: only what looks after every store can tell.
STEPS_MUTANTS := LINK_BEFORE_FILL DROPS_PRESENT SETS_THEN_CLEARS SPLIT_IN_TWO MARKS_COME_LATER UNLINKS_LAST
STEPS_MUTANT_TESTS := old_or_new
# One space is explored, so what is wrong with several shows in what the slot remembers only. An operation that
# changes rights has one bit to change, and marks that are late are in time for its end.
EXPLORE_MUTANTS := $(filter-out $(filter-out NO_SLOT_FLUSH,$(SPACES_MUTANTS)) SETS_THEN_CLEARS MARKS_COME_LATER, \
    $(MUTANTS))

# A core whose mutant is chosen when the program runs (chosen.h).
CHOSEN := -include test/host/rig/chosen.h
define tests_of_mutant # mutant
MUTANT_TESTS_$(1) := $(or $(if $(filter $(1),$(SPACES_MUTANTS)),$(SPACES_MUTANT_TESTS)), \
    $(if $(filter $(1),$(STEPS_MUTANTS)),$(STEPS_MUTANT_TESTS)),$(MUTANT_TESTS))
endef
$(foreach mutant,$(MUTANTS),$(eval $(call tests_of_mutant,$(mutant))))
ALL_MUTANT_TESTS := $(sort $(MUTANT_TESTS) $(SPACES_MUTANT_TESTS) $(STEPS_MUTANT_TESTS))
FLAGS_mutants/soft = $(FLAGS_host/soft) $(CHOSEN)
LIBRARIES_mutants/soft := -lcmocka
$(eval $(call build,mutants/soft,build test))
mutant_test = $(call program,mutants/soft,test_$(1),$(CORE),$(patsubst %,$(B)/host/soft/%.o, \
    $(call source_of_test,$(1)) $(PARTS_soft)) $(B)/host/soft/test/host/fuzz/chosen.c.o)
$(foreach name,$(ALL_MUTANT_TESTS),$(eval $(call mutant_test,$(name))))
MUTANT_PROGRAMS := $(ALL_MUTANT_TESTS:%=$(B)/mutants/soft/test_%)

# The application with one mutant of the core in it.
define boot_mutant # mutant
FLAGS_mutants/$(1) = $$(APP_FLAGS) -DPAGING_MUTANT=$(1)
$(call build,mutants/$(1),build)
$(B)/mutants/$(1)/selfmap.elf: $(CORE:%=$(B)/mutants/$(1)/%.o) $(filter-out $(B)/app/paging/%,$(APP_OBJECTS)) \
    $(B)/font.o efi/selfmap.lds
	$$(call say,LD,$$@)
	$$(Q)$$(LINK_APP)
$(B)/mutants/$(1)/selfmap.img: $(B)/mutants/$(1)/selfmap.efi tools/mkimage | $(B)/deps-run
	@mkdir -p $(B)/mutants/$(1)/esp/EFI/BOOT
	@cp $$< $(B)/mutants/$(1)/esp/EFI/BOOT/BOOTX64.EFI
	$$(Q)tools/mkimage $$@ $(B)/mutants/$(1)/esp
endef
$(foreach mutant,$(BOOT_MUTANTS),$(eval $(call boot_mutant,$(mutant))))
test-things: $(MUTANT_PROGRAMS) $(BOOT_MUTANTS:%=$(B)/mutants/%/selfmap.img)
