/* SPDX-License-Identifier: MIT */
/* page_faults: the areas of the space whose root CR3 holds are asked, and no others. */
#include "devices/processor/processor.h"

#include "kernel/cpu/known_spaces.h"
#include "kernel/faults/page_faults.h"

static struct paging_space one = {.root = {0x11}}, two = {.root = {0x22}}, none = {.root = {0x33}};
static struct areas of_one, of_two;

static struct {
    const struct areas *asked;
    paging_virt_t address;
    uint64_t error_code;
    enum area_answer answer;
} areas_stub;

enum area_answer areas_handle_fault(struct areas *areas, paging_virt_t address, uint64_t error_code)
{
    areas_stub.asked = areas;
    areas_stub.address = address;
    areas_stub.error_code = error_code;
    processor.cr2 = 0xbad; /* a page fault of the core's, which is over */
    return areas_stub.answer;
}

struct area *areas_find(const struct areas *areas, paging_page_t page)
{
    static struct area of_one_found = {.name = "attic"}, of_two_found = {.name = "cellar"};
    return page.number != 0x123 ? NULL : areas == &of_one ? &of_one_found : &of_two_found;
}

void areas_explain(const struct areas *areas, struct format_sink *sink)
{
    format(sink, "areas of %s", areas == &of_one ? "one" : "two");
}

static int begin(void **state)
{
    processor_begin();
    processor.cr2 = 0x123456;
    known_spaces_keep_only(NULL);
    assert_true(known_spaces_add(&one) && known_spaces_add(&two) && known_spaces_add(&none));
    of_one = (struct areas){.space = &one};
    of_two = (struct areas){.space = &two};
    page_faults_watch(&of_one);
    page_faults_watch(&of_two);
    areas_stub.asked = NULL;
    areas_stub.answer = AREA_FAULT_HANDLED;
    return 0;
}

static int end(void **state)
{
    page_faults_ignore(&of_one);
    page_faults_ignore(&of_two);
    return 0;
}

static bool take(uint64_t vector, uint64_t root)
{
    struct exception_frame frame = {.vector = vector, .error_code = 6};
    processor.cr3 = root << 12;
    return page_faults_take(&frame);
}

static void assert_explained(const char *words)
{
    char text[100];
    struct text_sink sink = text_sink(text, sizeof text);
    page_faults_explain(&sink.sink);
    assert_string_equal(text, words);
}

static void the_active_space_is_asked(void **state)
{
    assert_explained("");
    assert_true(take(PAGE_FAULT, 0x22));
    assert_ptr_equal(areas_stub.asked, &of_two);
    assert_int_equal(areas_stub.address.value, 0x123456);
    assert_int_equal(areas_stub.error_code, 6);
    assert_explained("areas of two");
    areas_stub.answer = AREA_FAULT_GUARD;
    processor.cr2 = 0x123456;
    assert_false(take(PAGE_FAULT, 0x11));
    assert_ptr_equal(areas_stub.asked, &of_one);
    assert_int_equal(processor.cr2, 0x123456);
    assert_explained("areas of one");
}

static const char *name_at(uint64_t root, uint64_t address)
{
    processor.cr3 = root << 12;
    return page_faults_name_at((paging_virt_t){address});
}

static void areas_name_what_is_mapped(void **state)
{
    one.cpu.levels = two.cpu.levels = 4;
    assert_string_equal(name_at(0x11, 0x123456), "attic");
    assert_string_equal(name_at(0x22, 0x123000), "cellar");
    assert_null(name_at(0x22, 0x124000));
    assert_null(name_at(0x33, 0x123000));
    page_faults_ignore_all();
    assert_null(name_at(0x11, 0x123456));
    assert_false(take(PAGE_FAULT, 0x11));
}

static void others_are_not_asked(void **state)
{
    assert_false(take(GENERAL_PROTECTION, 0x11));
    assert_false(take(PAGE_FAULT, 0x33)); /* a space without areas */
    assert_false(take(PAGE_FAULT, 0x44)); /* one that is not known */
    assert_null(areas_stub.asked);
    assert_explained("");
    assert_true(take(PAGE_FAULT, 0x11));
    page_faults_ignore(&of_one);
    assert_explained("");
    areas_stub.asked = NULL;
    assert_false(take(PAGE_FAULT, 0x11));
    assert_null(areas_stub.asked);
    assert_true(take(PAGE_FAULT, 0x22));
    page_faults_ignore(&of_two);
    page_faults_ignore(&of_two);
    assert_false(take(PAGE_FAULT, 0x22));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"page faults: the areas of the active space are asked", the_active_space_is_asked, begin, end, NULL},
        {"page faults: the areas of the active space name what is mapped", areas_name_what_is_mapped, begin,
         end, NULL},
        {"page faults: other exceptions, other spaces, and areas that are over ask nobody",
         others_are_not_asked, begin, end, NULL},
    };
    return cmocka_run_group_tests_name("page_faults", tests, NULL, NULL);
}
