// What a unit of segments loses: each segment summed and transformed by itself, then added up.
//
//     x_s = sum over the segment's positions in order of fma(quantity, pnl[i, s], .)    from zero
//     y_g = min of x_s over the scenarios s of state g of the price
//     y_g = S(b + y_g) - b        S(t) = min(up t, cap) where t >= 0, down t where t < 0
//     y_g = -|y_g|                where `absolute` says so; b = sum of quantity x base[i]
//     w   = unit transforms of the sum of y over segments in order, w_0 = 0; then as aggregate.hpp
//
// P&L comes packed in blocks [block, instrument, plane, states of the block], the k-th vol state of
// every price in plane k: the least over vol states is then taken register by register. Where
// prices differ in how many vol states they have, the last one repeats.
#pragma once

#include "aggregate.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

// A minimum that no NaN drops out of.
inline Lanes least_of(Lanes first, Lanes second, Lanes third) {
    const Lanes least = at_most(at_most(first, second), third);
    return select(unordered(second, third), NO_NUMBER, least);
}

// The sums of one segment over `SUMMED` planes, reduced to one.
template <int SUMMED, int COUNT>
inline Vectors<COUNT> least_plane(const Segments& in, const double* planes, std::int64_t row) {
    Vectors<COUNT> sum[SUMMED];
    for (int k = 0; k < SUMMED; ++k) {
        for (int j = 0; j < COUNT; ++j) sum[k].v[j] = 0.0;
    }
    const std::int64_t stride = in.planes * COUNT * WIDTH;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const double* column = planes + in.units.instrument[p] * stride;
        const Lanes quantity = in.quantity[p];
        for (int k = 0; k < SUMMED; ++k) {
            for (int j = 0; j < COUNT; ++j) {
                sum[k].v[j] = fma(quantity, load(column + WIDTH * (k * COUNT + j)), sum[k].v[j]);
            }
        }
    }
    if constexpr (SUMMED == PLANES) {
        for (int j = 0; j < COUNT; ++j) {
            sum[0].v[j] = least_of(sum[0].v[j], sum[1].v[j], sum[2].v[j]);
        }
    }
    return sum[0];
}

// y of one segment before its scale.
template <int SUMMED, int COUNT>
inline Vectors<COUNT> least_of_states(const Segments& in, std::int64_t block, std::int64_t row) {
    constexpr std::int64_t SIZE = COUNT * WIDTH;
    const double* pnl = in.units.pnl + block * in.units.instruments * in.planes * SIZE;
    Vectors<COUNT> least = least_plane<SUMMED, COUNT>(in, pnl, row);
    for (std::int64_t plane = SUMMED; plane < in.planes; plane += SUMMED) {
        const Vectors<COUNT> next = least_plane<SUMMED, COUNT>(in, pnl + plane * SIZE, row);
        for (int j = 0; j < COUNT; ++j) {
            least.v[j] = least_of(least.v[j], next.v[j], next.v[j]);
        }
    }
    return least;
}

inline double base_of(const Segments& in, std::int64_t row) {
    double base = 0.0;
    if (in.base == nullptr) return base;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        base = fma(in.quantity[p], in.base[in.units.instrument[p]], base);
    }
    return base;
}

template <int COUNT>
inline Vectors<COUNT> scaled(const Segments& in, std::int64_t block, std::int64_t row,
                             Vectors<COUNT> y) {
    const std::int64_t key = in.segment[row];
    const std::int64_t at = (block * in.keys + key) * COUNT * WIDTH;
    const Lanes base = base_of(in, row), cap = in.cap[key];
    for (int j = 0; j < COUNT; ++j) {
        const Lanes t = base + y.v[j];
        const Lanes gain = at_most(t * load(in.up + at + WIDTH * j), cap);
        const Lanes loss = t * load(in.down + at + WIDTH * j);
        y.v[j] = select(t < 0.0, loss, gain) - base;
    }
    return y;
}

template <int COUNT>
inline Vectors<COUNT> minus_absolute(const Segments& in, std::int64_t block, Vectors<COUNT> y) {
    const double* flag = in.absolute + block * COUNT * WIDTH;
    for (int j = 0; j < COUNT; ++j) {
        const Lanes loss = Lanes(0.0) - absolute(y.v[j]);
        y.v[j] = select(load(flag + WIDTH * j) > 0.0, loss, y.v[j]);
    }
    return y;
}

