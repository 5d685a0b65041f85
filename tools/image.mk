# SPDX-License-Identifier: MIT
# image.mk - what a machine boots from: a disk, a CD, a stick, and the signed image for Secure Boot.
#
#? To put it in front of a machine:
#?   make image                          build/selfmap.img: a GPT disk with a FAT ESP
#?   make iso                            build/selfmap.iso: a CD; it boots from a stick too
#?   make usb DEVICE=/dev/sdX            write the image to a USB stick; the device's name must be typed
#?                                       (CONFIRM=/dev/sdX answers; FORCE=1 if the disk does not call itself
#?                                       removable)
#?   make sign KEY=FILE CERT=FILE        for Secure Boot: build/selfmap-signed.efi, and selfmap-signed.img,
#?                                       which has the certificate too (PASSPHRASE=... if the key wants one)

.PHONY: image iso usb sign
ESP := esp/EFI/BOOT/BOOTX64.EFI esp/selfmap.cfg esp/README.TXT

esp/EFI/BOOT/BOOTX64.EFI: $(B)/selfmap.efi
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/selfmap.img: $(ESP) tools/mkimage | $(B)/deps-run
	$(call say,IMAGE,$@)
	$(Q)tools/mkimage $@ esp

$(B)/selfmap.iso: $(ESP) tools/mkimage | $(B)/deps-run $(B)/deps-iso
	$(call say,IMAGE,$@)
	$(Q)tools/mkimage $@ esp

image: $(B)/selfmap.img
iso: $(B)/selfmap.iso

usb: $(B)/selfmap.img
	@tools/usb $< "$$DEVICE"

# Signs with KEY and CERT of the environment: $(B)/NAME.efi, and a disk with it and its certificate, NAME.img.
define sign_as
tools/sign $(B)/selfmap.efi $(B)/$(1).efi "$$KEY" "$$CERT" && rm -rf $(B)/$(1).esp && \
    mkdir -p $(B)/$(1).esp/EFI/BOOT && cp esp/selfmap.cfg esp/README.TXT $(B)/$(1).esp && \
    cp $(B)/$(1).efi $(B)/$(1).esp/EFI/BOOT/BOOTX64.EFI && \
    cp $(B)/$(1).efi.cer $(B)/$(1).esp/selfmap.cer && tools/mkimage $(B)/$(1).img $(B)/$(1).esp
endef
sign: $(B)/selfmap.efi | $(B)/deps-run $(B)/deps-sign
	@$(call sign_as,selfmap-signed)
	@echo 'sign: $(B)/selfmap-signed.img is signed; selfmap.cer in it is the certificate to enrol'
