// Which SVI smile fits the quotes of one expiry?
//
//     w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)),  k = ln(K/F), w = volatility^2 T
//
// Gatheral (2004). With y = (k - m) / sigma, z = sqrt(1 + y^2), c = b sigma, d = rho c it is
// a + d y + c z: for given (m, sigma) a linear least squares in (a, d, c) on the convex set
// |d| <= c, c + |d| <= 2 sigma (wings that rise by at most 2, Lee 2004), so that only (m, sigma)
// is searched: Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model" (2009).
#pragma once

#include "kernels.hpp"
#include "raw_svi.hpp"
#include "simplex.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int CENTRES = 9, WIDTHS = 3, BANDS = 3;
constexpr int PARTS = EIGHT / WIDTH;
constexpr double SLOPE_MAX = 2.0;
static_assert(PARTS * WIDTH == EIGHT, "eight sums side by side in every flavour");

// w and its first two derivatives by k.
template <typename V>
struct Bend {
    V w, first, second;
};

template <typename V>
inline Bend<V> bend_of(const Raw& s, V k) {
    const V off = k - s.m, root = raw_root(s, off);
    const V share = V(s.sigma) / root;
    return {raw_variance(s, off, root), (off / root + s.rho) * s.b,
            share * share * s.b / root};
}

// Durrleman's function, a density up to a positive factor: Gatheral and Jacquier (2014), eq. 2.1.
template <typename V>
inline V durrleman(const Bend<V>& v, V k) {
    const V part = V(1.0) - k * 0.5 * v.first / v.w;
    const V steep = v.first * 0.25 * v.first * (V(1.0) / v.w + 0.25);
    return part * part - steep + v.second * 0.5;
}

// The quotes of one expiry, padded with weight zero to whole vectors, w less its weighted mean.
struct Smile {
    std::int64_t count;
    const double *k, *weight;
    double w[MOST_QUOTES], y[MOST_QUOTES], z[MOST_QUOTES];
    double total, mean, square, low, high;
};

// COUNT sums over all places at once: function(i, terms) gives WIDTH terms of each. Eight partial
// sums whatever the width, added in one order.
template <int COUNT, typename Function>
inline void sums_of(std::int64_t count, double (&sums)[COUNT], Function&& function) {
    Lanes total[PARTS][COUNT], terms[COUNT];
    for (auto& part : total) {
        for (Lanes& one : part) one = 0.0;
    }
    for (std::int64_t i = 0; i < count; i += EIGHT) {
        for (int p = 0; p < PARTS; ++p) {
            function(i + p * WIDTH, terms);
            for (int n = 0; n < COUNT; ++n) total[p][n] = total[p][n] + terms[n];
        }
    }
    for (int n = 0; n < COUNT; ++n) {
        double v[EIGHT];
        for (int p = 0; p < PARTS; ++p) store(v + p * WIDTH, total[p][n]);
        sums[n] = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
    }
}

template <typename Function>
inline double sum_of(std::int64_t count, Function&& function) {
    double sum[1];
    sums_of<1>(count, sum, [&](std::int64_t i, Lanes* terms) { terms[0] = function(i); });
    return sum[0];
}

// Padding repeats the first strike, so that it never widens the range.
inline void prepare(const Smiles& in, std::int64_t slice, Smile& q) {
    const std::int64_t at = in.pointer[slice];
    q.count = in.pointer[slice + 1] - at;
    q.k = in.log_moneyness + at;
    q.weight = in.weight + at;
    q.low = q.high = q.k[0];
    for (std::int64_t i = 0; i < q.count; ++i) {
        q.w[i] = in.variance[at + i];
        q.low = at_most(q.low, q.k[i]);
        q.high = at_least(q.high, q.k[i]);
    }
    q.total = sum_of(q.count, [&](std::int64_t i) { return load(q.weight + i); });
    q.mean = sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * load(q.w + i);
    }) / q.total;
    for (std::int64_t i = 0; i < q.count; i += WIDTH) store(q.w + i, load(q.w + i) - q.mean);
    q.square = sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * load(q.w + i) * load(q.w + i);
    });
}

