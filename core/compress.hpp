// How the lanes that pass a test are stored side by side, in order: a filter without branches.
//
// `keep(p, x, mask)` writes the lanes of x where mask holds to p, p + 1, ... and returns how many;
// what it leaves in the rest of p[0, WIDTH) is not specified.
#pragma once

#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

#if defined(__AVX512F__) && defined(__AVX512DQ__)

inline int keep(double* p, Lanes x, LaneMask mask) {
    _mm512_storeu_pd(p, _mm512_maskz_compress_pd(mask.v, x.v));
    return __builtin_popcount(mask.v);
}

#elif defined(__AVX2__)

// For each mask of four lanes, the halves (32 bits) to take.
alignas(32) constexpr std::int32_t KEPT[16][8] = {
    {0, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0, 0, 0}, {2, 3, 0, 0, 0, 0, 0, 0},
    {0, 1, 2, 3, 0, 0, 0, 0}, {4, 5, 0, 0, 0, 0, 0, 0}, {0, 1, 4, 5, 0, 0, 0, 0},
    {2, 3, 4, 5, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 0, 0}, {6, 7, 0, 0, 0, 0, 0, 0},
    {0, 1, 6, 7, 0, 0, 0, 0}, {2, 3, 6, 7, 0, 0, 0, 0}, {0, 1, 2, 3, 6, 7, 0, 0},
    {4, 5, 6, 7, 0, 0, 0, 0}, {0, 1, 4, 5, 6, 7, 0, 0}, {2, 3, 4, 5, 6, 7, 0, 0},
    {0, 1, 2, 3, 4, 5, 6, 7}};
constexpr std::int32_t KEPT_COUNT[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

inline int keep(double* p, Lanes x, LaneMask mask) {
    const unsigned at = places(mask);
    const __m256i order = _mm256_load_si256(reinterpret_cast<const __m256i*>(KEPT[at]));
    const __m256 taken = _mm256_permutevar8x32_ps(_mm256_castpd_ps(x.v), order);
    _mm256_storeu_pd(p, _mm256_castps_pd(taken));
    return KEPT_COUNT[at];
}

#else

inline int keep(double* p, const Lanes& x, const LaneMask& mask) {
    double v[WIDTH];
    store(v, x);
    const unsigned at = places(mask);
    int count = 0;
    for (int k = 0; k < WIDTH; ++k) {
        p[count] = v[k];
        count += static_cast<int>(at >> k & 1);
    }
    return count;
}

#endif

}  // namespace counterpoise::COUNTERPOISE_ISA
