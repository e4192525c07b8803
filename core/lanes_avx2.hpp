// Four doubles in one register of AVX2, with FMA.
#pragma once

#include <immintrin.h>

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int WIDTH = 4;

struct LaneBits {
    __m256i v;
};

struct LaneMask {
    __m256d v;
};

struct Lanes {
    __m256d v;
    Lanes() = default;
    Lanes(__m256d given) : v(given) {}
    Lanes(double x) : v(_mm256_set1_pd(x)) {}
};

inline Lanes load(const double* p) { return _mm256_loadu_pd(p); }
inline void store(double* p, Lanes a) { _mm256_storeu_pd(p, a.v); }

inline Lanes operator+(Lanes a, Lanes b) { return _mm256_add_pd(a.v, b.v); }
inline Lanes operator-(Lanes a, Lanes b) { return _mm256_sub_pd(a.v, b.v); }
inline Lanes operator*(Lanes a, Lanes b) { return _mm256_mul_pd(a.v, b.v); }
inline Lanes operator/(Lanes a, Lanes b) { return _mm256_div_pd(a.v, b.v); }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
inline Lanes fms(Lanes a, Lanes b, Lanes c) { return _mm256_fmsub_pd(a.v, b.v, c.v); }
inline Lanes square_root(Lanes a) { return _mm256_sqrt_pd(a.v); }
inline Lanes at_most(Lanes x, Lanes limit) { return _mm256_min_pd(limit.v, x.v); }
inline Lanes at_least(Lanes x, Lanes limit) { return _mm256_max_pd(limit.v, x.v); }
inline Lanes absolute(Lanes a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a.v); }
inline Lanes with_sign_of(Lanes size, Lanes sign) {
    return _mm256_or_pd(size.v, _mm256_and_pd(sign.v, _mm256_set1_pd(-0.0)));
}

inline LaneMask operator<(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
inline LaneMask operator>(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GT_OQ)}; }
inline LaneMask operator>=(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_GE_OQ)}; }
inline LaneMask operator==(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_EQ_OQ)}; }
inline LaneMask unordered(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_UNORD_Q)}; }
inline LaneMask operator|(LaneMask a, LaneMask b) { return {_mm256_or_pd(a.v, b.v)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {_mm256_and_pd(a.v, b.v)}; }
inline unsigned places(LaneMask a) { return static_cast<unsigned>(_mm256_movemask_pd(a.v)); }
inline Lanes select(LaneMask mask, Lanes a, Lanes b) { return _mm256_blendv_pd(b.v, a.v, mask.v); }
inline Lanes where_negative(Lanes sign, Lanes a, Lanes b) {
    return _mm256_blendv_pd(b.v, a.v, sign.v);
}
inline Lanes flipped(Lanes x, Lanes sign) {
    return _mm256_xor_pd(x.v, _mm256_and_pd(sign.v, _mm256_set1_pd(-0.0)));
}

inline double least_lane(Lanes a) {
    const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
    return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

inline LaneBits bits_of(Lanes a) { return {_mm256_castpd_si256(a.v)}; }
inline Lanes of_bits(LaneBits a) { return _mm256_castsi256_pd(a.v); }
inline LaneBits all_bits(Lanes, std::uint64_t x) {
    return {_mm256_set1_epi64x(static_cast<long long>(x))};
}
inline LaneBits operator+(LaneBits a, LaneBits b) { return {_mm256_add_epi64(a.v, b.v)}; }
inline LaneBits operator-(LaneBits a, LaneBits b) { return {_mm256_sub_epi64(a.v, b.v)}; }
inline LaneBits operator|(LaneBits a, LaneBits b) { return {_mm256_or_si256(a.v, b.v)}; }
inline LaneBits operator<<(LaneBits a, int n) { return {_mm256_slli_epi64(a.v, n)}; }
inline LaneBits operator>>(LaneBits a, int n) { return {_mm256_srli_epi64(a.v, n)}; }

}  // namespace counterpoise::COUNTERPOISE_ISA
