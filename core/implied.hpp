// Which volatility gives this price? Black-76 inverted; no row looks at another.
//
// In units of A = min(F, K), with x = |ln(F/K)|, s = sigma sqrt(T), h = x/s, t = s/2, y1 = h - t,
// y2 = h + t and r(y) = N(-y) e^(y^2/2), the out-of-the-money value p and its complement c = 1 - p:
//     ln p = ln (r(y1) - r(y2)) - y1^2/2             ln c = ln (r(-y1) + r(y2)) - y1^2/2
// The smaller of the two is solved for s by two steps of Householder's third order from a start
// that is right to 17 %: as exact near the upper bound as in the wings. Method, errors and where
// they come from: docs/methodology/surfaces.md.
#pragma once

#include "kernels.hpp"
#include "math.hpp"
#include "twin.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double ROOT_TWO_PI = 2.5066282746310002;
constexpr double X_MAX = 700.0;        // F/K or K/F beyond e^700 is refused
constexpr double P_MIN = 0x1p-1000;    // no volatility is read from less
constexpr double X_NEAR = 3.0;         // where the start is Bachelier's
constexpr double S_NARROW = 0.3;       // below, r(y1) - r(y2) is summed as a series
constexpr double STEP_MAX = 2e-4;      // a larger second step would leave more than 1e-15
constexpr double PRECISE = 2e-14;
constexpr double HALF_UNIT = 0x1p-53;  // at least half a unit of the last place, relative

// Quotes on their way: the smaller of p and c (side +1 or -1), x, s, d ln part / d ln s, the last
// step, the relative rounding of `part` that the price brings, and what is known against the row.
template <typename V>
struct Solving {
    V part, x, side, s, slope, step, blur, reason;
};

// ln(1 + u) for u in [0, 2^1020].
template <typename V>
inline V log_of_gap(V u) {
    return log1p_inside(at_most(u, V(0x1p+1020)));
}

// The quote in units of A. A row that cannot be solved keeps harmless numbers beside its reason.
template <typename V>
inline Solving<V> normalised(V price, V f, V k, V years, V rate, V sign) {
    const V zero = 0.0, grown = rate * years, worth = price * exp_any(grown);
    const V least = at_most(f, k), most = at_least(f, k), gap = most - least;
    const V rest = (most - gap) - least;
    // Exact where price and intrinsic value are close: the price's own rounding is all there is.
    const V outside = select(sign * (f - k) > zero, (worth - gap) - rest, worth);
    const V left = select(sign > zero, f, k) - worth;
    const auto upper = outside > least * 0.5;
    const V money = select(upper, left, outside), part = money / least;
    const V x = log_of_gap(gap / least);
    V reason = select(V(P_MIN) > part, V(VANISHING), V(DETERMINED));
    reason = select(left > zero, reason, V(AT_BOUND));
    reason = select(outside > zero, reason, V(AT_INTRINSIC));
    reason = select(absolute(worth) * (-4.0 * HALF_UNIT) > outside, V(BELOW_INTRINSIC), reason);
    reason = select(years > zero, reason, V(EXPIRED));
    reason = select(least > zero, reason, V(BAD_TERMS));
    reason = select(x > V(X_MAX), V(BAD_TERMS), reason);
    reason = select(sign * sign == V(1.0), reason, V(BAD_TERMS));
    // Infinity times zero is not a number either.
    const V sum = (f * zero + k * zero) + (years * zero + grown * zero) + worth * zero;
    reason = select(sum == zero, reason, V(NOT_FINITE));
    const auto good = reason == V(DETERMINED);
    const V blur = select(grown == zero, V(HALF_UNIT), V(4.0 * HALF_UNIT)) * worth / money;
    const V side = select(upper, V(-1.0), V(1.0));
    return {select(good, part, V(0.05)), select(good, x, zero), select(good, side, V(1.0)),
            V(1.0), V(1.0), zero, blur, reason};
}

