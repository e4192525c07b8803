// The tail of a row of positions: its k-th lowest P&L and the sum of those below it, by selection.
//
// A row's P&L over all scenarios is never stored. A strided sample of scenarios gives each row a
// limit that a little more than k of its P&Ls should not exceed; blocks of scenarios then pass by,
// and only what does not exceed the limit is kept, in scenario order. Where the keepings overflow,
// the limit falls to their k-th lowest; where fewer than k were kept, the row is done again without
// a limit. The answer is exact whatever the sample says, and a function of the row's P&L alone:
//
//     at = k-th lowest      below = (k-1)-th lowest      less = number < at      ties = number = at
//     sum = v_1 + v_2 + ... over the v_s < at, one chain in scenario order
//
// P&L comes as it stands, [instrument, scenario]; a group of blocks at a time is packed, so that it
// is read once per chunk of rows.
#pragma once

#include "aggregate.hpp"
#include "compress.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr std::int64_t FEW = 24;  // values that are sorted by insertion

// Have the line of p at hand for writing.
inline void ask_for(double* p) {
#if !defined(_MSC_VER)
    __builtin_prefetch(p, 1);
#else
    (void)p;
#endif
}

inline double median(double a, double b, double c) {
    const double low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

inline double sorted_place(double* x, std::int64_t count, std::int64_t place) {
    for (std::int64_t i = 1; i < count; ++i) {
        const double v = x[i];
        std::int64_t j = i;
        for (; j > 0 && v < x[j - 1]; --j) x[j] = x[j - 1];
        x[j] = v;
    }
    return x[place];
}

// The value at `place` (from 0) in increasing order of x[0, count); x and y are overwritten, both
// have room for WIDTH more. Quickselect whose halves keep their order, so that any WIDTH does the
// same.
inline double placed(double* x, double* y, std::int64_t count, std::int64_t place) {
    while (count > FEW) {
        const double pivot = median(x[count / 4], x[count / 2], x[count - count / 4]);
        for (int k = 0; k < WIDTH; ++k) x[count + k] = NO_NUMBER;  // neither less nor greater
        std::int64_t less = 0, more = 0;
        for (std::int64_t i = 0; i < count; i += WIDTH) {
            const Lanes v = load(x + i);
            less += keep(x + less, v, v < pivot);
            more += keep(y + more, v, v > pivot);
        }
        if (place < less) {
            count = less;
        } else if (place < count - more) {
            return pivot;
        } else {
            place -= count - more;
            count = more;
            double* other = x;
            x = y;
            y = other;
        }
    }
    return sorted_place(x, count, place);
}

inline void copied(double* to, const double* from, std::int64_t count) {
    for (std::int64_t i = 0; i < count; i += WIDTH) store(to + i, load(from + i));
}

// Lower the limit to the rank-th lowest and keep `rank` values: those below it, then copies of it.
inline void compact(const Tails& in, TailRow& row, double* kept, double* spare) {
    copied(spare, kept, row.count);
    const double at = placed(spare, spare + in.room, row.count, in.rank - 1);
    std::int64_t less = 0, ties = 0;
    for (std::int64_t i = 0; i < row.count; ++i) {
        const double v = kept[i];
        ties += v == at;
        kept[less] = v;
        less += v < at;
    }
    for (std::int64_t i = less; i < in.rank; ++i) kept[i] = at;
    row.dropped = (at == row.limit ? row.dropped : 0) + ties - (in.rank - less);
    row.limit = at;
    row.count = in.rank;
}

inline void append(const Tails& in, TailRow& row, double* kept, double* spare, const Block& x) {
    const Lanes limit = row.limit;
    std::int64_t count = row.count;
    for (int j = 0; j < VECTORS; ++j) {
        count += keep(kept + count, x.v[j], limit >= x.v[j]);
    }
    row.count = count;
    row.nan |= any_nan(x);
    if (count + BLOCK > in.room - LANES) compact(in, row, kept, spare);
}

// Scenarios that are not there pass no limit.
inline void append_last(const Tails& in, TailRow& row, double* kept, double* spare,
                        const Block& x) {
    double v[BLOCK];
    for (int j = 0; j < VECTORS; ++j) store(v + WIDTH * j, x.v[j]);
    const std::int64_t inside = in.whole.scenarios - (in.whole.blocks - 1) * BLOCK;
    for (std::int64_t k = 0; k < inside; ++k) {
        row.nan |= v[k] != v[k];
        kept[row.count] = v[k];
        row.count += v[k] <= row.limit;
    }
    if (row.count + BLOCK > in.room - LANES) compact(in, row, kept, spare);
}

inline Block summed(const Aggregation& in, const double* pnl, std::int64_t stride,
                    std::int64_t row) {
    Block sum;
    for (int j = 0; j < VECTORS; ++j) sum.v[j] = 0.0;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const double* column = pnl + static_cast<std::int64_t>(in.instrument[p]) * stride;
        const Lanes lots = static_cast<double>(in.lots[p]);
        for (int j = 0; j < VECTORS; ++j) sum.v[j] = fma(lots, load(column + WIDTH * j), sum.v[j]);
    }
    return sum;
}

