# SPDX-License-Identifier: MIT
# firmware.mk - the shim, which starts the loader with firmware that tells lies (test/firmware).
#
#? Hostile firmware:
#?   make verify-firmware                all cases of test/firmware/cases; `make test` runs a sample

FLAGS_firmware = -std=gnu17 $(FREESTANDING) -I. -Ikernel -isystem /usr/include/efi \
    -isystem /usr/include/efi/x86_64 $(CFLAGS) $(WARNINGS) $(TARGET_FLAGS)
$(eval $(call build,firmware,build))
SHIM_SOURCES := $(sort $(wildcard test/firmware/*.[cS])) kernel/console/format.c \
    kernel/cpu/memory_functions.c efi/sbat.c

$(B)/firmware/shim.elf: $(SHIM_SOURCES:%=$(B)/firmware/%.o) efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)$(LINK_APP)

$(B)/firmware/shim.img: $(B)/firmware/shim.efi tools/mkimage | $(B)/deps-run
	$(call say,IMAGE,$@)
	$(Q)rm -rf $(B)/firmware/esp && mkdir -p $(B)/firmware/esp/EFI/BOOT
	$(Q)cp $< $(B)/firmware/esp/EFI/BOOT/BOOTX64.EFI
	$(Q)tools/mkimage $@ $(B)/firmware/esp

.PHONY: verify-firmware
VERIFY_PARTS += verify-firmware
test-things: $(B)/firmware/shim.img $(B)/selfmap.efi
verify-firmware: $(B)/deps-run $(B)/deps-test $(B)/firmware/shim.img $(B)/selfmap.efi
	@test/run --verify firmware

# The application with a defect that firmware brings to light (test/defects/run compiles what is changed).
DEFECT_FLAGS_firmware = $(CFLAGS) -g0 $(TARGET_FLAGS)
DEFECT_CORE_firmware := $(APP_OBJECTS)
$(B)/defects/%/firmware/selfmap.elf: $(APP_OBJECTS) $(B)/font.o efi/selfmap.lds
	$(call say,LD,$@)
	$(Q)$(LINK_APP)
