/* world.c - tables of the matrix's own, and the control registers. */
#include "cpu.h"
#include "cpu_tables.h"
#include "faults.h"
#include "identity.h"
#include "matrix.h"
#include "paging/mapper.h"

extern const char matrix_code[] __attribute__((visibility("hidden")));
extern const char matrix_fault[] __attribute__((visibility("hidden")));
extern const char matrix_done[] __attribute__((visibility("hidden")));

/*
 * Of the run. No table's frame is aligned for a huge page, so that PS in an entry that points to a table
 * makes a reserved bit of its frame, and never opens other memory.
 */
enum { FRAME_OF_WORD, FRAME_OF_CODE, FIRST_TABLE };

/* INT 32, and bytes that do no harm; the upper half changes with each write. */
static const uint64_t first_word = 0x90909090909020cd;

/* Slot 0 of ours shows the run and the code, slot 1 has the pages under test, each in a GiB of its own. */
static page_t window_page(const struct matrix *m)
{
    return test_page(m->t, 0);
}

static page_t user_page(const struct matrix *m)
{
    return test_page(m->t, level_pages(PAGE_1G));
}

static page_t place_page(const struct matrix *m, unsigned size)
{
    uint64_t gib = level_pages(m->t->space->cpu.levels) + (uint64_t)3 * size * level_pages(PAGE_1G);
    return test_page(m->t, gib + (size < PAGE_1G ? 5 * level_pages(PAGE_2M) : 0) + (size == PAGE_4K ? 7 : 0));
}

/* The word, mapped once more: a page of this size that begins at or before the run. */
static enum paging_status map_place(struct matrix *m, struct address_space *space, unsigned size)
{
    page_t page = place_page(m, size);
    frame_t frame = {m->run.number - m->run.number % level_pages(size)};
    return paging_map_sized(space, page, frame, (enum page_size)size, ENTRY_WRITABLE | ENTRY_USER,
                            &m->arena.source);
}

/* Down by offset, and remember the way. When all is mapped: entries that point to tables count. */
static void find_place(const struct matrix *m, const struct address_space *space, unsigned size,
                       struct matrix_place *place)
{
    page_t page = place_page(m, size);
    uint64_t inside = m->run.number % level_pages(size);
    place->size = size;
    place->address = (virt_addr_t){test_address(m->t, page).value + inside * PAGE_BYTES};
    frame_t table = space->root;
    for (unsigned level = space->cpu.levels; level >= size; level--) {
        uint64_t frame = table.number - m->run.number;
        place->slots[level] = (volatile entry_t *)m->word + frame * ENTRY_COUNT + page_index(page, level);
        place->plain[level] = entry_load(place->slots[level]);
        table = entry_frame(place->plain[level]);
    }
}

/* What the kernel needs to run: all that the loader mapped. */
static enum paging_status map_kernel(struct matrix *m, struct address_space *space)
{
    const struct handoff *handoff = m->t->handoff;
    uint64_t usable = space->cpu.has_no_execute ? ~UINT64_C(0) : ~ENTRY_NO_EXECUTE;
    enum paging_status status = PAGING_OK;
    for (unsigned i = 0; i < handoff->region_count && status == PAGING_OK; i++) {
        const struct handoff_region *region = &handoff->regions[i];
        status =
            identity_map_region(space, region->start, region->end, region->flags & usable, &m->arena.source);
    }
    return status;
}

static enum paging_status build(struct matrix *m, bool no_execute)
{
    struct address_space *space = &m->spaces[no_execute];
    struct frame_source *frames = &m->arena.source;
    struct paging_cpu cpu = m->t->space->cpu;
    cpu.has_no_execute = no_execute;
    uintptr_t offset = (uintptr_t)m->word - frame_start(m->run).value;
    frame_t code = {m->run.number + FRAME_OF_CODE};
    enum paging_status status = paging_create(space, cpu, offset, frames);
    if (status == PAGING_OK)
        status = map_kernel(m, space);
    if (status == PAGING_OK)
        status = paging_map_sized(space, window_page(m), m->run, PAGE_2M, ENTRY_WRITABLE, frames);
    if (status == PAGING_OK)
        status = paging_map_to(space, user_page(m), code, ENTRY_USER, frames);
    const unsigned largest = m->has_1g ? PAGE_1G : PAGE_2M;
    for (unsigned size = PAGE_4K; size <= largest && status == PAGING_OK; size++)
        status = map_place(m, space, size);
    for (unsigned size = PAGE_4K; size <= largest && status == PAGING_OK; size++)
        find_place(m, space, size, &m->places[no_execute][size]);
    return status;
}

