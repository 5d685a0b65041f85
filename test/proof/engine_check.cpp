/* SPDX-License-Identifier: MIT */
/*
 * engine_check.cpp - what the engine computes and simplifies by itself, checked by the solvers.
 *
 * The engine computes operations on constants. A variable that is assumed to equal a constant is not constant
 * to the engine, so the solvers compute the same operations on the variable, and both results must be equal.
 */
#include "core.h"

#include <selfmap/access.h>

/* Returns a constant at which conversions, shifts or signs change: one per path. */
static uint64_t edge_value()
{
    switch ((int)one_of(0, 1, 2, 3, 4, 5, 6, 7, 8)) {
    case 0:
        return 0;
    case 1:
        return 1;
    case 2:
        return 63;
    case 3:
        return 64;
    case 4:
        return 0x80000000;
    case 5:
        return 0xffffffff;
    case 6:
        return 1ull << 63;
    case 7:
        return ~0ull >> 1;
    default:
        return ~0ull;
    }
}

/* Returns a variable with this value. */
static uint64_t variable_equal_to(uint64_t value, const char *name)
{
    uint64_t same = anything(name);
    assume(same == value);
    return same;
}

THEOREM("engine: it computes the same from constants as the solvers do from variables with these values")
{
    uint64_t a = edge_value(), b = edge_value(), x = variable_equal_to(a, "x"), y = variable_equal_to(b, "y");
    claim(a + b == x + y && a - b == x - y);
    claim((a & b) == (x & y) && (a | b) == (x | y) && (a ^ b) == (x ^ y) && ~a == ~x && -a == -x);
    claim((a < b) == (x < y) && (a == b) == (x == y));
    claim(((int64_t)a < (int64_t)b) == ((int64_t)x < (int64_t)y));
    if (b < 64)
        claim(a << b == x << y && a >> b == x >> y && (int64_t)a >> b == (int64_t)x >> y);
}

THEOREM("engine: conversions between 32 and 64 bits are those of C")
{
    uint64_t a = edge_value(), x = variable_equal_to(a, "x");
    claim(unsigned(a) == unsigned(x) && unsigned(a) + 1 == unsigned(x) + 1);
    claim(uint64_t(unsigned(a)) == uint64_t(unsigned(x)) && uint64_t(unsigned(a)) == (x & 0xffffffff));
    claim(unsigned(a) * x == (a & 0xffffffff) * x);
}

/* Few values, because solvers divide slowly. The engine turns powers of two into shifts and masks. */
THEOREM("engine: the same for products, quotients and remainders, by powers of two and by other numbers")
{
    uint64_t a = one_of(0, 1) == 1 ? ~0ull : 0x80000fff, b = one_of(1, 7, 4096);
    uint64_t x = variable_equal_to(a, "x"), y = variable_equal_to(b, "y");
    claim(x * b == x * y && x * b == a * b);
    claim(x / b == x / y && x / b == a / b);
    claim(x % b == x % y && x % b == a % b);
}

THEOREM("engine: a symbolic pointer that was moved has the address of that entry")
{
    auto *entry = (volatile paging_entry_t *)anything("p"), *moved = entry;
    uint64_t n = anything("n"), start = anything("p");
    moved++;
    claim(address_of(moved) == start + 8);
    claim(address_of(moved - 2) == start - 8);
    claim(address_of(moved + n) == start + 8 + 8 * n);
    claim(address_of(moved + uint64_t(3)) == start + 32 && moved + uint64_t(3) == entry + 4);
}

FALLACY("engine: a shift by 64 is defined")
{
    claim(anything("x") << anything("amount") == anything("x") << anything("amount"));
}
FALLACY("engine: a division by any number is defined")
{
    claim(1 / anything("x") <= 1);
}
FALLACY("engine: a word of 32 bits holds every word of 64 bits")
{
    claim(uint64_t(unsigned(anything("x"))) == anything("x"));
}
FALLACY("engine: signed and unsigned comparisons agree")
{
    uint64_t x = anything("x"), y = anything("y");
    claim(((int64_t)x < (int64_t)y) == (x < y));
}

THEOREM("engine: it takes the paths of both answers to a comparison, and never both at once")
{
    uint64_t x = anything("x");
    unsigned found = 0;
    if (x == 7)
        found = 1;
    if (x != 7)
        found = found + 2;
    claim((x == 7 && found == 1) || (x != 7 && found == 2));
}
FALLACY("engine: it takes the path of the first answer only")
{
    bool is_seven = anything("x") == 7;
    claim(is_seven);
}
FALLACY("engine: it takes the first of three choices only")
{
    claim(one_of(1, 2, 3) != 3);
}
