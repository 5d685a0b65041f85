# SPDX-License-Identifier: MIT
# proof.mk - theorems about the unmodified core, for all values, put to two solvers; and Frama-C.
#
#? Proofs, part of make verify:
#?   make proofs                         theorems about the core, for all values (test/proof/README.md)
#?   make proof-defects                  cores with a defect: a theorem must be refuted for each
#?   make frama                          the frame allocator and the memory map, by Frama-C
#?   make frama-defects                  the same with a defect: a proof must fail for each

# PROOF_B and PROOF_TREE are other folders, and warnings are off, when a core with a defect is built.
PROOF_B := $(B)/proof
PROOF_TREE := .
PROOF_QUICK := entry count marker address bits
PROOF_THEMES := engine_check $(PROOF_QUICK) window rules access_mode cursor range
PROOF_WARNINGS := -Wall -Wextra -Werror -Wno-missing-field-initializers -Wno-unused-function
PROOF_FLAGS = -std=gnu++20 $(PROOF_WARNINGS) -ftrivial-auto-var-init=pattern -Itest/proof
PROOF_ENGINE := $(B)/proof/engine.o $(B)/proof/terms.o

$(PROOF_ENGINE): $(B)/proof/%.o: test/proof/%.cpp test/proof/engine.h test/proof/terms.h test/proof/word.h \
    $(RULES) | $(B)/deps-proof
	@mkdir -p $(@D)
	$(call say,PROOF,$@)
	$(Q)g++ $(PROOF_FLAGS) -O2 -c $< -o $@
# What a theme's files call but no theorem reaches is left out, and need not be there.
PROOF_SOURCES := test/proof
$(PROOF_THEMES:%=$(PROOF_B)/%): $(PROOF_B)/%: $(PROOF_SOURCES)/%.cpp $(PROOF_ENGINE) $(RULES) \
    | $(B)/deps-proof
	@mkdir -p $(@D)
	$(call say,PROOF,$@)
	$(Q)g++ $(PROOF_FLAGS) -ffunction-sections -Wl,--gc-sections -I$(PROOF_TREE)/paging/include \
	    -I$(PROOF_TREE)/paging/src -I$(PROOF_TREE) -I$(PROOF_TREE)/kernel \
	    -MMD -MP -MF $@.d -MT $@ $< $(PROOF_ENGINE) -o $@
# All are compiled, so that no change of the core goes unseen until `make verify`; the quick ones are run.
test-things: $(PROOF_THEMES:%=$(PROOF_B)/%)

.PHONY: proof-programs proofs proof-defects frama frama-defects
VERIFY_PARTS += proofs proof-defects frama frama-defects
proof-programs: $(PROOF_THEMES:%=$(PROOF_B)/%)
proofs: $(B)/deps-proof $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) proof-programs
	@test/proof/prove --all
proof-defects: $(B)/deps-proof $(B)/deps-test
	@$(MAKE) --no-print-directory -j$$(nproc) proof-programs
	@test/proof/prove --defects

# Frama-C's packages are large, so only `make verify` asks for them.
frama: $(B)/deps-framac
	@test/frama/prove
frama-defects: $(B)/deps-framac
	@test/frama/prove --defects