// Products of the columns less their weighted means, and what was subtracted from them.
struct Gram {
    double y_mean, z_mean, yy, yz, zz, yw, zw;
};

inline Gram gram_of(Smile& q, double m, double sigma) {
    const double scale = 1.0 / sigma;
    double first[2], second[5];
    sums_of<2>(q.count, first, [&](std::int64_t i, Lanes* terms) {
        const Lanes y = (load(q.k + i) - m) * scale, z = square_root(fma(y, y, 1.0));
        store(q.y + i, y);
        store(q.z + i, z);
        terms[0] = load(q.weight + i) * y;
        terms[1] = load(q.weight + i) * z;
    });
    const double y_mean = first[0] / q.total, z_mean = first[1] / q.total;
    sums_of<5>(q.count, second, [&](std::int64_t i, Lanes* terms) {
        const Lanes y = load(q.y + i) - y_mean, z = load(q.z + i) - z_mean, w = load(q.w + i);
        const Lanes heavy_y = load(q.weight + i) * y, heavy_z = load(q.weight + i) * z;
        terms[0] = heavy_y * y;
        terms[1] = heavy_y * z;
        terms[2] = heavy_z * z;
        terms[3] = heavy_y * w;
        terms[4] = heavy_z * w;
    });
    return {y_mean, z_mean, second[0], second[1], second[2], second[3], second[4]};
}

struct Point {
    double c, d;
};

// The least of the quadratic on the segment from `p` along `v`.
inline Point on_edge(const Gram& g, Point p, Point v) {
    const double bend = fma(v.c * v.c, g.zz, fma(2.0 * v.c * v.d, g.yz, v.d * v.d * g.yy));
    const double pull = fma(v.c, g.zw - p.c * g.zz - p.d * g.yz,
                            v.d * (g.yw - p.d * g.yy - p.c * g.yz));
    const double share = bend > 0.0 ? pull / bend : 0.0;
    const double inside = at_least(at_most(share, 1.0), 0.0);
    return {fma(inside, v.c, p.c), fma(inside, v.d, p.d)};
}

inline double loss_of(const Gram& g, Point p) {
    return fma(p.c * p.c, g.zz, fma(2.0 * p.c * p.d, g.yz, p.d * p.d * g.yy)) -
           2.0 * fma(p.c, g.zw, p.d * g.yw);
}

// What of z is no multiple of y: its square, and its product with w. Subtracting products is enough
// unless they nearly cancel, as where all strikes lie on one side of a sharp bend.
inline Point alone(const Smile& q, const Gram& g) {
    const double lean = g.yz / g.yy, rest = fma(-lean, g.yz, g.zz);
    if (rest > 1e-4 * g.zz) return {rest, fma(-lean, g.yw, g.zw)};
    double sums[2];
    sums_of<2>(q.count, sums, [&](std::int64_t i, Lanes* terms) {
        const Lanes own = load(q.z + i) - g.z_mean - (load(q.y + i) - g.y_mean) * lean;
        terms[0] = load(q.weight + i) * own * own;
        terms[1] = load(q.weight + i) * own * load(q.w + i);
    });
    return {sums[0], sums[1]};
}

// The least squares point of the diamond |d| <= c, c + |d| <= 2 sigma: inside, else on an edge.
inline Point best_point(const Smile& q, const Gram& g, double sigma) {
    const Point own = g.yy > 0.0 ? alone(q, g) : Point{0.0, 0.0};
    if (own.c > 1e-13 * g.zz) {
        const double c = own.d / own.c, d = fma(-c, g.yz, g.yw) / g.yy;
        if (absolute(d) <= c && c + absolute(d) <= SLOPE_MAX * sigma) return {c, d};
    }
    const Point corners[4] = {{0, 0}, {sigma, sigma}, {2.0 * sigma, 0}, {sigma, -sigma}};
    Point best = {0, 0};
    for (int e = 0; e < 4; ++e) {
        const Point p = corners[e], next = corners[(e + 1) % 4];
        const Point found = on_edge(g, p, {next.c - p.c, next.d - p.d});
        if (loss_of(g, found) < loss_of(g, best)) best = found;
    }
    return best;
}

