/* SPDX-License-Identifier: MIT */
/* watchdog.c - one shot of the local APIC's timer per step of the run. */
#include "cpu/watchdog.h"
#include "console/console.h"
#include "console/ports.h"
#include "cpu/instructions.h"
#include "cpu/local_apic.h"
#include "cpu/tsc_rate.h"
#include <selfmap/range.h>

enum {
    PIC_1_MASK = 0x21,
    PIC_2_MASK = 0xa1,
    ALL_MASKED = 0xff,
    LVT_MASKED = 1 << 16, /* SDM 3A, figure 11-8; without it, vector and delivery mode */
    LVT_NMI = 4 << 8,
    APIC_IS_ON = 1 << 8,
    BELOW_OURS = 0xe0, /* a task of this priority is interrupted by the class F0h to FFh only */
    DIVIDE_BY_128 = 0xa,
    TRIES = 4,
};

static struct {
    struct local_apic apic;
    uint64_t registers; /* the page of them that is mapped, or 0 */
    bool runs;
    unsigned seconds;
    uint64_t budget; /* in ticks of the time stamp counter */
    uint32_t shot;   /* the same in ticks of the timer, or as much as it can count */
    uint64_t began;
    const char *what;
    unsigned unexpected, first_unexpected;
} watchdog;

/* Returns the timer's ticks in a 500th of a second. Whatever comes in between makes it fewer: most count. */
static uint32_t measure_timer(uint64_t rate)
{
    uint64_t most = 0;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t start = read_tsc();
        local_apic_write(&watchdog.apic, APIC_INITIAL_COUNT, UINT32_MAX);
        while (read_tsc() - start < rate / 500)
            ;
        uint64_t ticks = UINT32_MAX - local_apic_read(&watchdog.apic, APIC_CURRENT_COUNT);
        ticks = ticks * (rate / 500) / (read_tsc() - start);
        most = ticks > most ? ticks : most;
    }
    local_apic_write(&watchdog.apic, APIC_INITIAL_COUNT, 0);
    return (uint32_t)most;
}

/*
 * Leaves only the timer's interrupt, and the NMI. The old PIC is masked twice, at its own registers and where
 * it enters the APIC; what an I/O APIC sends has too low a priority.
 */
static void mask_others(void)
{
    const struct local_apic *apic = &watchdog.apic;
    port_write8(PIC_1_MASK, ALL_MASKED);
    port_write8(PIC_2_MASK, ALL_MASKED);
    local_apic_write(apic, APIC_SPURIOUS, APIC_IS_ON | SPURIOUS_VECTOR);
    local_apic_write(apic, APIC_LVT_TIMER, LVT_MASKED | WATCHDOG_VECTOR);
    local_apic_write(apic, APIC_LVT_LINT0, LVT_MASKED | SPURIOUS_VECTOR);
    local_apic_write(apic, APIC_LVT_LINT1, LVT_NMI);
    local_apic_write(apic, APIC_TASK_PRIORITY, BELOW_OURS);
    local_apic_write(apic, APIC_DIVIDE, DIVIDE_BY_128);
}

/* Maps the page of registers, unless it is mapped already because runtime services need it. */
static bool map_registers(struct paging_space *space, struct paging_frame_source *frames)
{
    uint64_t flags = WATCHDOG_REGISTER_FLAGS;
    if (!space->cpu.has_no_execute)
        flags &= ~PAGING_NO_EXECUTE;
    if (watchdog.apic.kind != LOCAL_APIC_MEMORY)
        return true;
    enum paging_status status = paging_identity_map_range(space, (paging_phys_t){watchdog.apic.page},
                                                          PAGING_PAGE_BYTES, flags, frames);
    bool is_mapped = status == PAGING_OK || status == PAGING_ALREADY_MAPPED;
    if (is_mapped)
        watchdog.registers = watchdog.apic.page;
    return is_mapped;
}

uint64_t watchdog_registers(void)
{
    return watchdog.registers;
}

const char *watchdog_start(struct paging_space *space, struct paging_frame_source *frames, unsigned seconds)
{
    watchdog.apic = local_apic_find();
    if (watchdog.apic.kind == LOCAL_APIC_NONE)
        return "the processor has no local APIC";
    if (watchdog.apic.kind == LOCAL_APIC_OFF)
        return "the local APIC is switched off";
    uint64_t rate = tsc_rate_or_guess();
    if (!map_registers(space, frames))
        return "the registers of the local APIC cannot be mapped";
    mask_others();
    uint64_t ticks = (uint64_t)measure_timer(rate) * 500 * seconds;
    if (ticks == 0)
        return "the timer of the local APIC does not count";
    watchdog.seconds = seconds;
    watchdog.budget = rate * seconds;
    watchdog.shot = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
    watchdog.runs = true;
    local_apic_write(&watchdog.apic, APIC_LVT_TIMER, WATCHDOG_VECTOR);
    interrupts_on();
    return NULL;
}

void watchdog_begin(const char *what)
{
    watchdog.what = what;
    watchdog_is_alive();
}

void watchdog_is_alive(void)
{
    if (!watchdog.runs)
        return;
    watchdog.began = read_tsc();
    local_apic_write(&watchdog.apic, APIC_INITIAL_COUNT, watchdog.shot);
}

void watchdog_stop(void)
{
    interrupts_off();
    if (!watchdog.runs)
        return;
    watchdog.runs = false;
    local_apic_write(&watchdog.apic, APIC_INITIAL_COUNT, 0);
    local_apic_write(&watchdog.apic, APIC_LVT_TIMER, LVT_MASKED | WATCHDOG_VECTOR);
}

unsigned watchdog_unexpected(unsigned *vector)
{
    *vector = watchdog.first_unexpected;
    return watchdog.unexpected;
}

/* The APIC waits for the end of an interrupt that it has delivered itself; others it does not know of. */
static void end_of_interrupt(unsigned vector)
{
    if (watchdog.runs && local_apic_read(&watchdog.apic, APIC_IN_SERVICE + vector / 32) >> vector % 32 & 1)
        local_apic_write(&watchdog.apic, APIC_END_OF_INTERRUPT, 0);
}

bool watchdog_interrupt(struct exception_frame *frame)
{
    unsigned vector = (unsigned)frame->vector;
    if (vector == SPURIOUS_VECTOR) /* SDM 3A, 11.9: it has no end */
        return true;
    end_of_interrupt(vector);
    if (vector == WATCHDOG_VECTOR && watchdog.runs) {
        if (read_tsc() - watchdog.began >= watchdog.budget)
            return false;
        /* The timer cannot count the whole budget, or was measured while something else had the processor. */
        local_apic_write(&watchdog.apic, APIC_INITIAL_COUNT, watchdog.shot);
        return true;
    }
    if (watchdog.unexpected++ == 0)
        watchdog.first_unexpected = vector;
    return true;
}

void watchdog_explain(void)
{
    print("watchdog: it has not ended after %u second%s: %s\n", watchdog.seconds,
          watchdog.seconds == 1 ? "" : "s", watchdog.what);
}