static void fill_run(struct matrix *m)
{
    volatile char *to = (volatile char *)m->word + PAGE_BYTES;
    *m->word = first_word;
    for (unsigned i = 0; i < MATRIX_KINDS * MATRIX_CODE_BYTES; i++)
        to[i] = matrix_code[i];
}

bool matrix_open(struct matrix *m, struct selftest_run *t)
{
    *m = (struct matrix){.t = t, .cr0 = read_cr0(), .cr4 = read_cr4(), .emulated = machine_is_emulated()};
    if (frames_allocate(t->frames, PAGE_2M, &m->run) != FRAMES_OK) {
        t->skip = "no 2 MiB of memory in one piece";
        return false;
    }
    m->word = test_words(t, window_page(m));
    m->user_code = test_address(t, user_page(m));
    frame_t gib = {m->run.number & ~(level_pages(PAGE_1G) - 1)};
    m->has_1g =
        t->space->cpu.has_1g_pages && (m->emulated || test_is_all_memory(t, gib, level_pages(PAGE_1G)));
    if (!CHECK(paging_map_sized(t->space, window_page(m), m->run, PAGE_2M, ENTRY_WRITABLE, t->source) ==
               PAGING_OK))
        return false;
    fill_run(m);
    arena_start(&m->arena, (frame_t){m->run.number + FIRST_TABLE},
                (frame_t){m->run.number + level_pages(PAGE_2M)});
    bool built =
        build(m, false) == PAGING_OK && (!t->space->cpu.has_no_execute || build(m, true) == PAGING_OK);
    if (!CHECK(built))
        return false;
    cpu_tables_gate(PAGE_FAULT, matrix_fault, false);
    cpu_tables_gate(USER_INTERRUPT, matrix_done, true);
    return true;
}

/* The root without no-execute suits both states of EFER.NXE, so it is there while that changes. */
static void load_root(struct matrix *m, bool no_execute)
{
    if (m->t->space->cpu.has_no_execute) {
        uint64_t efer = read_msr(MSR_EFER) & ~EFER_NO_EXECUTE;
        write_cr3(paging_root_address(&m->spaces[false]).value);
        write_msr(MSR_EFER, efer | (no_execute ? EFER_NO_EXECUTE : 0));
    }
    write_cr3(paging_root_address(&m->spaces[no_execute]).value);
}

void matrix_control(struct matrix *m, struct matrix_controls controls)
{
    m->controls = controls;
    m->away = true;
    load_root(m, controls.no_execute);
    write_cr0((m->cr0 & ~CR0_WRITE_PROTECT) | (controls.write_protect ? CR0_WRITE_PROTECT : 0));
    write_cr4((m->cr4 & ~(CR4_SMEP | CR4_SMAP)) | (controls.smep ? CR4_SMEP : 0) |
              (controls.smap ? CR4_SMAP : 0) | (controls.protection_keys ? CR4_PKE : 0));
    if (controls.protection_keys)
        write_pkru(controls.pkru);
}

void matrix_close(struct matrix *m)
{
    struct selftest_run *t = m->t;
    struct paging_unmapped gone;
    if (m->away)
        load_root(m, t->space->cpu.has_no_execute);
    write_cr3(paging_root_address(t->space).value);
    write_cr0(m->cr0);
    write_cr4(m->cr4);
    tlb_flush_all(t->space->cpu.has_invpcid);
    cpu_tables_load();
    if (m->run.number == 0) /* was not to be had */
        return;
    enum paging_status status = paging_unmap(t->space, window_page(m), t->source, &gone);
    CHECK(status == PAGING_OK || status == PAGING_NOT_MAPPED);
    CHECK(frames_free(t->frames, PAGE_2M, m->run) == FRAMES_OK);
}
