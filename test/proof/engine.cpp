/* SPDX-License-Identifier: MIT */
/* engine.cpp - run each theorem along all of its paths, and print the questions for the solvers. */
#include "terms.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace proof
{
namespace
{
struct theorem {
    const char *name;
    bool holds;
    void (*body)();
};
std::vector<theorem> &theorems()
{
    static std::vector<theorem> all;
    return all;
}

/* Thrown when a path ends before the theorem does. */
struct path_ends {
};

enum { MOST_PATHS = 100000 };

struct {
    path taken;
    std::size_t position; /* earlier steps repeat what was decided on the last path */
    std::map<std::vector<bool>, std::vector<path>> failing; /* by what `one_of` has chosen */
    std::vector<path> completed;
    std::set<std::string> claims; /* those of the failing paths */
} run;

/* Turns to the other answer at the last step where it has not been tried. Returns false if there is none. */
bool next_path()
{
    while (!run.taken.empty() && !run.taken.back().answer)
        run.taken.pop_back();
    if (run.taken.empty())
        return false;
    run.taken.back().answer = false;
    return true;
}

void explore(void (*body)())
{
    run = {};
    unsigned paths = 0;
    do {
        if (++paths > MOST_PATHS) {
            std::fprintf(stderr, "proof: more than %d paths\n", MOST_PATHS);
            std::exit(3);
        }
        run.position = 0;
        try {
            body();
            run.completed.push_back(run.taken);
        } catch (const path_ends &) {
        }
        run.taken.resize(run.position);
    } while (next_path());
}

bool take(term condition)
{
    if (run.position == run.taken.size())
        run.taken.push_back({condition, true});
    return run.taken[run.position++].answer;
}
} // namespace

bool decide(term condition)
{
    if (is_constant(condition))
        return constant_value(condition) != 0;
    for (std::size_t i = 0; i < run.position; i++)
        if (run.taken[i].condition == condition)
            return run.taken[i].answer;
    return take(condition);
}

bool either_way()
{
    return take(constant(TRUTH, 1));
}

void assume(bool condition)
{
    if (!condition)
        throw path_ends();
}

void claim_at(bool condition, const char *what, const char *file, int line)
{
    if (condition)
        return;
    path here(run.taken.begin(), run.taken.begin() + static_cast<std::ptrdiff_t>(run.position));
    std::vector<bool> chosen;
    for (const step &taken : here)
        if (is_constant(taken.condition))
            chosen.push_back(taken.answer);
    run.failing[chosen].push_back(here);
    const char *base = std::strrchr(file, '/');
    run.claims.insert("; claim " + std::string(base != nullptr ? base + 1 : file) + ":" +
                      std::to_string(line) + ": " + what + "\n");
    throw path_ends();
}

registered::registered(const char *name, bool holds, void (*body)())
{
    theorems().push_back({name, holds, body});
}
} // namespace proof

/* Prints all theorems of the program, one after the other; test/proof/prove reads that. */
int main()
{
    using namespace proof;
    for (const theorem &wanted : theorems()) {
        explore(wanted.body);
        std::printf("; %s: %s\n", wanted.holds ? "theorem" : "fallacy", wanted.name);
        for (const std::string &claim : run.claims)
            std::printf("%s", claim.c_str());
        std::printf("; example\n%s", question(run.completed).c_str());
        for (const auto &[chosen, paths] : run.failing)
            std::printf("; question of %zu paths\n%s", paths.size(), question(paths).c_str());
    }
    return 0;
}
