# SPDX-License-Identifier: MIT
# boot.mk - booted machines that `make test` does not boot: other page table walkers, the access matrix, and
# ways to start the application.
#
#? Booted machines, part of make verify:
#?   make verify-oracle                  the page tables of every machine, as QEMU reads them
#?   make bochs-defects                  flushes of too little: Bochs must show each
#?   make matrix                         machines in which any two properties meet, and their table
#?   make verify-boot                    every way to start it: disks, CDs, network, boot managers, shim; and
#?                                       machines and restarts that `make test` has no time for

.PHONY: verify-oracle bochs-defects verify-boot matrix
VERIFY_PARTS += verify-oracle bochs-defects verify-boot matrix
# QEMU's own walkers and an independent one read the tables of a booted machine (test/boot/oracle.py): of a
# machine for each firmware and each number of levels in `make test`, of every machine here.
ORACLE_TESTS := ovmf-max uboot-pc uboot-five-levels
verify-oracle: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/run --verify oracle
# Whose TLB keeps what QEMU's forgets (test/defects/bochs.txt).
bochs-defects: $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(B)/selfmap.img
	@test/run --verify bochs

# Firmware, board, processor, memory, display, medium: each pair of what these can be is in one machine.
matrix: $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(B)/selfmap.img $(B)/selfmap.iso $(B)/ways/signed.img
	@mkdir -p test/conformance
	@test/boot/machines --all --log-dir $(B)/logs --table test/conformance/machines.md

# Disks on which a boot manager, the shell or shim starts the application (test/boot/disks). `make test` boots
# the first two of them.
WAYS := grub-gfxterm signed
MORE_WAYS := grub-text grub-efi-gop systemd-boot refind shell ipxe shim shim-without-sbat
$(B)/ways/%.img: test/boot/disks tools/mkimage $(B)/selfmap.efi | $(B)/deps-run $(B)/deps-test
	@mkdir -p $(@D)
	$(call say,IMAGE,$@)
	$(Q)test/boot/disks $* $@
$(MORE_WAYS:%=$(B)/ways/%.img): | $(B)/deps-ways

# Signed with the key that Debian's firmware for tests knows. The other image lacks what shim asks for.
SNAKEOIL_FILES := /usr/share/ovmf/PkKek-1-snakeoil
SNAKEOIL := KEY=$(SNAKEOIL_FILES).key CERT=$(SNAKEOIL_FILES).pem PASSPHRASE=snakeoil
$(B)/ways/signed.img: $(B)/selfmap.efi $(ESP) tools/sign tools/mkimage | $(B)/deps-run $(B)/deps-test
	@mkdir -p $(@D)
	$(call say,IMAGE,$@)
	$(Q)export $(SNAKEOIL); $(call sign_as,ways/signed)
$(B)/ways/without-sbat.efi: $(B)/selfmap.efi tools/sign | $(B)/deps-test
	@mkdir -p $(@D)
	$(Q)objcopy --remove-section .sbat $< $@.unsigned
	$(Q)export $(SNAKEOIL); tools/sign $@.unsigned $@ "$$KEY" "$$CERT"
$(B)/ways/shim.img: $(B)/ways/signed.img
$(B)/ways/shim-without-sbat.img: $(B)/ways/without-sbat.efi

# Taken out of its package, which would make rEFInd the boot manager of the machine that builds this.
$(B)/ways/refind.img: $(B)/ways/refind_x64.efi
$(B)/ways/refind_x64.efi: | $(B)/deps-ways
	@mkdir -p $(@D)/refind
	$(Q)cd $(@D)/refind && apt-get -qq -o APT::Sandbox::User=root download refind
	$(Q)dpkg-deb --fsys-tarfile $(@D)/refind/refind_*.deb | \
	    tar -xO ./usr/share/refind/refind/refind_x64.efi >$@.tmp
	$(Q)mv $@.tmp $@

test-things: $(WAYS:%=$(B)/ways/%.img) $(B)/selfmap.iso
WAY_IMAGES := $(patsubst %,$(B)/ways/%.img,$(WAYS) $(MORE_WAYS)) $(B)/selfmap.img $(B)/selfmap.iso
verify-boot: $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(WAY_IMAGES)
	@test/run --verify verify-boot
