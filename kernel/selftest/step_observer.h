/*
 * step_observer.h - a call of the core, one instruction at a time, and pages that are looked at after each.
 *
 * They are looked at by a walk of our own over physical memory, and by a real read (and call, where there is
 * code). What each of the two finds may change once, from what it was before the call to what it is after it;
 * whatever else is seen is a third state. A test is done in one way or in both:
 *
 *   forgetting    Each page is flushed before it is read, so that the processor walks the tables as they are
 *                 just then, and must agree with our walk.
 *   remembering   Only the core flushes. The processor may go on with what it remembers, but when the call
 *                 has come back it must agree as well.
 */
#ifndef KERNEL_SELFTEST_STEP_OBSERVER_H
#define KERNEL_SELFTEST_STEP_OBSERVER_H

#include "selftest/selftest.h"

enum { MOST_SPOTS = 16, FORGETTING = 1, REMEMBERING = 2 };

/* What is seen of a page in one way. */
struct view {
    uint64_t now;
    unsigned changes;
};

struct spot {
    paging_frame_t root;
    paging_virt_t address;
    bool is_read;
    struct view walked, read;
};

struct scene {
    struct selftest_run *t;
    bool forgets;
    uint64_t third_states, looks;
    unsigned count;
    struct spot spots[MOST_SPOTS];
    /* For the calls: what they are about, and what the core answered. */
    struct paging_space *space;
    paging_page_t page;
    uint64_t pages;
    paging_frame_t frame;
    enum paging_status status;
};

/*
 * Make a scene, or skip the test: physical memory is seen through huge pages, which only the emulator lets
 * stretch over registers of devices. In each of these ways.
 */
void scene_play(struct selftest_run *t, unsigned ways, void (*test)(struct scene *scene));

/* Look at an address of a space. It is read if it is a page of the live space that nobody writes to. */
void scene_add(struct scene *scene, const struct paging_space *space, paging_virt_t address, bool is_read);
/* A page of the live space, and the window of its P1. */
void scene_watch(struct scene *scene, paging_page_t page);
/* Mark frames that are mapped, writable, from the page on: what is read must tell which frame it is. */
void scene_tag(const struct scene *scene, paging_page_t page, uint64_t pages);

/* Run the call, with a stack of its own if stack_top is not 0, and judge. Then nobody is watched. */
void scene_step(struct scene *scene, void (*call)(void *scene), uint64_t stack_top);

#endif
