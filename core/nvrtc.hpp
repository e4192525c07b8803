// What the headers use of the standard library, for CUDA's run-time compiler, which has none.
#pragma once

namespace std {

using int8_t = signed char;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using int32_t = int;
using uint32_t = unsigned;
using int64_t = long long;
using uint64_t = unsigned long long;
using ::fabs;
using ::memcpy;

template <typename Number>
struct numeric_limits;

template <>
struct numeric_limits<double> {
    static constexpr double of(uint64_t bits) { return __builtin_bit_cast(double, bits); }
    static constexpr double quiet_NaN() { return of(0x7ff8000000000000u); }
    static constexpr double infinity() { return of(0x7ff0000000000000u); }
};

inline double sqrt(double x) { return __dsqrt_rn(x); }

}  // namespace std
