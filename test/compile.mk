# SPDX-License-Identifier: MIT
# compile.mk - the one rule that compiles, and the one that links.
#
# A build is a folder below build/ with flags of its own. $(call build,NAME,GROUPS) declares one: each source
# of the repository can be compiled for it, to build/NAME/PATH/OF/SOURCE.c.o, with $(FLAGS_NAME), by gcc or
# $(COMPILER_NAME). GROUPS are the groups of tools/deps that it needs.
#
# $(call program,BUILD,NAME,SOURCES,OBJECTS) links build/BUILD/NAME from sources compiled for that build and
# from further objects, with $(LIBRARIES_BUILD).

define build
$(B)/$(1)/%.o: % $(RULES) | $(2:%=$(B)/deps-%)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$$(or $$(COMPILER_$(1)),$$(CC)) $$(FLAGS_$(1)) -MMD -MP -c $$< -o $$@
endef

define program
$(B)/$(1)/$(2): $(3:%=$(B)/$(1)/%.o) $(4)
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(or $$(COMPILER_$(1)),$$(CC)) $$(FLAGS_$(1)) $$(filter %.o,$$^) $$(LIBRARIES_$(1)) -o $$@
endef
