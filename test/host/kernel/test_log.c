/* SPDX-License-Identifier: MIT */
/*
 * log: what is printed is kept from the front, the end of a run has room of its own, and drops are counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/console/kept.h"
#include "kernel/console/log.h"

enum { ROOM = 100 };

static void put(const char *text)
{
    while (*text)
        log_put(*text++);
}

static void assert_log(const char *text)
{
    assert_int_equal(log_length(), strlen(text));
    assert_memory_equal(log_text(), text, strlen(text));
}

/* Static, because the log goes on where the last test left it. */
static char buffer[ROOM + LOG_TAIL_BYTES + 1], other[10 + LOG_TAIL_BYTES];

static void before_the_start(void **state)
{
    put("lost");
    assert_int_equal(log_length(), 0);
    assert_int_equal(log_dropped(), 0);
}

static void fills_from_the_front(void **state)
{
    memset(buffer, '?', sizeof buffer);
    log_start(buffer, ROOM + LOG_TAIL_BYTES);
    put("one\ntwo\n");
    assert_log("one\ntwo\n");
    assert_int_equal(buffer[log_length()], '?');
}

/* Runs after the test above. */
static void moves(void **state)
{
    log_start(other, sizeof other);
    assert_log("one\ntwo\n");
    put("th");
    assert_log("one\ntwo\nth");
    put("ree");
    assert_log("one\ntwo\nth");
    assert_int_equal(log_dropped(), 3);
    log_start(buffer, ROOM + LOG_TAIL_BYTES);
    assert_log("one\ntwo\nth");
    assert_int_equal(log_dropped(), 3);
}

/* Runs after the test above. */
static void the_end_has_room(void **state)
{
    for (unsigned i = 0; i < ROOM; i++)
        put("x");
    assert_int_equal(log_length(), ROOM);
    assert_int_equal(log_dropped(), 3 + 10);
    log_begin_tail();
    put("# selfmap: PASS\n");
    assert_int_equal(log_length(), ROOM + 16);
    assert_memory_equal(log_text() + ROOM, "# selfmap: PASS\n", 16);
    for (unsigned i = 0; i < LOG_TAIL_BYTES; i++)
        put("y");
    log_begin_tail();
    put("z");
    assert_int_equal(log_length(), ROOM + LOG_TAIL_BYTES);
    assert_int_equal(log_dropped(), 3 + 10 + 16 + 1);
    assert_int_equal(buffer[ROOM + LOG_TAIL_BYTES], '?');
}

/* Runs after the test above: what it has left fits, and the end of this run has room of its own again. */
static void each_line_is_kept(void **state)
{
    enum { MORE = 20 };
    static _Alignas(64) char block[KEPT_HEAD_BYTES + sizeof buffer + MORE + LOG_TAIL_BYTES];
    struct kept_record found;
    size_t before = log_length();
    kept_start(block);
    log_start(block + KEPT_HEAD_BYTES, before + MORE + LOG_TAIL_BYTES);
    put("a line\nnot yet");
    assert_true(kept_read(block, sizeof block, &found));
    assert_int_equal(found.length, before + 7);
    assert_memory_equal(found.text, log_text(), found.length);
    put("0123456789");
    assert_int_equal(log_length(), before + MORE);
    log_begin_tail();
    put("end\n");
    assert_true(kept_read(block, sizeof block, &found));
    assert_int_equal(found.length, before + MORE + 4);
    assert_memory_equal(found.text + before + MORE, "end\n", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"log: before it starts, nothing is kept", before_the_start, NULL, NULL, NULL},
        {"log: text fills the buffer from the front", fills_from_the_front, NULL, NULL, NULL},
        {"log: it moves to another buffer as far as it fits, and counts the rest", moves, NULL, NULL, NULL},
        {"log: the end of the run has room that nothing else takes", the_end_has_room, NULL, NULL, NULL},
        {"log: each complete line is in the kept record", each_line_is_kept, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
