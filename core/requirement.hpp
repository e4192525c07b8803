// What a requirement is made of beside its worst scenario: add-ons of unit rows, sums of
// requirement rows, what is owned, what is left. See docs/decisions/0009-whole-margin-and-ticks.md.
//
//     charge = sum over segments of |sum of lots x column| x rate     (a run of one segment id)
//     shock  = |D| min(slope max(|D| - threshold, 0), cap) x price    D from net and protection
//     initial = rounded(sum + others), maintenance = rounded(factor sum)
//     owned  = (balance - entry cost) + value of contracts, summed by unit
//
// Minima and maxima keep NaN, as NumPy's do; rounding is half to even of x times a power of ten.
#pragma once

#include "aggregate.hpp"
#include "kernels.hpp"
#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int CHUNK = 64;  // requirement rows that share one vectorised pass

// A hint and no more: unit rows of one account lie far apart, and waiting for one at a time would
// cost several times the arithmetic.
inline void fetch_ahead([[maybe_unused]] const void* place) {
#if defined(__GNUC__)
    __builtin_prefetch(place);
#endif
}

inline double greater(double a, double b) { return a >= b || a != a ? a : b; }
inline double lesser(double a, double b) { return a <= b || a != a ? a : b; }

// The nearest whole number, half to even: beyond 2^52 every double is whole.
inline double whole_number(double x) {
    const double size = absolute(x), far = 4503599627370496.0;
    const double near = with_sign_of((size + far) - far, x);
    return size < far ? near : x;
}

inline double rounded(double x, double ten) { return whole_number(x * ten) / ten; }

// What is left of a delta that long options may reduce, but not flip.
inline double unprotected(double net, double protection) {
    const double bare = net - protection, both = bare + protection;
    return bare < 0.0 ? lesser(greater(both, bare), 0.0) : greater(lesser(both, bare), 0.0);
}

// The charge on a delta too large for the market; rule is slope, threshold, cap, price.
inline double size_shock(const double* rule, double net, double protection) {
    const double size = absolute(unprotected(net, protection));
    const double share = lesser(rule[0] * greater(size - rule[1], 0.0), rule[2]);
    return size * share * rule[3];
}

inline void add_on(const AddOns& in, std::int64_t row, double loss) {
    double charge = 0.0, segment_net = 0.0, rate = 0.0, net = 0.0, owned_delta = 0.0, value = 0.0;
    std::int32_t segment = -1, flagged = -1;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const AddOnTerms& terms = in.terms[in.instrument[p]];
        const double lots = static_cast<double>(in.lots[p]), owned = lots > 0.0 ? lots : 0.0;
        // Where segments change is past guessing: masks, not branches. Adding zero is exact.
        const std::uint64_t closed = 0u - static_cast<std::uint64_t>(terms.segment != segment);
        charge = charge + of_bits(bits_of(absolute(segment_net) * rate) & closed);
        segment_net = of_bits(bits_of(segment_net) & ~closed);
        segment = terms.segment;
        rate = terms.rate;
        segment_net = fma(lots, terms.by_segment, segment_net);
        net = fma(lots, terms.net, net);
        owned_delta = fma(owned, terms.protecting, owned_delta);
        value = fma(lots, terms.value, value);
        if (terms.flag != 0 && flagged < 0) flagged = in.instrument[p];
    }
    charge = charge + absolute(segment_net) * rate;
    const double* rule = in.size_rule + in.key[row] * SIZE_RULE;
    in.result[row] = {loss, charge, size_shock(rule, net, owned_delta), value};
    if (in.flagged != nullptr) in.flagged[row] = flagged;
}

inline void add_ons(const AddOns& in, const double* loss, std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) add_on(in, row, loss[row]);
}

// Worst scenario and add-ons of rows whose positions are in the cache.
inline void measured(const Aggregation& scan, const AddOns& in, std::int32_t* scenario,
                     std::int64_t begin, std::int64_t end) {
    int order[ROWS];
    double loss[ROWS];
    for (std::int64_t first = begin; first < end; first += ROWS) {
        const int count = static_cast<int>(end - first < ROWS ? end - first : ROWS);
        by_length(scan.pointer + first, count, order);
        worst_of_pass(scan, first, count, order, loss, scenario + first);
        for (int k = 0; k < count; ++k) add_on(in, first + order[k], loss[order[k]]);
    }
}

// Sums of the unit rows of one chunk of requirement rows, in the order of their keys.
struct Sums {
    double worst[CHUNK], rounding[CHUNK], charge[CHUNK], shock[CHUNK], value[CHUNK];
};

