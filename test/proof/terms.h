/* SPDX-License-Identifier: MIT */
/*
 * terms.h - the graph of terms, and questions about paths, in SMT-LIB 2. For engine.cpp and terms.cpp only.
 */
#ifndef PROOF_TERMS_H
#define PROOF_TERMS_H

#include "engine.h"
#include <vector>

namespace proof
{
struct node {
    std::string operation; /* named as in SMT-LIB, or the name of a variable; empty for a constant */
    unsigned sort;
    std::vector<term> operands;
    std::uint64_t value; /* of a constant */
    bool is_variable;
};
const node &node_of(term a);

/* The conditions that were decided along a path, and the answers. */
struct step {
    term condition; /* constant where `one_of` has chosen a value */
    bool answer;
};
using path = std::vector<step>;

/* Returns the question whether one of these paths can be taken. */
std::string question(const std::vector<path> &paths);

} // namespace proof

#endif
