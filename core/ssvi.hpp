// Which SSVI smiles, expiry after expiry, fit the quotes without any static arbitrage?
//
// With theta the total variance at the money and p, m the wing numbers (slopes p/2 and m/2), w obeys
//     (2 w - p k) (2 w + m k) = 2 theta (2 w),  or  2 w = u + sqrt(u^2 + p m k^2), u = theta + (p - m) k/2
// which is extended SSVI with p, m = theta phi (1 +- rho): Hendriks and Martini (2019). No butterfly
// if p, m <= 4 and (p + m) max(p, m) <= 8 theta (Gatheral and Jacquier 2014, theorem 4.2); no calendar
// spread if theta, p and m do not fall and (p + m) / theta does not rise: docs/methodology/surfaces.md.
#pragma once

#include "svi.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double WING_MAX = 4.0 * (1.0 - 1e-9);
constexpr int RHOS = 5, CURVES = 5;

struct Wings {
    double theta, right, left;
};

inline double ssvi_at(const Wings& s, double k) {
    const double u = fma(0.5 * (s.right - s.left), k, s.theta), cross = s.right * s.left * k * k;
    const double root = __builtin_sqrt(fma(u, u, cross));
    return 0.5 * (u > 0.0 ? u + root : cross / (root - u));
}

// The largest share of `step` from `from` at which (sum + share grow) (from + share step) <= 8 theta.
inline double butterfly_share(double theta, double sum, double grow, double from, double step) {
    const double room = 8.0 * theta - sum * from, rise = fma(sum, step, grow * from);
    const double root = __builtin_sqrt(fma(rise, rise, 4.0 * grow * step * room));
    return rise + root > 0.0 ? 2.0 * room / (rise + root) : 1.0;
}

// The smile nearest to the one asked for, on the line from `before`, that allows no arbitrage.
inline Wings limited(const Wings& before, const Wings& asked) {
    const double theta = larger(asked.theta, before.theta);
    const double right = larger(smaller(asked.right, WING_MAX) - before.right, 0.0);
    const double left = larger(smaller(asked.left, WING_MAX) - before.left, 0.0);
    const double sum = before.right + before.left, grow = right + left;
    double share = 1.0;
    if (before.theta > 0.0 && grow > 0.0) {
        share = smaller(share, (theta / before.theta - 1.0) * sum / grow);
    }
    share = smaller(share, butterfly_share(theta, sum, grow, before.right, right));
    share = smaller(share, butterfly_share(theta, sum, grow, before.left, left));
    const double kept = larger(share, 0.0) * (1.0 - 1e-12);
    return {theta, fma(kept, right, before.right), fma(kept, left, before.left)};
}

inline double ssvi_squares(Smile& q, const Wings& s) {
    for (std::int64_t i = 0; i < q.count; ++i) q.y[i] = ssvi_at(s, q.k[i]) - q.mean - q.w[i];
    return dot(q, q.y, q.y);
}

// Variance of the quote nearest to the money.
inline double at_the_money(const Smile& q) {
    double nearest = INFINITE, variance = q.mean;
    for (std::int64_t i = 0; i < q.count; ++i) {
        const bool better = q.weight[i] > 0.0 && absolute(q.k[i]) < nearest;
        nearest = better ? absolute(q.k[i]) : nearest;
        variance = better ? q.w[i] + q.mean : variance;
    }
    return variance;
}

// Variables of the search: ln theta and the wings in units of sqrt(theta at the money).
inline Fitted ssvi_slice(Smile& q, const Wings& before, Wings& found) {
    const double theta = larger(at_the_money(q), 1e-12), unit = __builtin_sqrt(theta);
    const auto made = [&](const double* at) {
        const Wings asked = {exp_any(at[0]), larger(at[1], 0.0) * unit, larger(at[2], 0.0) * unit};
        return limited(before, asked);
    };
    const auto squares = [&](const double* at) { return ssvi_squares(q, made(at)); };
    Vertex<3> seeds[2];
    for (Vertex<3>& seed : seeds) seed.value = INFINITE;
    for (int i = 0; i < RHOS * CURVES; ++i) {
        const double rho = -0.8 + 0.4 * (i % RHOS), psi = 0.25 * (1 << (i / RHOS)) * 0.8;
        seeds[1].at[0] = log_any(theta);
        seeds[1].at[1] = psi * (1.0 + rho);
        seeds[1].at[2] = psi * (1.0 - rho);
        seeds[1].value = squares(seeds[1].at);
        if (seeds[1].value < seeds[0].value) seeds[0] = seeds[1];
    }
    double size[3] = {0.02, 0.2, 0.2};
    Least<3> best = least_of<3>(seeds[0].at, size, 1e-11, 400, squares);
    int evaluations = RHOS * CURVES + best.evaluations;
    best = least_of<3>(best.at, size, 1e-12, 400, squares);
    found = made(best.at);
    return {{}, best.value, evaluations + best.evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
