# SPDX-License-Identifier: MIT
# explore.mk - every memory image of toy geometries, and every operation from each (test/explore/).
#
#? Every case of small geometries, and random cases, part of make verify:
#?   make explore                        every memory image of toy geometries, and every operation from each

# Builds: plain is fast, for millions of steps; sanitized is not; scratch has tables of four entries, and so a
# scratch page.
.PHONY: explore
VERIFY_PARTS += explore
EXPLORE_FLAGS := -std=gnu17 -O2 -g -Wall -Wextra -Wshadow -Werror $(HOST_INCLUDE) -Itest/explore \
    -DWALK_CACHE_BITS=7u
FLAGS_explore/plain := $(EXPLORE_FLAGS) $(KIND_toy)
FLAGS_explore/sanitized := $(FLAGS_explore/plain) $(filter -f%,$(HOST_FLAGS))
FLAGS_explore/scratch := $(EXPLORE_FLAGS) $(KIND_soft) -DPAGING_INDEX_BITS=2
EXPLORE_PARTS := $(PARTS_toy) $(wildcard test/explore/*.c)
# What `make test` and `make verify` explore: build, levels, scope, and the most frames if it does not close.
EXPLORE := plain:3:kinds sanitized:3:rights plain:4:kinds:3 plain:4:pages:4 \
    scratch:3:owned:3 scratch:3:alternate:3 plain:3:direct:3 plain:3:shared:3
EXPLORE_LONG := sanitized:3:kinds plain:3:caching sanitized:3:direct:4 plain:3:direct:4 \
    plain:3:direct-rights \
    plain:4:kinds:5 plain:4:pages plain:3:both plain:4:rights:4 plain:5:kinds:4 plain:5:pages:5 \
    scratch:3:owned:4 scratch:3:alternate:4 \
    plain:3:direct plain:4:direct:4 plain:4:direct-rights:4 plain:3:shared:4

define explore_build
LIBRARIES_explore/$(1) := -lcmocka
$(call build,explore/$(1),build test)
$(call program,explore/$(1),explore,$(EXPLORE_PARTS) $(CORE))
EXPLORE_PROGRAMS += $(B)/explore/$(1)/explore
# For test/defects/run.
DEFECT_FLAGS_$(1) := $(FLAGS_explore/$(1)) -g0 -O0
DEFECT_CORE_$(1) := $(CORE:%=$(B)/explore/$(1)/%.o)
DEFECT_PARTS_$(1) := $(EXPLORE_PARTS:%=$(B)/explore/$(1)/%.o)
endef
$(foreach name,plain sanitized scratch,$(eval $(call explore_build,$(name))))
test-things: $(EXPLORE_PROGRAMS)
explore: $(B)/deps-build $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) $(EXPLORE_PROGRAMS)
	@test/run --verify explore
