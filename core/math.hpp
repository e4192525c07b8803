// exp, log, log1p, expm1, powers and the Mills ratio of the normal law from +, -, *, / and explicit
// fma, without a branch: one template for a double and for Lanes of them, the same bits from both.
//
// All coefficients: core/generate/coefficients.py. Mills ratio N(-y) / phi(y): own rational fit of
// degree 9 over 10 on y in [0, 40], relative error 7.9e-17 with rounded coefficients.
#pragma once

#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double ROUND = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
constexpr double LOG2_E = 1.4426950408889634;
constexpr double LN2_HIGH = 6.93147180369123816490e-01;
constexpr double LN2_LOW = 1.90821492927058770002e-10;

inline std::uint64_t all_bits(double, std::uint64_t x) { return x; }

// exp(r) = 1 + r + r^2 E(r), |r| <= ln(2) / 2.
template <typename V>
inline V exp_tail(V r) {
    V p = fma(V(2.510038549551032e-08), r, 2.7620088445409746e-07);
    p = fma(p, r, 2.7557268459997064e-06);
    p = fma(p, r, 2.4801521295954376e-05);
    p = fma(p, r, 0.00019841269863053618);
    p = fma(p, r, 0.0013888888917213717);
    p = fma(p, r, 0.008333333333330062);
    p = fma(p, r, 0.04166666666662413);
    p = fma(p, r, 0.16666666666666669);
    return fma(p, r, 0.5000000000000001);
}

// z = n ln 2 + r; `shifted` holds n in its low bits.
template <typename V>
struct Reduced {
    V shifted, n, r;
};

template <typename V>
inline Reduced<V> reduced(V z) {
    const V shifted = fma(z, LOG2_E, ROUND);
    const V n = shifted - ROUND;
    return {shifted, n, fma(n, -LN2_LOW, fma(n, -LN2_HIGH, z))};
}

template <typename V>
inline V power_of_two(V n) {
    return of_bits((bits_of(n + ROUND) << 52) + all_bits(n, 0x3ff0000000000000u));
}

template <typename V>
inline V exp_fraction(V r) {
    return fma(fma(exp_tail(r), r, 1.0), r, 1.0);
}

// exp(z) for z in [-707, 708], where neither overflow nor underflow can happen.
template <typename V>
inline V exp_inside(V z) {
    const Reduced<V> x = reduced(z);
    return of_bits(bits_of(exp_fraction(x.r)) + (bits_of(x.shifted) << 52));
}

// exp(z) for any z: 0 or infinity outside the range of a double, NaN for NaN.
template <typename V>
inline V exp_any(V z) {
    const Reduced<V> x = reduced(at_most(at_least(z, V(-746.0)), V(710.0)));
    const V half = fma(x.n, 0.5, ROUND) - ROUND;
    return exp_fraction(x.r) * power_of_two(half) * power_of_two(x.n - half);
}

// exp(x) - 1 without cancellation near zero.
inline double expm1_any(double z) {
    const Reduced<double> x = reduced(at_most(at_least(z, -50.0), 700.0));
    const double scale = power_of_two(x.n);
    const double tail = fma(exp_tail(x.r) * x.r, x.r, x.r);
    const double inside = fma(scale, tail, scale - 1.0);
    const double near = absolute(z) < 0x1p-54 ? z : inside;
    return z > 700.0 ? exp_any(z) : near;
}

// A logarithm as an unevaluated sum, good to about 2^-58 relative.
template <typename V>
struct Log {
    V high, low;
};

// log((1 + s) / (1 - s)) = 2 s + s^3 L(s^2), |s| <= 3 - 2 sqrt(2).
template <typename V>
inline V log_tail(V z) {
    V p = fma(V(0.13086767009948175), z, 0.13268759668560612);
    p = fma(p, z, 0.15386240205813478);
    p = fma(p, z, 0.18181795630884753);
    p = fma(p, z, 0.2222222239180047);
    p = fma(p, z, 0.2857142857080323);
    p = fma(p, z, 0.4000000000000088);
    return fma(p, z, 0.6666666666666666);
}

// log(m + tail) + k ln 2 for m in [sqrt(1/2), sqrt(2)] and |tail| at most half a unit of its last
// place.
template <typename V>
inline Log<V> log_fraction(V m, V tail, V k) {
    const V whole = m - 1.0;
    const V f = whole + tail, f_low = tail - (f - whole);
    const V d = f + 2.0, d_low = f - (d - 2.0);
    const V inverse = V(1.0) / d;
    const V s = f * inverse;
    const V s_low = (fma(V(0.0) - s, d, f) + fma(V(0.0) - s, d_low, f_low)) * inverse;
    const V z = s * s;
    const V a = k * LN2_HIGH, b = s + s;
    const V high = a + b;
    const V curve = fma(s * z, log_tail(z), fma(s_low, z, s_low) * 2.0);
    const V low = (b - (high - a)) + fma(k, LN2_LOW, curve);
    const V sum = high + low;
    return {sum, low - (sum - high)};
}

