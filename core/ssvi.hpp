// Which SSVI smiles, expiry after expiry, fit the quotes without any static arbitrage?
//
// With theta the total variance at the money and p/2, m/2 the slopes of the wings, w obeys
//     (2 w - p k) (2 w + m k) = 2 theta (2 w),  or
//     2 w = u + sqrt(u^2 + p m k^2),  u = theta + (p - m) k / 2
// which is extended SSVI, p and m = theta phi (1 +- rho): Hendriks and Martini (2019). No butterfly
// if p, m <= 4 and (p + m) max(p, m) <= 8 theta (Gatheral and Jacquier 2014, theorem 4.2); no
// calendar spread if theta, p and m do not fall and (p + m) / theta does not rise:
// docs/methodology/surfaces.md.
#pragma once

#include "svi.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr double WING_MAX = 4.0 * (1.0 - 1e-9), LEAN = 5e-4;
constexpr int RHOS = 5, CURVES = 5, SEARCH = 200, SWEEPS = 8;

struct Wings {
    double theta, right, left;
};

template <typename V>
inline V ssvi_at(const Wings& s, V k) {
    const V u = fma(V(0.5 * (s.right - s.left)), k, s.theta), cross = k * k * (s.right * s.left);
    const V root = square_root(fma(u, u, cross));
    return select(u > V(0.0), u + root, cross / (root - u)) * 0.5;
}

// The largest share at which (sum + share grow) (from + share step) <= 8 theta.
inline double butterfly_share(double theta, double sum, double grow, double from, double step) {
    const double room = 8.0 * theta - sum * from, rise = fma(sum, step, grow * from);
    const double root = square_root(fma(rise, rise, 4.0 * grow * step * room));
    return rise + root > 0.0 ? 2.0 * room / (rise + root) : 1.0;
}

// The smile nearest to the one asked for, on the line from `before`, that allows no arbitrage.
inline Wings limited(const Wings& before, const Wings& asked) {
    const double theta = at_least(asked.theta, before.theta);
    const double right = at_least(at_most(asked.right, WING_MAX) - before.right, 0.0);
    const double left = at_least(at_most(asked.left, WING_MAX) - before.left, 0.0);
    const double sum = before.right + before.left, grow = right + left;
    double share = 1.0;
    if (before.theta > 0.0 && grow > 0.0) {
        share = at_most(share, (theta / before.theta - 1.0) * sum / grow);
    }
    share = at_most(share, butterfly_share(theta, sum, grow, before.right, right));
    share = at_most(share, butterfly_share(theta, sum, grow, before.left, left));
    const double kept = at_least(share, 0.0) * (1.0 - 1e-12);
    return {theta, fma(kept, right, before.right), fma(kept, left, before.left)};
}

// Weighted squares of one slice.
inline double ssvi_squares(const Smiles& in, std::int64_t slice, const Wings& s) {
    const std::int64_t at = in.pointer[slice];
    return sum_of(in.pointer[slice + 1] - at, [&](std::int64_t i) {
        const Lanes rest = ssvi_at(s, load(in.log_moneyness + at + i)) - load(in.variance + at + i);
        return load(in.weight + at + i) * rest * rest;
    });
}

// What is asked of one slice: ln theta, and the wings in units of sqrt(variance at the money).
struct Asked {
    double at[3], unit;
};

// Neither wing less than LEAN of the other: |rho| below one, so that variance is zero nowhere.
inline Wings wings_of(const double* at, double unit) {
    const double right = at_least(at[1], 0.0) * unit, left = at_least(at[2], 0.0) * unit;
    return {exp_any(at[0]), at_least(right, LEAN * left), at_least(left, LEAN * right)};
}

// Squares of this slice and all later ones, each as near to what is asked as arbitrage lets it be.
inline double chain_squares(const Smiles& in, const Asked* asked, std::int64_t slice,
                            std::int64_t count, Wings before, const double* first) {
    double total = 0.0;
    for (std::int64_t i = slice; i < count; ++i) {
        before = limited(before, wings_of(i == slice ? first : asked[i].at, asked[i].unit));
        total += ssvi_squares(in, i, before);
    }
    return total;
}

// The best place of a grid, the level being that of the quote nearest to the money.
inline Asked first_asked(const Smiles& in, std::int64_t slice) {
    const std::int64_t at = in.pointer[slice], end = in.pointer[slice + 1];
    double nearest = INFINITE, theta = 0.0, least = INFINITE;
    for (std::int64_t i = at; i < end; ++i) {
        if (in.weight[i] > 0.0 && absolute(in.log_moneyness[i]) < nearest) {
            nearest = absolute(in.log_moneyness[i]);
            theta = in.variance[i];
        }
    }
    Asked best = {{log_any(theta), 0.0, 0.0}, square_root(theta)};
    for (int i = 0; i < RHOS * CURVES; ++i) {
        const double rho = 0.4 * (i % RHOS) - 0.8, psi = 0.2 * (1 << (i / RHOS));
        const double next[3] = {best.at[0], psi * (1.0 + rho), psi * (1.0 - rho)};
        const double squares = ssvi_squares(in, slice, limited({}, wings_of(next, best.unit)));
        if (!(squares < least)) continue;
        least = squares;
        best.at[1] = next[1];
        best.at[2] = next[2];
    }
    return best;
}

// One search over what is asked of a slice; returns the evaluations it took.
template <typename Function>
inline int ask_better(Asked& asked, Function&& squares) {
    const double size[3] = {0.02, 0.2, 0.2};
    const Least<3> found = least_of<3>(asked.at, size, 1e-10, SEARCH, squares);
    for (int d = 0; d < 3; ++d) asked.at[d] = found.at[d];
    return found.evaluations;
}

// What one expiry alone asks for.
inline int ask_alone(const Smiles& in, std::int64_t slice, Asked& asked) {
    asked = first_asked(in, slice);
    return RHOS * CURVES + ask_better(asked, [&](const double* at) {
        return ssvi_squares(in, slice, limited({}, wings_of(at, asked.unit)));
    });
}

// Each slice alone first, then sweeps from the first to the last in which a slice also answers for
// what it leaves to those behind it.
inline void ssvi_chain(const Smiles& in, const SliceFits& out, std::int64_t count) {
    Asked asked[MOST_SLICES];
    for (std::int64_t i = 0; i < count; ++i) {
        out.evaluations[i] = ask_alone(in, i, asked[i]);
    }
    double last = INFINITE;
    for (int sweep = 0; sweep < SWEEPS && count > 0; ++sweep) {
        const double all_squares = chain_squares(in, asked, 0, count, {}, asked[0].at);
        if (!(all_squares < 0.999 * last)) break;
        last = all_squares;
        Wings before = {};
        for (std::int64_t i = 0; i < count; ++i) {
            out.evaluations[i] += ask_better(asked[i], [&](const double* at) {
                return chain_squares(in, asked, i, count, before, at);
            });
            before = limited(before, wings_of(asked[i].at, asked[i].unit));
        }
    }
    Wings found = {};
    for (std::int64_t i = 0; i < count; ++i) {
        found = limited(found, wings_of(asked[i].at, asked[i].unit));
        out.parameters[3 * i] = found.theta;
        out.parameters[3 * i + 1] = found.right;
        out.parameters[3 * i + 2] = found.left;
        out.squares[i] = ssvi_squares(in, i, found);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
