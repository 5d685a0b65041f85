# SPDX-License-Identifier: MIT
# debug.mk - the booted application under gdb, and what editors want to know.
#
#? Debugging (tools/README.md has gdb's commands):
#?   make debug [OPTIONS=...]            boot and start gdb at the application's first instruction, with its
#?                                       symbols; CPU, MEMORY, SMP, FIRMWARE, MACHINE as for boot-test.
#?                                       GDB="-ex 'break kernel_main' -ex continue": options for gdb
#?   make compile_commands.json          for clangd: how each source is compiled

.PHONY: debug compile_commands.json
debug: $(B)/deps-run $(B)/deps-debug $(if $(filter uboot,$(FIRMWARE)),$(B)/deps-test) esp/EFI/BOOT/BOOTX64.EFI
	@tools/debug $(BOOT_FLAGS) --gdb="$$GDB" esp

# Make itself knows best; it is asked what it would do. The application comes first: a source that is compiled
# for tests as well is shown as it is there.
COMPILED := $(B)/selfmap.elf $(B)/firmware/shim.elf $(HOST_PROGRAMS) bench-programs \
    $(B)/explore/plain/explore \
    $(B)/libfuzzer/soft/fuzz
compile_commands.json:
	@mkdir -p $(B)
	@$(MAKE) --no-print-directory --dry-run --always-make V=1 $(COMPILED) >$(B)/commands
	@tools/compile-commands <$(B)/commands >$@.tmp
	@mv $@.tmp $@
