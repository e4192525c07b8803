// How a b + c is rounded once: in hardware where the flavour has it, else here, with the same bits.
//
// Included once per instruction set, inside that flavour's namespace (COUNTERPOISE_ISA), so that no
// inline function compiled for one CPU can be linked into the code for another.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA) || \
    defined(_MSC_VER) || defined(COUNTERPOISE_CUDA)
#define COUNTERPOISE_SOFTWARE_FMA 0
#else
#define COUNTERPOISE_SOFTWARE_FMA 1
#endif

// A hot loop as one function with all that it calls inside: compilers stop inlining where a file
// has grown long, and a vector that crosses a call goes through memory. Not where every fma is a
// function of its own, nor under a sanitizer, whose checks would grow without end.
#if COUNTERPOISE_SOFTWARE_FMA || defined(COUNTERPOISE_CUDA) || defined(_MSC_VER) || \
    defined(__SANITIZE_ADDRESS__)
#define COUNTERPOISE_WHOLE inline
#else
#define COUNTERPOISE_WHOLE [[gnu::flatten, gnu::noinline]] inline
#endif

namespace counterpoise::COUNTERPOISE_ISA {

inline std::uint64_t bits_of(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double of_bits(std::uint64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

#if COUNTERPOISE_SOFTWARE_FMA

using Wide = unsigned __int128;

// |x| = mantissa * 2^exponent with mantissa in [2^52, 2^53); x finite and not zero.
struct Parts {
    std::uint64_t mantissa;
    int exponent;
};

inline Parts parts_of(double x) {
    const std::uint64_t bits = bits_of(x) & 0x7fffffffffffffffu;
    const int field = static_cast<int>(bits >> 52);
    const std::uint64_t fraction = bits & 0xfffffffffffffu;
    if (field != 0) return {fraction | (std::uint64_t{1} << 52), field - 1075};
    const int shift = __builtin_clzll(fraction) - 11;
    return {fraction << shift, -1074 - shift};
}

// Shift right; what falls off stays visible as a lowest bit of one.
inline Wide shifted(Wide x, int count) {
    if (count == 0) return x;
    if (count > 127) return x != 0;
    return (x >> count) | ((x & ((Wide{1} << count) - 1)) != 0);
}

// magnitude * 2^exponent, rounded to nearest, ties to even, gradual underflow.
inline double rounded(bool negative, Wide magnitude, int exponent) {
    const std::uint64_t sign = std::uint64_t{negative} << 63;
    const auto high = static_cast<std::uint64_t>(magnitude >> 64);
    const auto low = static_cast<std::uint64_t>(magnitude);
    const int top = high ? 127 - __builtin_clzll(high) : 63 - __builtin_clzll(low);
    const int last = exponent + top - 52 > -1074 ? exponent + top - 52 : -1074;
    const int drop = last - exponent;
    std::uint64_t kept = 0;
    if (drop <= 0) {
        kept = static_cast<std::uint64_t>(magnitude) << -drop;
    } else if (drop <= 127) {
        const Wide half = Wide{1} << (drop - 1), rest = magnitude & (2 * half - 1);
        kept = static_cast<std::uint64_t>(magnitude >> drop);
        kept += rest > half || (rest == half && (kept & 1));
    }
    const int field = last + 1075;
    if (field >= 2047) return of_bits(sign | 0x7ff0000000000000u);
    const std::uint64_t bits = (static_cast<std::uint64_t>(field) << 52) + kept -
                               (std::uint64_t{1} << 52);
    return of_bits(sign | bits);
}

// Any finite a, b, c by integers of 128 bits.
inline double integer_fma(double a, double b, double c) {
    if (a == 0 || b == 0) return a * b + c;
    const Parts pa = parts_of(a), pb = parts_of(b);
    const bool minus = std::signbit(a) != std::signbit(b);
    Wide product = static_cast<Wide>(pa.mantissa) * pb.mantissa << 20;
    int exponent = pa.exponent + pb.exponent - 20;
    if (c == 0) return rounded(minus, product, exponent);
    const Parts pc = parts_of(c);
    Wide addend = static_cast<Wide>(pc.mantissa) << 73;
    const int ahead = exponent - (pc.exponent - 73);
    if (ahead >= 0) {
        addend = shifted(addend, ahead);
    } else {
        product = shifted(product, -ahead);
        exponent -= ahead;
    }
    const bool c_minus = std::signbit(c);
    if (c_minus == minus) return rounded(minus, product + addend, exponent);
    if (product == addend) return 0.0;
    if (product > addend) return rounded(minus, product - addend, exponent);
    return rounded(c_minus, addend - product, exponent);
}

struct Sum {
    double value, error;
};

inline Sum exact_sum(double a, double b) {
    const double value = a + b, b_part = value - a, a_part = value - b_part;
    return {value, (a - a_part) + (b - b_part)};
}

inline Sum exact_product(double a, double b) {
    constexpr double SPLIT = 134217729.0;
    const double ca = SPLIT * a, ah = ca - (ca - a), al = a - ah;
    const double cb = SPLIT * b, bh = cb - (cb - b), bl = b - bh;
    const double value = a * b;
    return {value, ((ah * bh - value) + ah * bl + al * bh) + al * bl};
}

// a + b rounded to odd: an inexact sum ends in a one, so that rounding it again is harmless.
inline double odd_sum(double a, double b) {
    const Sum sum = exact_sum(a, b);
    const std::uint64_t bits = bits_of(sum.value);
    if (sum.error == 0 || (bits & 1)) return sum.value;
    return of_bits((sum.error > 0) == (sum.value > 0) ? bits + 1 : bits - 1);
}

// Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
// rounding to odd", IEEE Transactions on Computers 57(4), 2008, figure 8, inside the range where no
// intermediate overflows or underflows; integers outside of it.
inline double fma(double a, double b, double c) {
    const double product = std::fabs(a * b), addend = std::fabs(c);
    if (!(product < 0x1p+900 && product > 0x1p-800 && addend < 0x1p+900 &&
          std::fabs(a) < 0x1p+900 && std::fabs(b) < 0x1p+900)) {
        const bool finite = std::fabs(a) <= 0x1.fffffffffffffp+1023 &&
                            std::fabs(b) <= 0x1.fffffffffffffp+1023;
        if (!finite) return a * b + c;
        if (!(addend <= 0x1.fffffffffffffp+1023)) return c + c;
        return integer_fma(a, b, c);
    }
    const Sum u = exact_product(a, b);
    const Sum t = exact_sum(c, u.error);
    const Sum v = exact_sum(u.value, t.value);
    return v.value + odd_sum(t.error, v.error);
}

#elif defined(COUNTERPOISE_CUDA)

inline double fma(double a, double b, double c) { return __fma_rn(a, b, c); }

#elif defined(_MSC_VER)

inline double fma(double a, double b, double c) { return std::fma(a, b, c); }

#else

inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

#endif

}  // namespace counterpoise::COUNTERPOISE_ISA
