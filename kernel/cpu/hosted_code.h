/* SPDX-License-Identifier: MIT */
/*
 * hosted_code.h - calls library code that was compiled for Linux.
 *
 * Debian's static libraries are compiled with -fstack-protector: their functions read a secret at %fs:0x28.
 * They also use SSE registers and the red zone where the compiler likes to, and the kernel has neither; so
 * each function that is called this way must be known to do without (test/tools/hosted-code.t).
 */
#ifndef KERNEL_CPU_HOSTED_CODE_H
#define KERNEL_CPU_HOSTED_CODE_H

/*
 * Calls call(argument) with a thread's block below %fs. An assertion of the library's that fails raises #UD.
 */
void call_hosted(void (*call)(void *argument), void *argument);

#endif
