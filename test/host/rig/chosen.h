/*
 * chosen.h - a core in which the mutant (paging/src/mutant.h) is chosen by number when the program runs.
 *
 * Included in front of each source of such a core. The number is set by chosen.c, or by the explorer; 0 is
 * none. So one build does for all mutants.
 */
#ifndef HOST_RIG_CHOSEN_H
#define HOST_RIG_CHOSEN_H

extern unsigned chosen_mutant;
#define MUTANT_CHOSEN chosen_mutant
#define PAGING_MUTANT CHOSEN

#endif