inline void take(const Tails& in, TailRow& state, double* kept, double* spare, const double* pnl,
                 std::int64_t stride, std::int64_t block, std::int64_t row) {
    Block x = summed(in.whole, pnl, stride, row);
    if (in.transforms) x = transformed(in.whole, block, row, x);
    if (block + 1 < in.whole.blocks) {
        append(in, state, kept, spare, x);
    } else {
        append_last(in, state, kept, spare, x);
    }
}

// One row by itself, straight from the P&L as it stands, without a limit.
inline void alone(const Tails& in, TailRow& state, double* kept, double* spare, std::int64_t row) {
    state = {INFINITE, 0, 0, false};
    for (std::int64_t block = 0; block + 1 < in.whole.blocks; ++block) {
        take(in, state, kept, spare, in.pnl + block * BLOCK, in.stride, block, row);
    }
    take(in, state, kept, spare, in.last, BLOCK, in.whole.blocks - 1, row);
}

inline double sampled_limit(const Tails& in, double* spare, std::int64_t row) {
    for (std::int64_t block = 0; block < in.sample.blocks; ++block) {
        Block x = raw_block(in.sample, block, row);
        if (in.transforms) x = transformed(in.sample, block, row, x);
        for (int j = 0; j < VECTORS; ++j) store(spare + block * BLOCK + WIDTH * j, x.v[j]);
    }
    const std::int64_t count = in.sample.blocks * BLOCK;
    for (std::int64_t k = 0; k < count; ++k) {
        if (spare[k] != spare[k]) return INFINITE;
    }
    return placed(spare, spare + in.room, count, in.sample_rank - 1);
}

inline void answer(const Tails& in, const TailRow& row, const double* kept, double* spare,
                   std::int64_t at_row) {
    copied(spare, kept, row.count);
    const bool known = !row.nan && row.count >= in.rank;
    const double at = known ? placed(spare, spare + in.room, row.count, in.rank - 1) + 0.0
                            : NO_NUMBER;
    double sum = 0.0, below = -INFINITE;
    std::int64_t less = 0, ties = 0;
    for (std::int64_t i = 0; i < row.count; ++i) {
        const double v = kept[i];
        const bool lower = v < at;
        sum += lower ? v : 0.0;
        below = lower && v > below ? v : below;
        less += lower;
        ties += v == at;
    }
    in.at[at_row] = at;
    in.below[at_row] = known && less > 0 && less == in.rank - 1 ? below : at;
    in.sum[at_row] = known ? sum : NO_NUMBER;
    in.less[at_row] = less;
    in.ties[at_row] = ties + (at == row.limit ? row.dropped : 0);
}

// Blocks [first, first + count) of the P&L of the instruments in use, packed.
inline void pack(const Tails& in, double* group, std::int64_t first, std::int64_t count) {
    for (std::int64_t u = 0; u < in.used_count; ++u) {
        const std::int64_t i = in.used[u];
        for (std::int64_t g = 0; g < count; ++g) {
            const bool last = first + g + 1 == in.whole.blocks;
            const double* from = last ? in.last + i * BLOCK
                                      : in.pnl + i * in.stride + (first + g) * BLOCK;
            copied(group + (g * in.whole.instruments + i) * BLOCK, from, BLOCK);
        }
    }
}

inline void sweep(const Tails& in, const TailScratch& own, std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = 0; first < in.whole.blocks; first += TAIL_GROUP) {
        const std::int64_t left = in.whole.blocks - first;
        const std::int64_t count = left < TAIL_GROUP ? left : TAIL_GROUP;
        pack(in, own.group, first, count);
        for (std::int64_t g = 0; g < count; ++g) {
            const double* pnl = own.group + g * in.whole.instruments * BLOCK;
            for (std::int64_t row = begin; row < end; ++row) {
                const std::int64_t k = row - begin;
                ask_for(own.kept + (k + TAIL_AHEAD) * in.room + own.row[k + TAIL_AHEAD].count);
                take(in, own.row[k], own.kept + k * in.room, own.spare, pnl, BLOCK, first + g, row);
            }
        }
    }
}

inline void tails(const Tails& in, const TailScratch& own, std::int64_t begin, std::int64_t end) {
    const bool limited = in.sample.blocks > 0;
    if (limited) {
        for (std::int64_t row = begin; row < end; ++row) {
            own.row[row - begin] = {sampled_limit(in, own.spare, row), 0, 0, false};
        }
        sweep(in, own, begin, end);
    }
    for (std::int64_t row = begin; row < end; ++row) {
        TailRow& state = own.row[row - begin];
        double* kept = own.kept + (limited ? row - begin : 0) * in.room;
        if (!limited || (state.count < in.rank && !state.nan)) {
            alone(in, state, kept, own.spare, row);
        }
        answer(in, state, kept, own.spare, row);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
