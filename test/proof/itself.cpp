/*
 * itself.cpp - the engine computes what is constant, and simplifies; the solvers say if that is right.
 *
 * A variable that is assumed to have a value is no constant for the engine, so what it makes of the value
 * must be what the solvers make of the variable.
 */
#include "core.h"

/* Ends of words and of signs, powers and their neighbours. */
static uint64_t awkward()
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

static uint64_t hidden(uint64_t value, const char *name)
{
    uint64_t same = anything(name);
    assume(same == value);
    return same;
}

THEOREM("engine: what it computes of constants, the solvers compute of variables with these values")
{
    uint64_t a = awkward(), b = awkward(), x = hidden(a, "x"), y = hidden(b, "y");
    claim(a + b == x + y && a - b == x - y);
    claim((a & b) == (x & y) && (a | b) == (x | y) && (a ^ b) == (x ^ y) && ~a == ~x && -a == -x);
    claim((a < b) == (x < y) && (a == b) == (x == y));
    claim(((int64_t)a < (int64_t)b) == ((int64_t)x < (int64_t)y));
    if (b < 64)
        claim(a << b == x << y && a >> b == x >> y && (int64_t)a >> b == (int64_t)x >> y);
}

THEOREM("engine: words of 32 bits are cut, and grow, as C says")
{
    uint64_t a = awkward(), x = hidden(a, "x");
    claim(unsigned(a) == unsigned(x) && unsigned(a) + 1 == unsigned(x) + 1);
    claim(uint64_t(unsigned(a)) == uint64_t(unsigned(x)) && uint64_t(unsigned(a)) == (x & 0xffffffff));
    claim(unsigned(a) * x == (a & 0xffffffff) * x);
}

/* Few, because solvers are slow at dividing; a power of two is a shift or a mask for the engine. */
THEOREM("engine: so it is with products, quotients and remainders, by powers of two and by others")
{
    uint64_t a = one_of(0, 1) == 1 ? ~0ull : 0x80000fff, b = one_of(1, 7, 4096);
    uint64_t x = hidden(a, "x"), y = hidden(b, "y");
    claim(x * b == x * y && x * b == a * b);
    claim(x / b == x / y && x / b == a / b);
    claim(x % b == x % y && x % b == a % b);
}

FALLACY("engine: a shift by 64 is a shift like others")
{
    claim(anything("x") << anything("amount") == anything("x") << anything("amount"));
}
FALLACY("engine: everything can be divided by")
{
    claim(1 / anything("x") <= 1);
}
FALLACY("engine: a word of 32 bits holds more than that")
{
    claim(uint64_t(unsigned(anything("x"))) == anything("x"));
}
FALLACY("engine: signed and unsigned order agree")
{
    uint64_t x = anything("x"), y = anything("y");
    claim(((int64_t)x < (int64_t)y) == (x < y));
}

THEOREM("engine: of two answers both paths are taken, once each")
{
    uint64_t x = anything("x");
    unsigned found = 0;
    if (x == 7)
        found = 1;
    if (x != 7)
        found = found + 2;
    claim((x == 7 && found == 1) || (x != 7 && found == 2));
}
FALLACY("engine: only the first answer is looked at")
{
    bool is_seven = anything("x") == 7;
    claim(is_seven);
}
FALLACY("engine: only one of three choices is looked at")
{
    claim(one_of(1, 2, 3) != 3);
}