// The sum over the segments of a row, before the unit's transforms.
template <int SUMMED, int COUNT>
inline Vectors<COUNT> unit_block(const Segments& in, std::int64_t block, std::int64_t row) {
    Vectors<COUNT> sum;
    for (int j = 0; j < COUNT; ++j) sum.v[j] = 0.0;
    for (std::int64_t g = in.units.pointer[row]; g < in.units.pointer[row + 1]; ++g) {
        Vectors<COUNT> y = least_of_states<SUMMED, COUNT>(in, block, g);
        if (in.up != nullptr) y = scaled(in, block, g, y);
        if (in.absolute != nullptr) y = minus_absolute(in, block, y);
        for (int j = 0; j < COUNT; ++j) sum.v[j] = sum.v[j] + y.v[j];
    }
    return sum;
}

inline Lanes nothing_of(Lanes x) { return select(x == x, 0.0, NO_NUMBER); }

// The unshocked world counts as zero, whatever the transforms made of it; NaN stays. Where there is
// no other, what fills up the block is the unshocked world, too.
template <int COUNT>
inline Vectors<COUNT> without_unshocked(const Segments& in, Vectors<COUNT> x) {
    constexpr double FIRST[8] = {1.0};
    const Lanes counted = nothing_of(x.v[0]);
    x.v[0] = select(load(FIRST) > 0.0, counted, x.v[0]);
    for (int j = 0; in.units.scenarios == 1 && j < COUNT; ++j) x.v[j] = nothing_of(x.v[j]);
    return x;
}

template <int COUNT>
inline Vectors<COUNT> unit_transformed(const Segments& in, std::int64_t block, std::int64_t row,
                                       Vectors<COUNT> sum) {
    const Vectors<COUNT> w = transformed(in.units, block, row, sum);
    return block == 0 ? without_unshocked(in, w) : w;
}

template <int SUMMED, int COUNT>
inline void segments_worst(const Segments& in, double* loss, std::int32_t* state,
                           std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = begin; first < end; first += ROWS) {
        const int count = static_cast<int>(end - first < ROWS ? end - first : ROWS);
        Worst worst[ROWS];
        for (int r = 0; r < count; ++r) worst[r] = {INFINITE, 0};
        for (std::int64_t block = 0; block < in.units.blocks; ++block) {
            const auto at = static_cast<std::int32_t>(block * COUNT * WIDTH);
            for (int r = 0; r < count; ++r) {
                const Vectors<COUNT> sum = unit_block<SUMMED, COUNT>(in, block, first + r);
                const Vectors<COUNT> w = unit_transformed(in, block, first + r, sum);
                worst[r] = lower_of(worst[r], w, at, false);
            }
        }
        for (int r = 0; r < count; ++r) settle(worst[r], loss + first + r, state + first + r);
    }
}

template <int SUMMED, int COUNT>
inline void segments_vectors(const Segments& in, double* raw, double* result, std::int64_t begin,
                             std::int64_t end) {
    const std::int64_t width = in.units.scenarios;
    for (std::int64_t row = begin; row < end; ++row) {
        for (std::int64_t block = 0; block < in.units.blocks; ++block) {
            const Vectors<COUNT> sum = unit_block<SUMMED, COUNT>(in, block, row);
            write_block(sum, block, width, raw + row * width);
            write_block(unit_transformed(in, block, row, sum), block, width, result + row * width);
        }
    }
}

inline void worst_of_segments(const Segments& in, double* loss, std::int32_t* state,
                              std::int64_t begin, std::int64_t end) {
    if (in.planes == 1) segments_worst<1, VECTORS>(in, loss, state, begin, end);
    else segments_worst<PLANES, STATES / WIDTH>(in, loss, state, begin, end);
}

inline void vectors_of_segments(const Segments& in, double* raw, double* result,
                                std::int64_t begin, std::int64_t end) {
    if (in.planes == 1) segments_vectors<1, VECTORS>(in, raw, result, begin, end);
    else segments_vectors<PLANES, STATES / WIDTH>(in, raw, result, begin, end);
}

}  // namespace counterpoise::COUNTERPOISE_ISA
