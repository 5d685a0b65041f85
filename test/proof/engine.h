/*
 * engine.h - theorems about C code, for every value that its words can have.
 *
 * The code under proof is compiled as C++ with words that are terms (word.h): adding two of them computes
 * nothing, it writes down a sum. What a program does with such words is run once per path: each comparison
 * asks `decide`, which takes one answer and notes it, and the theorem is run again for the other answer.
 *
 * A theorem reads like a test. It takes values from `anything`, may `assume` something about them, and
 * `claim`s. A path on which a claim is false is a counterexample, unless no values lead there; that no values
 * do, for any of these paths, is what is put to the solvers: can one of the failing paths be taken? "unsat"
 * proves the theorem. (Where values are chosen with `one_of`, as the number of levels, each choice makes a
 * question of its own.) Another question is whether one path reaches the end: if not, what is assumed
 * contradicts itself, and the theorem says nothing.
 *
 * Shifts by too much, division by zero and the like are claims too, which the words make by themselves.
 */
#ifndef PROOF_ENGINE_H
#define PROOF_ENGINE_H

#include <cstdint>
#include <functional>
#include <string>

namespace proof
{
/* A term: the number of a node. The same term has the same number, however often it is built. */
using term = std::uint32_t;

/* What a term is: so many bits, or one of these. */
enum sort { TRUTH = 0, MEMORY = 1000 /* 2^64 words of 64 bits */ };

term constant(unsigned bits, std::uint64_t value);
term variable(unsigned sort, const std::string &name);
/* An operation as SMT-LIB calls it; of constants it is computed at once. */
term apply(const char *operation, unsigned sort, term a, term b);
term apply(const char *operation, unsigned sort, term a);
term read_at(term memory, term address);
term written(term memory, term address, term value);
bool is_constant(term a);
std::uint64_t constant_value(term a); /* of a constant; anything else ends the program */
unsigned sort_of(term a);

/* Is the condition true? One answer on this path, the other one on the next. */
bool decide(term condition);
/* One value per path. Quantities that shape the code, as the number of levels, are chosen so. */
bool either_way();
inline unsigned one_of(unsigned only)
{
    return only;
}
template <class... More> unsigned one_of(unsigned first, More... more)
{
    return either_way() ? first : one_of(static_cast<unsigned>(more)...);
}

/* What is not so is not looked at. */
void assume(bool condition);
/* What must be so. The text tells a reader of a counterexample which claim it was. */
void claim_at(bool condition, const char *what, const char *file, int line);
#define claim(condition) ::proof::claim_at((condition), #condition, __FILE__, __LINE__)

/*
 * THEOREM("name") { ... } at file scope. A FALLACY is one that the solvers must refute: it shows that its
 * neighbours are not true of everything.
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
