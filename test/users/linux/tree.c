/* SPDX-License-Identifier: MIT */
/* tree.c - all that a space maps, indented by level; leaves that continue each other are one line. */
#include "tree.h"
#include <inttypes.h>
#include <selfmap/for_each.h>
#include <stdio.h>

struct tree {
    struct paging_entry_info run; /* the first of leaves in a row that continue each other */
    uint64_t leaves, tables;
};

static void print_run(struct tree *tree)
{
    static const char *const sizes[] = {"", "4 KiB", "2 MiB", "1 GiB"};
    const struct paging_entry_info *run = &tree->run;
    if (tree->leaves != 0)
        printf("# %*s%" PRIx64 " -> %" PRIx64 "  %" PRIu64 " x %s r%c%c\n", 4 * (int)(4 - run->level), "",
               paging_page_start(4, run->first).value,
               paging_frame_start(paging_leaf_frame(run->entry, run->level)).value, tree->leaves,
               sizes[run->level], run->flags & PAGING_WRITABLE ? 'w' : '-',
               run->flags & PAGING_NO_EXECUTE ? '-' : 'x');
    tree->leaves = 0;
}

/* Called for each entry, those of a table after the entry that points to it. Returns how to go on. */
static enum paging_visit print_entry(void *context, const struct paging_entry_info *info)
{
    struct tree *tree = context;
    uint64_t before = tree->leaves << PAGING_INDEX_BITS * (info->level - 1); /* pages of the run */
    if (info->kind == PAGING_KIND_LEAF && tree->leaves != 0 && info->level == tree->run.level &&
        info->flags == tree->run.flags && info->first.number == tree->run.first.number + before &&
        paging_leaf_frame(info->entry, info->level).number ==
            paging_leaf_frame(tree->run.entry, info->level).number + before) {
        tree->leaves++;
        return PAGING_VISIT_NEXT;
    }
    print_run(tree);
    tree->run = *info;
    tree->leaves = info->kind == PAGING_KIND_LEAF;
    tree->tables += info->kind == PAGING_KIND_TABLE;
    int indent = 4 * (int)(4 - info->level);
    uint64_t address = paging_page_start(4, info->first).value;
    if (info->kind == PAGING_KIND_TABLE)
        printf("# %*s%" PRIx64 ": P%u at %" PRIx64 "\n", indent, "", address, info->level - 1,
               paging_frame_start(paging_entry_frame(info->entry)).value);
    if (info->kind == PAGING_KIND_MARKER)
        printf("# %*s%" PRIx64 ": marker %" PRIu64 "\n", indent, "", address,
               paging_marker_value(info->entry));
    return PAGING_VISIT_NEXT;
}

enum paging_status print_tree(const struct paging_space *space, uint64_t *tables)
{
    struct tree tree = {.tables = 1}; /* the root, which no entry points to */
    printf("# P4 at %" PRIx64 "\n", paging_root_address(space).value);
    enum paging_status status = paging_for_each(space, print_entry, &tree);
    if (status != PAGING_OK)
        return status;
    print_run(&tree);
    *tables = tree.tables;
    return PAGING_OK;
}
