/* SPDX-License-Identifier: MIT */
/*
 * usable_memory.h - decides which memory is free after ExitBootServices. Nothing else does; what the loader
 * has left of its own memory is added by adopt_arena (1).
 *
 * The loader and the kernel ask here what a descriptor of the firmware's memory map is, whether its frames
 * are handed out, whether runtime services need it mapped, and what the person at the machine left out. All
 * four answers are in this table (UEFI 2.10, table 7.6, names the types and says what they are after the
 * exit). "Handed out" and "stays mapped" are two questions: where descriptors overlap, the most restrictive
 * kind answers the first, and any of them that says yes the second.
 *
 *    type                          kind                  handed out   stays mapped
 *    0 EfiReservedMemoryType       MEMORY_RESERVED       no           no
 *    1 EfiLoaderCode               MEMORY_LOADER         no (1)       by the loader, which is in it
 *    2 EfiLoaderData               MEMORY_LOADER         no (1)       by the loader, which is in it
 *    3 EfiBootServicesCode         MEMORY_BOOT           yes (2)      no
 *    4 EfiBootServicesData         MEMORY_BOOT           yes (2)      no
 *    5 EfiRuntimeServicesCode      MEMORY_RUNTIME_CODE   no           yes
 *    6 EfiRuntimeServicesData      MEMORY_RUNTIME_DATA   no           yes
 *    7 EfiConventionalMemory       MEMORY_CONVENTIONAL   yes (2)      no
 *    8 EfiUnusableMemory           MEMORY_BAD            no           no
 *    9 EfiACPIReclaimMemory        MEMORY_ACPI_RECLAIM   no           no
 *   10 EfiACPIMemoryNVS            MEMORY_ACPI_NVS       no           no
 *   11 EfiMemoryMappedIO           MEMORY_MMIO           no           no (3)
 *   12 EfiMemoryMappedIOPortSpace  MEMORY_MMIO           no           no (3)
 *   13 EfiPalCode                  MEMORY_RESERVED       no           no
 *   14 EfiPersistentMemory         MEMORY_PERSISTENT     no           no
 *   15 EfiUnacceptedMemoryType     MEMORY_UNACCEPTED     no           no
 *      any other type              MEMORY_RESERVED       no           no
 *      whatever the map says (4)   MEMORY_OWN            no (1)       by the loader, which is in it
 *
 *   (1) What the loader has not used of its arena is handed out all the same (kernel/boot/start_frames.c).
 *   (2) Except below 1 MiB (real mode, parked processors, firmware that miscounts), and in a range that the
 *       option exclude= names. EFI_MEMORY_SP (set aside for a driver) or EFI_MEMORY_RUNTIME make it
 *       MEMORY_RESERVED.
 *   (3) Everything with EFI_MEMORY_RUNTIME stays mapped, whatever its type (UEFI 2.10, 2.3.4).
 *   (4) Our image, and what the loader took with AllocatePages.
 */
#ifndef KERNEL_FRAMES_USABLE_MEMORY_H
#define KERNEL_FRAMES_USABLE_MEMORY_H

#include "frames/frame_run.h"
#include <selfmap/entry.h>

/* From least to most restrictive: where descriptors overlap, the kind further down holds. */
enum memory_kind {
    MEMORY_CONVENTIONAL, /* free */
    MEMORY_BOOT,         /* boot services: free once the firmware's stack and tables are left */
    MEMORY_EXCLUDED,     /* would be one of these two, but the person at the machine left it out */
    MEMORY_LOADER,       /* what other loaders left behind */
    MEMORY_ACPI_RECLAIM, /* ACPI tables: free after they were read, which we do not do */
    MEMORY_PERSISTENT,   /* survives power loss, so it is not ours to write */
    MEMORY_ACPI_NVS,     /* the firmware's, across sleep */
    MEMORY_RUNTIME_DATA, /* runtime services */
    MEMORY_RUNTIME_CODE, /* after data, because it needs every right that data needs */
    MEMORY_MMIO,         /* registers: mapped without caching, if at all */
    MEMORY_UNACCEPTED,   /* an access faults until the hypervisor was asked for it */
    MEMORY_RESERVED,     /* also every type that is not known here */
    MEMORY_BAD,          /* known to be broken */
    MEMORY_OWN,          /* our image, and what the loader took: we use it, whatever the map calls it */
    MEMORY_KIND_COUNT
};

