/* SPDX-License-Identifier: MIT */
/* build_id.c - reads the note that the linker has put into the image. */
#include "boot/build_id.h"
#include "console/format.h"
#include <stdint.h>

enum { BUILD_ID_BYTES = 20 };

/* efi/selfmap.lds. System V ABI, "Note Section": lengths and type, a name of four bytes, what is noted. */
extern const struct {
    uint32_t name_bytes, bytes, type;
    char name[4];
    uint8_t id[BUILD_ID_BYTES];
} build_id_note __attribute__((visibility("hidden")));

const char *build_id(void)
{
    static char text[2 * BUILD_ID_BYTES + 1];
    struct text_sink sink = text_sink(text, sizeof text);
    for (unsigned i = 0; i < BUILD_ID_BYTES; i++)
        format(&sink.sink, "%02x", build_id_note.id[i]);
    return text;
}
