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
#include "simplex.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int CENTRES = 9, WIDTHS = 3, BANDS = 3;
constexpr int PARTS = EIGHT / WIDTH;
constexpr double SLOPE_MAX = 2.0;
static_assert(PARTS * WIDTH == EIGHT, "eight sums side by side in every flavour");

struct Raw {
    double a, b, rho, m, sigma;
};

// w and its first two derivatives by k.
template <typename V>
struct Bend {
    V w, first, second;
};

template <typename V>
inline Bend<V> bend_of(const Raw& s, V k) {
    const V off = k - s.m, root = square_root(fma(off, off, s.sigma * s.sigma));
    const V share = V(s.sigma) / root;
    return {fma(V(s.b), fma(V(s.rho), off, root), s.a), (off / root + s.rho) * s.b,
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

// The sum over all places of function(i), which gives WIDTH terms; eight partial sums whatever the
// width, added in one order.
template <typename Function>
inline double sum_of(std::int64_t count, Function&& function) {
    Lanes total[PARTS];
    for (Lanes& part : total) part = 0.0;
    for (std::int64_t i = 0; i < count; i += EIGHT) {
        for (int p = 0; p < PARTS; ++p) total[p] = total[p] + function(i + p * WIDTH);
    }
    double v[EIGHT];
    for (int p = 0; p < PARTS; ++p) store(v + p * WIDTH, total[p]);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

inline double dot(const Smile& q, const double* a, const double* b) {
    return sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * load(a + i) * load(b + i);
    });
}

inline double centred(const Smile& q, double* a) {
    const double mean = sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * load(a + i);
    }) / q.total;
    for (std::int64_t i = 0; i < q.count; i += WIDTH) store(a + i, load(a + i) - mean);
    return mean;
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
    q.mean = centred(q, q.w);
    q.square = dot(q, q.w, q.w);
}

// Products of the centred columns, and what was subtracted from them.
struct Gram {
    double y_mean, z_mean, yy, yz, zz, yw, zw;
};

inline Gram gram_of(Smile& q, double m, double sigma) {
    const double scale = 1.0 / sigma;
    for (std::int64_t i = 0; i < q.count; i += WIDTH) {
        const Lanes y = (load(q.k + i) - m) * scale;
        store(q.y + i, y);
        store(q.z + i, square_root(fma(y, y, 1.0)));
    }
    const double y_mean = centred(q, q.y), z_mean = centred(q, q.z);
    return {y_mean, z_mean, dot(q, q.y, q.y), dot(q, q.y, q.z), dot(q, q.z, q.z),
            dot(q, q.y, q.w), dot(q, q.z, q.w)};
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

// The least squares point of the diamond |d| <= c, c + |d| <= 2 sigma: inside, else on an edge.
inline Point best_point(const Smile& q, const Gram& g, double sigma) {
    const double lean = g.yy > 0.0 ? g.yz / g.yy : 0.0;
    const auto rest = [&](std::int64_t i) { return load(q.z + i) - load(q.y + i) * lean; };
    const double alone = sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * rest(i) * rest(i);
    });
    const double pull = sum_of(q.count, [&](std::int64_t i) {
        return load(q.weight + i) * rest(i) * load(q.w + i);
    });
    if (g.yy > 0.0 && alone > 1e-13 * g.zz) {
        const double c = pull / alone, d = fma(-c, g.yz, g.yw) / g.yy;
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

// One smile in the form of the search, with its weighted squares.
struct Trial {
    Raw smile;
    double squares;
};

// Squares of a + d y + c z with the best `a` that leaves no negative variance.
inline Trial trial_of(const Smile& q, const Gram& g, Point p, double m, double sigma) {
    const double squares = sum_of(q.count, [&](std::int64_t i) {
        const Lanes rest = load(q.w + i) - load(q.y + i) * p.d - load(q.z + i) * p.c;
        return load(q.weight + i) * rest * rest;
    });
    const double a = fma(-p.c, g.z_mean, fma(-p.d, g.y_mean, q.mean));
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

// The best of one search per band of widths, each from the best place of a grid: a narrow smile and
// a wide one can both be local answers.
inline Fitted fit_slice(Smile& q) {
    const Box box = box_of(q);
    const double step = (box.high - box.low) / (CENTRES - 1);
    const double rise = (box.wide - box.narrow) / (BANDS * WIDTHS);
    const double size[2] = {0.05 * (box.high - box.low), 0.5};
    const auto squares = [&](const double* at) { return at_place(q, box, at[0], at[1]).squares; };
    Least<2> best = {{0.0, 0.0}, INFINITE, 0};
    int evaluations = 0;
    for (int band = 0; band < BANDS; ++band) {
        Vertex<2> seed = {{0.0, 0.0}, INFINITE};
        for (int i = 0; i < CENTRES * WIDTHS; ++i) {
            const int level = band * WIDTHS + i / CENTRES;
            Vertex<2> next = {{box.low + step * (i % CENTRES), box.narrow + rise * (level + 0.5)},
                              0.0};
            next.value = squares(next.at);
            if (next.value < seed.value) seed = next;
        }
        const Least<2> found = least_of<2>(seed.at, size, 1e-13, 300, squares);
        evaluations += CENTRES * WIDTHS + found.evaluations;
        if (found.value < best.value) best = found;
    }
    const Trial found = at_place(q, box, best.at[0], best.at[1]);
    return {found.smile, found.squares, evaluations};
}

}  // namespace counterpoise::COUNTERPOISE_ISA
