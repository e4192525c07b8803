// What one more order would need: a row of P&L added to an account's summed vectors.
//
//     worst   = -min(0, min_s t(raw_s + lots x pnl_s))          t the unit's transforms
//     charge += (|n_e + lots x column| - |n_e|) rate            e the order's segment
//     shock   = size_shock(net + lots x column, owned + max(lots, 0) x column)
//     initial = max over sides of (rest + worst + charge + shock) + fixed
//     maintenance = factor (rest + worst + charge + shock)      of side 0, the positions
//
// The vector is added to, not summed again in canonical order: a screen, whose error is bounded in
// docs/decisions/0010-prepared-accounts.md. `worst_again` sums again, with the bits of `worst`.
#pragma once

#include "aggregate.hpp"
#include "requirement.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

// The first `count` of WIDTH numbers, zeros after them.
inline Lanes load_some(const double* p, std::int64_t count) {
    double v[WIDTH];
    for (int k = 0; k < WIDTH; ++k) v[k] = k < count ? p[k] : 0.0;
    return load(v);
}

inline Lanes shaped(const Account& in, std::int64_t unit, std::int64_t at, Lanes v) {
    const std::int64_t here = unit * in.width + at;
    if (in.weight != nullptr) v = v * load(in.weight + here);
    if (in.dampener != nullptr && in.dampen_first) v = dampened(v, load(in.dampener + here));
    if (in.gain_factor != nullptr) v = gained(v, in.gain_factor[unit], in.gain_cap[unit]);
    if (in.dampener != nullptr && !in.dampen_first) v = dampened(v, load(in.dampener + here));
    return v;
}

inline double loss_of(Lanes least, bool nan) {
    double v[WIDTH];
    store(v, least);
    double low = 0.0;
    for (int k = 0; k < WIDTH; ++k) low = v[k] < low ? v[k] : low;
    return nan ? NO_NUMBER : low < 0.0 ? -low : 0.0;
}

inline double worst_with(const Account& in, std::int64_t side, std::int32_t instrument,
                         double lots) {
    const std::int64_t unit = in.unit[instrument], whole = in.scenarios / WIDTH * WIDTH;
    const double* pnl = in.pnl + static_cast<std::int64_t>(instrument) * in.scenarios;
    const double* raw = in.raw + (side * in.units + unit) * in.width;
    const Lanes size = lots;
    Lanes least = 0.0;
    LaneMask nan = unordered(least, least);
    for (std::int64_t s = 0; s < in.scenarios; s += WIDTH) {
        const Lanes row = s < whole ? load(pnl + s) : load_some(pnl + s, in.scenarios - whole);
        const Lanes v = shaped(in, unit, s, fma(size, row, load(raw + s)));
        nan = nan | unordered(v, v);
        least = select(v < least, v, least);
    }
    return loss_of(least, places(nan) != 0);
}

inline Needs needs_with(const Account& in, std::int32_t instrument, double lots) {
    const std::int64_t unit = in.unit[instrument], segment = in.segment[instrument];
    if (unit < 0 || in.flag[instrument] != 0) return {NO_NUMBER, NO_NUMBER, NO_NUMBER};
    const double* column = in.columns + static_cast<std::int64_t>(instrument) * ADD_ON_COLUMNS;
    const double owned = lots > 0.0 ? lots : 0.0;
    Needs needs = {0.0, -INFINITE, 0.0};
    for (std::int64_t side = 0; side < in.sides; ++side) {
        const std::int64_t row = side * in.units + unit;
        const double worst = worst_with(in, side, instrument, lots);
        const double before = in.segment_net[side * in.segments + segment];
        const double after = fma(lots, column[0], before);
        const double charge = in.charge[row] + (absolute(after) - absolute(before)) * column[1];
        const double shock = size_shock(in.size_rule + unit * SIZE_RULE,
                                        fma(lots, column[2], in.net[row]),
                                        fma(owned, column[3], in.owned[row]));
        const double sum = in.rest[row] + (worst + charge + shock);
        if (side == 0) needs.worst = worst;
        if (side == 0) needs.maintenance = in.factor * sum;
        needs.initial = greater(needs.initial, sum + in.fixed[unit]);
    }
    return needs;
}

// The position at `p` of the unit's, with the order merged in its canonical place; `place` is where.
struct Merged {
    std::int32_t instrument;
    std::int64_t lots;
};

inline Merged merged(const Account& in, std::int64_t p, std::int64_t place, bool held,
                     const Merged& order) {
    if (p == place) return held ? Merged{order.instrument, in.lots[p] + order.lots} : order;
    const std::int64_t from = p < place || held ? p : p - 1;
    return {in.instrument[from], in.lots[from]};
}

inline double worst_again(const Account& in, std::int32_t instrument, std::int64_t lots) {
    const std::int64_t unit = in.unit[instrument], whole = in.scenarios / WIDTH * WIDTH;
    const std::int64_t begin = in.pointer[unit], end = in.pointer[unit + 1];
    std::int64_t place = begin;
    while (place < end && in.instrument[place] < instrument) ++place;
    const bool held = place < end && in.instrument[place] == instrument;
    const Merged order = {instrument, lots};
    Lanes least = 0.0;
    LaneMask nan = unordered(least, least);
    for (std::int64_t first = 0; first < in.scenarios; first += BLOCK) {
        Block sum;
        for (int j = 0; j < VECTORS; ++j) sum.v[j] = 0.0;
        for (std::int64_t p = begin; p < end + (held ? 0 : 1); ++p) {
            const Merged position = merged(in, p, place, held, order);
            const double* pnl = in.pnl + position.instrument * in.scenarios + first;
            const Lanes size = static_cast<double>(position.lots);
            if (first + BLOCK <= in.scenarios) {
                for (int j = 0; j < VECTORS; ++j) {
                    sum.v[j] = fma(size, load(pnl + WIDTH * j), sum.v[j]);
                }
                continue;
            }
            for (int j = 0; j < VECTORS && first + WIDTH * j < in.scenarios; ++j) {
                const bool full = first + WIDTH * j < whole;
                const Lanes row = full ? load(pnl + WIDTH * j)
                                       : load_some(pnl + WIDTH * j, in.scenarios - whole);
                sum.v[j] = fma(size, row, sum.v[j]);
            }
        }
        for (int j = 0; j < VECTORS && first + WIDTH * j < in.scenarios; ++j) {
            const Lanes v = shaped(in, unit, first + WIDTH * j, sum.v[j]);
            nan = nan | unordered(v, v);
            least = select(v < least, v, least);
        }
    }
    return loss_of(least, places(nan) != 0);
}

}  // namespace counterpoise::COUNTERPOISE_ISA