// One smile with its weighted squares.
struct Trial {
    Raw smile;
    double squares;
};

// Squares of a + d y + c z with the best `a` that leaves no negative variance.
inline Trial trial_of(const Smile& q, const Gram& g, Point p, double m, double sigma) {
    const double level = fma(p.d, g.y_mean, p.c * g.z_mean);
    const double squares = sum_of(q.count, [&](std::int64_t i) {
        const Lanes rest = load(q.w + i) + level - load(q.y + i) * p.d - load(q.z + i) * p.c;
        return load(q.weight + i) * rest * rest;
    });
    const double a = q.mean - level;
    const double floor = -square_root(at_least((p.c - p.d) * (p.c + p.d), 0.0));
    const double lift = at_least(floor - a, 0.0);
    const double rho = p.c > 0.0 ? p.d / p.c : 0.0;
    return {{a + lift, p.c / sigma, rho, m, sigma}, fma(lift * lift, q.total, squares)};
}

// The box that the search keeps to: the range of strikes and one more on either side.
struct Box {
    double low, high, narrow, wide;
};

inline Box box_of(const Smile& q) {
    const double span = at_least(q.high - q.low, 1e-6);
    return {q.low - span, q.high + span, log_any(1e-3 * span), log_any(10.0 * span)};
}

inline double clamped(double x, double low, double high) {
    return at_least(at_most(x, high), low);
}

inline Trial at_place(Smile& q, const Box& box, double m, double log_sigma) {
    const double inside = clamped(m, box.low, box.high);
    const double sigma = exp_any(clamped(log_sigma, box.narrow, box.wide));
    const Gram g = gram_of(q, inside, sigma);
    return trial_of(q, g, best_point(q, g, sigma), inside, sigma);
}

struct Fitted {
    Raw smile;
    double squares;
    int evaluations;
};

// The best place of a grid in one band of widths.
inline Vertex<2> seed_of(Smile& q, const Box& box, int band) {
    const double step = (box.high - box.low) / (CENTRES - 1);
    const double rise = (box.wide - box.narrow) / (BANDS * WIDTHS);
    Vertex<2> seed = {{0.0, 0.0}, INFINITE};
    for (int i = 0; i < CENTRES * WIDTHS; ++i) {
        const double m = box.low + step * (i % CENTRES);
        const double log_sigma = box.narrow + rise * (band * WIDTHS + i / CENTRES + 0.5);
        const Vertex<2> next = {{m, log_sigma}, at_place(q, box, m, log_sigma).squares};
        if (next.value < seed.value) seed = next;
    }
    return seed;
}

// A short search in each band, since a narrow smile and a wide one can both be local answers, and a
// long one from the best of them.
inline Fitted fit_slice(Smile& q) {
    const Box box = box_of(q);
    const auto squares = [&](const double* at) { return at_place(q, box, at[0], at[1]).squares; };
    const double size[2] = {0.05 * (box.high - box.low), 0.5};
    Least<2> best = {{0.0, 0.0}, INFINITE, 0};
    int evaluations = 0;
    for (int band = 0; band < BANDS; ++band) {
        const Vertex<2> seed = seed_of(q, box, band);
        const Least<2> found = least_of<2>(seed.at, size, 1e-3, 100, squares);
        evaluations += CENTRES * WIDTHS + found.evaluations;
        if (found.value < best.value) best = found;
    }
    const double close[2] = {0.1 * size[0], 0.1 * size[1]};
    best = least_of<2>(best.at, close, 1e-12, 400, squares);
    const Trial found = at_place(q, box, best.at[0], best.at[1]);
    return {found.smile, found.squares, evaluations + best.evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