// log(x + tail) + exponent ln 2 for normal x > 0 below 2^1023 wherever tail is not zero.
template <typename V>
inline Log<V> log_inside(V x, V tail, V exponent) {
    const auto bits = bits_of(x);
    constexpr std::uint64_t OFFSET = (std::uint64_t{1024} << 52) - 0x3fe6a09e667f3bcdu;  // root 1/2
    const auto biased = (bits + all_bits(x, OFFSET)) >> 52;
    const V k = of_bits(biased | all_bits(x, 0x4330000000000000u)) - (4503599627370496.0 + 1024.0);
    const V m = of_bits(bits - ((biased - all_bits(x, 1024)) << 52));
    const V scale = of_bits((all_bits(x, 2047) - biased) << 52);
    return log_fraction(m, select(tail == 0.0, V(0.0), tail * scale), k + exponent);
}

// log(x) as a pair for any normal or subnormal x > 0.
inline Log<double> log_pair(double x) {
    const bool tiny = x < 0x1p-1022;
    return log_inside(tiny ? x * 0x1p+54 : x, 0.0, tiny ? -54.0 : 0.0);
}

// log(x): -infinity at 0, NaN below.
inline double log_any(double x) {
    const Log<double> value = log_pair(x);
    const double sum = value.high + value.low;
    const double finite = x > 0.0 && x < INFINITE ? sum : x;
    const double zero = x == 0.0 ? -INFINITE : finite;
    return x < 0.0 ? NO_NUMBER : zero;
}

// log(1 + x) for x in (-1, 2^60), without cancellation near zero.
template <typename V>
inline V log1p_inside(V x) {
    const V u = x + 1.0;
    // Knuth's error of the sum: x may be larger or smaller than one.
    const V x_part = u - 1.0, tail = (V(1.0) - (u - x_part)) + (x - x_part);
    const Log<V> value = log_inside(u, tail, V(0.0));
    return value.high + value.low;
}

// log(1 + x) for any x: -infinity at -1, NaN below.
inline double log1p_any(double x) {
    const double inside = log1p_inside(x > -1.0 && x < 0x1p+60 ? x : 0.0);
    const double large = x < 0x1p+60 ? inside : log_any(x);
    const double small = absolute(x) < 0x1p-54 ? x : large;
    const double whole = x == -1.0 ? -INFINITE : small;
    return x < -1.0 ? NO_NUMBER : whole;
}

// x^y = exp(y log x) for x >= 0, with the logarithm's low part carried along.
inline double power_any(double x, double y) {
    if (y == 0.0) return 1.0;
    if (!(x > 0.0 && x < INFINITE)) {
        if (!(x >= 0.0)) return NO_NUMBER;
        return (x == 0.0) == (y > 0.0) ? (y == y ? 0.0 : y) : (y == y ? INFINITE : y);
    }
    const Log<double> logarithm = log_pair(x);
    const double product = y * logarithm.high;
    const double rest = fma(y, logarithm.high, -product) + y * logarithm.low;
    const double value = exp_any(product);
    return value > 0.0 && value < INFINITE ? fma(value, rest, value) : value;
}

// N(-y) = exp(-y^2 / 2) P(y) / Q(y), y in [0, 40]: numerator and denominator, so that two of them
// share a divide; P holds the factor 1 / sqrt(2 pi).
template <typename V>
inline V tail_numerator(V y) {
    V p = fma(V(0.39894228040026697), y, 10.741400019984763);
    p = fma(p, y, 141.56086849599728);
    p = fma(p, y, 1181.4853181018523);
    p = fma(p, y, 6830.329990648407);
    p = fma(p, y, 28268.61841826177);
    p = fma(p, y, 83767.36184382126);
    p = fma(p, y, 172084.3832023197);
    p = fma(p, y, 224588.1661244117);
    return fma(p, y, 145001.9285180449);
}

template <typename V>
inline V tail_denominator(V y) {
    V q = y + 26.924696998605356;
    q = fma(q, y, 355.84047561078467);
    q = fma(q, y, 2988.469198174632);
    q = fma(q, y, 17473.938878883135);
    q = fma(q, y, 73766.60990609005);
    q = fma(q, y, 226395.12629695216);
    q = fma(q, y, 496555.49812008295);
    q = fma(q, y, 742179.8879181023);
    q = fma(q, y, 680565.9323511985);
    return fma(q, y, 290003.8570360898);
}

// exp(-y^2 / 2) for 0 <= y <= 37.5.
template <typename V>
inline V bell(V y) {
    return exp_inside(y * -0.5 * y);
}

}  // namespace counterpoise::COUNTERPOISE_ISA
