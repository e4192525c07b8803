// What one more order would need: a row of P&L added to an account's summed vectors.
//
//     worst   = -min(0, min_s t(raw_s + lots x pnl_s))          t the unit's transforms
//     charge += (|n_e + lots x column| - |n_e|) rate            e the order's segment
//     shock   = size_shock(net + lots x column, owned + d x column)
//               d = max(carried + lots, 0) - max(carried, 0): the order nets with what it meets
//     initial = max over sides of (rest + worst + charge + shock) + fixed
//     maintenance = factor (rest + worst + charge + shock)      of side 0, the positions
//
// The vector is added to, not summed again in canonical order: a screen, whose error is bounded in
// docs/decisions/0010-prepared-accounts.md. `worst_again` sums again, with the bits of `worst`.
#pragma once

#include "aggregate.hpp"
#include "requirement.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

// The transformed P&L at scenarios [at, at + WIDTH); where `as_is` says so, that of losses is v.
inline Lanes shaped(const Account& in, std::int64_t unit, std::int64_t at, Lanes v) {
    const std::int64_t here = unit * in.width + at;
    if (in.as_is[here / LANES] && in.as_is[(here + WIDTH - 1) / LANES]) return v;
    if (in.weight != nullptr) v = v * load(in.weight + here);
    if (in.dampener != nullptr && in.dampen_first) v = dampened(v, load(in.dampener + here));
    if (in.gain_factor != nullptr) v = gained(v, in.gain_factor[unit], in.gain_cap[unit]);
    if (in.dampener != nullptr && !in.dampen_first) v = dampened(v, load(in.dampener + here));
    return v;
}

inline double loss_of(Lanes least, bool nan) {
    const double lowest = least_lane(least);
    return nan ? NO_NUMBER : lowest < 0.0 ? -lowest : 0.0;
}

inline double worst_with(const Account& in, std::int64_t side, std::int32_t instrument,
                         double lots) {
    const std::int64_t unit = in.unit[instrument];
    const double* pnl = in.pnl + static_cast<std::int64_t>(instrument) * in.width;
    const double* raw = in.raw + (side * in.units + unit) * in.width;
    const Lanes size = lots;
    Lanes least = 0.0, other = 0.0;
    LaneMask nan = unordered(least, least);
    const auto at = [&](std::int64_t s) {
        return shaped(in, unit, s, fma(size, load(pnl + s), load(raw + s)));
    };
    const std::int64_t until = in.as_is_until[unit];
    const auto as_is = [&](std::int64_t s) { return fma(size, load(pnl + s), load(raw + s)); };
    std::int64_t s = 0;
    // Two chains of minima, each with every other pair: a chain is what takes time.
    for (; s + 4 * WIDTH <= until; s += 4 * WIDTH) {
        const Lanes a = as_is(s), b = as_is(s + WIDTH);
        const Lanes c = as_is(s + 2 * WIDTH), d = as_is(s + 3 * WIDTH);
        nan = nan | (unordered(a, b) | unordered(c, d));
        least = at_most(least, at_most(a, b));
        other = at_most(other, at_most(c, d));
    }
    for (; s < in.width; s += 2 * WIDTH) {
        const Lanes v = at(s), w = at(s + WIDTH);
        nan = nan | unordered(v, w);
        least = at_most(least, v);
        other = at_most(other, w);
    }
    return loss_of(at_most(least, other), places(nan) != 0);
}

COUNTERPOISE_WHOLE Needs needs_with(const Account& in, std::int32_t instrument, double lots) {
    const std::int64_t unit = in.unit[instrument], segment = in.segment[instrument];
    if (unit < 0 || in.flag[instrument] != 0) return {NO_NUMBER, NO_NUMBER, NO_NUMBER};
    const double* column = in.columns + static_cast<std::int64_t>(instrument) * ADD_ON_COLUMNS;
    const auto owned_part = [](double size) { return size > 0.0 ? size : 0.0; };
    Needs needs = {0.0, -INFINITE, 0.0};
    for (std::int64_t side = 0; side < in.sides; ++side) {
        const std::int64_t row = side * in.units + unit;
        // The add-ons first: their chain is worked off while the scan waits for its loads.
        const double before = in.segment_net[side * in.segments + segment];
        const double after = fma(lots, column[0], before);
        const double charge = in.charge[row] + (absolute(after) - absolute(before)) * column[1];
        const double carried = in.carried[side * in.instruments + instrument];
        const double owned = owned_part(carried + lots) - owned_part(carried);
        const double shock = size_shock(in.size_rule + unit * SIZE_RULE,
                                        fma(lots, column[2], in.net[row]),
                                        fma(owned, column[3], in.owned[row]));
        const double worst = worst_with(in, side, instrument, lots);
        const double sum = in.rest[row] + (worst + charge + shock);
        if (side == 0) needs.worst = worst;
        if (side == 0) needs.maintenance = in.factor * sum;
        needs.initial = greater(needs.initial, sum + in.fixed[unit]);
    }
    return needs;
}

template <int COUNT>
inline Vectors<COUNT> summed(const Positions& held, std::int64_t s) {
    Vectors<COUNT> sum;
    for (int j = 0; j < COUNT; ++j) sum.v[j] = 0.0;
    const auto add = [&](const double* pnl, double lots) {
        const Lanes size = lots;
        for (int j = 0; j < COUNT; ++j) sum.v[j] = fma(size, load(pnl + s + WIDTH * j), sum.v[j]);
    };
    for (std::int64_t p = 0; p < held.before; ++p) add(held.rows[p], held.lots[p]);
    add(held.order, held.order_lots);
    for (std::int64_t p = held.before + held.netted; p < held.count; ++p) {
        add(held.rows[p], held.lots[p]);
    }
    return sum;
}

// The worst loss of positions summed in their order.
COUNTERPOISE_WHOLE double worst_again(const Account& in, std::int64_t unit, const Positions& held) {
    Lanes least = 0.0;
    LaneMask nan = unordered(least, least);
    const auto take = [&](std::int64_t s, Lanes sum) {
        const Lanes v = shaped(in, unit, s, sum);
        nan = nan | unordered(v, v);
        least = at_most(least, v);
    };
    constexpr int FEW = LANES / WIDTH;
    std::int64_t s = 0;
    for (; in.width >= BLOCK && s < in.width; s += BLOCK) {
        if (s + BLOCK > in.width) s = in.width - BLOCK;  // some twice: a minimum is the same
        const Block sum = summed<VECTORS>(held, s);
        for (int j = 0; j < VECTORS; ++j) take(s + WIDTH * j, sum.v[j]);
    }
    for (; s < in.width; s += LANES) {
        const Vectors<FEW> sum = summed<FEW>(held, s);
        for (int j = 0; j < FEW; ++j) take(s + WIDTH * j, sum.v[j]);
    }
    return loss_of(least, places(nan) != 0);
}

}  // namespace counterpoise::COUNTERPOISE_ISA