// Bachelier's p e^(-x/2) / x = phi(h) (1 - h R(h)) / h, R the Mills ratio, solved for h = x/s by a
// rational function of ln(1 + x e^(x/2) / p), own fit, 0.13 %; without the lognormal skew, which is
// at most 17 % for x <= 3.
template <typename V>
inline V start_near(V x, V part) {
    const V near = at_most(x, V(X_NEAR));
    const V z = log_of_gap(near / part * exp_inside(near * 0.5));
    const V p = fma(fma(V(0.0008214740489198639), z, 0.02555952615221158), z, 0.15915494309189535);
    const V q = fma(fma(fma(V(0.00041159090929947007), z, 0.017214540035109898), z,
                        0.1537336724324776), z, 1.0);
    const V h = z * square_root(p / q);
    return select(x > V(0.0), near / h, part * ROOT_TWO_PI);
}

// p or c = N(-a) up to a factor, a by Abramowitz and Stegun 26.2.23, and h - t = +-a.
template <typename V>
inline V start_tail(V x, V part, V side) {
    const V share = fma(V(0.75), x, 1.0), shared = part * (share / (share + 1.0));
    const V tail = where_negative(side, shared, part);
    const V l = square_root(log_inside(tail, V(0.0), V(0.0)).high * -2.0);
    const V p = fma(fma(V(0.010328), l, 0.802853), l, 2.515517);
    const V q = fma(fma(fma(V(0.001308), l, 0.189269), l, 1.432788), l, 1.0);
    const V a = l - p / q, root = square_root(fma(a, a, x * 2.0));
    return where_negative(side, root + a, x * 2.0 / (root + a));
}

// (r(h - t) - r(h + t)) sqrt(2 pi) / (2 t) = sum of m_n t^(n-1), n odd, of the moments
// m_n = int u^n e^(-hu - u^2/2) du / n!, from m_(n+1) = (m_(n-1) - h m_n) / (n + 1), whose growing
// errors the powers of t make harmless.
template <typename V>
inline V series(V h, V t) {
    const V m0 = tail_numerator(h) / tail_denominator(h) * ROOT_TWO_PI, minus = V(0.0) - h;
    const V m1 = fma(minus, m0, 1.0), m2 = fma(minus, m1, m0) * (1.0 / 2.0);
    const V m3 = fma(minus, m2, m1) * (1.0 / 3.0), m4 = fma(minus, m3, m2) * (1.0 / 4.0);
    const V m5 = fma(minus, m4, m3) * (1.0 / 5.0), m6 = fma(minus, m5, m4) * (1.0 / 6.0);
    const V m7 = fma(minus, m6, m5) * (1.0 / 7.0), m8 = fma(minus, m7, m6) * (1.0 / 8.0);
    const V m9 = fma(minus, m8, m7) * (1.0 / 9.0), m10 = fma(minus, m9, m8) * (1.0 / 10.0);
    const V m11 = fma(minus, m10, m9) * (1.0 / 11.0), square = t * t;
    return fma(fma(fma(fma(fma(m11, square, m9), square, m7), square, m5), square, m3), square, m1);
}

// r(side y1) - side r(y2); r(-y) = e^(y^2/2) - r(y).
template <typename V>
inline V difference(V y1, V y2, V side) {
    const V v = side * y1, a = absolute(v);
    const V qa = tail_denominator(a), qb = tail_denominator(y2);
    const V cross = flipped(tail_numerator(y2) * qa, y1);
    const V ratio = fms(tail_numerator(a), qb, cross) / (qa * qb);
    const V mirror = exp_inside(at_most(a * a, V(16.0)) * 0.5) - ratio;
    return where_negative(v, mirror, ratio);
}

// One step of third order in ln s for g = 0: E = dg/d ln s, Q = s V''/V' = h^2 - t^2.
template <typename V>
inline V householder(V g, V slope, V h, V t) {
    const V bend = fma(h * 3.0, h, t * t), q = fms(h, h, t * t), newton = V(0.0) - g / slope;
    const V second = q - slope;
    const V third = fms(q, q, bend) + slope * fma(slope, 2.0, q * -3.0);
    const V top = fma(newton * 0.5, second, 1.0);
    const V bottom = fma(newton, fma(newton, third * (1.0 / 6.0), second), 1.0);
    return newton * top / bottom;
}

