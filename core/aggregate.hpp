// What a row of positions loses: the sum of lots x P&L, transformed, reduced to its worst scenario.
//
//     v_s = sum over positions in order of fma(lots, pnl[i, s], .)         one chain, from zero
//     v_s = weight[k, s] v_s;   v_s > 0: min(gain_factor[k] v_s, gain_cap[k])
//     v_s = v_s - sign(v_s) min(dampener[k, s], |v_s|)      (before the gain rule if dampen_first)
//     loss = -min(0, min_s v_s), and the lowest s that attains the minimum
//
// P&L comes packed in blocks [block, instrument, 40]: one position reads one contiguous row of 320
// bytes and the 40 sums stay in registers; blocks are the outer loop so that one stays in L2 cache.
// Gains cannot be the worst of a row that loses anywhere: where neither weight nor dampener changes
// a block, its losses are taken as they are.
#pragma once

#include "across.hpp"
#include "kernels.hpp"
#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int ROWS = 512;  // rows that share one pass over a block
constexpr int VECTORS = BLOCK / WIDTH;

// Neighbouring scenarios in registers.
template <int COUNT>
struct Vectors {
    Lanes v[COUNT];
};

using Block = Vectors<VECTORS>;

inline Block raw_block(const Aggregation& in, std::int64_t block, std::int64_t row) {
    const double* pnl = in.pnl + block * in.instruments * BLOCK;
    Block sum;
    for (int j = 0; j < VECTORS; ++j) sum.v[j] = 0.0;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const double* column = pnl + static_cast<std::int64_t>(in.instrument[p]) * BLOCK;
        const Lanes lots = static_cast<double>(in.lots[p]);
        for (int j = 0; j < VECTORS; ++j) sum.v[j] = fma(lots, load(column + WIDTH * j), sum.v[j]);
    }
    return sum;
}

inline Lanes gained(Lanes v, double factor, double cap) {
    return select(v > 0.0, at_most(v * factor, cap), v);
}

inline Lanes dampened(Lanes v, Lanes dampener) {
    const Lanes size = absolute(v);
    return with_sign_of(size - at_most(size, dampener), v);
}

template <int COUNT>
inline Vectors<COUNT> transformed(const Aggregation& in, std::int64_t block, std::int64_t row,
                                  Vectors<COUNT> x) {
    const std::int64_t key = in.key[row], at = (block * in.keys + key) * COUNT * WIDTH;
    for (int j = 0; j < COUNT; ++j) {
        Lanes v = x.v[j];
        const std::int64_t here = at + WIDTH * j;
        if (in.weight != nullptr) v = v * load(in.weight + here);
        if (in.dampener != nullptr && in.dampen_first) v = dampened(v, load(in.dampener + here));
        if (in.gain_factor != nullptr) v = gained(v, in.gain_factor[key], in.gain_cap[key]);
        if (in.dampener != nullptr && !in.dampen_first) v = dampened(v, load(in.dampener + here));
        x.v[j] = v;
    }
    return x;
}

// The worst of one row, lane by lane: its value and which vector of scenarios it stands in.
struct Worst {
    Lanes value, vector;
};

// Of equal values the first stays, so the lowest scenario of a lane is kept; NaN is never lower.
inline Worst lower_of(const Worst& first, const Worst& second) {
    const LaneMask lower = second.value < first.value;
    return {select(lower, second.value, first.value), select(lower, second.vector, first.vector)};
}

template <int FROM, int SIZE, int COUNT>
inline Worst worst_vector(const Vectors<COUNT>& x) {
    if constexpr (SIZE == 1) {
        return {x.v[FROM], Lanes(static_cast<double>(FROM))};
    } else {
        return lower_of(worst_vector<FROM, SIZE / 2>(x),
                        worst_vector<FROM + SIZE / 2, SIZE - SIZE / 2>(x));
    }
}

template <int COUNT>
inline bool any_nan(const Vectors<COUNT>& x) {
    LaneMask nan = unordered(x.v[0], x.v[COUNT - 1]);
    for (int j = 1; j + 1 < COUNT; j += 2) nan = nan | unordered(x.v[j], x.v[j + 1]);
    return places(nan) != 0;
}

inline void settle(const Worst& worst, bool nan, double* loss, std::int32_t* scenario) {
    const Lowest found = lowest(worst.value, worst.vector);
    *loss = nan ? NO_NUMBER : found.value < 0.0 ? -found.value : 0.0;
    *scenario = nan ? 0 : static_cast<std::int32_t>(found.place);
}

