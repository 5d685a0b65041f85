# Selfmap. `make help` lists what can be asked for; README.md says what it is.

VERSION := $(shell cat VERSION)
B := build
MAKEFLAGS += --no-builtin-rules

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$(2))')

# ---- the dependency step: one stamp per group of tools, so that it runs once -------------------------------
$(B)/deps-%: tools/deps
	@mkdir -p $(B)
	@tools/deps $*
	@touch $@

# ---- what each folder may include: its own list of directories ---------------------------------------------
# Links to the headers a folder may see stand in a directory of their own, and nothing else is on the path.
CONTRACT := handoff arena features memory_map options identity runtime frames cpu format
GCC_INCLUDE = $(shell $(CC) -print-file-name=include)
FREESTANDING = -nostdinc -isystem $(GCC_INCLUDE)
INCLUDE_paging = $(FREESTANDING)
INCLUDE_kernel = $(FREESTANDING) -I$(B)/include/kernel
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

APP_SOURCES := $(sort $(wildcard paging/*.c kernel/*.c kernel/*.S efi/*.c))
APP_OBJECTS := $(APP_SOURCES:%=$(B)/app/%.o)

$(B)/app/%.o: % $(B)/include/stamp $(B)/deps-build VERSION Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(STD_$(firstword $(subst /, ,$<))) $(CFLAGS) $(WARNINGS) $(TARGET_FLAGS) \
	    $(INCLUDE_$(firstword $(subst /, ,$<))) -MMD -MP -c $< -o $@

$(B)/font.psf: $(B)/deps-build
	$(Q)gunzip -c /usr/share/consolefonts/Lat15-VGA16.psf.gz > $@

$(B)/font.o: $(B)/font.psf
	$(Q)cd $(B) && ld -r -b binary -z noexecstack -o font.o font.psf
	$(Q)objcopy --rename-section .data=.rodata.font,alloc,load,readonly,data,contents $@

$(B)/selfmap.elf: $(APP_OBJECTS) $(B)/font.o efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)ld -nostdlib -znocombreloc -znoexecstack -shared -Bsymbolic --no-undefined --no-warn-rwx-segments \
	    -T efi/selfmap.lds -o $@ /usr/lib/crt0-efi-x86_64.o $(APP_OBJECTS) $(B)/font.o -L/usr/lib -lgnuefi

PE_SECTIONS := .text .reloc .rodata .rela .dynamic .data .bss
$(B)/selfmap.efi: $(B)/selfmap.elf tools/check-pe
	$(call say,PE,$@)
	$(Q)objcopy -S --target=efi-app-x86_64 --section-alignment=4096 --file-alignment=512 \
	    $(PE_SECTIONS:%=-j %) $< $@.tmp
	$(Q)tools/check-pe --set-nx-compat $@.tmp
	$(Q)mv $@.tmp $@

esp/EFI/BOOT/BOOTX64.EFI: $(B)/selfmap.efi
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/selfmap.img: esp/EFI/BOOT/BOOTX64.EFI esp/selfmap.cfg esp/README.TXT tools/mkimage $(B)/deps-run
	$(call say,IMAGE,$@)
	$(Q)tools/mkimage $@ esp

-include $(APP_OBJECTS:.o=.d)
