/*
 * mutant.h - builds with one defect on purpose.
 *
 * A test that cannot fail proves nothing. `make test` compiles the core once per mutant below with
 * -DPAGING_MUTANT=NAME and expects the tests to fail. Without that flag all of this vanishes.
 */
#ifndef PAGING_MUTANT_H
#define PAGING_MUTANT_H

#define MUTANT_NONE               0
#define MUTANT_NO_PAGE_FLUSH      1  /* unmap clears the entry but leaves the translation in the TLB */
#define MUTANT_NO_WINDOW_FLUSH    2  /* a table goes back while its window is still cached */
#define MUTANT_READ_ONLY_PARENTS  3  /* entries that point to tables lack WRITABLE */
#define MUTANT_RESERVES_TOO_FEW   4  /* a verb begins to write although one frame is missing */
#define MUTANT_NO_HUGE_LEAK_FLUSH 5  /* the window pages that a huge leaf leaks into stay cached */
#define MUTANT_NO_SCRATCH_FLUSH   6  /* the scratch page still shows the table filled before */
#define MUTANT_LINK_BEFORE_FILL   7  /* a new table is linked first and filled afterwards */
#define MUTANT_NEVER_RECLAIM      8  /* empty tables stay */
#define MUTANT_FREE_BEFORE_FLUSH  9  /* unmap_range gives frames back while they are still cached */
#define MUTANT_MERGE_NO_FLUSH     10 /* merge frees the table while its pages and its window are cached */
#define MUTANT_SPLIT_DROPS_DIRTY  11 /* the pages of a split huge page forget that it was written to */

#ifndef PAGING_MUTANT
#    define PAGING_MUTANT NONE
#endif
#define MUTANT_PASTE(name)  MUTANT_##name
#define MUTANT_NUMBER(name) MUTANT_PASTE(name)

#define UNLESS_MUTANT(name)       if (MUTANT_NUMBER(PAGING_MUTANT) != MUTANT_##name)
#define IF_MUTANT(name)           if (MUTANT_NUMBER(PAGING_MUTANT) == MUTANT_##name)
#define MUTANT_DROPS(name, value) (MUTANT_NUMBER(PAGING_MUTANT) == MUTANT_##name ? (uint64_t)0 : (value))

#endif
