// What needs more than one lane of a vector: on a CPU through memory, on a CUDA device the warp.
#pragma once

#include "lanes.hpp"

#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace counterpoise::COUNTERPOISE_ISA {

#if defined(COUNTERPOISE_CUDA)

inline double lane(const Lanes& x, std::int64_t k) {
    return __shfl_sync(WARP, x.v[0], static_cast<int>(k));
}

inline void store_first(double* p, const Lanes& x, std::int64_t count) {
    if (lane_index() < count) store(p, x);
}

inline int lowest_place(std::uint64_t places) {
    return __ffsll(static_cast<long long>(places)) - 1;
}

#else

template <typename V>
inline double lane(const V& x, std::int64_t k) {
    double v[sizeof(V) / sizeof(double)];
    store(v, x);
    return v[k];
}

// The first `count` lanes, all or none where there are not so many.
template <typename V>
inline void store_first(double* p, const V& x, std::int64_t count) {
    constexpr std::int64_t SIZE = sizeof(V) / sizeof(double);
    if (count >= SIZE) {
        store(p, x);
        return;
    }
    double v[SIZE];
    store(v, x);
    for (std::int64_t k = 0; k < count; ++k) p[k] = v[k];
}

// Of a number that is not zero.
inline int lowest_place(std::uint64_t places) {
#if defined(_MSC_VER)
    unsigned long place;
    _BitScanForward64(&place, places);
    return static_cast<int>(place);
#else
    return __builtin_ctzll(places);
#endif
}

#endif

}  // namespace counterpoise::COUNTERPOISE_ISA
