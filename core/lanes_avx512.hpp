// Eight doubles in one register of AVX-512 (F, DQ).
#pragma once

#include <immintrin.h>

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int WIDTH = 8;

struct LaneBits {
    __m512i v;
};

struct LaneMask {
    __mmask8 v;
};

struct Lanes {
    __m512d v;
    Lanes() = default;
    Lanes(__m512d given) : v(given) {}
    Lanes(double x) : v(_mm512_set1_pd(x)) {}
};

inline Lanes load(const double* p) { return _mm512_loadu_pd(p); }
inline void store(double* p, Lanes a) { _mm512_storeu_pd(p, a.v); }

inline Lanes operator+(Lanes a, Lanes b) { return _mm512_add_pd(a.v, b.v); }
inline Lanes operator-(Lanes a, Lanes b) { return _mm512_sub_pd(a.v, b.v); }
inline Lanes operator*(Lanes a, Lanes b) { return _mm512_mul_pd(a.v, b.v); }
inline Lanes operator/(Lanes a, Lanes b) { return _mm512_div_pd(a.v, b.v); }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
inline Lanes fms(Lanes a, Lanes b, Lanes c) { return _mm512_fmsub_pd(a.v, b.v, c.v); }
inline Lanes square_root(Lanes a) { return _mm512_sqrt_pd(a.v); }
inline Lanes at_most(Lanes x, Lanes limit) { return _mm512_min_pd(limit.v, x.v); }
inline Lanes at_least(Lanes x, Lanes limit) { return _mm512_max_pd(limit.v, x.v); }
inline Lanes absolute(Lanes a) { return _mm512_abs_pd(a.v); }
inline Lanes with_sign_of(Lanes size, Lanes sign) {
    return _mm512_or_pd(size.v, _mm512_and_pd(sign.v, _mm512_set1_pd(-0.0)));
}

inline LaneMask operator<(Lanes a, Lanes b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline LaneMask operator>(Lanes a, Lanes b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ)}; }
inline LaneMask operator>=(Lanes a, Lanes b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_GE_OQ)}; }
inline LaneMask operator==(Lanes a, Lanes b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_EQ_OQ)}; }
inline LaneMask unordered(Lanes a, Lanes b) {
    return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_UNORD_Q)};
}
inline LaneMask operator|(LaneMask a, LaneMask b) { return {static_cast<__mmask8>(a.v | b.v)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {static_cast<__mmask8>(a.v & b.v)}; }
inline unsigned places(LaneMask a) { return a.v; }
inline Lanes select(LaneMask mask, Lanes a, Lanes b) {
    return _mm512_mask_mov_pd(b.v, mask.v, a.v);
}
inline Lanes where_negative(Lanes sign, Lanes a, Lanes b) {
    return _mm512_mask_mov_pd(b.v, _mm512_movepi64_mask(_mm512_castpd_si512(sign.v)), a.v);
}
inline Lanes flipped(Lanes x, Lanes sign) {
    return _mm512_xor_pd(x.v, _mm512_and_pd(sign.v, _mm512_set1_pd(-0.0)));
}

inline double least_lane(Lanes a) {
    const __m256d four = _mm256_min_pd(_mm512_castpd512_pd256(a.v), _mm512_extractf64x4_pd(a.v, 1));
    const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

inline LaneBits bits_of(Lanes a) { return {_mm512_castpd_si512(a.v)}; }
inline Lanes of_bits(LaneBits a) { return _mm512_castsi512_pd(a.v); }
inline LaneBits all_bits(Lanes, std::uint64_t x) {
    return {_mm512_set1_epi64(static_cast<long long>(x))};
}
inline LaneBits operator+(LaneBits a, LaneBits b) { return {_mm512_add_epi64(a.v, b.v)}; }
inline LaneBits operator-(LaneBits a, LaneBits b) { return {_mm512_sub_epi64(a.v, b.v)}; }
inline LaneBits operator|(LaneBits a, LaneBits b) { return {_mm512_or_si512(a.v, b.v)}; }
inline LaneBits operator<<(LaneBits a, int n) {
    return {_mm512_slli_epi64(a.v, static_cast<unsigned>(n))};
}
inline LaneBits operator>>(LaneBits a, int n) {
    return {_mm512_srli_epi64(a.v, static_cast<unsigned>(n))};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
