/*
 * chosen.h - a core in which the mutant (paging/mutant.h) is chosen by number when the program runs.
 *
 * Included in front of each source of such a core; the explorer sets the number, 0 for none. So one build
 * does for all mutants.
 */
#ifndef EXPLORE_CHOSEN_H
#define EXPLORE_CHOSEN_H

extern unsigned chosen_mutant;
#define MUTANT_CHOSEN chosen_mutant
#define PAGING_MUTANT CHOSEN

#endif
