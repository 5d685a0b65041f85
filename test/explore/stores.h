/*
 * stores.h - after every single store of the core, each page translates as before or as after the call.
 *
 * And at each of these moments the processor may load whatever it finds into its TLB, to be caught by the
 * audit after the call if that was nothing it should have kept.
 */
#ifndef EXPLORE_STORES_H
#define EXPLORE_STORES_H

#include "rig/rig.h"

void watch_begin(void); /* before a call, or several in a row if all but the last change nothing, */
void watch_end(void);   /* and after each; ends the test if there was a third state */

#endif
