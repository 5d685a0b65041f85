# boot.mk - booted machines that `make test` does not boot: other page table walkers, the access matrix.
#
#? Booted machines, part of make verify:
#?   make verify-oracle                  the page tables of every machine, as QEMU reads them
#?   make verify-matrix                  the access matrix: every case, on four processors
#?   make matrix-defects                 wrong predictions: the matrix must notice each

.PHONY: verify-oracle verify-matrix matrix-defects
VERIFY_PARTS += verify-oracle verify-matrix matrix-defects
# QEMU's own walkers and an independent one read the tables of a booted machine (test/boot/oracle.py): of a
# machine for each firmware and each number of levels in `make test`, of every machine here.
ORACLE_TESTS := ovmf-max uboot-pc uboot-five-levels
verify-oracle: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/run --verify oracle
# A sample of the cases is among the self-tests of every boot (kernel/selftest/matrix/matrix.h).
verify-matrix: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/boot/matrix --machines
matrix-defects: $(B)/deps-run $(B)/deps-test $(B)/selfmap.img
	@test/boot/matrix --defects
