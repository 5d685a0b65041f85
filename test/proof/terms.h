/*
 * terms.h - the graph of terms, and how it is written down for a solver. For the engine alone.
 */
#ifndef PROOF_TERMS_H
#define PROOF_TERMS_H

#include "engine.h"
#include <vector>

namespace proof
{
struct node {
    std::string operation; /* as SMT-LIB calls it, or the name of a variable; empty for a constant */
    unsigned sort;
    std::vector<term> operands;
    std::uint64_t value; /* of a constant */
    bool is_variable;
};
const node &node_of(term a);

/* The conditions that lead along a path, and which way each went. */
struct step {
    term condition; /* the constant truth where a value was chosen (one_of) */
    bool answer;
};
using path = std::vector<step>;

/* A question in SMT-LIB 2: can one of these paths be taken? */
std::string question(const std::vector<path> &paths);

} // namespace proof

#endif