template <typename Mask>
inline bool any(const Mask& mask) {
    return (places(mask.a) | places(mask.b)) != 0;
}

// What a step needs of r(side y1) - side r(y2): the formula that no row uses is skipped, which
// changes no row.
inline Twin tail_difference(const Solving<Twin>& q, Twin h, Twin t, const TwinMask& narrow,
                            const TwinMask& wide) {
    Twin value = 1.0;
    if (any(wide)) value = difference(h - t, h + t, q.side);
    if (any(narrow)) {
        value = select(narrow, series(h, t) * q.s * (1.0 / ROOT_TWO_PI), value);
    }
    return value;
}

COUNTERPOISE_WHOLE void solve(Solving<Twin>& q) {
    // Near the upper bound every x counts as far.
    const TwinMask far = where_negative(q.side, Twin(X_MAX), q.x) > Twin(X_NEAR);
    q.s = start_near(q.x, q.part);
    const Twin width = select(far, Twin(1.0), q.s);
    if (any(far)) q.s = select(far, start_tail(q.x, q.part, q.side), q.s);
    const TwinMask narrow = Twin(S_NARROW) > width, wide = width > Twin(S_NARROW * (1.0 - 1e-9));
    for (int k = 0; k < 2; ++k) {
        const Twin h = q.x / q.s, t = q.s * 0.5, y1 = h - t;
        const Twin value = tail_difference(q, h, t, narrow, wide);
        const Log<Twin> log = log_inside(value / q.part, Twin(0.0), Twin(0.0));
        const Twin g = fma(y1 * -0.5, y1, log.high + log.low);
        q.slope = q.side * q.s / (value * ROOT_TWO_PI);
        q.step = householder(g, q.slope, h, t);
        q.s = fma(q.s, q.step, q.s);
    }
}

// Rows [at, at + count) of a column, the rest harmless.
inline Twin rows_of(const double* column, std::int64_t at, std::int64_t count) {
    if (count >= TWIN_WIDTH) return load_twin(column + at);
    double v[TWIN_WIDTH];
    for (std::int64_t j = 0; j < TWIN_WIDTH; ++j) v[j] = j < count ? column[at + j] : 1.0;
    return load_twin(v);
}

inline void report(const Solving<Twin>& q, Twin years, const Implied& out, std::int64_t at,
                   std::int64_t count) {
    const Twin volatility = q.s / square_root(years), relative = q.blur / absolute(q.slope);
    Twin reason = select(relative > Twin(PRECISE), Twin(IMPRECISE), Twin(DETERMINED));
    reason = select(Twin(STEP_MAX) > absolute(q.step), reason, Twin(UNSOLVED));
    reason = select(volatility * 0.0 == Twin(0.0), reason, Twin(UNSOLVED));
    reason = select(q.reason == Twin(DETERMINED), reason, q.reason);
    const TwinMask missing = reason > Twin(IMPRECISE);
    double sigma[TWIN_WIDTH], spread[TWIN_WIDTH], why[TWIN_WIDTH];
    store(sigma, select(missing, Twin(NO_NUMBER), volatility));
    store(spread, select(missing, Twin(NO_NUMBER), volatility * relative));
    store(why, reason);
    const std::int64_t rows = count < TWIN_WIDTH ? count : TWIN_WIDTH;
    for (std::int64_t j = 0; j < rows; ++j) {
        out.volatility[at + j] = sigma[j];
        out.uncertainty[at + j] = spread[j];
        out.reason[at + j] = static_cast<std::uint8_t>(why[j]);
    }
}

inline void implied(const Quotes& in, const Implied& out, std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin; at < end; at += TWIN_WIDTH) {
        const std::int64_t count = end - at;
        double sign[TWIN_WIDTH];
        for (std::int64_t j = 0; j < TWIN_WIDTH; ++j) sign[j] = j < count ? in.right[at + j] : 1.0;
        const Twin years = rows_of(in.years, at, count);
        Solving<Twin> q = normalised(rows_of(in.price, at, count), rows_of(in.forward, at, count),
                                     rows_of(in.strike, at, count), years,
                                     rows_of(in.rate, at, count), load_twin(sign));
        solve(q);
        report(q, years, out, at, count);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
