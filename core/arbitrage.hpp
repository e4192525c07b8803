// Does a smile allow a butterfly that costs less than nothing, and what is the best one that does
// not? Durrleman's function on a fixed set of points, the wings by their slopes.
#pragma once

#include "svi.hpp"

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
    double place[CHUNK], density[CHUNK];
    const double step = 2.0 * REACH / (points - 1);
    Dip found = {INFINITE, s.m};
    for (int start = 0; start < points; start += CHUNK) {
        const int count = points - start < CHUNK ? points - start : CHUNK;
        for (int j = 0; j < count; ++j) {
            const double grown = exp_inside(fma(static_cast<double>(start + j), step, -REACH));
            const double k = fma(0.5 * s.sigma, grown - 1.0 / grown, s.m);
            const Bend v = bend_of(s, k);
            const double g = durrleman(v, k);
            place[j] = k;
            density[j] = v.w > 0.0 ? g : -INFINITE;
        }
        for (int j = 0; j < count; ++j) {
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

// The best smile found without a butterfly: the free fit where it has none, else a search in which
// a butterfly costs more than any misfit, flattened as far as the fine check still asks for.
inline Fitted fit_clear(Smile& q) {
    const Fitted loose = fit_slice(q);
    if (dip_of(loose.smile, FINE).least >= CLEAR) return loose;
    const Box box = box_of(q);
    const auto cost = [&](const double* at) {
        const Trial next = shaped(q, box, at);
        const double short_of = larger(10.0 * CLEAR - dip_of(next.smile, COARSE).least, 0.0);
        return fma(q.square, smaller(short_of, 1e6), next.squares);
    };
    const Trial flat = flattened(q, loose.smile);
    double start[4] = {flat.smile.m, log_any(flat.smile.sigma), flat.smile.b, flat.smile.rho};
    Least<4> best = {};
    int evaluations = loose.evaluations;
    for (double width = 1.0; width > 0.1; width *= 0.5) {
        const double size[4] = {0.1 * width * (q.high - q.low), 0.4 * width,
                                larger(0.3 * start[2], 1e-3) * width, -0.3 * width * start[3]};
        best = least_of<4>(start, size, 1e-12, 400, cost);
        evaluations += best.evaluations;
        for (int d = 0; d < 4; ++d) start[d] = best.at[d];
    }
    const Trial found = flattened(q, shaped(q, box, best.at).smile);
    return {found.smile, found.squares, evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
