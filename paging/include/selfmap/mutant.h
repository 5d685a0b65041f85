/*
 * mutant.h - builds with one defect on purpose.
 *
 * A test that cannot fail proves nothing. `make test` compiles the core once per mutant below with
 * -DPAGING_MUTANT=NAME and expects the tests to fail. Without that flag all of this vanishes.
 */
#ifndef PAGING_SRC_MUTANT_H
#define PAGING_SRC_MUTANT_H

#define MUTANT_NONE               0
#define MUTANT_NO_PAGE_FLUSH      1  /* unmap clears the entry but leaves the translation in the TLB */
#define MUTANT_NO_WINDOW_FLUSH    2  /* a table goes back while its window is still cached */
#define MUTANT_READ_ONLY_PARENTS  3  /* entries that point to tables lack WRITABLE */
#define MUTANT_RESERVES_TOO_FEW   4  /* an operation begins to write although one frame is missing */
#define MUTANT_NO_HUGE_LEAK_FLUSH 5  /* the window pages that a huge leaf leaks into stay cached */
#define MUTANT_NO_SCRATCH_FLUSH   6  /* the scratch page still shows the table filled before */
#define MUTANT_LINK_BEFORE_FILL   7  /* a new table is linked first and filled afterwards */
#define MUTANT_NEVER_RECLAIM      8  /* empty tables stay */
#define MUTANT_FREE_BEFORE_FLUSH  9  /* unmap_range gives frames back while they are still cached */
#define MUTANT_MERGE_NO_FLUSH     10 /* merge frees the table while its pages and its window are cached */
#define MUTANT_SPLIT_DROPS_DIRTY  11 /* the pages of a split huge page forget that it was written to */
#define MUTANT_NO_SLOT_FLUSH      12 /* the alternate slot changes, and what it showed stays cached */
#define MUTANT_COUNTS_PINNED      13 /* the entry of a table that spaces share is changed like any other */
#define MUTANT_FREES_BORROWED     14 /* destroying a borrower gives the lender's tables back */
#define MUTANT_EDITS_SHARED       15 /* the shared half is changed through a space that is not live */
#define MUTANT_NO_OPEN_VIEW_FLUSH 16 /* the shared half changes, and the open space's view of it stays */
#define MUTANT_NO_ACTIVATE_FLUSH  17 /* another upper half comes, and global pages of the old one stay */
#define MUTANT_NO_OWNED_BELOW     18 /* the entry of a P1 does not say that pages in it are owned */
#define MUTANT_SPLIT_IN_SECRET    19 /* the source is not told that an owned page was split */
#define MUTANT_DROPS_PRESENT      40 /* protect clears a page's entry first, and then writes the new one */
#define MUTANT_SETS_THEN_CLEARS   41 /* protect sets flags with one store, and clears others with the next */
#define MUTANT_SPLIT_IN_TWO       42 /* split clears the page size with one store, the next names the table */
#define MUTANT_MARKS_COME_LATER   43 /* merge stores the large page first, and then its dirty bit */
#define MUTANT_UNLINKS_LAST       44 /* unmap gives tables back, and then unlinks them */

#ifndef PAGING_MUTANT
#    define PAGING_MUTANT NONE
#endif
#define MUTANT_PASTE(name)  MUTANT_##name
#define MUTANT_NUMBER(name) MUTANT_PASTE(name)

#define UNLESS_MUTANT(name)       if (MUTANT_NUMBER(PAGING_MUTANT) != MUTANT_##name)
#define IF_MUTANT(name)           if (MUTANT_NUMBER(PAGING_MUTANT) == MUTANT_##name)
#define MUTANT_DROPS(name, value) (MUTANT_NUMBER(PAGING_MUTANT) == MUTANT_##name ? (uint64_t)0 : (value))

#endif
