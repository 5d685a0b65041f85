/* SPDX-License-Identifier: MIT */
/*
 * Random cases without end. One that fails is shortened, printed and kept. See usage below, and README.md.
 *
 * The cases run in a process of their own, which writes each step into shared memory before it does it. So
 * the steps are there whatever happens: a wrong answer, a crash, or an endless loop.
 */
#define _GNU_SOURCE
#include "fuzz/draw.h"
#include "fuzz/shorten.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOTALS_EVERY 60
#define SHORTEN_FOR  120u
#define MOST_BYTES   65536u

static struct {
    uint64_t seconds, seed, cases, operations, levels;
    const char *name, *replay, *bytes, *keep, *only;
    enum case_life life;
} options = {.seed = 1, .name = "fuzz", .life = CASE_ANY_LIFE};

/* Shared with the process that runs cases. */
static struct fuzz_progress {
    uint64_t seed, cases, operations, steps;
    struct test_case now;
} * progress;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_totals(double began)
{
    double seconds = seconds_now() - began;
    printf("# %s: seeds %lu to %lu: %lu operations in %lu cases, %.0f s, %.0f operations/s\n", options.name,
           (unsigned long)options.seed, (unsigned long)(options.seed + progress->cases),
           (unsigned long)progress->operations, (unsigned long)progress->cases, seconds,
           (double)progress->operations / (seconds > 0 ? seconds : 1));
    fflush(stdout);
}

/* ---- running ---- */

static bool is_enough(double began)
{
    return (options.cases && progress->cases >= options.cases) ||
           (options.operations && progress->operations >= options.operations) ||
           (options.seconds && seconds_now() - began >= (double)options.seconds);
}

static void run_cases(double began)
{
    double totals = began;
    while (!is_enough(began)) {
        case_watch();
        progress->seed = options.seed + progress->cases;
        (void)draw_from(draw_source_of_seed(progress->seed));
        case_draw(&progress->now, (unsigned)options.levels, options.life);
        progress->cases++;
        progress->operations += progress->now.operations;
        progress->steps += progress->now.count;
        if (seconds_now() - totals >= TOTALS_EVERY) {
            totals = seconds_now();
            print_totals(began);
        }
    }
}

/* The file of libFuzzer is decoded as it was there. */
static void run_bytes(void)
{
    static uint8_t bytes[MOST_BYTES];
    FILE *file = fopen(options.bytes, "rb");
    if (!file) {
        perror(options.bytes);
        _exit(2);
    }
    size_t count = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    case_watch();
    (void)draw_from(draw_source_of_bytes(bytes, count));
    case_draw(&progress->now, (unsigned)options.levels, options.life);
}

/* Returns the status that the process ended with. */
static int in_a_process(double began)
{
    int status = 1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (options.bytes)
            run_bytes();
        else
            run_cases(began);
        fflush(NULL);
        _exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        status = 1;
    return status;
}

/* ---- a failure ---- */

static void print_as_comment(const struct test_case *test)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    case_write(memory, test);
    fclose(memory);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        printf("#   %s\n", line);
    free(text);
}

static void keep(const struct test_case *test)
{
    FILE *file = options.keep ? fopen(options.keep, "w") : NULL;
    if (!file)
        return;
    case_write(file, test);
    fclose(file);
    printf("# replay it: --replay %s\n", options.keep);
}

static void report(struct test_case *test)
{
    unsigned count = test->count;
    if (!case_fails(test, true)) {
        printf("# done once more, these %u steps do not fail\n", count);
        print_as_comment(test);
        return;
    }
    case_shorten(test, SHORTEN_FOR);
    printf("# %u steps, shortened to %u:\n", count, test->count);
    fflush(stdout);
    (void)case_fails(test, true);
    print_as_comment(test);
    keep(test);
}

static int replay(void)
{
    FILE *file = fopen(options.replay, "r");
    if (!file) {
        perror(options.replay);
        return 2;
    }
    unsigned line = case_read(file, &progress->now);
    fclose(file);
    if (line) {
        fprintf(stderr, "%s:%u: not understood\n", options.replay, line);
        return 2;
    }
    bool fails = case_fails(&progress->now, true);
    printf("%s: %u steps: %s\n", options.replay, progress->now.count, fails ? "it fails" : "all is right");
    return fails;
}

/* ---- the program ---- */

static int usage(void)
{
    fprintf(stderr,
            "usage: %s [--seconds N] [--cases N] [--operations N] [--seed S] [--levels L]\n"
            "          [--life recursive|direct] [--keep FILE]\n"
            "       %s --replay FILE              do again what was kept\n"
            "       %s --bytes FILE [--keep FILE] do what libFuzzer found, and shorten it\n"
            "Case i of a run is drawn from seed S + i: --seed S+i --cases 1 is that one alone.\n",
            options.name, options.name, options.name);
    return 2;
}

/* Each is followed by its value. */
static bool read_option(const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *number;
        const char **text;
    } known[] = {{"--seconds", &options.seconds, NULL},
                 {"--cases", &options.cases, NULL},
                 {"--operations", &options.operations, NULL},
                 {"--seed", &options.seed, NULL},
                 {"--levels", &options.levels, NULL},
                 {"--replay", NULL, &options.replay},
                 {"--bytes", NULL, &options.bytes},
                 {"--keep", NULL, &options.keep},
                 {"--life", NULL, &options.only}};
    for (unsigned i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        char *end = NULL;
        if (known[i].text)
            *known[i].text = value;
        else
            *known[i].number = strtoull(value, &end, 0);
        return !end || (*value && !*end);
    }
    return false;
}

static bool read_options(int count, char **arguments)
{
    bool understood = count % 2 == 1;
    options.name = arguments[0];
    for (int i = 1; understood && i < count; i += 2)
        understood = read_option(arguments[i], arguments[i + 1]);
    if (options.only)
        options.life = strcmp(options.only, "direct") == 0 ? CASE_DIRECT : CASE_RECURSIVE;
    if (options.only && options.life == CASE_RECURSIVE && strcmp(options.only, "recursive") != 0)
        return false;
    return understood &&
           (options.seconds || options.cases || options.operations || options.replay || options.bytes);
}

int main(int count, char **arguments)
{
    if (!read_options(count, arguments))
        return usage();
    progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED)
        return 2;
    if (options.replay)
        return replay();
    double began = seconds_now();
    int status = in_a_process(began);
    progress->operations += status ? progress->now.operations : 0;
    if (!options.bytes)
        print_totals(began);
    if (status != 0) {
        printf("# seed %lu fails (%s %d)\n", (unsigned long)progress->seed,
               WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        report(&progress->now);
    }
    printf("1..1\n%sok 1 - random cases agree with the abstract maps\n", status ? "not " : "");
    return status != 0;
}
