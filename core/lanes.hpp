// Several doubles at once, by instruction set: the type that the hot loops are written in.
//
// Each flavour defines `Lanes` (numbers), `LaneBits` (the same as 64-bit integers) and `LaneMask`
// with WIDTH of them, and the same operations as `double`, so that one template serves both and the
// bits do not depend on the width. Comparisons are ordered: NaN is neither less nor equal. Of equal
// or unordered arguments at_most and at_least return the first: a NaN stays. `flipped` changes the
// sign where another number has its sign bit set, `where_negative` chooses by that bit; both are
// cheaper than a comparison, which competes with multiplications. `least_lane` is the lowest of a
// vector's numbers: of zeros either, any number where one is NaN.
#pragma once

#include <limits>

#include "fma.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double NO_NUMBER = std::numeric_limits<double>::quiet_NaN();
constexpr double INFINITE = std::numeric_limits<double>::infinity();

inline double select(bool mask, double a, double b) { return mask ? a : b; }
inline double at_most(double x, double limit) { return limit < x ? limit : x; }
inline double at_least(double x, double limit) { return limit > x ? limit : x; }
inline double absolute(double x) { return std::fabs(x); }
inline double with_sign_of(double size, double sign) {
    return of_bits(bits_of(size) | (bits_of(sign) & 0x8000000000000000u));
}
inline double flipped(double x, double sign) {
    return of_bits(bits_of(x) ^ (bits_of(sign) & 0x8000000000000000u));
}
inline double where_negative(double sign, double a, double b) {
    return bits_of(sign) >> 63 ? a : b;
}
inline double fms(double a, double b, double c) { return fma(a, b, -c); }
inline double square_root(double x) { return std::sqrt(x); }

}  // namespace counterpoise::COUNTERPOISE_ISA

#if defined(COUNTERPOISE_CUDA)
#include "lanes_cuda.hpp"
#elif defined(__AVX512F__) && defined(__AVX512DQ__)
#include "lanes_avx512.hpp"
#elif defined(__AVX2__)
#include "lanes_avx2.hpp"
#elif defined(__aarch64__) && !defined(COUNTERPOISE_PLAIN)
#include "lanes_neon.hpp"
#else
#include "lanes_plain.hpp"
#endif
