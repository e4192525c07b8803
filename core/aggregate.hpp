// What a row of positions loses: the sum of lots x P&L, transformed, reduced to its worst scenario.
//
//     v_s = sum over positions in order of fma(lots, pnl[i, s], .)         one chain, from zero
//     v_s = weight[k, s] v_s;   v_s > 0: min(gain_factor[k] v_s, gain_cap[k])
//     v_s = v_s - sign(v_s) min(dampener[k, s], |v_s|)      (before the gain rule if dampen_first)
//     loss = -min(0, min_s v_s), and the lowest s that attains the minimum
//
// P&L comes packed in blocks [block, instrument, 40]: one position reads one contiguous row of 320
// bytes and the 40 sums stay in registers; blocks are the outer loop so that one stays in L2 cache.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int ROWS = 512;  // rows that share one pass over a block
constexpr int VECTORS = BLOCK / WIDTH;

struct Block {
    Lanes v[VECTORS];
};

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

inline Block transformed(const Aggregation& in, std::int64_t block, std::int64_t row, Block x) {
    const std::int64_t key = in.key[row], at = (block * in.keys + key) * BLOCK;
    for (int j = 0; j < VECTORS; ++j) {
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

// The worst so far of one row.
struct Worst {
    double value;
    std::int32_t scenario;
    bool nan;
};

// The least of a vector; equal ones have one value, so the order does not matter.
inline double least_of(Lanes a) {
    double v[WIDTH];
    store(v, a);
    for (int step = WIDTH / 2; step > 0; step /= 2) {
        for (int k = 0; k < step; ++k) v[k] = at_most(v[k], v[k + step]);
    }
    return v[0];
}

inline int lowest(unsigned places) {
    int k = 0;
    while (!(places >> k & 1)) ++k;
    return k;
}

inline void reduce(const Block& x, std::int64_t block, Worst& worst) {
    Lanes low = x.v[0];
    LaneMask nan = unordered(low, low);
    for (int j = 1; j < VECTORS; ++j) {
        low = at_most(low, x.v[j]);
        nan = nan | unordered(x.v[j], x.v[j]);
    }
    worst.nan |= places(nan) != 0;
    const double value = least_of(low);
    if (!(value < worst.value)) return;
    worst.value = value;
    for (int j = 0; j < VECTORS; ++j) {
        const unsigned here = places(x.v[j] == value);
        if (here == 0) continue;
        worst.scenario = static_cast<std::int32_t>(block * BLOCK + WIDTH * j + lowest(here));
        return;
    }
}

inline void settle(const Worst& worst, double* loss, std::int32_t* scenario) {
    const double value = worst.value < 0.0 ? -worst.value : 0.0;
    *loss = worst.nan ? __builtin_nan("") : value;
    *scenario = worst.nan ? 0 : worst.scenario;
}

inline void worst(const Aggregation& in, double* loss, std::int32_t* scenario, std::int64_t begin,
                  std::int64_t end) {
    const bool plain = in.weight == nullptr && in.gain_factor == nullptr && in.dampener == nullptr;
    Worst state[ROWS];
    for (std::int64_t first = begin; first < end; first += ROWS) {
        const int count = static_cast<int>(end - first < ROWS ? end - first : ROWS);
        for (int r = 0; r < count; ++r) state[r] = {__builtin_inf(), 0, false};
        for (std::int64_t block = 0; block < in.blocks; ++block) {
            for (int r = 0; r < count; ++r) {
                const Block raw = raw_block(in, block, first + r);
                reduce(plain ? raw : transformed(in, block, first + r, raw), block, state[r]);
            }
        }
        for (int r = 0; r < count; ++r) settle(state[r], loss + first + r, scenario + first + r);
    }
}

inline void write_block(const Block& x, std::int64_t block, std::int64_t scenarios, double* row) {
    double v[BLOCK];
    for (int j = 0; j < VECTORS; ++j) store(v + WIDTH * j, x.v[j]);
    const std::int64_t left = scenarios - block * BLOCK, count = left < BLOCK ? left : BLOCK;
    for (std::int64_t s = 0; s < count; ++s) row[block * BLOCK + s] = v[s];
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
