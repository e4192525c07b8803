// Where is a function of a few variables least? Nelder and Mead's simplex, derivative-free.
//
// J. Nelder and R. Mead, "A simplex method for function minimization", Computer Journal 7 (1965).
// The same function gives the same path, hence the same bits, in every flavour.
#pragma once

#include "math.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

template <int N>
struct Least {
    double at[N], value;
    int evaluations;
};

template <int N>
struct Vertex {
    double at[N], value;
};

// Keep vertices in order of value; equal values keep their place.
template <int N>
inline void sink(Vertex<N> (&simplex)[N + 1], int from) {
    for (int i = from; i > 0 && simplex[i].value < simplex[i - 1].value; --i) {
        const Vertex<N> swapped = simplex[i];
        simplex[i] = simplex[i - 1];
        simplex[i - 1] = swapped;
    }
}

// centre + share (worst - centre)
template <int N, typename Function>
inline Vertex<N> tried(const double (&centre)[N], const Vertex<N>& worst, double share,
                       Function&& function) {
    Vertex<N> next;
    for (int d = 0; d < N; ++d) next.at[d] = fma(share, worst.at[d] - centre[d], centre[d]);
    next.value = function(next.at);
    return next;
}

template <int N, typename Function>
inline int shrink(Vertex<N> (&simplex)[N + 1], Function&& function) {
    for (int i = 1; i <= N; ++i) {
        for (int d = 0; d < N; ++d) {
            simplex[i].at[d] = fma(0.5, simplex[i].at[d] - simplex[0].at[d], simplex[0].at[d]);
        }
        simplex[i].value = function(simplex[i].at);
    }
    for (int i = 1; i <= N; ++i) sink<N>(simplex, i);
    return N;
}

// Replace the worst vertex by a better one, or shrink; returns how often the function was called.
template <int N, typename Function>
inline int improve(Vertex<N> (&simplex)[N + 1], Function&& function) {
    double centre[N];
    for (int d = 0; d < N; ++d) {
        centre[d] = 0.0;
        for (int i = 0; i < N; ++i) centre[d] += simplex[i].at[d] * (1.0 / N);
    }
    Vertex<N>& worst = simplex[N];
    const Vertex<N> mirrored = tried<N>(centre, worst, -1.0, function);
    if (mirrored.value < simplex[0].value) {
        const Vertex<N> further = tried<N>(centre, worst, -2.0, function);
        worst = further.value < mirrored.value ? further : mirrored;
        sink<N>(simplex, N);
        return 2;
    }
    if (mirrored.value < simplex[N - 1].value) {
        worst = mirrored;
        sink<N>(simplex, N);
        return 1;
    }
    const bool outside = mirrored.value < worst.value;
    const Vertex<N> nearer = tried<N>(centre, worst, outside ? -0.5 : 0.5, function);
    if (!(nearer.value < (outside ? mirrored.value : worst.value))) {
        return 2 + shrink<N>(simplex, function);
    }
    worst = nearer;
    sink<N>(simplex, N);
    return 2;
}

// Search from `start` with first steps `size` until the values of all vertices agree to `relative`
// or `most` calls are spent.
template <int N, typename Function>
inline Least<N> least_of(const double (&start)[N], const double (&size)[N], double relative,
                         int most, Function&& function) {
    Vertex<N> simplex[N + 1];
    for (int i = 0; i <= N; ++i) {
        for (int d = 0; d < N; ++d) simplex[i].at[d] = start[d] + (i == d + 1 ? size[d] : 0.0);
        simplex[i].value = function(simplex[i].at);
        sink<N>(simplex, i);
    }
    int evaluations = N + 1;
    while (evaluations < most &&
           simplex[N].value - simplex[0].value > relative * absolute(simplex[0].value)) {
        evaluations += improve<N>(simplex, function);
    }
    Least<N> answer;
    for (int d = 0; d < N; ++d) answer.at[d] = simplex[0].at[d];
    answer.value = simplex[0].value;
    answer.evaluations = evaluations;
    return answer;
}

}  // namespace counterpoise::COUNTERPOISE_ISA
