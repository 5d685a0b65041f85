/* SPDX-License-Identifier: MIT */
/*
 * machine.h - an emulated processor with made-up physical memory, for the unmodified paging core.
 *
 * One interface, two back-ends. Both translate with walker.c and keep what they translated in tlb.c:
 *
 *   soft_machine.c  the core's loads and stores are calls; any geometry, slot 511 itself, five levels
 *   mmap_machine.c  they are real: physical memory is a memfd, and a page fault of the host process is a
 *                   TLB miss, answered by mapping the frame there with the leaf's rights
 *
 * There is one machine at a time, because the accessors of the core (access_soft.h, access_mmap.h) carry no
 * context. What a test must never see ends it through cmocka's fail_msg.
 */
#ifndef HOST_MACHINES_MACHINE_H
#define HOST_MACHINES_MACHINE_H

#include "machines/walker.h"
#include <selfmap/space.h>

struct machine_setup {
    unsigned levels, physical_bits;
    bool no_execute, pages_1g, invpcid;
    unsigned frames;    /* how many the frame source has; 0 for MACHINE_FRAMES */
    unsigned runs_2m;   /* the same of PAGING_2M, for which the toy has no room; 0 for a few */
    bool apart;         /* no two runs lie side by side, so that they never join to a larger one */
    bool by_direct_map; /* what the space lives by. The core then reaches its tables by offset only, and
                           INVLPG forgets only the way to that page, as with EFER.TCE of AMD's */
};

#define MACHINE_FRAMES 256u

void machine_open(const struct machine_setup *setup);
void machine_close(void); /* also after a failed test, and twice */

/* ---- physical memory ---- */

/*
 * What a host must add to a physical address to reach it: the offset for PAGING_MODE_DIRECT. Whoever asks for
 * it will use it: it allows the core accesses by offset.
 */
uintptr_t machine_offset(void);
/*
 * Says whether the core may reach memory by offset, and returns what held before. Once its space is active,
 * it has no reason to. (The machine in a process cannot tell, so there it may always.)
 */
bool machine_allow_offset(bool allowed);
/* A frame's bytes, or NULL where there is no memory, as from the end on. */
uint64_t *machine_frame(uint64_t frame);
uint64_t machine_end(void);
/*
 * What fills a frame that was never written: the first byte is a RET, and as an entry of a table the word is
 * present, huge in a P2 or P3, and points to the frame itself.
 */
uint64_t machine_junk(uint64_t frame);
void machine_fill(uint64_t frame);
/*
 * Remember all memory the frame source can hand out; later: is every byte as it was? In the processor's
 * geometry, of the source's 2 MiB and 1 GiB runs the first frame each has to do.
 */
void machine_snapshot(void);
bool machine_unchanged(void);

/* ---- the frame source of the core under test ---- */

struct paging_frame_source *machine_frames(void);
/* Refuse after that many more frames; a larger run counts as the frames it is made of. */
void machine_limit_frames(unsigned left);
void machine_unlimit_frames(void);
/* Refuse after that many more runs of PAGING_2M and PAGING_1G, counted together. */
void machine_limit_huge(unsigned left);
void machine_unlimit_huge(void);
/*
 * From now on single frames may come from larger runs, when there are no others. So an operation may reserve
 * for a 1 GiB page what the few single frames of this machine could not give.
 */
void machine_break_huge(void);
unsigned machine_frames_left(void);                /* of PAGING_4K, that can be had within the limit */
unsigned machine_runs_left(enum paging_size size); /* the same of a larger size */
/*
 * A new operation begins, on this space, or NULL for any one. It may reserve once, and the reservation of the
 * one before must have been ended.
 */
