# SPDX-License-Identifier: MIT
# users.mk - programs that use the library as others would: from an installed tree, and from nothing else.
#
# A tree for each compiler and configuration is installed into build/users/COMPILER/CONFIGURATION by a make of
# its own, because build/library holds one configuration at a time. test/users/Makefile builds the users.
USERS := $(B)/users
# As somebody else calls it: not a part of this make, whose dry run ends here.
OTHER_MAKE := env -u MAKEFLAGS make --no-print-directory -s
USER_TREES := gcc/default gcc/recursive clang/default clang/recursive
CONFIG_OF_default :=
CONFIG_OF_recursive := test/users/recursive/config.h
TREE_SOURCES := $(CORE) $(wildcard paging/src/*.h) $(PUBLIC_HEADERS) VERSION tools/library

# $(call user_tree,COMPILER,CONFIGURATION)
define user_tree
$(USERS)/$(1)/$(2)/lib/libselfmap.a: $(TREE_SOURCES) $(CONFIG_OF_$(2)) Makefile tools/library.mk \
    | $(B)/deps-build $(B)/deps-test
	$$(call say,TREE,$(USERS)/$(1)/$(2))
	$$(Q)$$(OTHER_MAKE) install CC=$(1) B=$(USERS)/$(1)/$(2)/build DESTDIR= \
	    PREFIX='$(CURDIR)/$(USERS)/$(1)/$(2)' CONFIG=$(CONFIG_OF_$(2)) >/dev/null
endef
$(foreach tree,$(USER_TREES),$(eval $(call user_tree,$(firstword $(subst /, ,$(tree))),$(notdir $(tree)))))

# $(call user,COMPILER,NAME,FILE,CONFIGURATION)
define user
test-things: $(USERS)/$(1)/$(3)
$(USERS)/$(1)/$(3): $(USERS)/$(1)/$(4)/lib/libselfmap.a $(wildcard test/users/$(2)/* test/users/boot/*) \
    test/users/Makefile
	$$(call say,USER,$$@)
	$$(Q)$$(OTHER_MAKE) -C test/users $(2) CC=$(1) OUT='$(CURDIR)/$(USERS)/$(1)' \
	    PKG_CONFIG_PATH='$(CURDIR)/$(USERS)/$(1)/$(4)/lib/pkgconfig'
endef
$(foreach compiler,gcc clang, \
    $(eval $(call user,$(compiler),recursive,recursive.elf,recursive)) \
    $(eval $(call user,$(compiler),direct,direct.elf,default)) \
    $(eval $(call user,$(compiler),linux,linux,default)))
$(eval $(call user,gcc,broken,broken.elf,default))

# The library for one world, whose size test/tools/size.t measures: build/size/COMPILER/WORLD.
# $(call sized,COMPILER,WORLD)
define sized
test-things: $(B)/size/$(1)/$(2)/library/libselfmap.a
$(B)/size/$(1)/$(2)/library/libselfmap.a: $(TREE_SOURCES) test/tools/size/$(2).h Makefile tools/library.mk \
    | $(B)/deps-build $(B)/deps-test
	$$(call say,LIB,$$@)
	$$(Q)$$(OTHER_MAKE) B=$(B)/size/$(1)/$(2) CC=$(1) CONFIG=test/tools/size/$(2).h $$@
endef
$(foreach compiler,gcc clang,$(foreach world,recursive direct,$(eval $(call sized,$(compiler),$(world)))))
