/* SPDX-License-Identifier: MIT */
/*
 * word.h - symbolic words: uint64_t, int64_t and unsigned as terms, with C's rules for mixing them.
 *
 * A word holds only the number of its term. It has the size of the word that it stands for, so sizeof and the
 * layout of structs do not change. It is trivial, because structs and designated initialisers of C need that.
 * A word without a value holds a pattern (-ftrivial-auto-var-init), and ends the program when it is used.
 */
#ifndef PROOF_WORD_H
#define PROOF_WORD_H

#include "engine.h"
#include <concepts>
#include <cstddef>
#include <type_traits>

namespace proof
{
template <unsigned bits, bool is_signed> struct word;
template <class T> struct traits {
    static constexpr bool is_word = false;
};
template <unsigned bits_, bool is_signed_> struct traits<word<bits_, is_signed_>> {
    static constexpr bool is_word = true;
};
template <class T>
concept symbolic = traits<T>::is_word;
template <class T>
concept concrete = std::integral<T> || std::is_enum_v<T>;
template <class T>
concept operand = symbolic<T> || concrete<T>;

/* Returns the term of this number and width. Ends the program if there is none: the word has no value. */
term checked(std::uint64_t number, unsigned bits);
/* Returns the term converted to another width; is_signed says how it is extended. */
term resized(term from, unsigned bits, bool is_signed);
/*
 * A symbolic pointer stands for an address that is a term, and a distance from it that is constant: p + 1 and
 * p++ work as in C. A pointer that is moved by 512 KiB or more ends the program when it is used.
 */
void *as_pointer(term address);
bool is_symbolic(const volatile void *pointer);
term of_pointer(const volatile void *pointer);

template <unsigned bits, bool is_signed> struct word {
    std::conditional_t<bits == 64, std::uint64_t, std::uint32_t> number;

    word() = default;
    template <concrete T> word(T value) : number(constant(bits, static_cast<std::uint64_t>(value)))
    {
    }
    /* C converts to a wider word implicitly; -Wconversion of the core's own build forbids the reverse. */
    template <unsigned from, bool from_signed>
    explicit(from > bits) word(word<from, from_signed> other)
        : number(resized(other.get(), bits, from_signed))
    {
    }
    static word of(term t)
    {
        word made;
        made.number = t;
        return made;
    }
    /* No term has the number 0: memory of zeroes is words of zero. */
    term get() const
    {
        return number == 0 ? constant(bits, 0) : checked(number, bits);
    }

    explicit operator bool() const
    {
        return !decide(apply("=", TRUTH, get(), constant(bits, 0)));
    }
    /* An index of an array in C, which must be constant. A template: it converts to no other integer. */
    template <std::same_as<std::ptrdiff_t> T> operator T() const
    {
        return static_cast<std::ptrdiff_t>(constant_value(get()));
    }
    template <class T>
    requires std::is_enum_v<T> || std::same_as<T, int>
    explicit operator T() const
    {
        return static_cast<T>(constant_value(get()));
    }
    template <class T> explicit operator T *() const requires(bits == 64)
    {
        return static_cast<T *>(as_pointer(get()));
    }

    word operator~() const
    {
        return of(apply("bvnot", bits, get()));
    }
    word operator-() const
    {
        return of(apply("bvneg", bits, get()));
    }
    word &operator++()
    {
        return *this += 1;
    }
    word &operator--()
    {
        return *this -= 1;
    }
    word operator++(int)
    {
        word before = *this;
        *this += 1;
        return before;
    }
    word operator--(int)
    {
        word before = *this;
        *this -= 1;
        return before;
    }
#define PROOF_ASSIGNMENT(op)                           \
    template <operand T> word &operator op##=(T other) \
    {                                                  \
        return *this = word(*this op other);           \
    }
    PROOF_ASSIGNMENT(+)
    PROOF_ASSIGNMENT(-)
    PROOF_ASSIGNMENT(*)
    PROOF_ASSIGNMENT(/)
    PROOF_ASSIGNMENT(%)
    PROOF_ASSIGNMENT(&)
    PROOF_ASSIGNMENT(|)
    PROOF_ASSIGNMENT(^)
    PROOF_ASSIGNMENT(<<)
    PROOF_ASSIGNMENT(>>)
#undef PROOF_ASSIGNMENT
};

template <unsigned bits, bool is_signed> word<bits, is_signed> lifted(word<bits, is_signed> w)
{
    return w;
}
template <concrete T> auto lifted(T value)
{
    return word<(sizeof(T) > 4 ? 64 : 32), std::is_signed_v<decltype(value + 0)>>(value);
}

/* C's usual arithmetic conversions: the wider type, or the unsigned one of two with the same width. */
template <unsigned a_bits, bool a_signed, unsigned b_bits, bool b_signed>
auto common_type(word<a_bits, a_signed>, word<b_bits, b_signed>)
{
    constexpr unsigned bits = a_bits > b_bits ? a_bits : b_bits;
    constexpr bool is_signed =
        a_bits == b_bits ? a_signed && b_signed : (a_bits > b_bits ? a_signed : b_signed);
    return word<bits, is_signed>::of(constant(bits, 0));
}
template <unsigned bits, bool is_signed> constexpr unsigned bits_of(word<bits, is_signed>)
{
    return bits;
}

template <operand A, operand B> auto calculated(const char *operation, A a, B b)
{
    using T = decltype(common_type(lifted(a), lifted(b)));
    static_assert(!std::same_as<T, word<64, true>>,
                  "an overflow of signed words is undefined, and nothing here checks for it");
    return T::of(apply(operation, sort_of(T(0).get()), T(lifted(a)).get(), T(lifted(b)).get()));
}
template <operand A, operand B> term compared(const char *with_sign, const char *without, A a, B b)
{
    using T = decltype(common_type(lifted(a), lifted(b)));
    const char *operation = std::same_as<T, word<sizeof(T) * 8, true>> ? with_sign : without;
    return apply(operation, TRUTH, T(lifted(a)).get(), T(lifted(b)).get());
}

/* Shifts as C does. A shift by the width or more, or of a signed word to the left, fails the theorem. */
template <operand A, operand B> auto shifted(bool left, A a, B b)
{
    auto value = lifted(a);
    using T = decltype(value);
    constexpr unsigned bits = sizeof(T) * 8;
    constexpr bool is_signed = std::same_as<T, word<bits, true>>;
    term amount = resized(lifted(b).get(), bits, false);
    claim_at(decide(apply("bvult", TRUTH, amount, constant(bits, bits))), "a shift is by less than the width",
             "word.h", __LINE__);
    claim_at(!left || !is_signed, "only unsigned words are shifted left", "word.h", __LINE__);
    return T::of(apply(left ? "bvshl" : is_signed ? "bvashr" : "bvlshr", bits, value.get(), amount));
}

#define PROOF_OPERATOR(op)              \
    template <operand A, operand B>     \
    requires symbolic<A> || symbolic<B> \
    auto operator op(A a, B b)
PROOF_OPERATOR(+)
{
    return calculated("bvadd", a, b);
}
PROOF_OPERATOR(-)
{
    return calculated("bvsub", a, b);
}
PROOF_OPERATOR(*)
{
    return calculated("bvmul", a, b);
}
PROOF_OPERATOR(&)
{
    return calculated("bvand", a, b);
}
PROOF_OPERATOR(|)
{
    return calculated("bvor", a, b);
}
PROOF_OPERATOR(^)
{
    return calculated("bvxor", a, b);
}
PROOF_OPERATOR(<<)
{
    return shifted(true, a, b);
}
PROOF_OPERATOR(>>)
{
    return shifted(false, a, b);
}
PROOF_OPERATOR(==)
{
    return decide(compared("=", "=", a, b));
}
PROOF_OPERATOR(!=)
{
    return !decide(compared("=", "=", a, b));
}
PROOF_OPERATOR(<)
{
    return decide(compared("bvslt", "bvult", a, b));
}
PROOF_OPERATOR(>)
{
    return decide(compared("bvslt", "bvult", b, a));
}
PROOF_OPERATOR(<=)
{
    return !decide(compared("bvslt", "bvult", b, a));
}
PROOF_OPERATOR(>=)
{
    return !decide(compared("bvslt", "bvult", a, b));
}
PROOF_OPERATOR(/)
{
    claim_at(lifted(b) != 0, "no division by zero", "word.h", __LINE__);
    return calculated("bvudiv", a, b);
}
PROOF_OPERATOR(%)
{
    claim_at(lifted(b) != 0, "no division by zero", "word.h", __LINE__);
    return calculated("bvurem", a, b);
}
#undef PROOF_OPERATOR

/* p + n. Only for a symbolic pointer, n need not be constant. */
template <class T, unsigned bits, bool is_signed> T *operator+(T *base, word<bits, is_signed> index)
{
    if (!is_symbolic(base) || is_constant(index.get()))
        return base + static_cast<std::ptrdiff_t>(constant_value(index.get()));
    auto address = word<64, false>::of(of_pointer(base)) + word<64, false>(index) * sizeof(T);
    return static_cast<T *>(as_pointer(address.get()));
}

/* p += n. */
template <class T, unsigned bits, bool is_signed> T *&operator+=(T *&pointer, word<bits, is_signed> count)
{
    return pointer = pointer + count;
}

using word64 = word<64, false>;
using word32 = word<32, false>;
using signed64 = word<64, true>;

/* Any value. Two with the same name are equal. */
inline word64 anything(const char *name)
{
    return word64::of(variable(64, name));
}
inline word32 anything32(const char *name)
{
    return word32::of(variable(32, name));
}

} // namespace proof

#endif
