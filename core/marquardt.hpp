// Where is a sum of squares least? Levenberg and Marquardt's steps with slopes from differences.
//
// D. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", Journal of the
// Society for Industrial and Applied Mathematics 11 (1963).
#pragma once

#include "math.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

// Solve (A + damping diag A) x = b for a symmetric positive A by Cholesky; false where it is not.
template <int N>
inline bool solved(const double (&a)[N][N], double damping, const double (&b)[N], double (&x)[N]) {
    double l[N][N];
    for (int i = 0; i < N; ++i) {
        for (int j = 0; j <= i; ++j) {
            double rest = i == j ? fma(damping, a[i][i], a[i][i]) : a[i][j];
            for (int k = 0; k < j; ++k) rest = fma(-l[i][k], l[j][k], rest);
            if (i == j && !(rest > 0.0)) return false;
            l[i][j] = i == j ? square_root(rest) : rest / l[j][j];
        }
    }
    for (int i = 0; i < N; ++i) {
        double rest = b[i];
        for (int k = 0; k < i; ++k) rest = fma(-l[i][k], x[k], rest);
        x[i] = rest / l[i][i];
    }
    for (int i = N - 1; i >= 0; --i) {
        double rest = x[i];
        for (int k = i + 1; k < N; ++k) rest = fma(-l[k][i], x[k], rest);
        x[i] = rest / l[i][i];
    }
    return true;
}

// Residuals at the place and after a small move in each direction.
template <int N, int MOST>
struct Residuals {
    double at[MOST], moved[N][MOST];
};

template <int MOST>
inline double product(const double (&a)[MOST], const double (&b)[MOST], int count) {
    double v[8] = {};
    for (int i = 0; i < count; ++i) v[i % 8] = fma(a[i], b[i], v[i % 8]);
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

// Go from `at` with slopes over `step` until a step gains less than one part in a million or
// `most` steps are done; `residuals(place, out)` fills `count` numbers. Returns the evaluations.
template <int N, int MOST, typename Function>
inline int descend(double (&at)[N], const double (&step)[N], int most, int count,
                   Residuals<N, MOST>& r, Function&& residuals) {
    double damping = 1e-3;
    int evaluations = 1;
    residuals(at, r.at);
    double cost = product(r.at, r.at, count);
    for (int round = 0; round < most; ++round) {
        double a[N][N], b[N], move[N], next[N];
        for (int d = 0; d < N; ++d) {
            for (int k = 0; k < N; ++k) next[k] = at[k] + (k == d ? step[d] : 0.0);
            residuals(next, r.moved[d]);
            for (int i = 0; i < count; ++i) r.moved[d][i] = (r.moved[d][i] - r.at[i]) / step[d];
        }
        for (int i = 0; i < N; ++i) {
            b[i] = -product(r.moved[i], r.at, count);
            for (int j = 0; j <= i; ++j) a[i][j] = a[j][i] = product(r.moved[i], r.moved[j], count);
            a[i][i] += 1e-300;
        }
        evaluations += N;
        double better = cost;
        for (int attempt = 0; attempt < 8 && !(better < cost); ++attempt) {
            if (solved<N>(a, damping, b, move)) {
                for (int k = 0; k < N; ++k) next[k] = at[k] + move[k];
                residuals(next, r.moved[0]);
                better = product(r.moved[0], r.moved[0], count);
                ++evaluations;
            }
            damping *= better < cost ? 0.2 : 5.0;
        }
        if (!(better < cost)) return evaluations;
        const bool done = better > (1.0 - 1e-6) * cost;
        for (int k = 0; k < N; ++k) at[k] = next[k];
        for (int i = 0; i < count; ++i) r.at[i] = r.moved[0][i];
        cost = better;
        if (done) return evaluations;
    }
    return evaluations;
}

}  // namespace counterpoise::COUNTERPOISE_ISA
