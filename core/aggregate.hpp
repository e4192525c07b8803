// What a row of positions loses: the sum of lots x P&L, transformed, reduced to its worst scenario.
//
//     v_s = sum over positions in order of fma(lots, pnl[i, s], .)         one chain, from zero
//     v_s = weight[k, s] v_s;   v_s > 0: min(gain_factor[k] v_s, gain_cap[k])
//     v_s = v_s - sign(v_s) min(dampener[k, s], |v_s|)      (before the gain rule if dampen_first)
//     loss = -min(0, min_s v_s), and the lowest s that attains the minimum
//
// P&L comes packed in blocks [block, instrument, 40]: one position reads one contiguous row of 320
// bytes and the 40 sums stay in registers; blocks are the outer loop so that one stays in L2 cache.
// The unshocked world, whose P&L is zero, may be left out: blocks begin with scenario 1 then.
// Gains cannot be the worst of a row that loses anywhere: where neither weight nor dampener changes
// a block, its losses are taken as they are.
#pragma once

#include "across.hpp"
#include "kernels.hpp"
#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int ROWS = 512;  // rows that are put in order of their length
// All rows of a pass go over a block before any goes over the next, so that the block stays in the
// L2 cache. Where there is room for all blocks the positions should stay there, too.
constexpr int PASS_ROWS = 1 << 15;
constexpr std::int64_t PASS_POSITIONS = 10 * PASS_ROWS, ROOM = 1 << 16;  // of doubles
constexpr int VECTORS = BLOCK / WIDTH;

// Neighbouring scenarios in registers.
template <int COUNT>
struct Vectors {
    Lanes v[COUNT];
};

using Block = Vectors<VECTORS>;

