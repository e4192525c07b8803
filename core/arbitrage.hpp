// Does a smile allow a butterfly that costs less than nothing, and what is the best one that does
// not? Durrleman's function on a fixed set of points, the wings by their slopes.
#pragma once

#include "marquardt.hpp"
#include "ssvi.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int COARSE = 128;    // points of the check inside the search
constexpr double MARGIN = 1e-3;  // what the search asks for
constexpr double LACK_MAX = 10.0;
constexpr int FINE = 2000;     // and of the one that decides
constexpr double REACH = 8.0;  // |k - m| up to sinh(8) sigma = 1490 sigma
constexpr double CLEAR = 1e-6; // what a repaired smile keeps above zero

// The least of Durrleman's function and where; minus infinity where there is no positive variance.
struct Dip {
    double least, at;
};

// Durrleman's function at WIDTH of `points` places k = m + sigma sinh(tau): dense where the smile
// bends, far enough for the wings to be straight.
inline void density_at(const Raw& s, int points, int start, Lanes& k, Lanes& g) {
    const double step = 2.0 * REACH / (points - 1);
    double tau[WIDTH];
    for (int j = 0; j < WIDTH; ++j) tau[j] = fma(static_cast<double>(start + j), step, -REACH);
    const Lanes grown = exp_inside(load(tau));
    k = fma(Lanes(0.5 * s.sigma), grown - Lanes(1.0) / grown, s.m);
    const Bend<Lanes> v = bend_of(s, k);
    g = select(v.w > Lanes(0.0), durrleman(v, k), Lanes(-INFINITE));
}

inline Dip dip_of(const Raw& s, int points) {
    Dip found = {INFINITE, s.m};
    for (int start = 0; start < points; start += WIDTH) {
        Lanes k, g;
        density_at(s, points, start, k, g);
        if (places(g < Lanes(found.least)) == 0) continue;
        double place[WIDTH], density[WIDTH];
        store(place, k);
        store(density, g);
        for (int j = 0; j < WIDTH; ++j) {
            if (density[j] < found.least) found = {density[j], place[j]};
        }
    }
    return found;
}

// A smile with its squares, level and all.
inline Trial trial_from(const Smile& q, const Raw& s) {
    const double offset = q.mean - s.a;
    const double squares = sum_of(q.count, [&](std::int64_t i) {
        const Lanes off = load(q.k + i) - s.m, root = square_root(fma(off, off, s.sigma * s.sigma));
        const Lanes rest = load(q.w + i) + offset - fma(Lanes(s.rho), off, root) * s.b;
        return load(q.weight + i) * rest * rest;
    });
    return {s, squares};
}

// The least lift of the level that leaves no butterfly. There always is one: as w grows, g tends to
// 1 - w'^2 / 16 + w'' / 2, which is 3/4 or more where wings rise by at most 2.
inline Trial lifted(const Smile& q, const Trial& trial, int points, int halvings) {
    if (dip_of(trial.smile, points).least >= CLEAR) return trial;
    Raw smile = trial.smile;
    const auto clear = [&](double lift) {
        smile.a = trial.smile.a + lift;
        return dip_of(smile, points).least >= CLEAR;
    };
    double low = 0.0, high = 1e-3 * q.mean;
    while (!clear(high) && high < 1e6 * q.mean) {
        low = high;
        high *= 4.0;
    }
    for (int step = 0; step < halvings; ++step) {
        const double middle = 0.5 * (low + high);
        if (clear(middle)) high = middle;
        else low = middle;
    }
    smile.a = trial.smile.a + high;
    return trial_from(q, smile);
}

// Level, slopes to the right and the left, centre and ln width, as a smile inside the allowed set.
inline Raw shaped(const Box& box, const double* at) {
    const double right = clamped(at[1], 0.0, SLOPE_MAX), left = clamped(at[2], 0.0, SLOPE_MAX);
    const double total = right + left;
    return {at[0], 0.5 * total, total > 0.0 ? (right - left) / total : 0.0,
            clamped(at[3], box.low, box.high), exp_any(clamped(at[4], box.narrow, box.wide))};
}

constexpr int MOST_RESIDUALS = MOST_QUOTES + COARSE;

// Misfits, then what each point of the coarse check lacks to a clear density, at root `price`.
inline void residuals_of(const Smile& q, const Raw& s, double price, double* out) {
    for (std::int64_t i = 0; i < q.count; i += WIDTH) {
        const Lanes off = load(q.k + i) - s.m, root = square_root(fma(off, off, s.sigma * s.sigma));
        const Lanes w = fma(Lanes(s.b), fma(Lanes(s.rho), off, root), s.a - q.mean);
        store(out + i, square_root(load(q.weight + i)) * (w - load(q.w + i)));
    }
    for (int j = 0; j < COARSE; j += WIDTH) {
        Lanes k, g;
        density_at(s, COARSE, j, k, g);
        const Lanes lack = at_most(at_least(Lanes(MARGIN) - g, Lanes(0.0)), Lanes(LACK_MAX));
        store(out + q.count + j, lack * price);
    }
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

// Least squares from a smile with a price on negative density that rises until it decides, then
// lifted by what the fine check still asks for.
inline Fitted cleared(const Smile& q, const Raw& from, double misfit) {
    Residuals<5, MOST_RESIDUALS> r;
    const Box box = box_of(q);
    const double slope = square_root(q.square / q.total) / (q.high - q.low);
    double at[5] = {from.a, from.b * (1.0 + from.rho), from.b * (1.0 - from.rho), from.m,
                    log_any(from.sigma)};
    const double step[5] = {1e-7 * q.mean, 1e-7 * slope, 1e-7 * slope, 1e-7 * (q.high - q.low),
                            1e-7};
    const int count = static_cast<int>(q.count) + COARSE;
    const double unit = at_least(misfit, 1e-8 * q.square);
    int evaluations = 0;
    for (double price = 0.1; price < 1e10; price *= 10.0) {
        const double root = square_root(price * unit);
        evaluations += descend(at, step, 60, count, r, [&](const double* place, double* out) {
            residuals_of(q, shaped(box, place), root, out);
        });
    }
    const Trial found = lifted(q, trial_from(q, shaped(box, at)), FINE, 40);
    return {found.smile, found.squares, evaluations};
}

// The best smile found without a butterfly: the free fit where it has none, else the better of two
// searches, from the free fit and from the SSVI smile; a flat one should both fail.
inline Fitted fit_clear(const Smiles& in, std::int64_t slice, Smile& q) {
    const Fitted loose = fit_slice(q);
    if (dip_of(loose.smile, FINE).least >= CLEAR) return loose;
    const Fitted near = cleared(q, loose.smile, loose.squares);
    const Fitted far = cleared(q, ssvi_smile(in, slice), loose.squares);
    const Fitted& best = near.squares <= far.squares ? near : far;
    const int evaluations = loose.evaluations + near.evaluations + far.evaluations;
    if (dip_of(best.smile, FINE).least >= CLEAR) return {best.smile, best.squares, evaluations};
    return {{q.mean, 0.0, 0.0, loose.smile.m, loose.smile.sigma}, q.square, evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