/* How runtime services need frames mapped: joined over all descriptors that cover them. */
enum memory_needs {
    MEMORY_NEEDS_NOTHING,
    MEMORY_NEEDS_DATA,
    MEMORY_NEEDS_CODE,          /* executable, and writable because it keeps its data beside it */
    MEMORY_NEEDS_UNCACHED_DATA, /* registers */
    MEMORY_NEEDS_UNCACHED_CODE, /* both kinds of descriptors are there */
};

/* Frames of one kind, with the EFI_MEMORY_ attributes of the descriptors of this kind. */
struct memory_region {
    paging_frame_t start;
    paging_frame_t end; /* not included */
    uint64_t attributes;
    enum memory_kind kind;
    enum memory_needs needs;
};

/* Returns the kind of a descriptor, from its Type and Attribute (UEFI 2.10, 7.2.3). */
enum memory_kind memory_kind_from_uefi(uint32_t type, uint64_t attributes);

/* Returns the name as it stands above, without the prefix: "runtime code". Never NULL. */
const char *memory_kind_name(enum memory_kind kind);

/*
 * Returns whether the processor may read frames of this kind ahead, as it does with what is cached: memory,
 * and not left out by the person at the machine.
 */
static inline bool memory_kind_is_cacheable(enum memory_kind kind)
{
    return (kind <= MEMORY_ACPI_RECLAIM && kind != MEMORY_EXCLUDED) || kind == MEMORY_OWN;
}

/* Returns whether frames of this kind are handed out. */
static inline bool memory_kind_is_usable(enum memory_kind kind)
{
    return kind == MEMORY_CONVENTIONAL || kind == MEMORY_BOOT;
}

/*
 * Returns whether runtime services need a descriptor's frames mapped, from its kind and Attribute. The latter
 * has EFI_MEMORY_RUNTIME as its highest bit.
 */
static inline bool memory_is_runtime(enum memory_kind kind, uint64_t attributes)
{
    return attributes >= UINT64_C(0x8000000000000000) || kind == MEMORY_RUNTIME_CODE ||
           kind == MEMORY_RUNTIME_DATA;
}

/* Returns the flags that a region is mapped with which needs mapping: PAGING_WRITABLE and others. */
uint64_t memory_region_runtime_flags(const struct memory_region *region);

/* The most regions by which `ranges` excluded ranges can make a map longer. */
#define MEMORY_EXTRA_REGIONS(ranges) (2 * (size_t)(ranges))

/*
 * Makes all usable memory in the ranges MEMORY_EXCLUDED, and splits regions where a range begins or ends. All
 * other kinds stay: they are not handed out anyway, and runtime services stay mapped. The regions are sorted
 * and disjoint, and stay so; the ranges may overlap, and may be empty.
 *
 * Returns false if the array has no room, for which it needs MEMORY_EXTRA_REGIONS(range_count) elements more
 * than *count; then some ranges may be excluded only in part.
 */
PAGING_MUST_CHECK bool memory_exclude(struct memory_region *regions, size_t *count, size_t capacity,
                                      const struct frame_run *ranges, size_t range_count);

/*
 * Finds the next run of frames that are handed out, from region *at on: neighbouring usable regions as one
 * run, without the first MiB. Moves *at behind it. Returns false if there is none.
 */
bool memory_next_usable(const struct memory_region *regions, size_t count, size_t *at, struct frame_run *run);

/* Returns the number of frames that are handed out. */
uint64_t memory_usable_frames(const struct memory_region *regions, size_t count);

/* Returns the number of frames that would be handed out if they were not excluded. */
uint64_t memory_excluded_frames(const struct memory_region *regions, size_t count);

#endif