// The first vectors of a block, all if not told otherwise.
template <int COUNT = VECTORS>
inline Vectors<COUNT> raw_block(const Aggregation& in, std::int64_t block, std::int64_t row) {
    const double* pnl = in.pnl + block * in.instruments * BLOCK;
    Vectors<COUNT> sum;
    for (int j = 0; j < COUNT; ++j) sum.v[j] = 0.0;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const double* column = pnl + static_cast<std::int64_t>(in.instrument[p]) * BLOCK;
        const Lanes lots = static_cast<double>(in.lots[p]);
        for (int j = 0; j < COUNT; ++j) sum.v[j] = fma(lots, load(column + WIDTH * j), sum.v[j]);
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

template <int FROM, int SIZE, int COUNT>
inline Lanes least_vector(const Vectors<COUNT>& x) {
    if constexpr (SIZE == 1) {
        return x.v[FROM];
    } else {
        return at_most(least_vector<FROM, SIZE / 2>(x),
                       least_vector<FROM + SIZE / 2, SIZE - SIZE / 2>(x));
    }
}

template <int COUNT>
inline bool any_nan(const Vectors<COUNT>& x) {
    LaneMask nan = unordered(x.v[0], x.v[COUNT - 1]);
    for (int j = 1; j + 1 < COUNT; j += 2) nan = nan | unordered(x.v[j], x.v[j + 1]);
    return places(nan) != 0;
}

// The worst of a row so far: its value, NaN once there was one, and the lowest scenario with it.
struct Worst {
    double value;
    std::int32_t scenario;
};

// Before any scenario; where the unshocked world is left out its zero stands already.
inline Worst no_worst(const Aggregation& in) { return {in.from_one ? 0.0 : INFINITE, 0}; }

// Take in scenarios from `first` on; `finite` says that there is no NaN. Which is lower is past
// guessing: no branch.
template <int COUNT>
inline Worst lower_of(const Worst& before, const Vectors<COUNT>& x, std::int32_t first,
                      bool finite) {
    const double least = least_lane(least_vector<0, COUNT>(x));
    std::uint64_t here = std::uint64_t{1} << 63;
    for (int j = 0; j < COUNT; ++j) {
        here |= static_cast<std::uint64_t>(places(x.v[j] == least)) << (j * WIDTH);
    }
    const bool lower = least < before.value;
    const std::int32_t other = before.scenario ^ (first + lowest_place(here));
    const Worst worst = {lower ? least : before.value,
                         before.scenario ^ (other & -static_cast<std::int32_t>(lower))};
    return finite || !any_nan(x) ? worst : Worst{NO_NUMBER, 0};
}

inline std::int32_t first_scenario(const Aggregation& in, std::int64_t block) {
    return static_cast<std::int32_t>(block * BLOCK + in.from_one);
}

inline void settle(const Worst& worst, double* loss, std::int32_t* scenario) {
    const bool nan = worst.value != worst.value;
    *loss = nan ? NO_NUMBER : worst.value < 0.0 ? -worst.value : 0.0;
    *scenario = nan ? 0 : worst.scenario;
}

// One row with every transform, whatever `losses_as_is` says.
inline void worst_of_gains(const Aggregation& in, std::int64_t row, double* loss,
                           std::int32_t* scenario) {
    Worst state = no_worst(in);
    for (std::int64_t block = 0; block < in.blocks; ++block) {
        const Block x = transformed(in, block, row, raw_block(in, block, row));
        state = lower_of(state, x, first_scenario(in, block), false);
    }
    settle(state, loss, scenario);
}

// The rows of a pass by their number of positions: loops over rows of one length end where the
// processor expects it. Which row comes first changes no bit.
inline void by_length(const std::int64_t* pointer, int count, std::uint16_t* order) {
    constexpr int LONG = 64;
    bool alike = true;
    for (int r = 1; r < count; ++r) {
        alike &= pointer[r + 1] - pointer[r] == pointer[1] - pointer[0];
    }
    if (alike) {
        for (int r = 0; r < count; ++r) order[r] = static_cast<std::uint16_t>(r);
        return;
    }
    int start[LONG + 1] = {};
    const auto length = [&](int r) {
        const std::int64_t size = pointer[r + 1] - pointer[r];
        return static_cast<int>(size < LONG ? size : LONG - 1);
    };
    for (int r = 0; r < count; ++r) ++start[length(r) + 1];
    for (int n = 0; n < LONG; ++n) start[n + 1] += start[n];
    for (int r = 0; r < count; ++r) order[start[length(r)]++] = static_cast<std::uint16_t>(r);
}

// Rows that go over the blocks together: `count` from `first` on, their order by groups of ROWS,
// and where their losses (`stride` apart) and scenarios go.
struct Pass {
    std::int64_t first;
    int count;
    const std::uint16_t* order;
    double* loss;
    std::int64_t stride;
    std::int32_t* scenario;

    int row(int k) const { return k / ROWS * ROWS + order[k]; }
};

// How many rows, at most `count`, go together from `first` on.
inline int rows_of_pass(const Aggregation& in, std::int64_t first, std::int64_t count) {
    const std::int64_t* pointer = in.pointer + first;
    const int most = in.blocks * in.instruments * BLOCK > ROOM ? PASS_ROWS : ROWS;
    int rows = static_cast<int>(count < most ? count : most);
    while (rows > ROWS && pointer[rows] - pointer[0] > PASS_POSITIONS) rows /= 2;
    return rows;
}

// The first COUNT vectors of a block; losses are taken as they are.
template <int COUNT>
COUNTERPOISE_WHOLE void scan_as_is(const Aggregation& given, std::int64_t block, const Pass& to) {
    const Aggregation in = given;  // copies: no result is written over them
    const Pass pass = to;
    const std::int32_t at = first_scenario(in, block);
    for (int k = 0; k < pass.count; ++k) {
        const int r = pass.row(k);
        double* loss = pass.loss + r * pass.stride;
        const Worst worst = lower_of({*loss, pass.scenario[r]},
                                     raw_block<COUNT>(in, block, pass.first + r), at, in.finite);
        *loss = worst.value;
        pass.scenario[r] = worst.scenario;
    }
}

// No more vectors of the last block than hold scenarios, in steps of eight of these.
template <int COUNT>
inline void scan_block(const Aggregation& in, std::int64_t block, const Pass& pass) {
    constexpr int STEP = WIDTH < EIGHT ? EIGHT / WIDTH : 1;
    if constexpr (COUNT > STEP) {
        const std::int64_t rest = in.scenarios - in.from_one - block * BLOCK;
        if (rest <= (COUNT - STEP) * WIDTH) return scan_block<COUNT - STEP>(in, block, pass);
    }
    scan_as_is<COUNT>(in, block, pass);
}

inline void scan_transformed(const Aggregation& in, std::int64_t block, const Pass& pass) {
    const bool* as_is = in.losses_as_is + block * in.keys;
    for (int k = 0; k < pass.count; ++k) {
        const int r = pass.row(k);
        const std::int64_t row = pass.first + r;
        const Block raw = raw_block(in, block, row);
        const Block x = as_is[in.key[row]] ? raw : transformed(in, block, row, raw);
        double* loss = pass.loss + r * pass.stride;
        const Worst worst =
            lower_of({*loss, pass.scenario[r]}, x, first_scenario(in, block), false);
        *loss = worst.value;
        pass.scenario[r] = worst.scenario;
    }
}

inline bool all_as_is(const Aggregation& in, std::int64_t block) {
    bool all = true;
    for (std::int64_t k = 0; k < in.keys * in.keyed; ++k) {
        all &= in.losses_as_is[block * in.keys + k];
    }
    return all;
}

inline void by_length(const Aggregation& in, std::int64_t first, int count, std::uint16_t* order) {
    for (int g = 0; g < count; g += ROWS) {
        by_length(in.pointer + first + g, count - g < ROWS ? count - g : ROWS, order + g);
    }
}

// The worst of the rows of a pass.
inline void worst_of_pass(const Aggregation& in, const Pass& pass) {
    const Worst none = no_worst(in);
    for (int r = 0; r < pass.count; ++r) {
        pass.loss[r * pass.stride] = none.value;
        pass.scenario[r] = none.scenario;
    }
    for (std::int64_t block = 0; block < in.blocks; ++block) {
        if (all_as_is(in, block)) {
            scan_block<VECTORS>(in, block, pass);
        } else {
            scan_transformed(in, block, pass);
        }
    }
    for (int r = 0; r < pass.count; ++r) {
        double* loss = pass.loss + r * pass.stride;
        std::int32_t* scenario = pass.scenario + r;
        settle({*loss, *scenario}, loss, scenario);
        // Without a loss the lowest scenario depends on what the gains become.
        if (in.keyed != 0 && *loss == 0.0) worst_of_gains(in, pass.first + r, loss, scenario);
    }
}

inline void worst(const Aggregation& in, double* loss, std::int32_t* scenario, std::int64_t begin,
                  std::int64_t end) {
    std::uint16_t order[PASS_ROWS];
    for (std::int64_t first = begin; first < end;) {
        const int count = rows_of_pass(in, first, end - first);
        by_length(in, first, count, order);
        worst_of_pass(in, {first, count, order, loss + first, 1, scenario + first});
        first += count;
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
