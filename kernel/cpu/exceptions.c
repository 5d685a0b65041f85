/* faults.c - what went wrong, said so that it can be understood without a debugger. */
#include "cpu/exceptions.h"
#include "console/console.h"
#include "cpu/instructions.h"
#include "cpu/safe_access.h"
#include "cpu/single_step.h"
#include "report/report.h"
#include <selfmap/translate.h>

static const struct handoff *known;

void faults_use(const struct handoff *handoff)
{
    known = handoff;
}

static const char *exception_name(uint64_t vector)
{
    static const char *const names[] = {
        "#DE divide error",
        "#DB debug",
        "NMI",
        "#BP breakpoint",
        "#OF overflow",
        "#BR bound range",
        "#UD invalid opcode",
        "#NM no math device",
        "#DF double fault",
        "coprocessor overrun",
        "#TS invalid TSS",
        "#NP segment not present",
        "#SS stack fault",
        "#GP general protection",
        "#PF page fault",
        "reserved",
        "#MF x87 error",
        "#AC alignment check",
        "#MC machine check",
        "#XM SIMD error",
        "#VE virtualization",
        "#CP control protection",
    };
    return vector < sizeof names / sizeof names[0] ? names[vector] : "reserved exception";
}

/* The flag whose absence (or presence, for no-execute) at some level explains a protection fault. */
static bool stands_in_the_way(paging_entry_t entry, uint64_t error_code)
{
    if ((error_code & PAGING_FAULT_USER) && !(entry.bits & PAGING_USER))
        return true;
    if ((error_code & PAGING_FAULT_WRITE) && !(entry.bits & PAGING_WRITABLE))
        return true;
    return (error_code & PAGING_FAULT_FETCH) && (entry.bits & PAGING_NO_EXECUTE);
}

static void explain_protection(struct sink *sink, const struct paging_walk_result *path, uint64_t error_code)
{
    for (unsigned level = path->top; level >= path->level; level--) {
        paging_entry_t entry = path->entries[level];
        if (!stands_in_the_way(entry, error_code))
            continue;
        format(sink, "the P%u entry %016lx says %s%s%s", level, entry.bits,
               (error_code & PAGING_FAULT_USER) && !(entry.bits & PAGING_USER) ? "supervisor only, " : "",
               entry.bits & PAGING_WRITABLE ? "writable, " : "read-only, ",
               entry.bits & PAGING_NO_EXECUTE ? "no-execute" : "executable");
        return;
    }
    format(sink, "the tables allow it (P%u entry %016lx): SMEP, SMAP, a stale TLB entry, or changed since",
           path->level, path->entries[path->level].bits);
}

void explain_page_fault(struct sink *sink, const struct paging_space *space, paging_virt_t address,
                        uint64_t error_code)
{
    format(sink, "%s %s %016lx: ", error_code & PAGING_FAULT_USER ? "user" : "supervisor",
           error_code & PAGING_FAULT_FETCH   ? "fetch from"
           : error_code & PAGING_FAULT_WRITE ? "write to"
                                             : "read from",
           address.value);
    struct paging_walk_result path;
    enum paging_status status = paging_walk_address(space, address, &path);
    if (status == PAGING_NOT_CANONICAL)
        format(sink, "the address is not canonical");
    else if (error_code & PAGING_FAULT_RESERVED)
        format(sink, "a reserved bit is set, the walk ends at the P%u entry %016lx", path.level,
               path.entries[path.level].bits);
    else if (status == PAGING_OK && (error_code & PAGING_FAULT_PRESENT))
        explain_protection(sink, &path, error_code);
    else if (status == PAGING_OK)
        format(sink, "the tables map it now (P%u entry %016lx)", path.level, path.entries[path.level].bits);
    else
        format(sink, "%s, the walk stopped at the P%u entry %016lx", paging_status_name(status), path.level,
               path.entries[path.level].bits);
}

/* The error code names a descriptor, or is zero (SDM 3A, 6.13). */
static void explain_general_protection(uint64_t error_code)
{
    const char *table = error_code & 2 ? "IDT" : error_code & 4 ? "LDT" : "GDT";
    if (error_code == 0)
        print("general protection: no descriptor is involved: a non-canonical address, a reserved bit in a\n"
              "register, or an instruction that is not allowed here\n");
    else
        print("general protection: because of entry %lu of the %s%s\n", error_code >> 3 & 0x1fff, table,
              error_code & 1 ? ", while an event was delivered" : "");
}

static void print_registers(const struct exception_frame *f)
{
    print("rip %016lx  (image + %lx)  cs %lx  rflags %lx\n", f->rip, f->rip - (known ? known->image_base : 0),
          f->cs, f->rflags);
    print("rsp %016lx  rbp %016lx  cr2 %016lx  cr3 %016lx\n", f->rsp, f->rbp, read_cr2(), read_cr3());
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    print("rsi %016lx  rdi %016lx  r8  %016lx  r9  %016lx\n", f->rsi, f->rdi, f->r8, f->r9);
    print("r10 %016lx  r11 %016lx  r12 %016lx  r13 %016lx\n", f->r10, f->r11, f->r12, f->r13);
    print("r14 %016lx  r15 %016lx\n", f->r14, f->r15);
}

/* An overflow arrives as #DF: the page fault on the guard page cannot push its frame there either. */
static bool is_in_guard(uint64_t address)
{
    return known && address - known->stack_guard < PAGING_PAGE_BYTES;
}

static void describe(const struct exception_frame *frame)
{
    char text[256];
    struct text_sink sink = text_sink(text, sizeof text);
    uint64_t address = read_cr2();
    print("\n%s, error code %lx\n", exception_name(frame->vector), frame->error_code);
    bool ours = known && (read_cr3() & PAGING_FRAME_MASK) == paging_root_address(&known->space).value;
    if (frame->vector == PAGE_FAULT && ours) {
        explain_page_fault(&sink.sink, &known->space, (paging_virt_t){address}, frame->error_code);
        print("page fault: %s\n", text);
    }
    bool stack_at_its_end = known && frame->rsp - known->stack_guard < 2 * PAGING_PAGE_BYTES;
    if (is_in_guard(address) && stack_at_its_end)
        print("the stack is used up: %016lx is in the guard page below it\n", address);
    if (frame->vector == GENERAL_PROTECTION)
        explain_general_protection(frame->error_code);
    print_registers(frame);
}

static void resume_probe(struct exception_frame *frame, struct safe_access *probe)
{
    probe->faulted = true;
    probe->vector = frame->vector;
    probe->error_code = frame->error_code;
    probe->address = frame->vector == PAGE_FAULT ? read_cr2() : 0;
    frame->rip = probe->resume_ip;
    frame->rsp = probe->resume_sp;
}

/* These come from outside the probe's access, or mean that more is broken than it. */
static bool is_never_expected(uint64_t vector)
{
    return vector == NMI || vector == DOUBLE_FAULT || vector == MACHINE_CHECK;
}

void exception_report(struct exception_frame *frame)
{
    static unsigned depth;
    if (frame->vector == DEBUG_TRAP && single_step_taken())
        return;
    struct safe_access *probe = safe_access_current();
    if (probe && !probe->faulted && !is_never_expected(frame->vector)) {
        resume_probe(frame, probe);
        return;
    }
    /* A fault inside the explanation: say less. Inside that: nothing is safe any more. */
    if (++depth == 1)
        describe(frame);
    else if (depth == 2)
        print("\n%s at %016lx while explaining\n", exception_name(frame->vector), frame->rip);
    else
        cpu_halt();
    report_crash(exception_name(frame->vector));
}
