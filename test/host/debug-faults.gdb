# SPDX-License-Identifier: MIT
# For programs in which faults are part of the test: on mmap a page fault of the process is a TLB miss, and
# test_instructions executes privileged instructions. gdb passes them on to the program. A real crash
# stops in real_crash (machines/mmap_machine.c).
handle SIGSEGV SIGBUS SIGILL nostop noprint pass
break real_crash
