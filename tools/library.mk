# SPDX-License-Identifier: MIT
# library.mk - the core as a library for other kernels: headers, archives, a pkg-config file.
#
#? To use the core in another kernel:
#?   make library [CONFIG=header.h]      build/library: libselfmap.a, libselfmap_pic.a, headers.
#?                                       CONFIG: another recursive slot and the like (selfmap/config.h)
#?   make install [PREFIX=/usr/local] [DESTDIR=] [CONFIG=header.h]
#?   make docs                           build/docs/index.html: the headers as pages, by Doxygen
#?   make amalgamation                   build/selfmap.c and selfmap.h: all of it in two files
#?   make uninstall [PREFIX=/usr/local] [DESTDIR=]

L := $(B)/library
.PHONY: library install uninstall

# ---- what it is compiled from: the headers as they will be installed ---------------------------------------
PUBLIC_HEADERS := $(sort $(wildcard paging/include/selfmap/*.h)) \
    $(addprefix kernel/frames/,frames.h frame_sharing.h)
STAGED_HEADERS := $(addprefix $(L)/include/selfmap/,$(notdir $(PUBLIC_HEADERS)))

# $(call if_new,COMMAND): what the command prints becomes the target, which is touched only if it changes.
if_new = @mkdir -p $(@D) && $(1) >$@.$$$$ && { cmp -s $@.$$$$ $@ && rm $@.$$$$ || mv $@.$$$$ $@; }
.PHONY: ask_always
$(L)/include/selfmap/installed_config.h: ask_always | $(B)/deps-library
	$(call if_new,tools/library config)
stage = @mkdir -p $(@D) && cp $< $@
$(L)/include/selfmap/%.h: paging/include/selfmap/%.h | $(B)/deps-library
	$(stage)
$(L)/include/selfmap/%.h: kernel/frames/%.h | $(B)/deps-library
	$(stage)

# ---- the archives ------------------------------------------------------------------------------------------
# Without PIC: for a kernel linked into the highest or the lowest 2 GiB of the address space. With it: for any
# other place, and for programs. What a kernel must not do to its own stack and registers, neither does.
LIBRARY_FLAGS = -std=c17 $(FREESTANDING) -I$(L)/include -Ipaging/src -Ikernel $(CFLAGS) $(WARNINGS) \
    -ffreestanding -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common -fvisibility=hidden \
    -ffunction-sections -fdata-sections \
    $(if $(findstring clang,$(CC)),,-fno-tree-loop-distribute-patterns) \
    -ffile-prefix-map='$(CURDIR)=.' -fdebug-prefix-map='$(CURDIR)=.'
FLAGS_library/kernel = $(LIBRARY_FLAGS) -fno-pic -mcmodel=kernel
FLAGS_library/pic = $(LIBRARY_FLAGS) -fpic
LIBRARY_SOURCES := $(CORE) $(addprefix kernel/frames/,frames.c frame_sharing.c zone.c zone_table.c)
$(L)/settings: ask_always | $(B)/deps-library
	$(call if_new,echo '$(CC) $(CFLAGS)')

define library
$(call build,library/$(1),library)
$(L)/$(2): $(LIBRARY_SOURCES:%=$(L)/$(1)/%.o)
	$$(call say,AR,$$@)
	@rm -f $$@
	$$(Q)ar rcsD $$@ $$^
$(LIBRARY_SOURCES:%=$(L)/$(1)/%.o): $(STAGED_HEADERS) $(L)/settings
endef
$(eval $(call library,kernel,libselfmap.a))
$(eval $(call library,pic,libselfmap_pic.a))

# ---- all of it in two files --------------------------------------------------------------------------------
.PHONY: amalgamation
amalgamation: $(B)/selfmap.c
$(B)/selfmap.c: tools/amalgamate $(LIBRARY_SOURCES) $(STAGED_HEADERS) \
    $(wildcard paging/src/*.h kernel/frames/*.h) VERSION LICENSE | $(B)/deps-library
	$(call say,AMALG,$@)
	$(Q)tools/amalgamate $(L)/include $(B) $(LIBRARY_SOURCES)
$(B)/selfmap.h: $(B)/selfmap.c ;

# ---- pages about it ----------------------------------------------------------------------------------------
.PHONY: docs
docs: $(STAGED_HEADERS) | $(B)/deps-docs
	$(call say,DOCS,$(B)/docs/index.html)
	$(Q)tools/docs $(L)/include $(B)/docs

# ---- where it all goes -------------------------------------------------------------------------------------
# The kernels and the program are the examples that README.md leads to.
EXAMPLES := $(wildcard $(addprefix test/users/,README.md Makefile boot/* direct/* linux/* recursive/*))
LIBRARY := $(L)/libselfmap.a $(L)/libselfmap_pic.a $(STAGED_HEADERS) $(B)/selfmap.c $(B)/selfmap.h LICENSE \
    README.md CAVEATS.md $(EXAMPLES)

library: $(LIBRARY)
test-things: $(LIBRARY)
install: library
	@tools/library install $(LIBRARY)
uninstall:
	@tools/library uninstall $(LIBRARY)
