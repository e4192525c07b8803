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
constexpr int VECTORS = BLOCK / 8;

struct Block {
    Lanes v[VECTORS];
};

inline Block raw_block(const Aggregation& in, std::int64_t block, std::int64_t row) {
    const double* pnl = in.pnl + block * in.instruments * BLOCK;
    Lanes v0 = all(0.0), v1 = v0, v2 = v0, v3 = v0, v4 = v0;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const double* column = pnl + static_cast<std::int64_t>(in.instrument[p]) * BLOCK;
        const Lanes lots = all(static_cast<double>(in.lots[p]));
        v0 = fma(lots, load(column), v0);
        v1 = fma(lots, load(column + 8), v1);
        v2 = fma(lots, load(column + 16), v2);
        v3 = fma(lots, load(column + 24), v3);
        v4 = fma(lots, load(column + 32), v4);
    }
    return {{v0, v1, v2, v3, v4}};
}

inline Lanes gained(Lanes v, double factor, double cap) {
    return where_positive(v, minimum(multiply(v, all(factor)), all(cap)));
}

inline Lanes dampened(Lanes v, Lanes dampener) {
    const Lanes size = magnitude(v);
    return with_sign(subtract(size, minimum(dampener, size)), v);
}

inline Block transformed(const Aggregation& in, std::int64_t block, std::int64_t row, Block x) {
    const std::int64_t key = in.key[row], at = (block * in.keys + key) * BLOCK;
    for (int j = 0; j < VECTORS; ++j) {
        Lanes v = x.v[j];
        if (in.weight != nullptr) v = multiply(v, load(in.weight + at + 8 * j));
        if (in.dampener != nullptr && in.dampen_first) v = dampened(v, load(in.dampener + at + 8 * j));
        if (in.gain_factor != nullptr) v = gained(v, in.gain_factor[key], in.gain_cap[key]);
        if (in.dampener != nullptr && !in.dampen_first) v = dampened(v, load(in.dampener + at + 8 * j));
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

inline void reduce(const Block& x, std::int64_t block, Worst& worst) {
    const Lanes a = minimum(minimum(x.v[0], x.v[1]), minimum(x.v[2], x.v[3]));
    const double value = least(minimum(a, x.v[4]));
    worst.nan |= any_nan(x.v[0], x.v[1]) || any_nan(x.v[2], x.v[3]) || any_nan(x.v[4], x.v[4]);
    if (!(value < worst.value)) return;
    worst.value = value;
    for (int j = 0; j < VECTORS; ++j) {
        const unsigned mask = equal(x.v[j], all(value));
        if (mask == 0) continue;
        int lane = 0;
        while (!(mask >> lane & 1)) ++lane;
        worst.scenario = static_cast<std::int32_t>(block * BLOCK + 8 * j + lane);
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

inline void write(const Block& x, std::int64_t block, std::int64_t scenarios, double* row) {
    double v[BLOCK];
    for (int j = 0; j < VECTORS; ++j) store(v + 8 * j, x.v[j]);
    const std::int64_t left = scenarios - block * BLOCK, count = left < BLOCK ? left : BLOCK;
    for (std::int64_t s = 0; s < count; ++s) row[block * BLOCK + s] = v[s];
}

inline void vectors(const Aggregation& in, double* raw, double* result, std::int64_t begin,
                    std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
        for (std::int64_t block = 0; block < in.blocks; ++block) {
            const Block x = raw_block(in, block, row);
            write(x, block, in.scenarios, raw + row * in.scenarios);
            write(transformed(in, block, row, x), block, in.scenarios, result + row * in.scenarios);
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
                gross[c] = fma(size, of_bits(bits_of(column[c]) & 0x7fffffffffffffffu), gross[c]);
            }
        }
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