// One row with every transform, whatever `losses_as_is` says.
inline void worst_of_gains(const Aggregation& in, std::int64_t row, double* loss,
                           std::int32_t* scenario) {
    Worst state = {INFINITE, 0.0};
    bool nan = false;
    for (std::int64_t block = 0; block < in.blocks; ++block) {
        const Block x = transformed(in, block, row, raw_block(in, block, row));
        const Worst here = worst_vector<0, VECTORS>(x);
        state = lower_of(state, {here.value, here.vector + static_cast<double>(block * VECTORS)});
        nan |= any_nan(x);
    }
    settle(state, nan, loss, scenario);
}

// The rows of a pass by their number of positions: loops over rows of one length end where the
// processor expects it. Which row comes first changes no bit.
inline void by_length(const std::int64_t* pointer, int count, int* order) {
    constexpr int LONG = 64;
    int start[LONG + 1] = {};
    const auto length = [&](int r) {
        const std::int64_t size = pointer[r + 1] - pointer[r];
        return static_cast<int>(size < LONG ? size : LONG - 1);
    };
    for (int r = 0; r < count; ++r) ++start[length(r) + 1];
    for (int n = 0; n < LONG; ++n) start[n + 1] += start[n];
    for (int r = 0; r < count; ++r) order[start[length(r)]++] = r;
}

// The worst of up to ROWS rows from `first` on, at `loss` and `scenario` [row of the pass].
inline void worst_of_pass(const Aggregation& in, std::int64_t first, int count, const int* order,
                          double* loss, std::int32_t* scenario) {
    Worst state[ROWS];
    bool nan[ROWS];
    for (int k = 0; k < count; ++k) {
        state[k] = {INFINITE, 0.0};
        nan[k] = false;
    }
    for (std::int64_t block = 0; block < in.blocks; ++block) {
        const Lanes before = static_cast<double>(block * VECTORS);
        for (int k = 0; k < count; ++k) {
            const std::int64_t row = first + order[k];
            const Block raw = raw_block(in, block, row);
            const bool as_is = in.losses_as_is[block * in.keys + in.key[row] * in.keyed];
            const Block x = as_is ? raw : transformed(in, block, row, raw);
            const Worst here = worst_vector<0, VECTORS>(x);
            state[k] = lower_of(state[k], {here.value, here.vector + before});
            nan[k] |= any_nan(x);
        }
    }
    for (int k = 0; k < count; ++k) {
        const int r = order[k];
        settle(state[k], nan[k], loss + r, scenario + r);
        // Without a loss the lowest scenario depends on what the gains become.
        if (in.keyed != 0 && loss[r] == 0.0) {
            worst_of_gains(in, first + r, loss + r, scenario + r);
        }
    }
}

inline void worst(const Aggregation& in, double* loss, std::int32_t* scenario, std::int64_t begin,
                  std::int64_t end) {
    int order[ROWS];
    for (std::int64_t first = begin; first < end; first += ROWS) {
        const int count = static_cast<int>(end - first < ROWS ? end - first : ROWS);
        by_length(in.pointer + first, count, order);
        worst_of_pass(in, first, count, order, loss + first, scenario + first);
    }
}

template <int COUNT>
inline void write_block(const Vectors<COUNT>& x, std::int64_t block, std::int64_t scenarios,
                        double* row) {
    for (int j = 0; j < COUNT; ++j) {
        const std::int64_t at = (block * COUNT + j) * WIDTH;
        store_first(row + at, x.v[j], scenarios - at);
    }
}

inline void vectors(const Aggregation& in, double* raw, double* result, std::int64_t begin,
                    std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
        for (std::int64_t block = 0; block < in.blocks; ++block) {
            const Block x = raw_block(in, block, row);
            write_block(x, block, in.scenarios, raw + row * in.scenarios);
            write_block(transformed(in, block, row, x), block, in.scenarios,
                        result + row * in.scenarios);
        }
    }
}

inline void exposures(const Exposures& in, std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
        double* net = in.net + row * in.width;
        double* long_side = in.long_side + row * in.width;
        double* gross = in.gross + row * in.width;
        for (std::int64_t c = 0; c < in.width; ++c) net[c] = long_side[c] = gross[c] = 0.0;
        for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
            const double lots = static_cast<double>(in.lots[p]), size = lots < 0.0 ? -lots : lots;
            const double owned = lots > 0.0 ? lots : 0.0;
            const double* column = in.columns + in.instrument[p] * in.width;
            for (std::int64_t c = 0; c < in.width; ++c) {
                net[c] = fma(lots, column[c], net[c]);
                long_side[c] = fma(owned, column[c], long_side[c]);
                gross[c] = fma(size, absolute(column[c]), gross[c]);
            }
        }
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
