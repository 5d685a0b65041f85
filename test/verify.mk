# SPDX-License-Identifier: MIT
# verify.mk - what takes too long for every change, and how good the tests are.
#
#? What takes too long for every change:
#?   make verify                         each part prints a line; build/verify has the logs
#?   make valgrind                       the host tests under memcheck
#?   make verify-defects                 explorer and booted machines notice defects: a sample is in make test
#?   make verify-reproducible            images and library, built elsewhere, have the same bytes
#?   make analyze                        gcc -fanalyzer over all that is booted (part of make check)
#?   make coverage                       what the host tests reach: build/coverage/index.html
#?   make mutants [ONLY=REGEX] [JOBS=N]  change every single thing; a test must notice (hours for the core and
#?                                       the frame allocator, days for the rest). SUBJECT=core, frames,
#?                                       application; ROOM=REGEX of paths. SAMPLE=N SEED=S draws N of them

.PHONY: verify
verify: $(addprefix $(B)/deps-,build run bochs iso sign test ways bench proof framac verify fuzz)
	@mkdir -p $(B)/verify; status=0; for part in $(VERIFY_PARTS); do began=$$(date +%s); \
	if $(MAKE) --no-print-directory $$part >$(B)/verify/$$part.log 2>&1; then word=ok; \
	else word=FAILED; status=1; tail -n 40 $(B)/verify/$$part.log; fi; \
	echo "verify: $$part: $$word ($$(($$(date +%s) - began)) s)"; done; exit $$status

# ---- built once more, elsewhere ----------------------------------------------------------------------------
.PHONY: verify-reproducible
VERIFY_PARTS += verify-reproducible
verify-reproducible: $(B)/deps-build $(B)/deps-run $(B)/deps-iso $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) image iso library
	@test/run --verify reproducible

# ---- memcheck and the analyzer: others look at the same code -----------------------------------------------
.PHONY: valgrind valgrind-programs analyze
VERIFY_PARTS += valgrind
# Built without sanitizers and without a pattern in locals: what nobody set is undefined, and so is a frame
# that was just handed out, until it is written. (What may be uninitialised is memcheck's question here; the
# compiler's answer, without the pattern, is a guess.)
FLAGS_valgrind/soft := \
    $(filter-out -fsanitize=% -fno-sanitize-recover=% -ftrivial-auto-var-init=%,$(HOST_FLAGS)) \
    -Wno-maybe-uninitialized -DHOST_MEMCHECK $(HOST_INCLUDE) $(KIND_soft)
LIBRARIES_valgrind/soft := -lcmocka
# Valgrind does not know the privileged instructions that one of the tests executes.
VALGRIND_TESTS := $(filter-out instructions,$(TESTS_soft))
VALGRIND_LEVELS := 4 5
VALGRIND_OPERATIONS := 2000
$(eval $(call build,valgrind/soft,build test))
$(foreach name,$(VALGRIND_TESTS),$(eval $(call program,valgrind/soft,test_$(name), \
    $(call source_of_test,$(name)) $(PARTS_soft) $(CORE))))
valgrind-programs: $(VALGRIND_TESTS:%=$(B)/valgrind/soft/test_%)
valgrind: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) valgrind-programs
	@test/run --verify valgrind

# gcc's analyzer follows the paths through each source, as the application compiles it, but with -Og: what -O2
# makes of a returned struct looks to it as if nobody had set that.
FLAGS_analyzed = $(APP_FLAGS) -Og -fanalyzer
$(eval $(call build,analyzed,build))
analyze: $(patsubst %,$(B)/analyzed/%.o,$(filter %.c,$(APP_SOURCES)))

# ---- generated mutants, and coverage -----------------------------------------------------------------
# test/mutants/run makes the mutants, and builds and judges them: they are thousands, each lives for a second,
# and one of the loader or the kernel for five or ten. A sample is what fits into make verify; another seed
# takes others. LISTED=without leaves out those that are listed as equivalent, LISTED=only takes no others.
# Of the core and the allocator all must be noticed; of the rest APPLICATION_LEAST percent.
.PHONY: mutants verify-mutants verify-application-mutants coverage coverage-programs
VERIFY_PARTS += coverage verify-mutants verify-application-mutants
MUTANT_SAMPLE := 300
APPLICATION_SAMPLE := 60
APPLICATION_LEAST := 80
mutants: $(B)/deps-build $(B)/deps-run $(B)/deps-test
	@test/mutants/run --only="$$ONLY" --room="$$ROOM" --subject="$$SUBJECT" --sample=$(call said,SAMPLE,0) \
	    --seed=$(call said,SEED,1) --jobs=$(call said,JOBS,0) --listed=$(call said,LISTED,with)
verify-mutants: $(B)/deps-build $(B)/deps-test
	@test/mutants/run --subject 'core|frames' --sample $(MUTANT_SAMPLE) --seed=$(call said,SEED,1)
verify-application-mutants: $(B)/deps-build $(B)/deps-run $(B)/deps-test
	@test/mutants/run --subject application --sample $(APPLICATION_SAMPLE) --seed=$(call said,SEED,1) \
	    --least $(APPLICATION_LEAST)

# Neither optimised nor inlined, so that lines and branches are those of the source, each once.
COVERAGE_FLAGS := $(filter-out -O1 -fsanitize% -fno-sanitize% -ftrivial%,$(HOST_FLAGS)) -O0 --coverage \
    -Dalways_inline=unused $(HOST_INCLUDE)
COVERAGE_KINDS := soft toy mmap
define coverage_kind
FLAGS_coverage/$(1) := $(COVERAGE_FLAGS) $(KIND_$(1))
LIBRARIES_coverage/$(1) := -lcmocka
$(call build,coverage/$(1),build test)
$(foreach name,$(TESTS_$(1)),$(eval $(call program,coverage/$(1),test_$(name), \
    $(call source_of_test,$(name)) $(PARTS_$(1)) $(filter-out %/processor.c,$(CORE)))))
COVERAGE_PROGRAMS += $(TESTS_$(1):%=$(B)/coverage/$(1)/test_%)
endef
$(foreach kind,$(COVERAGE_KINDS),$(eval $(call coverage_kind,$(kind))))
FLAGS_coverage/kernel := $(COVERAGE_FLAGS) -DPAGING_HEADERS_ONLY
LIBRARIES_coverage/kernel := -lcmocka
$(eval $(call build,coverage/kernel,build test))
COVERAGE_TESTS_kernel := memory_map memory_audit usable_memory arena $(FRAME_TESTS)
$(foreach name,$(COVERAGE_TESTS_kernel),$(eval $(call program,coverage/kernel,test_$(name), \
    $(call source_of_test,$(name)) $(SUBJECT_$(name)))))
COVERAGE_PROGRAMS += $(COVERAGE_TESTS_kernel:%=$(B)/coverage/kernel/test_%)
FLAGS_coverage/processor := $(MADE_UP_PROCESSOR) $(FLAGS_coverage/kernel)
LIBRARIES_coverage/processor := -lcmocka
$(eval $(call build,coverage/processor,build test))
$(eval $(call program,coverage/processor,test_processor, \
    $(call source_of_test,processor) $(SUBJECT_processor) $(PROCESSOR)))
COVERAGE_PROGRAMS += $(B)/coverage/processor/test_processor
coverage-programs: $(COVERAGE_PROGRAMS)
coverage: $(B)/deps-build $(B)/deps-test $(B)/deps-verify
	@$(MAKE) --no-print-directory -j$$(nproc) coverage-programs
	@test/coverage/run
