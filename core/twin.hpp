// Two vectors side by side, so that the long chains of one fill the waits of the other.
//
// A Black-76 value is a chain of dependent operations of about a hundred cycles, and a CPU looks
// ahead over little more than one of them. Written as pairs, two are always under way.
#pragma once

#include "across.hpp"
#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int TWIN_WIDTH = 2 * WIDTH;

struct TwinBits {
    LaneBits a, b;
};

struct TwinMask {
    LaneMask a, b;
};

struct Twin {
    Lanes a, b;
    Twin() = default;
    Twin(Lanes first, Lanes second) : a(first), b(second) {}
    Twin(double x) : a(x), b(x) {}
};

#define COUNTERPOISE_ONE(Result, name, Argument) \
    inline Result name(const Argument& x) { return {name(x.a), name(x.b)}; }
#define COUNTERPOISE_TWO(Result, name, Argument)               \
    inline Result name(const Argument& x, const Argument& y) { \
        return {name(x.a, y.a), name(x.b, y.b)};               \
    }
#define COUNTERPOISE_THREE(Result, name, First, Argument)                            \
    inline Result name(const First& x, const Argument& y, const Argument& z) {       \
        return {name(x.a, y.a, z.a), name(x.b, y.b, z.b)};                           \
    }

COUNTERPOISE_TWO(Twin, operator+, Twin)
COUNTERPOISE_TWO(Twin, operator-, Twin)
COUNTERPOISE_TWO(Twin, operator*, Twin)
COUNTERPOISE_TWO(Twin, operator/, Twin)
COUNTERPOISE_TWO(Twin, at_most, Twin)
COUNTERPOISE_TWO(Twin, at_least, Twin)
COUNTERPOISE_TWO(Twin, flipped, Twin)
COUNTERPOISE_TWO(TwinMask, operator>, Twin)
COUNTERPOISE_TWO(TwinMask, operator==, Twin)
COUNTERPOISE_THREE(Twin, fma, Twin, Twin)
COUNTERPOISE_THREE(Twin, fms, Twin, Twin)
COUNTERPOISE_THREE(Twin, where_negative, Twin, Twin)
COUNTERPOISE_THREE(Twin, select, TwinMask, Twin)
COUNTERPOISE_ONE(Twin, absolute, Twin)
COUNTERPOISE_ONE(Twin, square_root, Twin)
COUNTERPOISE_ONE(TwinBits, bits_of, Twin)
COUNTERPOISE_ONE(Twin, of_bits, TwinBits)
COUNTERPOISE_TWO(TwinBits, operator+, TwinBits)
COUNTERPOISE_TWO(TwinBits, operator-, TwinBits)
COUNTERPOISE_TWO(TwinBits, operator|, TwinBits)

#undef COUNTERPOISE_ONE
#undef COUNTERPOISE_TWO
#undef COUNTERPOISE_THREE

inline TwinBits operator<<(const TwinBits& x, int n) { return {x.a << n, x.b << n}; }
inline TwinBits operator>>(const TwinBits& x, int n) { return {x.a >> n, x.b >> n}; }
inline TwinBits all_bits(const Twin& x, std::uint64_t bits) {
    return {all_bits(x.a, bits), all_bits(x.b, bits)};
}
inline Twin load_twin(const double* p) { return {load(p), load(p + WIDTH)}; }
inline void store(double* p, const Twin& x) {
    store(p, x.a);
    store(p + WIDTH, x.b);
}

#if defined(COUNTERPOISE_CUDA)

inline double lane(const Twin& x, std::int64_t k) {
    return k < WIDTH ? lane(x.a, k) : lane(x.b, k - WIDTH);
}

inline void store_first(double* p, const Twin& x, std::int64_t count) {
    store_first(p, x.a, count);
    store_first(p + WIDTH, x.b, count - WIDTH);
}

#endif

}  // namespace counterpoise::COUNTERPOISE_ISA
