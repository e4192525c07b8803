// Which SVI smile fits the quotes of one expiry, and does it allow arbitrage?
//
//     w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)),  k = ln(K/F), w = volatility^2 T
//
// Gatheral (2004). With y = (k - m) / sigma, z = sqrt(1 + y^2), c = b sigma, d = rho c it is
// a + d y + c z: for given (m, sigma) a linear least squares in (a, d, c) on the convex set
// |d| <= c, c + |d| <= 2 sigma (rising wings of slope at most 2, Lee 2004), so that only (m, sigma)
// is searched: Zeliade Systems, "Quasi-explicit calibration of Gatheral's SVI model" (2009).
#pragma once

#include "black76.hpp"
#include "lanes.hpp"
#include "simplex.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int CENTRES = 9, WIDTHS = 3, BANDS = 3;
constexpr double SLOPE_MAX = 2.0;

struct Raw {
    double a, b, rho, m, sigma;
};

// w and its first two derivatives by k; zero width and a kink are legal and give an infinite w''.
struct Bend {
    double w, first, second;
};

inline Bend bend_of(const Raw& s, double k) {
    const double off = k - s.m, root = __builtin_sqrt(fma(off, off, s.sigma * s.sigma));
    const double share = s.sigma / root;
    return {fma(s.b, fma(s.rho, off, root), s.a), s.b * (s.rho + off / root),
            s.b * share * share / root};
}

// Durrleman's function, a density up to a positive factor: Gatheral and Jacquier (2014), eq. 2.1.
inline double durrleman(const Bend& v, double k) {
    const double part = 1.0 - 0.5 * k * v.first / v.w;
    const double steep = 0.25 * v.first * v.first * (1.0 / v.w + 0.25);
    return part * part - steep + 0.5 * v.second;
}

// The quotes of one expiry, padded with weight zero to whole vectors, w less its weighted mean.
struct Smile {
    std::int64_t count;
    const double *k, *weight;
    double w[MOST_QUOTES], y[MOST_QUOTES], z[MOST_QUOTES];
    double total, mean, square, low, high;
};

inline double sum(Lanes a) {
    double v[8];
    store(v, a);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// sum of weight a b
inline double dot(const Smile& q, const double* a, const double* b) {
    Lanes total = all(0.0);
    for (std::int64_t i = 0; i < q.count; i += LANES) {
        total = fma(multiply(load(q.weight + i), load(a + i)), load(b + i), total);
    }
    return sum(total);
}

inline double weighted(const Smile& q, const double* a) {
    Lanes total = all(0.0);
    for (std::int64_t i = 0; i < q.count; i += LANES) {
        total = fma(load(q.weight + i), load(a + i), total);
    }
    return sum(total);
}

inline void centre(const Smile& q, double* a, double mean) {
    for (std::int64_t i = 0; i < q.count; ++i) a[i] -= mean;
}

// Padding repeats the first strike, so that it never widens the range.
inline void prepare(const Smiles& in, std::int64_t slice, Smile& q) {
    const std::int64_t at = in.pointer[slice];
    q.count = in.pointer[slice + 1] - at;
    q.k = in.log_moneyness + at;
    q.weight = in.weight + at;
    q.low = q.high = q.k[0];
    double ones[LANES];
    for (double& one : ones) one = 1.0;
    Lanes total = all(0.0);
    for (std::int64_t i = 0; i < q.count; i += LANES) {
        total = fma(load(q.weight + i), load(ones), total);
    }
    q.total = sum(total);
    for (std::int64_t i = 0; i < q.count; ++i) {
        q.w[i] = in.variance[at + i];
        q.low = smaller(q.low, q.k[i]);
        q.high = larger(q.high, q.k[i]);
    }
    q.mean = weighted(q, q.w) / q.total;
    centre(q, q.w, q.mean);
    q.square = dot(q, q.w, q.w);
}

// Products of the centred columns, and what is subtracted from them.
struct Gram {
    double y_mean, z_mean, yy, yz, zz, yw, zw;
};

inline Gram gram_of(Smile& q, double m, double sigma) {
    const double scale = 1.0 / sigma;
    for (std::int64_t i = 0; i < q.count; ++i) {
        const double y = (q.k[i] - m) * scale;
        q.y[i] = y;
        q.z[i] = __builtin_sqrt(fma(y, y, 1.0));
    }
    const double y_mean = weighted(q, q.y) / q.total, z_mean = weighted(q, q.z) / q.total;
    centre(q, q.y, y_mean);
    centre(q, q.z, z_mean);
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
    const double inside = larger(smaller(share, 1.0), 0.0);
    return {fma(inside, v.c, p.c), fma(inside, v.d, p.d)};
}

inline double loss_of(const Gram& g, Point p) {
    return fma(p.c * p.c, g.zz, fma(2.0 * p.c * p.d, g.yz, p.d * p.d * g.yy)) -
           2.0 * fma(p.c, g.zw, p.d * g.yw);
}

// The least squares point of the diamond |d| <= c, c + |d| <= 2 sigma: inside, else on an edge.
inline Point best_point(Smile& q, const Gram& g, double sigma) {
    const double lean = g.yy > 0.0 ? g.yz / g.yy : 0.0;
    double rest[MOST_QUOTES];
    for (std::int64_t i = 0; i < q.count; ++i) rest[i] = fma(-lean, q.y[i], q.z[i]);
    const double alone = dot(q, rest, rest), pull = dot(q, rest, q.w);
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
inline Trial trial_of(Smile& q, const Gram& g, Point p, double m, double sigma) {
    Lanes total = all(0.0);
    const Lanes c = all(-p.c), d = all(-p.d);
    for (std::int64_t i = 0; i < q.count; i += LANES) {
        const Lanes rest = fma(c, load(q.z + i), fma(d, load(q.y + i), load(q.w + i)));
        total = fma(multiply(load(q.weight + i), rest), rest, total);
    }
    const double a = fma(-p.c, g.z_mean, fma(-p.d, g.y_mean, q.mean));
    const double floor = -__builtin_sqrt(larger((p.c - p.d) * (p.c + p.d), 0.0));
    const double lift = larger(floor - a, 0.0);
    const double rho = p.c > 0.0 ? p.d / p.c : 0.0;
    return {{a + lift, p.c / sigma, rho, m, sigma}, fma(lift * lift, q.total, sum(total))};
}

// The box that the search keeps to: the range of strikes and one more on either side.
struct Box {
    double low, high, narrow, wide;
};

inline Box box_of(const Smile& q) {
    const double span = larger(q.high - q.low, 1e-6);
    return {q.low - span, q.high + span, log_any(1e-3 * span), log_any(10.0 * span)};
}

inline double clamped(double x, double low, double high) { return larger(smaller(x, high), low); }

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
    const double size[2] = {0.1 * (q.high - q.low), 0.5};
    const auto squares = [&](const double* at) { return at_place(q, box, at[0], at[1]).squares; };
    Least<2> best = {{0.0, 0.0}, INFINITE, 0};
    int evaluations = 0;
    for (int band = 0; band < BANDS; ++band) {
        Vertex<2> seed = {{0.0, 0.0}, INFINITE};
        for (int i = 0; i < CENTRES * WIDTHS; ++i) {
            Vertex<2> next = {{box.low + step * (i % CENTRES),
                               box.narrow + rise * (band * WIDTHS + i / CENTRES + 0.5)}, 0.0};
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
