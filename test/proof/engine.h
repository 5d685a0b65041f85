/* SPDX-License-Identifier: MIT */
/*
 * engine.h - theorems about C code, for every value that its words can have.
 *
 * The code under proof is compiled as C++ over symbolic words (word.h): adding two of them computes nothing,
 * it records a sum. The theorem runs once per path: each comparison asks `decide`, which takes one answer and
 * records it, and the theorem runs again for the other answer.
 *
 *     THEOREM("a difference is not larger than the first operand")
 *     {
 *         uint64_t a = anything("a"), b = anything("b");
 *         assume(b <= a);
 *         claim(a - b <= a);
 *     }
 *
 * A path on which a claim is false is a counterexample if some values lead there. So the question to the
 * solvers is: can one of these failing paths be taken? "unsat" proves the theorem. Where `one_of` chooses a
 * value, such as the number of levels, each choice makes a question of its own. A second question is whether
 * some path reaches the end. If none does, the assumptions contradict each other, and the theorem would hold
 * of anything.
 *
 * Shifts by the width or more and divisions by zero are claims too, which the words make by themselves.
 */
#ifndef PROOF_ENGINE_H
#define PROOF_ENGINE_H

#include <cstdint>
#include <functional>
#include <string>

namespace proof
{
/* A term: the number of a node. Equal terms have the same number. */
using term = std::uint32_t;

/* What a term is: a word of N bits, or one of these. */
enum sort { TRUTH = 0, MEMORY = 1000 /* 2^64 words of 64 bits */ };

term constant(unsigned bits, std::uint64_t value);
term variable(unsigned sort, const std::string &name);
/* Returns the result of an operation, named as in SMT-LIB, computed at once if the operands are constant. */
term apply(const char *operation, unsigned sort, term a, term b);
term apply(const char *operation, unsigned sort, term a);
term read_at(term memory, term address);
bool is_constant(term a);
std::uint64_t constant_value(term a); /* ends the program if the term is not constant */
unsigned sort_of(term a);

/* Returns whether the condition is true: one answer on this path, the other one on another. */
bool decide(term condition);
/* Returns one of the values per path. For what must be constant, such as the number of levels. */
bool either_way();
inline unsigned one_of(unsigned only)
{
    return only;
}
template <class... More> unsigned one_of(unsigned first, More... more)
{
    return either_way() ? first : one_of(static_cast<unsigned>(more)...);
}

/* Ends the path if the condition is false: the theorem says nothing about such values. */
void assume(bool condition);
/* Fails the theorem if the condition can be false. The text says at a counterexample which claim it was. */
void claim_at(bool condition, const char *what, const char *file, int line);
#define claim(condition) ::proof::claim_at((condition), #condition, __FILE__, __LINE__)

/*
 * THEOREM("name") { ... } at file scope. A FALLACY looks like its neighbours, but the solvers must refute it.
 */
struct registered {
    registered(const char *name, bool holds, void (*body)());
};
#define PROOF_JOIN(a, b) a##b
#define PROOF_STATEMENT(name, holds, line)                                                        \
    static void PROOF_JOIN(statement_, line)();                                                   \
    static const ::proof::registered PROOF_JOIN(registered_, line)(name, holds,                   \
                                                                   PROOF_JOIN(statement_, line)); \
    static void PROOF_JOIN(statement_, line)()
#define THEOREM(name) PROOF_STATEMENT(name, true, __LINE__)
#define FALLACY(name) PROOF_STATEMENT(name, false, __LINE__)

} // namespace proof

#endif
