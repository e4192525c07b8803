// Two doubles in one register of NEON on aarch64, which always has FMA.
#pragma once

#include <arm_neon.h>

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int WIDTH = 2;

struct LaneBits {
    uint64x2_t v;
};

struct LaneMask {
    uint64x2_t v;
};

struct Lanes {
    float64x2_t v;
    Lanes() = default;
    Lanes(float64x2_t given) : v(given) {}
    Lanes(double x) : v(vdupq_n_f64(x)) {}
};

inline Lanes load(const double* p) { return vld1q_f64(p); }
inline void store(double* p, Lanes a) { vst1q_f64(p, a.v); }

inline Lanes operator+(Lanes a, Lanes b) { return vaddq_f64(a.v, b.v); }
inline Lanes operator-(Lanes a, Lanes b) { return vsubq_f64(a.v, b.v); }
inline Lanes operator*(Lanes a, Lanes b) { return vmulq_f64(a.v, b.v); }
inline Lanes operator/(Lanes a, Lanes b) { return vdivq_f64(a.v, b.v); }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return vfmaq_f64(c.v, a.v, b.v); }
inline Lanes fms(Lanes a, Lanes b, Lanes c) { return vfmaq_f64(vnegq_f64(c.v), a.v, b.v); }
inline Lanes square_root(Lanes a) { return vsqrtq_f64(a.v); }

inline LaneMask operator<(Lanes a, Lanes b) { return {vcltq_f64(a.v, b.v)}; }
inline LaneMask operator>(Lanes a, Lanes b) { return {vcgtq_f64(a.v, b.v)}; }
inline LaneMask operator>=(Lanes a, Lanes b) { return {vcgeq_f64(a.v, b.v)}; }
inline LaneMask operator==(Lanes a, Lanes b) { return {vceqq_f64(a.v, b.v)}; }
inline LaneMask operator|(LaneMask a, LaneMask b) { return {vorrq_u64(a.v, b.v)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {vandq_u64(a.v, b.v)}; }
inline LaneMask unordered(Lanes a, Lanes b) {
    const uint64x2_t ordered = vandq_u64(vceqq_f64(a.v, a.v), vceqq_f64(b.v, b.v));
    return {veorq_u64(ordered, vdupq_n_u64(~std::uint64_t{0}))};
}
inline unsigned places(LaneMask a) {
    return static_cast<unsigned>((vgetq_lane_u64(a.v, 0) & 1) | (vgetq_lane_u64(a.v, 1) & 2));
}
inline Lanes select(LaneMask mask, Lanes a, Lanes b) { return vbslq_f64(mask.v, a.v, b.v); }
// Not vminq and vmaxq: those order zeros by sign and return either of two NaNs.
inline Lanes at_most(Lanes x, Lanes limit) { return select(limit < x, limit, x); }
inline Lanes at_least(Lanes x, Lanes limit) { return select(limit > x, limit, x); }

inline double least_lane(Lanes a) {
    return at_most(vgetq_lane_f64(a.v, 0), vgetq_lane_f64(a.v, 1));
}

inline LaneBits bits_of(Lanes a) { return {vreinterpretq_u64_f64(a.v)}; }
inline Lanes of_bits(LaneBits a) { return vreinterpretq_f64_u64(a.v); }
inline LaneBits all_bits(Lanes, std::uint64_t x) { return {vdupq_n_u64(x)}; }
inline LaneBits operator+(LaneBits a, LaneBits b) { return {vaddq_u64(a.v, b.v)}; }
inline LaneBits operator-(LaneBits a, LaneBits b) { return {vsubq_u64(a.v, b.v)}; }
inline LaneBits operator|(LaneBits a, LaneBits b) { return {vorrq_u64(a.v, b.v)}; }
inline LaneBits operator<<(LaneBits a, int n) { return {vshlq_u64(a.v, vdupq_n_s64(n))}; }
inline LaneBits operator>>(LaneBits a, int n) { return {vshlq_u64(a.v, vdupq_n_s64(-n))}; }

inline uint64x2_t sign_bit() { return vdupq_n_u64(0x8000000000000000u); }
inline Lanes absolute(Lanes a) { return vabsq_f64(a.v); }
inline Lanes flipped(Lanes x, Lanes sign) {
    return of_bits({veorq_u64(bits_of(x).v, vandq_u64(bits_of(sign).v, sign_bit()))});
}
inline Lanes with_sign_of(Lanes size, Lanes sign) {
    return of_bits({vorrq_u64(bits_of(size).v, vandq_u64(bits_of(sign).v, sign_bit()))});
}
inline Lanes where_negative(Lanes sign, Lanes a, Lanes b) {
    const uint64x2_t mask = vcltzq_s64(vreinterpretq_s64_f64(sign.v));
    return vbslq_f64(mask, a.v, b.v);
}

}  // namespace counterpoise::COUNTERPOISE_ISA
