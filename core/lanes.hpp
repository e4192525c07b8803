// Eight doubles at once: the few vector operations of the aggregation, by instruction set.
//
// The compiler does not keep an array of accumulators in registers on its own; these types do.
// Comparisons are ordered: a NaN is neither less nor equal, and `minimum(a, b)` is a < b ? a : b.
#pragma once

#include "fma.hpp"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace counterpoise::COUNTERPOISE_ISA {

#if defined(__AVX512F__) && defined(__AVX512DQ__)

struct Lanes {
    __m512d v;
};

inline Lanes load(const double* p) { return {_mm512_loadu_pd(p)}; }
inline void store(double* p, Lanes a) { _mm512_storeu_pd(p, a.v); }
inline Lanes all(double x) { return {_mm512_set1_pd(x)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
inline Lanes multiply(Lanes a, Lanes b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Lanes subtract(Lanes a, Lanes b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Lanes minimum(Lanes a, Lanes b) { return {_mm512_min_pd(a.v, b.v)}; }
inline Lanes magnitude(Lanes a) { return {_mm512_abs_pd(a.v)}; }
inline Lanes with_sign(Lanes a, Lanes sign) {
    return {_mm512_or_pd(a.v, _mm512_and_pd(sign.v, _mm512_set1_pd(-0.0)))};
}
// a > 0 ? b : a
inline Lanes where_positive(Lanes a, Lanes b) {
    return {_mm512_mask_blend_pd(_mm512_cmp_pd_mask(a.v, _mm512_setzero_pd(), _CMP_GT_OQ), a.v, b.v)};
}
inline bool any_nan(Lanes a, Lanes b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_UNORD_Q) != 0; }
inline unsigned equal(Lanes a, Lanes b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ); }

#elif defined(__AVX2__)

struct Lanes {
    __m256d v, w;
};

inline Lanes load(const double* p) { return {_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)}; }
inline void store(double* p, Lanes a) {
    _mm256_storeu_pd(p, a.v);
    _mm256_storeu_pd(p + 4, a.w);
}
inline Lanes all(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_pd(a.v, b.v, c.v), _mm256_fmadd_pd(a.w, b.w, c.w)};
}
inline Lanes multiply(Lanes a, Lanes b) { return {_mm256_mul_pd(a.v, b.v), _mm256_mul_pd(a.w, b.w)}; }
inline Lanes subtract(Lanes a, Lanes b) { return {_mm256_sub_pd(a.v, b.v), _mm256_sub_pd(a.w, b.w)}; }
inline Lanes minimum(Lanes a, Lanes b) { return {_mm256_min_pd(a.v, b.v), _mm256_min_pd(a.w, b.w)}; }
inline Lanes magnitude(Lanes a) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    return {_mm256_andnot_pd(sign, a.v), _mm256_andnot_pd(sign, a.w)};
}
inline Lanes with_sign(Lanes a, Lanes s) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    return {_mm256_or_pd(a.v, _mm256_and_pd(s.v, sign)), _mm256_or_pd(a.w, _mm256_and_pd(s.w, sign))};
}
inline Lanes where_positive(Lanes a, Lanes b) {
    const __m256d zero = _mm256_setzero_pd();
    return {_mm256_blendv_pd(a.v, b.v, _mm256_cmp_pd(a.v, zero, _CMP_GT_OQ)),
            _mm256_blendv_pd(a.w, b.w, _mm256_cmp_pd(a.w, zero, _CMP_GT_OQ))};
}
inline bool any_nan(Lanes a, Lanes b) {
    return _mm256_movemask_pd(_mm256_or_pd(_mm256_cmp_pd(a.v, b.v, _CMP_UNORD_Q),
                                           _mm256_cmp_pd(a.w, b.w, _CMP_UNORD_Q))) != 0;
}
inline unsigned equal(Lanes a, Lanes b) {
    return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)) |
                                 _mm256_movemask_pd(_mm256_cmp_pd(a.w, b.w, _CMP_EQ_OQ)) << 4);
}

#else

struct Lanes {
    double v[8];
};

template <typename Function>
inline Lanes each(Function function) {
    Lanes out;
    for (int k = 0; k < 8; ++k) out.v[k] = function(k);
    return out;
}

inline Lanes load(const double* p) {
    return each([p](int k) { return p[k]; });
}
inline void store(double* p, const Lanes& a) {
    for (int k = 0; k < 8; ++k) p[k] = a.v[k];
}
inline Lanes all(double x) {
    return each([x](int) { return x; });
}
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return each([&](int k) { return fma(a.v[k], b.v[k], c.v[k]); });
}
inline Lanes multiply(const Lanes& a, const Lanes& b) {
    return each([&](int k) { return a.v[k] * b.v[k]; });
}
inline Lanes subtract(const Lanes& a, const Lanes& b) {
    return each([&](int k) { return a.v[k] - b.v[k]; });
}
inline Lanes minimum(const Lanes& a, const Lanes& b) {
    return each([&](int k) { return a.v[k] < b.v[k] ? a.v[k] : b.v[k]; });
}
inline Lanes magnitude(const Lanes& a) {
    return each([&](int k) { return of_bits(bits_of(a.v[k]) & 0x7fffffffffffffffu); });
}
inline Lanes with_sign(const Lanes& a, const Lanes& s) {
    return each([&](int k) { return of_bits(bits_of(a.v[k]) | (bits_of(s.v[k]) & 0x8000000000000000u)); });
}
inline Lanes where_positive(const Lanes& a, const Lanes& b) {
    return each([&](int k) { return a.v[k] > 0.0 ? b.v[k] : a.v[k]; });
}
inline bool any_nan(const Lanes& a, const Lanes& b) {
    bool found = false;
    for (int k = 0; k < 8; ++k) found |= a.v[k] != a.v[k] || b.v[k] != b.v[k];
    return found;
}
inline unsigned equal(const Lanes& a, const Lanes& b) {
    unsigned mask = 0;
    for (int k = 0; k < 8; ++k) mask |= static_cast<unsigned>(a.v[k] == b.v[k]) << k;
    return mask;
}

#endif

// The least of eight; any of equal ones has the same value, so the order does not matter.
inline double least(Lanes a) {
    double v[8];
    store(v, a);
    for (int step = 4; step > 0; step /= 2) {
        for (int k = 0; k < step; ++k) v[k] = v[k] < v[k + step] ? v[k] : v[k + step];
    }
    return v[0];
}

}  // namespace counterpoise::COUNTERPOISE_ISA
