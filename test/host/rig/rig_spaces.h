/*
 * rig_spaces.h - several spaces on one machine, each with its abstract map beside it.
 *
 * The rig's operations are about rig.at. Each operation here calls the core's of the same name and judges it: the
 * status, by what the spaces are to each other as the rig knows it, the frames, the flushes, and that a
 * refusal changes nothing in any of them. A side without a space is a place where one can be made.
 */
#ifndef HOST_RIG_RIG_SPACES_H
#define HOST_RIG_RIG_SPACES_H

#include "rig/rig.h"

/* Live, empty, with frames enough for lending. */
void rig_open_spaces(void);
void rig_open_spaces_on(struct machine_setup setup);
/* The live space, sides[0], lends; sides[1] borrows, and is open. */
void rig_open_borrower(void);

enum paging_status rig_share(struct rig_side *side);
enum paging_status rig_unshare(struct rig_side *side);
enum paging_status rig_create_sibling(struct rig_side *side, struct rig_side *beside);
enum paging_status rig_attach(struct rig_side *active, struct rig_side *side);
enum paging_status rig_detach(struct rig_side *active, struct rig_side *side);
enum paging_status rig_switch_to(struct rig_side *active, struct rig_side *next);
enum paging_status rig_destroy(struct rig_side *side);

/* Do the two have the same upper half? */
bool rig_shares(const struct rig_side *one, const struct rig_side *other);

/* Why no operation may change the page in the space at hand, as a set of statuses: out of reach, shared. */
unsigned rig_refuses(uint64_t page);

/* Where tests map what is shared: in the first slot of the upper half that the core does not keep. */
uint64_t rig_upper_place(void);

/* A processor that loads translations after each store and flush of the core, or no more. */
void rig_watch(bool on);

#endif
