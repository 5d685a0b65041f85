/* SPDX-License-Identifier: MIT */
/* terms.cpp - build terms, compute those that are constant, and write them in SMT-LIB 2. */
#include "terms.h"
#include "word.h"
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>

namespace proof
{
namespace
{
using key = std::tuple<std::string, unsigned, std::vector<term>, std::uint64_t, bool>;
std::vector<node> nodes(1); /* [0] is not a term: number 0 is a word of zeroes, of any width */
std::map<key, term> numbers;

[[noreturn]] void give_up(const char *why)
{
    std::fprintf(stderr, "proof: %s\n", why);
    std::exit(3);
}

term numbered(node made)
{
    key wanted{made.operation, made.sort, made.operands, made.value, made.is_variable};
    auto [place, is_new] = numbers.try_emplace(wanted, static_cast<term>(nodes.size()));
    if (is_new)
        nodes.push_back(made);
    return place->second;
}

std::uint64_t cut(std::uint64_t value, unsigned bits)
{
    return bits < 64 ? value & ((std::uint64_t{1} << bits) - 1) : value;
}

std::int64_t as_signed(std::uint64_t value, unsigned bits)
{
    return static_cast<std::int64_t>(value << (64 - bits)) >> (64 - bits);
}

/* The functions of SMT-LIB, for constants. engine_check.cpp has the solvers check them. */
bool computed(const std::string &op, unsigned bits, std::uint64_t a, std::uint64_t b, std::uint64_t *result)
{
    static const std::map<std::string, std::uint64_t (*)(std::uint64_t, std::uint64_t, unsigned)> functions{
        {"bvadd", [](auto x, auto y, auto) { return x + y; }},
        {"bvsub", [](auto x, auto y, auto) { return x - y; }},
        {"bvmul", [](auto x, auto y, auto) { return x * y; }},
        {"bvand", [](auto x, auto y, auto) { return x & y; }},
        {"bvor", [](auto x, auto y, auto) { return x | y; }},
        {"bvxor", [](auto x, auto y, auto) { return x ^ y; }},
        {"bvudiv", [](auto x, auto y, auto) { return y != 0 ? x / y : ~std::uint64_t{0}; }},
        {"bvurem", [](auto x, auto y, auto) { return y != 0 ? x % y : x; }},
        {"bvshl", [](auto x, auto y, auto width) { return y < width ? x << y : 0; }},
        {"bvlshr", [](auto x, auto y, auto width) { return y < width ? x >> y : 0; }},
        {"bvashr",
         [](auto x, auto y, auto width) {
             return static_cast<std::uint64_t>(as_signed(x, width) >> (y < width ? y : width - 1));
         }},
        {"=", [](auto x, auto y, auto) { return std::uint64_t{x == y}; }},
        {"bvult", [](auto x, auto y, auto) { return std::uint64_t{x < y}; }},
        {"bvslt",
         [](auto x, auto y, auto width) { return std::uint64_t{as_signed(x, width) < as_signed(y, width)}; }},
        {"bvnot", [](auto x, auto, auto) { return ~x; }},
        {"bvneg", [](auto x, auto, auto) { return std::uint64_t{0} - x; }},
    };
    auto function = functions.find(op);
    if (function == functions.end())
        return false;
    *result = function->second(a, b, bits);
    return true;
}

std::string sort_name(unsigned sort)
{
    if (sort == TRUTH)
        return "Bool";
    if (sort == MEMORY)
        return "(Array (_ BitVec 64) (_ BitVec 64))";
    return "(_ BitVec " + std::to_string(sort) + ")";
}

std::string written_constant(const node &made)
{
    if (made.sort == TRUTH)
        return made.value != 0 ? "true" : "false";
    return "(_ bv" + std::to_string(made.value) + " " + std::to_string(made.sort) + ")";
}

/* Returns how other terms refer to this one. */
std::string called(term a)
{
    const node &made = node_of(a);
    if (made.is_variable)
        return "|" + made.operation + "|";
    return made.operation.empty() ? written_constant(made) : "t" + std::to_string(a);
}

void collect(term a, std::set<term> &found)
{
    if (found.insert(a).second)
        for (term operand : node_of(a).operands)
            collect(operand, found);
}

std::string defined(term a)
{
    const node &made = node_of(a);
    if (made.is_variable)
        return "(declare-fun " + called(a) + " () " + sort_name(made.sort) + ")\n";
    if (made.operation.empty())
        return "";
    std::string line = "(define-fun " + called(a) + " () " + sort_name(made.sort) + " (" + made.operation;
    for (term operand : made.operands)
        line += " " + called(operand);
    return line + "))\n";
}

std::string written_path(const path &steps)
{
    std::string line = "  (and true";
    for (const step &taken : steps)
        if (!is_constant(taken.condition))
            line += taken.answer ? " " + called(taken.condition) : " (not " + called(taken.condition) + ")";
    return line + ")\n";
}
} // namespace

const node &node_of(term a)
{
    return nodes.at(a);
}

term checked(std::uint64_t number, unsigned bits)
{
    if (number >= nodes.size() || nodes[number].sort != bits)
        give_up("a word is used that has no value");
    return static_cast<term>(number);
}

term constant(unsigned bits, std::uint64_t value)
{
    return numbered({"", bits, {}, bits == TRUTH ? value : cut(value, bits), false});
}

term variable(unsigned sort, const std::string &name)
{
    return numbered({name, sort, {}, 0, true});
}

/* Solvers are slow to find that division by a power of two is a shift. engine_check.cpp has them check it. */
static term apply_power(const std::string &operation, unsigned sort, term a, unsigned power)
{
    if (operation == "bvmul")
        return apply("bvshl", sort, a, constant(sort, power));
    if (operation == "bvudiv")
        return apply("bvlshr", sort, a, constant(sort, power));
    return apply("bvand", sort, a, constant(sort, (std::uint64_t{1} << power) - 1));
}

term apply(const char *operation, unsigned sort, term a, term b)
{
    static const std::set<std::string> have_powers{"bvmul", "bvudiv", "bvurem"};
    std::uint64_t value;
    if (is_constant(a) && is_constant(b) &&
        computed(operation, sort_of(a), constant_value(a), constant_value(b), &value))
        return constant(sort, value);
    if (is_constant(b) && std::has_single_bit(constant_value(b)) && have_powers.contains(operation))
        return apply_power(operation, sort, a, static_cast<unsigned>(std::countr_zero(constant_value(b))));
    return numbered({operation, sort, {a, b}, 0, false});
}

term apply(const char *operation, unsigned sort, term a)
{
    std::uint64_t value;
    if (is_constant(a) && computed(operation, sort_of(a), constant_value(a), 0, &value))
        return constant(sort, value);
    return numbered({operation, sort, {a}, 0, false});
}

term read_at(term memory, term address)
{
    return numbered({"select", 64, {memory, address}, 0, false});
}

bool is_constant(term a)
{
    return node_of(a).operation.empty();
}

std::uint64_t constant_value(term a)
{
    if (!is_constant(a))
        give_up("a word must be constant here, and is not");
    return node_of(a).value;
}

unsigned sort_of(term a)
{
    return node_of(a).sort;
}

term resized(term from, unsigned bits, bool is_signed)
{
    unsigned before = sort_of(from);
    if (before == bits)
        return from;
    if (is_constant(from)) {
        std::uint64_t value = constant_value(from);
        return constant(bits, is_signed ? static_cast<std::uint64_t>(as_signed(value, before)) : value);
    }
    if (before > bits)
        return apply("(_ extract 31 0)", bits, from);
    return apply(is_signed ? "(_ sign_extend 32)" : "(_ zero_extend 32)", bits, from);
}

/*
 * A symbolic pointer has bit 62 set, unlike any other pointer of this program. Below are the term's number,
 * twice, and the distance from the term's address in bytes. Arithmetic changes the distance. If that
 * overflows, the two numbers differ.
 */
static constexpr std::uintptr_t SYMBOLIC = std::uintptr_t{1} << 62;
static constexpr unsigned DISTANCE_BITS = 20, NUMBER_BITS = 21;
static constexpr std::uintptr_t NO_DISTANCE = std::uintptr_t{1} << (DISTANCE_BITS - 1);

static std::uintptr_t low_bits(std::uintptr_t value, unsigned bits)
{
    return value & ((std::uintptr_t{1} << bits) - 1);
}

void *as_pointer(term address)
{
    if (address >> NUMBER_BITS != 0)
        give_up("too many terms for symbolic pointers");
    auto number = static_cast<std::uintptr_t>(address);
    return reinterpret_cast<void *>(SYMBOLIC | (number << NUMBER_BITS | number) << DISTANCE_BITS |
                                    NO_DISTANCE);
}

bool is_symbolic(const volatile void *pointer)
{
    return (reinterpret_cast<std::uintptr_t>(pointer) & SYMBOLIC) != 0;
}

term of_pointer(const volatile void *pointer)
{
    auto value = reinterpret_cast<std::uintptr_t>(pointer);
    std::uintptr_t number = low_bits(value >> DISTANCE_BITS, NUMBER_BITS);
    if (!is_symbolic(pointer) || low_bits(value >> (DISTANCE_BITS + NUMBER_BITS), NUMBER_BITS) != number)
        give_up("a pointer is not a symbolic address");
    std::uint64_t distance = low_bits(value, DISTANCE_BITS) - NO_DISTANCE;
    term address = static_cast<term>(number);
    return distance == 0 ? address : apply("bvadd", 64, address, constant(64, distance));
}

std::string question(const std::vector<path> &paths)
{
    std::set<term> needed; /* in the order of their numbers: operands come before what uses them */
    std::string any = "(assert (or false\n";
    for (const path &steps : paths) {
        for (const step &taken : steps)
            collect(taken.condition, needed);
        any += written_path(steps);
    }
    std::string text;
    bool has_memory = false;
    for (term a : needed) {
        text += defined(a);
        has_memory |= sort_of(a) == MEMORY;
    }
    return std::string("(set-logic ") + (has_memory ? "QF_ABV)\n" : "QF_BV)\n") + text + any +
           "))\n(check-sat)\n";
}
} // namespace proof