inline void sum_members(const Totals& in, std::int64_t first, int count, Sums& sums) {
    for (int k = 0; k < count; ++k) {
        const std::int64_t row = in.rows == nullptr ? first + k : in.rows[first + k];
        for (std::int64_t m = in.members[row]; m < in.members[row + 1]; ++m) {
            fetch_ahead(in.blocks[in.member_block[m]] + in.member_row[m]);
        }
    }
    for (int k = 0; k < count; ++k) {
        const std::int64_t row = in.rows == nullptr ? first + k : in.rows[first + k];
        double worst = 0.0, rounding = 0.0, charge = 0.0, shock = 0.0, value = 0.0;
        std::int64_t entry = in.entries[first + k];
        for (std::int64_t m = in.members[row]; m < in.members[row + 1]; ++m, ++entry) {
            const UnitResult& unit = in.blocks[in.member_block[m]][in.member_row[m]];
            const double loss = unit.loss;
            worst = worst + loss;
            rounding = rounding + (rounded(loss, in.ten_initial) - loss);
            charge = charge + unit.charge;
            shock = shock + unit.shock;
            value = value + unit.value;
            in.entry_loss[entry] = loss;
            in.entry_scenario[entry] = in.scenarios[in.member_block[m]][in.member_row[m]];
            if (in.entry_row == nullptr) continue;
            in.entry_row[entry] = static_cast<std::int32_t>(first + k);
            in.entry_unit[entry] = in.member_unit[m];
        }
        sums.worst[k] = worst;
        sums.rounding[k] = rounding;
        sums.charge[k] = charge;
        sums.shock[k] = shock;
        sums.value[k] = value;
    }
}

inline double other(const double* column, std::int64_t row) {
    return column == nullptr ? 0.0 : column[row];
}

inline void totals(const Totals& in, std::int64_t begin, std::int64_t end) {
    Sums sums;
    const double factor = in.factor;
    for (std::int64_t first = begin; first < end; first += CHUNK) {
        const int count = static_cast<int>(end - first < CHUNK ? end - first : CHUNK);
        sum_members(in, first, count, sums);
        for (int k = 0; k < count; ++k) {
            const std::int64_t r = first + k;
            const double worst = sums.worst[k], charge = sums.charge[k], shock = sums.shock[k];
            const double a = other(in.other[0], r), b = other(in.other[1], r);
            const double c = other(in.other[2], r);
            const bool bad = in.failure != nullptr && in.failure[r] >= 0;
            const double sum = ((worst + sums.rounding[k]) + charge) + shock;
            const double initial = bad ? NO_NUMBER : rounded(sum + ((a + b) + c), in.ten_initial);
            const double held = bad ? NO_NUMBER : rounded(factor * sum, in.ten_maintenance);
            const double w = factor * worst, q = factor * charge, d = factor * shock;
            in.out[0][r] = worst;
            in.out[1][r] = charge;
            in.out[2][r] = shock;
            in.out[3][r] = initial;
            in.out[4][r] = initial - (((((worst + charge) + shock) + a) + b) + c);
            in.out[5][r] = w;
            in.out[6][r] = q;
            in.out[7][r] = d;
            in.out[8][r] = held;
            in.out[9][r] = held - ((w + q) + d);
            in.out[10][r] = sums.value[k];
            if (in.out[11] != nullptr) in.out[11][r] = sum;
        }
    }
}

inline void owned(const Owned& in, std::int64_t begin, std::int64_t end, Holding* by_pool) {
    // An account belongs to whom its first row belongs.
    while (begin > 0 && begin < end && in.account[begin] == in.account[begin - 1]) ++begin;
    for (std::int64_t first = begin; first < end;) {
        const std::int32_t account = in.account[first];
        std::int64_t stop = first;
        for (; stop < in.count && in.account[stop] == account; ++stop) {
            by_pool[in.pool[stop]] = {0.0, 0.0, 0, -1, false};
        }
        for (std::int64_t p = in.pointer[account]; p < in.pointer[account + 1]; ++p) {
            const std::int32_t i = in.instrument[p];
            Holding& here = by_pool[in.pool_of[i]];
            if (in.part_of[i] != here.of) {
                here.value = here.value + here.part;
                here.part = 0.0;
                here.of = in.part_of[i];
            }
            here.part = fma(static_cast<double>(in.lots[p]), in.values[i], here.part);
            if (in.has_entry[i] == 0) continue;
            const bool unknown = in.entry_cost[p] == in.unknown;
            here.unknown |= unknown;
            here.cost += unknown ? 0u : static_cast<std::uint64_t>(in.entry_cost[p]);
        }
        for (std::int64_t r = first; r < stop; ++r) {
            const std::int32_t pool = in.pool[r], asset = in.asset_of[pool];
            const Holding& here = by_pool[pool];
            const double entry =
                static_cast<double>(static_cast<std::int64_t>(here.cost)) / in.smallest[pool];
            const std::int64_t cell = account * in.assets + asset;
            const double balance =
                asset < 0 ? 0.0 : static_cast<double>(in.balances[cell]) / in.smallest[pool];
            const double stated =
                asset < 0 || in.stated == nullptr ? NO_NUMBER : in.stated[cell];
            const bool known = absolute(stated) < INFINITE;
            in.cash[r] = known ? stated : here.unknown ? NO_NUMBER : balance - entry;
            in.value[r] = here.value + here.part;
            in.known[r] = known;
            in.no_entry[r] = here.unknown && !known;
        }
        first = stop;
    }
}

inline void standing(const Standing& in, std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
        const double owned = in.owned[r];
        const double balance = owned - in.haircut[in.pool[r]] * greater(owned, 0.0);
        const double above = balance - in.initial[r], over = balance - in.maintenance[r];
        const bool known = absolute(above) < INFINITE && absolute(over) < INFINITE;
        const int worse = balance < 0.0 ? 3 : 2, better = above >= 0.0 ? 0 : 1;
        in.balance[r] = balance;
        in.initial_excess[r] = above;
        in.maintenance_excess[r] = over;
        in.status[r] = static_cast<std::uint8_t>(!known ? 4 : over < 0.0 ? worse : better);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
