# SPDX-License-Identifier: MIT
# Selfmap. `make help` lists what can be asked for; README.md says what it is. The tests' rules are test/*.mk.

VERSION := $(shell cat VERSION)
B := build
MAKEFLAGS += --no-builtin-rules
RULES := Makefile tools/library.mk $(wildcard test/*.mk)
CC := gcc

# V=1 shows whole commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$(2))')

.PHONY: all help run screenshot boot-test bench-boot check format clean
all: image

help:
	@awk '/^#\?/ { sub(/^#\? ?/, ""); if (/^[A-Z].*:$$/ && groups++) print ""; print }' Makefile \
	    tools/image.mk tools/library.mk $(patsubst %,test/%.mk,debug verify explore fuzz boot proof bench)

#? To try it:
#?   make run [OPTIONS="key=value ..."]  boot on OVMF under QEMU and show the report; status 0 only if all
#?                                       tests passed. Options: esp/selfmap.cfg; for development
#?                                       HACKING.md, as in OPTIONS=crash=page-fault
#?   make test [ONLY=PATTERN]            all tests, or those whose names match the pattern
#?   V=1 shows whole commands.
#? To work on it:
#?   make host-test TEST=unmap           one host test. FUNCTION='*next access*': the functions that match;
#?                                       KIND=mmap, LEVELS=5: another machine; LIFE=direct: spaces live
#?                                       through a direct map. Without TEST: all names
#?   make host-debug TEST=unmap          the same under gdb, which stops at a failing assertion or a crash
#?   make boot-test CPU=Haswell          one boot with another CPU, MEMORY=2G, SMP=4, FIRMWARE=ovmf|uboot,
#?                                       MACHINE=q35|pc, OPTIONS="key=value ...", EMULATOR=qemu|bochs
#?   make check                          formatting, linters, include rules, the PE image
#?   make format                         format all C sources
#?   make bench-boot                     what each operation costs on the emulated processor: instructions and
#?                                       flushes, and the way from the entry point to our own page tables
#?   make screenshot                     screenshot.png, which README.md shows: how a run ends
#?   make clean                          remove build/ and the built loader in esp/

# ---- what a person says ------------------------------------------------------------------------------------
# It reaches the tools unchanged, whatever characters it has: through the environment, where neither make nor
# a shell looks into it.
SAID := OPTIONS EMULATOR CPU MEMORY SMP FIRMWARE MACHINE GDB ONLY ROOM SUBJECT TEST FUNCTION KIND LEVELS LIFE SECONDS SEED SAMPLE JOBS \
    LISTED DEVICE CONFIRM FORCE KEY CERT PASSPHRASE PREFIX DESTDIR CONFIG
$(foreach name,$(SAID),$(if $(filter-out undefined,$(origin $(name))), \
    $(eval override $(name) := $$(value $(name)))$(eval export $(name))))
# $(call said,NAME,DEFAULT): a word of a shell's.
said = $(if $($(1)),"$$$(1)",$(2))

# ---- dependencies: one stamp per group of tools, so that each is looked for once ---------------------------
# All that the goals need is looked for at once, so that one command installs it. NEED_GROUP has the goals.
NEED_run := all image usb iso sign run screenshot boot-test bench-boot debug test verify-boot verify-oracle \
    conformance conformance-defects verify-newer bochs-defects verify-firmware verify-application-mutants \
    verify-defects verify-reproducible matrix verify
NEED_build := $(NEED_run) check analyze host-test host-debug bench bench-counts explore fuzz fuzz-heap \
    fuzz-libfuzzer \
    valgrind mutants verify-mutants coverage
NEED_test := test host-test host-debug explore fuzz fuzz-heap valgrind mutants verify-mutants coverage proofs \
    proof-defects verify-boot verify-oracle conformance conformance-defects verify-newer bochs-defects \
    verify-firmware verify-application-mutants verify-defects verify-reproducible matrix verify
ifeq ($(FIRMWARE),uboot)
NEED_test += boot-test debug
endif
NEED_bochs := test verify-boot bochs-defects conformance verify-newer matrix verify
NEED_newer := verify-newer verify
ifeq ($(EMULATOR),bochs)
NEED_bochs += boot-test
endif
NEED_iso := iso test verify-boot verify-reproducible matrix verify
NEED_sign := sign test verify-boot matrix verify
NEED_proof := test proofs proof-defects verify
NEED_ways := verify-boot verify
NEED_debug := debug host-debug
NEED_check := check format
NEED_bench := bench bench-counts
NEED_picture := screenshot
NEED_docs := docs test
NEED_library := library install amalgamation docs test verify-reproducible verify
NEED_framac := frama frama-defects verify
NEED_fuzz := fuzz-libfuzzer verify
NEED_verify := coverage verify
DEPS_GROUPS := build library run bochs newer iso sign test ways bench proof framac check verify fuzz debug \
    picture docs
NEEDED = $(foreach group,$(DEPS_GROUPS),$(if $(filter $(NEED_$(group)),$(or $(MAKECMDGOALS),all)),$(group)))
$(B)/deps-%: tools/deps
	@mkdir -p $(B)
	@tools/deps $(sort $* $(NEEDED))
	@touch $@

include test/compile.mk

# ---- the application ---------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wundef -Werror
CFLAGS := -O2 -g
# general-regs-only: firmware may hand over with SSE switched off. No red zone: exceptions use the stack.
# The folder is mapped away: the build id is the same anywhere.
TARGET_FLAGS := -ffreestanding -fpic -fshort-wchar -fvisibility=hidden -fno-stack-protector \
    -fno-strict-aliasing -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
    -DGNU_EFI_USE_MS_ABI -DSELFMAP_VERSION='"$(VERSION)"' \
    -ffile-prefix-map='$(CURDIR)/=' -fdebug-prefix-map='$(CURDIR)=.'

# Each folder is compiled with its own list of folders to include from: what is not on it cannot be included.
# (Asked once, and only if somebody compiles.)
FREESTANDING = $(eval FREESTANDING := -nostdinc -isystem $(shell $(CC) -print-file-name=include))$(FREESTANDING)
FOLDER_paging = -std=c17 $(FREESTANDING) -Ipaging/include -Ipaging/src
FOLDER_kernel = -std=gnu17 $(FREESTANDING) -Ipaging/include -Ikernel -isystem $(B)/include
FOLDER_efi    = -std=gnu17 $(FREESTANDING) -Ipaging/include -Ikernel -I. \
    -isystem /usr/include/efi -isystem /usr/include/efi/x86_64
# What runs once is compiled for size; and the display, which waits for the screen. What is measured is not.
RUNS_ONCE := efi/% kernel/boot/% kernel/report/% kernel/selftest/% kernel/display/% \
    $(addprefix kernel/console/,graphics% keyboard% scancode% serial% spcr% uart%)
FOR_SIZE = $(if $(filter $(RUNS_ONCE),$(filter-out kernel/selftest/bench/%,$<)),-Os)
# Frame pointers: a crash report follows them. The core's benchmark on the host does without.
APP_FLAGS = -fno-omit-frame-pointer $(FOLDER_$(firstword $(subst /, ,$<))) $(CFLAGS) $(FOR_SIZE) $(WARNINGS) $(TARGET_FLAGS)

CORE := $(sort $(wildcard paging/src/*.c))
APP_SOURCES := $(CORE) $(sort $(wildcard kernel/*/*.[cS] kernel/*/*/*.[cS] efi/*.c))
APP_OBJECTS := $(APP_SOURCES:%=$(B)/app/%.o)
FLAGS_app = $(APP_FLAGS)
$(eval $(call build,app,build))
$(APP_OBJECTS): VERSION

# Of the system's headers the kernel sees those of its one library, and no others.
QR_LIBRARY := /usr/lib/x86_64-linux-gnu/libqrcodegen.a
$(APP_OBJECTS): | $(B)/include/qrcodegen
$(B)/include/qrcodegen: | $(B)/deps-build
	@mkdir -p $(@D)
	$(Q)ln -sfn /usr/include/qrcodegen $@

# The head and the 256 glyphs; not the table that says which characters of Unicode they are.
$(B)/font.psf: Makefile | $(B)/deps-build
	$(Q)gunzip -c /usr/share/consolefonts/Lat15-VGA16.psf.gz | head -c 4100 > $@

$(B)/font.o: $(B)/font.psf
	$(Q)cd $(B) && ld -r -b binary -z noexecstack -o font.o font.psf
	$(Q)objcopy --rename-section .data=.rodata.font,alloc,load,readonly,data,contents $@

# Links the objects given into an ELF file; the pattern rules below turn that into a PE image and a disk.
LINK_APP = ld -nostdlib -znocombreloc -znoexecstack -shared -Bsymbolic --no-undefined -T efi/selfmap.lds \
    --build-id=sha1 -o $@ /usr/lib/crt0-efi-x86_64.o $(filter %.o,$^) $(QR_LIBRARY) -L/usr/lib -lgnuefi
$(B)/selfmap.elf: $(APP_OBJECTS) $(B)/font.o efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)$(LINK_APP)

PE_SECTIONS := .text .reloc .rodata .rela .sbat .dynamic .data .bss
%.efi: %.elf tools/check-pe
	$(call say,PE,$@)
	$(Q)objcopy -S --target=efi-app-x86_64 --section-alignment=4096 --file-alignment=512 \
	    $(PE_SECTIONS:%=-j %) $< $@.tmp
	$(Q)tools/check-pe --set-nx-compat $@.tmp >$@.sections || { cat $@.sections; exit 1; }
	$(Q)mv $@.tmp $@

include tools/image.mk
include tools/library.mk

# ---- what people ask for -----------------------------------------------------------------------------------
run: $(B)/selfmap.img
	@tools/boot --options="$$OPTIONS" $<

screenshot: $(B)/deps-run $(B)/deps-picture $(B)/selfmap.img
	@tools/boot --quiet --screen 800x600 --screenshot $(B)/screenshot.png $(B)/selfmap.img
	@optipng -quiet -strip all $(B)/screenshot.png
	@cp $(B)/screenshot.png screenshot.png

boot_flag = $(if $($(2)),--$(1)="$$$(2)")
BOOT_FLAGS = $(call boot_flag,emulator,EMULATOR) $(call boot_flag,cpu,CPU) $(call boot_flag,memory,MEMORY) $(call boot_flag,smp,SMP) \
    $(call boot_flag,firmware,FIRMWARE) $(call boot_flag,machine,MACHINE) $(call boot_flag,options,OPTIONS)
BOOT_DEPS = $(B)/deps-run $(if $(filter uboot,$(FIRMWARE)),$(B)/deps-test) \
    $(if $(filter bochs,$(EMULATOR)),$(B)/deps-bochs)
boot-test: $(BOOT_DEPS) $(B)/selfmap.img
	@tools/boot $(BOOT_FLAGS) $(B)/selfmap.img

bench-boot: $(B)/selfmap.img
	@tools/boot --quiet --icount --options="bench=yes tests=bench $$OPTIONS" --log $(B)/bench-boot.log $<
	@tools/bench-table $(B)/bench-boot.log

check: $(B)/deps-build $(B)/deps-check
	@$(MAKE) --no-print-directory -j$$(nproc) $(B)/selfmap.efi
	@test/check

format: | $(B)/deps-check
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf $(B) esp/EFI/BOOT/BOOTX64.EFI

# The value of a variable, for scripts.
print-%:
	$(info $($*))@:

include $(patsubst %,test/%.mk,host defects explore fuzz bench proof boot conformance firmware users debug verify)
# What each object was made of; a goal that makes none does without.
ifneq ($(filter-out print-%,$(or $(MAKECMDGOALS),all)),)
-include $(shell [ -d $(B) ] && find $(B) -path $(B)/newer -prune -o -name '*.d' -type f -print)
endif
