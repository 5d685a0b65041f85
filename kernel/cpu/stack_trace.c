/* SPDX-License-Identifier: MIT */
/* stack_trace.c - follows frame pointers, and believes none of them. */
#include "cpu/stack_trace.h"

enum { WORD = 8, RECORD = 2 * WORD };

/* Where the walk is: a frame pointer, and the record before it. */
struct position {
    unsigned stack;
    uint64_t previous, frame;
};

static bool holds(struct byte_range range, uint64_t address, uint64_t bytes)
{
    return address >= range.start && address < range.end && range.end - address >= bytes;
}

/* Returns the number of the stack that holds these bytes, or STACK_TRACE_STACKS. */
static unsigned stack_of(const struct stack_trace_map *map, uint64_t address, uint64_t bytes)
{
    unsigned stack = 0;
    while (stack < STACK_TRACE_STACKS && !holds(map->stacks[stack], address, bytes))
        stack++;
    return stack;
}

/* Returns whether there is nothing to object to in where the frame pointer leads; else sets trace->end. */
static bool frame_is_sound(const struct stack_trace_map *map, struct stack_trace *trace,
                           struct position *position)
{
    uint64_t frame = position->frame;
    unsigned stack = stack_of(map, frame, RECORD);
    trace->culprit = frame;
    if (frame == 0)
        trace->end = TRACE_OUTERMOST;
    else if (frame % WORD != 0)
        trace->end = TRACE_MISALIGNED;
    else if (stack == STACK_TRACE_STACKS)
        trace->end = TRACE_NO_STACK;
    else if (stack < position->stack || (stack == position->stack && frame <= position->previous))
        trace->end = TRACE_DOWNWARD;
    else {
        position->stack = stack;
        return true;
    }
    return false;
}

/* Takes one record. Returns false if the trace ends with it, or before it. */
static bool follow_frame(const struct stack_trace_map *map, struct stack_trace *trace,
                         struct position *position)
{
    uint64_t next, return_address, frame = position->frame;
    if (!frame_is_sound(map, trace, position))
        return false;
    trace->end = TRACE_UNREADABLE;
    if (!map->read(frame, &next) || !map->read(frame + WORD, &return_address))
        return false;
    trace->culprit = return_address;
    trace->end = TRACE_NOT_CODE;
    if (!holds(map->code, return_address, 1))
        return false;
    trace->end = TRACE_LONGER;
    if (trace->count == STACK_TRACE_LIMIT)
        return false;
    trace->addresses[trace->count++] = return_address;
    trace->end = TRACE_OUTERMOST;
    position->previous = frame;
    position->frame = next;
    return frame + RECORD != map->stacks[position->stack].end;
}

struct stack_trace stack_trace_follow(const struct stack_trace_map *map, struct stack_trace_start start)
{
    struct stack_trace trace = {.addresses = {start.rip}, .count = 1};
    struct position position = {.frame = start.rbp};
    uint64_t word;
    bool is_on_stack = start.rsp % WORD == 0 && stack_of(map, start.rsp, WORD) < STACK_TRACE_STACKS;
    if (is_on_stack && map->read(start.rsp, &word) && holds(map->code, word, 1))
        trace.on_top = word;
    while (follow_frame(map, &trace, &position))
        continue;
    return trace;
}

static void write_address(struct format_sink *sink, const struct stack_trace_map *map, uint64_t address)
{
    if (holds(map->code, address, 1))
        format(sink, "# trace: image+0x%lx at %016lx", address - map->image_base, address);
    else
        format(sink, "# trace: outside the image at %016lx", address);
}

static void write_end(struct format_sink *sink, const struct stack_trace *trace)
{
    static const char *const reasons[] = {
        [TRACE_OUTERMOST] = "this is the outermost call",
        [TRACE_LONGER] = "there are more calls than fit",
        [TRACE_MISALIGNED] = "the frame pointer is not a multiple of 8",
        [TRACE_NO_STACK] = "the frame pointer leads to no stack of this program",
        [TRACE_DOWNWARD] = "the frame pointer does not lead up the stack",
        [TRACE_UNREADABLE] = "the frame cannot be read",
        [TRACE_NOT_CODE] = "the return address is not in the code of this program",
    };
    format(sink, "# trace ends: %s", reasons[trace->end]);
    if (trace->end != TRACE_OUTERMOST && trace->end != TRACE_LONGER)
        format(sink, ": %016lx", trace->culprit);
    format(sink, "\n");
}

void stack_trace_write(struct format_sink *sink, const struct stack_trace_map *map,
                       const struct stack_trace *trace)
{
    for (unsigned i = 0; i < trace->count; i++) {
        write_address(sink, map, trace->addresses[i]);
        format(sink, "\n");
        if (i > 0 || !trace->on_top)
            continue;
        write_address(sink, map, trace->on_top);
        format(sink, " perhaps: on top of the stack\n");
    }
    write_end(sink, trace);
}
