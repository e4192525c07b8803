// Does a smile allow a butterfly that costs less than nothing, and what is the best one that does
// not? Durrleman's function on a fixed set of points, the wings by their slopes.
#pragma once

#include "ssvi.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int COARSE = 64;     // points of the check inside the search
constexpr int FINE = 2000;     // and of the one that decides
constexpr double REACH = 8.0;  // |k - m| up to sinh(8) sigma = 1490 sigma
constexpr double CLEAR = 1e-6; // what a repaired smile keeps above zero

// The least of Durrleman's function and where; minus infinity where there is no positive variance.
struct Dip {
    double least, at;
};

// At k = m + sigma sinh(tau): dense where the smile bends, far enough for the wings to be straight.
inline Dip dip_of(const Raw& s, int points) {
    const double step = 2.0 * REACH / (points - 1);
    Dip found = {INFINITE, s.m};
    for (int start = 0; start < points; start += WIDTH) {
        double tau[WIDTH], place[WIDTH], density[WIDTH];
        for (int j = 0; j < WIDTH; ++j) tau[j] = fma(static_cast<double>(start + j), step, -REACH);
        const Lanes grown = exp_inside(load(tau));
        const Lanes k = fma(Lanes(0.5 * s.sigma), grown - Lanes(1.0) / grown, s.m);
        const Bend<Lanes> v = bend_of(s, k);
        const Lanes g = select(v.w > Lanes(0.0), durrleman(v, k), Lanes(-INFINITE));
        if (places(g < Lanes(found.least)) == 0) continue;
        store(place, k);
        store(density, g);
        for (int j = 0; j < WIDTH; ++j) {
            if (density[j] < found.least) found = {density[j], place[j]};
        }
    }
    return found;
}

// A smile of the given shape with its best level: b and rho kept inside the diamond.
inline Trial shaped(Smile& q, const Box& box, const double* at) {
    const double m = clamped(at[0], box.low, box.high);
    const double sigma = exp_any(clamped(at[1], box.narrow, box.wide));
    const double rho = clamped(at[3], -1.0, 1.0);
    const double b = clamped(at[2], 0.0, SLOPE_MAX / (1.0 + absolute(rho)));
    const double c = b * sigma;
    return trial_of(q, gram_of(q, m, sigma), {c, rho * c}, m, sigma);
}

// The flattest share of the way to no smile at all that has no butterfly: always found, for a flat
// smile has none.
inline Trial flattened(Smile& q, const Raw& s) {
    const Gram g = gram_of(q, s.m, s.sigma);
    const double c = s.b * s.sigma, d = s.rho * c;
    double kept = 1.0, low = 0.0, high = 1.0;
    for (int step = 0; step < 40; ++step) {
        const Trial next = trial_of(q, g, {kept * c, kept * d}, s.m, s.sigma);
        const bool clear = dip_of(next.smile, FINE).least >= CLEAR;
        if (clear && kept == 1.0) return next;
        if (clear) low = kept;
        else high = kept;
        kept = 0.5 * (low + high);
    }
    return trial_of(q, g, {low * c, low * d}, s.m, s.sigma);
}

// The SSVI smile of this expiry alone, which has no butterfly by its own bounds, as an SVI smile.
inline Raw ssvi_smile(const Smiles& in, std::int64_t slice) {
    Asked asked;
    ask_alone(in, slice, asked);
    const Wings s = limited({}, wings_of(asked.at, asked.unit));
    const double psi = 0.5 * (s.right + s.left), rho = 0.5 * (s.right - s.left) / psi;
    const double rest = (1.0 - rho) * (1.0 + rho), scale = s.theta / psi;
    return {0.5 * s.theta * rest, 0.5 * psi, rho, -rho * scale, square_root(rest) * scale};
}

// Search from a smile with a price on butterflies that rises to more than any misfit, then flatten
// as far as the fine check still asks for.
inline Fitted cleared(Smile& q, const Raw& from, double misfit) {
    const Box box = box_of(q);
    double start[4] = {from.m, log_any(from.sigma), from.b, from.rho};
    int evaluations = 0;
    for (double price = 100.0 * misfit; price < 1e4 * q.square; price *= 100.0) {
        const auto cost = [&](const double* at) {
            const Trial next = shaped(q, box, at);
            const double less = at_least(10.0 * CLEAR - dip_of(next.smile, COARSE).least, 0.0);
            return fma(price, at_most(less, 1e6), next.squares);
        };
        const double size[4] = {0.1 * (q.high - q.low), 0.3, at_least(0.2 * start[2], 1e-3),
                                start[3] > 0.0 ? -0.2 : 0.2};
        const Least<4> best = least_of<4>(start, size, 1e-10, 300, cost);
        evaluations += best.evaluations;
        for (int d = 0; d < 4; ++d) start[d] = best.at[d];
    }
    const Trial found = flattened(q, shaped(q, box, start).smile);
    return {found.smile, found.squares, evaluations};
}

// The best smile found without a butterfly: the free fit where it has none, else the better of two
// searches, from the free fit and from the SSVI smile.
inline Fitted fit_clear(const Smiles& in, std::int64_t slice, Smile& q) {
    const Fitted loose = fit_slice(q);
    if (dip_of(loose.smile, FINE).least >= CLEAR) return loose;
    const Fitted near = cleared(q, loose.smile, loose.squares);
    const Fitted far = cleared(q, ssvi_smile(in, slice), loose.squares);
    const Fitted& best = far.squares < near.squares ? far : near;
    return {best.smile, best.squares, loose.evaluations + near.evaluations + far.evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
