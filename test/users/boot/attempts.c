/* attempts.c - accesses that are tried: whether the tables forbid them is asked of the processor. */
#include "boot.h"

enum { DEEP = 100000 };

void attempt_read(uint64_t address)
{
    (void)*(volatile char *)address;
}

void attempt_write(uint64_t address)
{
    *(volatile char *)address = 1;
}

void attempt_call(uint64_t address)
{
    ((void (*)(void))address)();
}

void attempt_overflow(uint64_t depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    if (depth < DEEP)
        attempt_overflow(depth + 1);
    frame[1] = frame[0]; /* so that the call above is not the last thing, and needs a frame of its own */
}

bool faults(void (*function)(uint64_t), uint64_t address, uint64_t error_code)
{
    return boot_try(function, address) == BOOT_FAULT && boot_fault.vector == PAGE_FAULT &&
           boot_fault.address == address && boot_fault.error_code == error_code;
}
