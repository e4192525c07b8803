// Which volatility gives this price: Black-76 inverted, one row at a time, no row looking at another.
//
// In units of A = min(F, K), with x = |ln(F/K)|, s = sigma sqrt(T), y1 = x/s - s/2, y2 = x/s + s/2
// and the Mills ratio R, the out-of-the-money value p = V/A and its complement c = 1 - p are
//     ln p = ln D - y1^2/2 - ln sqrt(2 pi),  D = R(y1) - R(y2)       ln c: D = R(-y1) + R(y2)
// The smaller of the two is solved for s by two steps of Householder's third order from a start
// that is right to 17 %: no exponential, and as exact near the upper bound as in the wings.
// Method, errors and the proof of the start: docs/methodology/surfaces.md.
#pragma once

#include "black76.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double ROOT_TWO_PI = 2.5066282746310002;
constexpr double X_MAX = 700.0;         // F/K or K/F beyond e^700 is refused
constexpr double P_MIN = 0x1p-1000;     // no volatility is read from less
constexpr double X_NEAR = 3.0;          // where the start is Bachelier's
constexpr double S_NARROW = 0.3;        // below, R(y1) - R(y2) is summed as a series
constexpr double STEP_MAX = 2e-4;       // a larger second step would leave more than 1e-15
constexpr double PRECISE = 2e-14;
constexpr double UNIT_ROUNDOFF = 0x1p-53;

// One chunk of quotes on its way: x, p or c, 1 / (sqrt(2 pi) p or c), s, and d ln p / d ln s.
struct Solving {
    double x[CHUNK], part[CHUNK], scale[CHUNK], s[CHUNK], slope[CHUNK], step[CHUNK];
    double side[CHUNK];    // +1: solved for p, -1: solved for c
    double narrow[CHUNK];  // 1 where the series is used
    double blur[CHUNK];    // relative rounding of p or c that the price itself carries
    double reason[CHUNK];
};

// One quote in units of A, and what its blur is made of.
struct Normal {
    double x, part, side, blur, reason;
};

// A row that cannot be solved keeps harmless numbers, so that no lane waits for it. Every condition
// is one comparison that selects, so that the loop over this runs in vectors.
inline Normal normal(double price, double f, double k, double years, double rate, double sign) {
    const double grown = rate * years, worth = price * exp_any(grown);
    const double least = smaller(f, k), most = larger(f, k), gap = most - least;
    const double rest = (most - gap) - least;
    // Exact where price and intrinsic value are close: the price's own rounding is all there is.
    const double outside = sign * (f - k) > 0.0 ? (worth - gap) - rest : worth;
    const double left = (sign > 0.0 ? f : k) - worth;
    const double money = outside > 0.5 * least ? left : outside, part = money / least;
    const double side = outside > 0.5 * least ? -1.0 : 1.0;
    const double x = log1p_any(gap / least);
    double reason = part < P_MIN ? VANISHING : DETERMINED;
    reason = part <= 0.0 ? AT_BOUND : reason;
    reason = outside <= 0.0 ? AT_INTRINSIC : reason;
    reason = outside < -4.0 * UNIT_ROUNDOFF * absolute(worth) ? BELOW_INTRINSIC : reason;
    reason = years > 0.0 ? reason : EXPIRED;
    reason = least > 0.0 ? reason : BAD_TERMS;
    reason = x <= X_MAX ? reason : BAD_TERMS;
    reason = sign * sign == 1.0 ? reason : BAD_TERMS;
    // Infinite or not a number as soon as one of them is: the zeros turn infinity into NaN.
    const double sum = (0.0 * f + 0.0 * k) + (0.0 * years + 0.0 * grown) + 0.0 * worth;
    reason = sum == 0.0 ? reason : NOT_FINITE;
    const double blur = UNIT_ROUNDOFF * (grown == 0.0 ? 1.0 : 4.0) * worth / money;
    return {reason == DETERMINED ? x : 0.0, reason == DETERMINED ? part : 0.25,
            reason == DETERMINED ? side : 1.0, blur, reason};
}

