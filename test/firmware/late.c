/* SPDX-License-Identifier: MIT */
/*
 * late.c - firmware that still has memory written after the exit, although it is not its own any more.
 *
 *   late-write=PLACE    the first call of GetTime or GetVariable has a device write four bytes there
 *
 * Runtime services run in the kernel's page tables, which need not map the place. A device needs no tables:
 * QEMU's fw_cfg writes its signature wherever it is told. The code lies in runtime memory, without the shim.
 */
#include "shim.h"

enum { STUB_BYTES = 64, TABLE_AT = 256, DMA_HIGH = 0x514, DMA_LOW = 0x518 };
enum { CONTROL_READ = 2, CONTROL_SELECT = 8, SIGNATURE_BYTES = 4 };

struct request {
    uint32_t control, bytes;
    uint64_t address;
};

static uint8_t *place(const char *name, size_t length)
{
    bool found;
    return (uint8_t *)(uintptr_t)place_named(name, length, &found);
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t count)
{
    __builtin_memcpy(at, bytes, count);
    return at + count;
}

/* mov $port, %edx; mov $value, %eax; out %eax, %dx */
static uint8_t *put_out(uint8_t *at, uint32_t port, uint32_t value)
{
    static const uint8_t to_edx = 0xba, to_eax = 0xb8, out = 0xef;
    at = put(put(at, &to_edx, 1), &port, sizeof port);
    at = put(put(at, &to_eax, 1), &value, sizeof value);
    return put(at, &out, 1);
}

/* A function that has the device obey the request, and goes on in the firmware's. It changes rax only. */
static uint64_t make_stub(uint8_t *at, uint64_t request, uint64_t next)
{
    static const uint8_t push_rdx = 0x52, pop_rdx = 0x5a, to_rax[] = {0x48, 0xb8}, jump_rax[] = {0xff, 0xe0};
    uint64_t start = (uintptr_t)at;
    at = put(at, &push_rdx, 1);
    at = put_out(at, DMA_HIGH, __builtin_bswap32((uint32_t)(request >> 32)));
    at = put_out(at, DMA_LOW, __builtin_bswap32((uint32_t)request));
    at = put(at, &pop_rdx, 1);
    at = put(put(at, to_rax, sizeof to_rax), &next, sizeof next);
    put(at, jump_rax, sizeof jump_rax);
    return start;
}

/* U-Boot puts other functions into its table when boot services end, so it is copied then, too. */
void hook_late_writes(void)
{
    if (!word("late-write"))
        return;
    uint8_t *data = place("rtdata", 6), *code = place("rtcode", 6);
    struct request *request = (struct request *)data;
    EFI_RUNTIME_SERVICES *services = (EFI_RUNTIME_SERVICES *)(data + TABLE_AT);
    *request = (struct request){.control = __builtin_bswap32(CONTROL_SELECT | CONTROL_READ),
                                .bytes = __builtin_bswap32(SIGNATURE_BYTES),
                                .address = __builtin_bswap64(word_number("late-write", 0))};
    __builtin_memcpy(services, truth->RuntimeServices, sizeof *services);
    services->GetTime =
        (EFI_GET_TIME)(uintptr_t)make_stub(code, (uintptr_t)request, (uintptr_t)services->GetTime);
    services->GetVariable = (EFI_GET_VARIABLE)(uintptr_t)make_stub(code + STUB_BYTES, (uintptr_t)request,
                                                                   (uintptr_t)services->GetVariable);
    false_table.RuntimeServices = services;
}