void machine_begin_operation(const struct paging_space *space);
void machine_end_operation(void); /* it holds no reservation; whose operations come next is not known */
bool machine_holds_reservation(void);
/* Take or give back a run as a test does, which keeps to no reservation. */
bool machine_take(enum paging_frame_use use, enum paging_size size, paging_frame_t *frame);
void machine_give(enum paging_frame_use use, enum paging_size size, paging_frame_t frame);
extern const struct paging_space machine_nobody; /* the space that stands for the test then */
/* Handed out and not yet released, in frames of PAGING_4K. One that pages share counts for each of them. */
unsigned machine_frames_out(void);
bool machine_frame_is_out(uint64_t frame);                    /* by itself or in a larger run */
bool machine_is_the_sources(uint64_t frame, uint64_t frames); /* some of them, handed out or not */
unsigned machine_run_at(uint64_t frame); /* the size of the run that is handed out and begins there, or 0 */
enum paging_frame_use machine_use_at(uint64_t frame); /* what that run is for */
unsigned machine_home_of(uint64_t frame); /* the size of the run it is a part of when nothing is out, or 0 */
/*
 * Pages that share a frame: so many may; may one more; how many do, 0 if it never was shared; are there two
 * of a run?
 */
void machine_limit_owners(unsigned most);
bool machine_can_share(uint64_t frame);
unsigned machine_owners_of(uint64_t frame);
bool machine_is_shared(uint64_t frame, enum paging_size size);
/* Nothing is out, as if the machine had just been opened, but memory stays as it is. */
void machine_reset_frames(void);
/* What this operation asked the source for of PAGING_2M and PAGING_1G, in this order. */
struct machine_request {
    unsigned size;
    bool granted;
    uint64_t frame;
};
const struct machine_request *machine_request(unsigned number); /* NULL: there were no more */

/* ---- the processor ---- */

struct walker *machine_walker(void);
void machine_load_cr3(uint64_t root);      /* global pages stay cached */
void machine_flush_page(uint64_t address); /* INVLPG */
void machine_flush_full(bool invpcid);     /* INVPCID of type 2, or a change of CR4.PGE */
void machine_flush_all(void);              /* a test's own: in no log */

/* Make a real access. When it is refused, error is the error code (WALK_*); else value is the word read. */
struct machine_access {
    bool faulted;
    unsigned error;
    uint64_t value;
};
struct machine_access machine_access(uint64_t address, unsigned access);

/* Load translations ahead of any use, as a processor may: of one address, or of everything there is. */
void machine_speculate(uint64_t address);
void machine_fill_tlb(void);
/* Does the TLB hold a translation for the address? */
bool machine_caches(uint64_t address);

/* Does a cached translation or path differ from what memory says? The audit fails the test if so. */
bool machine_is_stale(void);
void machine_audit(void);

/* ---- what the core did ---- */

#define MACHINE_FLUSH_LOG 4096u
void machine_reset_log(void);
/*
 * Which of PAGING_PROCESSORS the core runs on: after each machine_reset_log the next one, so that whoever
 * judges the counts of a space adds them up. machine_stay_on keeps it on one until the machine is opened
 * anew.
 */
unsigned machine_processor(void);
void machine_stay_on(unsigned processor);
unsigned machine_flushes(void); /* of pages */
unsigned machine_full_flushes(void);
unsigned machine_flushes_by_invpcid(void); /* of the full ones */
unsigned machine_root_loads(void);         /* of CR3 */
uint64_t machine_flushed(unsigned number);
unsigned machine_stores(void);
/* Called after every single store of the core to memory, and after every flush; NULL for none. */
void machine_observe(void (*observer)(void));
/*
 * Called after every single load of the core, before it knows the value; NULL for none. Only where loads are
 * calls (soft_machine.c): the host's MMU does not tell.
 */
void machine_observe_loads(void (*observer)(void));
/*
 * The same, seen by the processor: on the host's MMU the tables are write-protected, and each instruction
 * that stores to one traps, whatever the accessors tell of it. How many there were since the last reset of
 * the log.
 */
void machine_step(void (*observer)(void));
unsigned machine_steps(void);

/* ---- for the accessors of the core ---- */

uint64_t machine_load(uintptr_t address);
void machine_store(uintptr_t address, uint64_t value);
/* Load and store in one: nothing comes in between, and it counts as one store. */
uint64_t machine_exchange(uintptr_t address, uint64_t value);
void machine_xor(uintptr_t address, uint64_t bits);
bool machine_replace(uintptr_t address, uint64_t before, uint64_t after);
void machine_stored(void);
/*
 * Fails the test if a word that the core stores is an entry without PRESENT that names a frame that there may
 * be (L1TF), or has one of the bits that are for a lock.
 */
void machine_judge_entry(uint64_t value);

#endif