inline void normalise(const Quotes& in, std::int64_t start, Solving& q, int count) {
    double sign[CHUNK];
    for (int j = 0; j < count; ++j) sign[j] = in.right[start + j];
    for (int j = 0; j < count; ++j) {
        const std::int64_t i = start + j;
        const Normal n = normal(in.price[i], in.forward[i], in.strike[i], in.years[i], in.rate[i],
                                sign[j]);
        q.x[j] = n.x;
        q.part[j] = n.part;
        q.side[j] = n.side;
        q.blur[j] = n.blur;
        q.reason[j] = n.reason;
        q.scale[j] = 1.0 / (ROOT_TWO_PI * n.part);
    }
}

// Bachelier's: p e^(-x/2) / x = phi(h) (1 - h R(h)) / h solved for h = x/s by a rational function of
// ln(1 + x e^(x/2) / p), own fit, 0.13 %; it neglects the lognormal skew, at most 17 % for x <= 3.
inline double start_near(double x, double part) {
    const double near = smaller(x, X_NEAR);
    const double ratio = near / part * exp_inside(0.5 * near);
    const double z = log1p_any(ratio);
    const double p = fma(fma(0.0008214740489198639, z, 0.02555952615221158), z, 0.15915494309189535);
    const double q = fma(fma(fma(0.00041159090929947007, z, 0.017214540035109898), z,
                             0.1537336724324776), z, 1.0);
    const double h = z * __builtin_sqrt(p / q);
    return x > 0.0 ? near / h : part * ROOT_TWO_PI;
}

// p or c = N(-a) up to a factor, a by Abramowitz and Stegun 26.2.23, and x/s - s/2 = +-a.
inline double start_tail(double x, double part, double side) {
    const double share = fma(0.75, x, 1.0), shared = part * (share / (share + 1.0));
    const Log tail = log_inside(side > 0.0 ? part : shared, 0.0, 0.0);
    const double l = __builtin_sqrt(-2.0 * tail.high);
    const double p = fma(fma(0.010328, l, 0.802853), l, 2.515517);
    const double q = fma(fma(fma(0.001308, l, 0.189269), l, 1.432788), l, 1.0);
    const double a = l - p / q, root = __builtin_sqrt(fma(a, a, 2.0 * x));
    return side > 0.0 ? 2.0 * x / (root + a) : root + a;
}

inline void start(Solving& q, int count) {
    for (int j = 0; j < count; ++j) {
        const double here = start_near(q.x[j], q.part[j]);
        const double there = start_tail(q.x[j], q.part[j], q.side[j]);
        // On the other side x counts as far.
        const double x = q.side[j] > 0.0 ? q.x[j] : X_MAX;
        q.s[j] = x <= X_NEAR ? here : there;
        const double narrow = here < S_NARROW ? 1.0 : 0.0;
        q.narrow[j] = x <= X_NEAR ? narrow : 0.0;
    }
}

// (R(h - t) - R(h + t)) / (2 t): the odd moments m_n = int u^n e^(-hu - u^2/2) du / n! by
// m_(n+1) = (m_(n-1) - h m_n) / (n + 1), whose growing errors the powers of t make harmless.
inline double series(double h, double t) {
    const double m0 = mills_numerator(h) / mills_denominator(h);
    const double m1 = fma(-h, m0, 1.0), m2 = fma(-h, m1, m0) * (1.0 / 2.0);
    const double m3 = fma(-h, m2, m1) * (1.0 / 3.0), m4 = fma(-h, m3, m2) * (1.0 / 4.0);
    const double m5 = fma(-h, m4, m3) * (1.0 / 5.0), m6 = fma(-h, m5, m4) * (1.0 / 6.0);
    const double m7 = fma(-h, m6, m5) * (1.0 / 7.0), m8 = fma(-h, m7, m6) * (1.0 / 8.0);
    const double m9 = fma(-h, m8, m7) * (1.0 / 9.0), m10 = fma(-h, m9, m8) * (1.0 / 10.0);
    const double m11 = fma(-h, m10, m9) * (1.0 / 11.0), square = t * t;
    return fma(fma(fma(fma(fma(m11, square, m9), square, m7), square, m5), square, m3), square, m1);
}

