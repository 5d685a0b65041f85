# SPDX-License-Identifier: MIT
# conformance.mk - processors compared with the manual, case by case (test/conformance).
#
#? Processors and the manual:
#?   make conformance                    the access matrix on emulated processors, a page for each
#?   make verify-newer                   the same with the QEMU, OVMF and Bochs of a newer Debian suite
#?   make conformance-defects            wrong predictions and wrong processors: the matrix must notice each

.PHONY: conformance conformance-defects verify-newer
VERIFY_PARTS += conformance conformance-defects verify-newer
PAGES := test/conformance
conformance: $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(B)/selfmap.img
	@PAGES=$(PAGES) test/run --verify conformance
	@test/conformance/run --summary $(PAGES)
conformance-defects: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/conformance/defects
verify-newer: $(B)/newer/qemu-system-x86_64 $(B)/deps-run $(B)/deps-bochs $(B)/deps-test $(B)/selfmap.img
	@PAGES=$(PAGES) test/run --verify newer
	@test/conformance/run --summary $(PAGES)
$(B)/newer/qemu-system-x86_64: test/conformance/newer | $(B)/deps-newer
	$(call say,UNPACK,newer)
	$(Q)$< $(@D)
	$(Q)touch $@
