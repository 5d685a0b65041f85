/*
 * memory_map.h - what the firmware's memory map becomes: sorted, disjoint regions of whole frames.
 *
 * Firmware gives its map unsorted, with overlaps, with empty and unaligned descriptors, and with ends beyond
 * what the processor can address (UEFI 2.10, 7.2, promises little, and is not always kept). Everything else
 * here believes the map, so it is put in order once. Wherever descriptors disagree, the more restrictive one
 * wins, and memory we would hand out is only believed in where nothing speaks against it.
 */
#ifndef KERNEL_FRAMES_MEMORY_MAP_H
#define KERNEL_FRAMES_MEMORY_MAP_H

#include <selfmap/address.h>

/* From least to most restrictive: of two that overlap, the one further down holds. */
enum memory_kind {
    MEMORY_CONVENTIONAL, /* free */
    MEMORY_BOOT,         /* boot services: free once we have left the firmware's stack and tables */
    MEMORY_LOADER,       /* our image and arena, and what other loaders left behind */
    MEMORY_ACPI_RECLAIM, /* ACPI tables: free after they were read */
    MEMORY_PERSISTENT,   /* survives power loss, so it is not ours to write */
    MEMORY_ACPI_NVS,     /* the firmware's, across sleep */
    MEMORY_RUNTIME_DATA, /* runtime services; code after data, as code needs every right that data needs */
    MEMORY_RUNTIME_CODE,
    MEMORY_MMIO,       /* registers: mapped without caching, if at all */
    MEMORY_UNACCEPTED, /* touching it faults until the hypervisor was asked */
    MEMORY_RESERVED,   /* also every type we do not know */
    MEMORY_BAD,        /* known to be broken */
    MEMORY_KIND_COUNT
};

/* One descriptor as the firmware gave it, but for its type. */
struct memory_descriptor {
    uint64_t start; /* in bytes */
    uint64_t page_count;
    uint64_t attributes;
    enum memory_kind kind;
};

/* Frames start to end, end not included. */
struct memory_region {
    paging_frame_t start;
    paging_frame_t end;
    uint64_t attributes;
    enum memory_kind kind;
};

/* Where a descriptor begins or ends: scratch memory of memory_map_normalise. */
struct memory_edge {
    uint64_t frame;
    uint32_t descriptor;
    uint32_t opens;
};

#define MEMORY_EDGES(descriptors)   (2 * (size_t)(descriptors))
#define MEMORY_REGIONS(descriptors) (2 * (size_t)(descriptors)) /* always enough */

enum memory_map_status {
    MEMORY_MAP_OK,
    MEMORY_MAP_NO_SPACE,  /* the regions do not fit */
    MEMORY_MAP_BAD_WIDTH, /* physical_bits is not in 12..52 */
    MEMORY_MAP_TOO_MANY,  /* more descriptors than 2^31 */
    MEMORY_MAP_STATUS_COUNT
};

/* The names as they stand above, without the prefix: "runtime code", "no space". Never NULL. */
const char *memory_kind_name(enum memory_kind kind);
const char *memory_map_status_name(enum memory_map_status status);

/* May the frames of this kind be handed out, sooner or later, without reading them first? */
static inline bool memory_kind_is_usable(enum memory_kind kind)
{
    return kind == MEMORY_CONVENTIONAL || kind == MEMORY_BOOT;
}

/*
 * Turn count descriptors into regions that are sorted and disjoint; neighbours of the same kind and the same
 * attributes are one region. Where descriptors of the same kind overlap, their attributes are joined.
 *
 *   ends      Usable memory shrinks to the frames it covers as a whole; all other kinds grow to the frames
 *             they touch.
 *   beyond    Everything is clipped at 2^physical_bits bytes (MAXPHYADDR). A descriptor that runs past 2^64
 *             is clipped like the others if it restricts, and dropped if it is usable: its length is a lie.
 *   unknown   A kind that is none of the above counts as MEMORY_RESERVED.
 *
 * edges is scratch memory for MEMORY_EDGES(count) elements; MEMORY_REGIONS(count) regions are always enough.
 * Takes O(count log count) steps, and 4 KiB of stack. With any status but MEMORY_MAP_OK *region_count is
 * untouched, and what regions holds means nothing.
 */
PAGING_MUST_CHECK enum memory_map_status memory_map_normalise(const struct memory_descriptor *descriptors,
                                                              size_t count, unsigned physical_bits,
                                                              struct memory_edge *edges,
                                                              struct memory_region *regions, size_t capacity,
                                                              size_t *region_count);

#endif