// R(side y1) - side R(y2); R(-y) = sqrt(2 pi) e^(y^2/2) - R(y).
inline double difference(double y1, double y2, double side) {
    const double v = side * y1, a = absolute(v);
    const bool ahead = v >= 0.0;
    const double qa = mills_denominator(a), qb = mills_denominator(y2);
    const double cross = side * (mills_numerator(y2) * qa);
    const double ratio = fma(mills_numerator(a), qb, ahead ? -cross : cross) / (qa * qb);
    const double mirror = ROOT_TWO_PI * exp_inside(0.5 * smaller(a * a, 16.0));
    return ahead ? ratio : mirror - ratio;
}

// One step of third order in ln s: E = g', Q = s^2 V''/V' = h^2 - t^2.
inline double householder(double g, double slope, double h, double t) {
    const double q = fma(h, h, -t * t), newton = -g / slope;
    const double second = q - slope;
    const double bend = fma(3.0 * h, h, t * t);
    const double third = fma(q, q, -bend) + slope * fma(2.0, slope, -3.0 * q);
    const double top = fma(0.5 * newton, second, 1.0);
    const double bottom = fma(newton, fma(newton, third * (1.0 / 6.0), second), 1.0);
    return newton * top / bottom;
}

inline void advance(Solving& q, int count, bool any_narrow, bool any_wide) {
    double wide[CHUNK], value[CHUNK] = {};
    for (int j = 0; j < count && any_wide; ++j) {
        const double h = q.x[j] / q.s[j], t = 0.5 * q.s[j];
        wide[j] = difference(h - t, h + t, q.side[j]);
    }
    for (int j = 0; j < count && any_narrow; ++j) {
        value[j] = q.s[j] * series(q.x[j] / q.s[j], 0.5 * q.s[j]);
    }
    for (int j = 0; j < count && any_wide; ++j) {
        value[j] = q.narrow[j] != 0.0 ? value[j] : wide[j];
    }
    for (int j = 0; j < count; ++j) {
        const double h = q.x[j] / q.s[j], t = 0.5 * q.s[j], y1 = h - t;
        const Log log = log_inside(value[j] * q.scale[j], 0.0, 0.0);
        const double g = fma(-0.5 * y1, y1, log.high + log.low);
        q.slope[j] = q.side[j] * q.s[j] / value[j];
        q.step[j] = householder(g, q.slope[j], h, t);
        q.s[j] = fma(q.s[j], q.step[j], q.s[j]);
    }
}

inline void report(const Quotes& in, const Implied& out, std::int64_t start, Solving& q,
                   int count) {
    for (int j = 0; j < count; ++j) {
        const double volatility = q.s[j] / __builtin_sqrt(in.years[start + j]);
        const double relative = q.blur[j] / absolute(q.slope[j]);
        double reason = relative <= PRECISE ? DETERMINED : IMPRECISE;
        reason = absolute(q.step[j]) <= STEP_MAX ? reason : UNSOLVED;
        reason = finite(volatility) ? reason : UNSOLVED;
        reason = q.reason[j] == DETERMINED ? reason : q.reason[j];
        out.volatility[start + j] = reason <= IMPRECISE ? volatility : NO_NUMBER;
        out.uncertainty[start + j] = reason <= IMPRECISE ? volatility * relative : NO_NUMBER;
        q.reason[j] = reason;
    }
    for (int j = 0; j < count; ++j) {
        out.reason[start + j] = static_cast<std::uint8_t>(q.reason[j]);
    }
}

inline void implied(const Quotes& in, const Implied& out, std::int64_t begin, std::int64_t end) {
    Solving q;
    for (std::int64_t first = begin; first < end; first += CHUNK) {
        const int count = static_cast<int>(end - first < CHUNK ? end - first : CHUNK);
        normalise(in, first, q, count);
        start(q, count);
        double narrow = 0.0;
        for (int j = 0; j < count; ++j) narrow += q.narrow[j];
        // Skipping a formula that no row of the chunk uses changes no row.
        for (int k = 0; k < 2; ++k) advance(q, count, narrow > 0.0, narrow < count);
        report(in, out, first, q, count);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
