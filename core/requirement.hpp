// What a requirement is made of beside its worst scenario: add-ons of unit rows, sums of
// requirement rows, what is owned, what is left. See docs/decisions/0009-whole-margin-and-ticks.md.
//
//     charge = sum over segments of |sum of lots x column| x rate     (a run of one segment id)
//     shock  = |D| min(slope max(|D| - threshold, 0), cap) x price    D from net and protection
//     initial = rounded(sum + others), maintenance = rounded(factor sum)
//     owned  = (balance - entry cost) + value of contracts, summed by unit
//
// Minima and maxima keep NaN; rounding is half to even of x times a power of ten.
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

// The nearest whole number, half to even: beyond 2^52 every double is whole.
template <typename T>
T whole_number(T x) {
    const T size = absolute(x), far = 4503599627370496.0;
    return select(size < far, with_sign_of((size + far) - far, x), x);
}

template <typename T>
T rounded(T x, T ten) {
    return whole_number(x * ten) / ten;
}

// The charge on a delta too large for the market; rule is slope, threshold, cap, price. Long
// options may reduce the net delta, but not flip it.
inline double size_shock(const double* rule, double net, double protection) {
    const double bare = net - protection, both = bare + protection;
    const double size = at_least(at_most(flipped(both, bare), absolute(bare)), 0.0);
    const double share = rule[0] * at_least(size - rule[1], 0.0), cap = rule[2];
    return size * (share <= cap || share != share ? share : cap) * rule[3];
}

inline void add_on(const AddOns& in, std::int64_t row, double loss) {
    double charge = 0.0, segment_net = 0.0, rate = 0.0, net = 0.0, owned_delta = 0.0, value = 0.0;
    double segment = -1.0;
    std::int32_t flagged = -1;
    for (std::int64_t p = in.pointer[row]; p < in.pointer[row + 1]; ++p) {
        const AddOnTerms& terms = in.terms[in.instrument[p]];
        const double lots = static_cast<double>(in.lots[p]), owned = lots > 0.0 ? lots : 0.0;
        // Where segments change is past guessing: both are worked out. Adding zero is exact.
        const bool same = terms.segment == segment;
        charge = charge + (same ? 0.0 : absolute(segment_net) * rate);
        segment_net = fma(lots, terms.by_segment, same ? segment_net : 0.0);
        segment = terms.segment;
        rate = terms.rate;
        net = fma(lots, terms.net, net);
        owned_delta = fma(owned, terms.protecting, owned_delta);
        value = fma(lots, terms.value, value);
        if (terms.flag && flagged < 0) flagged = in.instrument[p];
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
    constexpr std::int64_t STRIDE = sizeof(UnitResult) / sizeof(double);
    std::uint16_t order[PASS_ROWS];
    for (std::int64_t first = begin; first < end;) {
        const int count = rows_of_pass(scan, first, end - first);
        by_length(scan, first, count, order);
        const Pass pass = {first, count, order, &in.result[first].loss, STRIDE, scenario + first};
        worst_of_pass(scan, pass);
        for (int k = 0; k < count; ++k) {
            const std::int64_t row = first + pass.row(k);
            add_on(in, row, in.result[row].loss);
        }
        first += count;
    }
}

// Sums of the unit rows of one chunk of requirement rows, in the order of their keys.
struct Sums {
    double worst[CHUNK], rounding[CHUNK], charge[CHUNK], shock[CHUNK], value[CHUNK];
    double other[3][CHUNK], failed[CHUNK];  // failed: NaN where there is no number, else 0
};

inline std::int64_t row_asked(const Totals& in, std::int64_t k) {
    return in.rows == nullptr ? k : in.rows[k];
}

// Ask for all that the rows of a chunk read, step by step, before the first of it is needed. Return
// whether their members lie inside the blocks.
inline bool fetch_members(const Totals& in, std::int64_t first, int count) {
    if (in.rows != nullptr) {
        for (int k = 0; k < count; ++k) fetch_ahead(in.members + in.rows[first + k]);
        for (int k = 0; k < count; ++k) {
            fetch_ahead(in.member + in.members[in.rows[first + k]]);
        }
    }
    for (int k = 0; k < count; ++k) {
        const std::int64_t row = row_asked(in, first + k);
        for (std::int64_t m = in.members[row]; m < in.members[row + 1]; ++m) {
            const std::int64_t block = in.member[m].block, at = in.member[m].row;
            if (block < 0 || block >= in.block_count) return false;
            if (at < 0 || at >= in.block_rows[block]) return false;
            fetch_ahead(in.blocks[block] + at);
            fetch_ahead(in.scenarios[block] + at);
        }
    }
    return true;
}

inline void sum_members(const Totals& in, std::int64_t first, int count, Sums& sums) {
    for (int k = 0; k < count; ++k) {
        const std::int64_t row = row_asked(in, first + k);
        double worst = 0.0, rounding = 0.0, charge = 0.0, shock = 0.0, value = 0.0;
        std::int64_t entry = in.entries[first + k];
        for (std::int64_t m = in.members[row]; m < in.members[row + 1]; ++m, ++entry) {
            const Member& here = in.member[m];
            const UnitResult& unit = in.blocks[here.block][here.row];
            const double loss = unit.loss;
            worst = worst + loss;
            rounding = rounding + (rounded(loss, in.ten_initial) - loss);
            charge = charge + unit.charge;
            shock = shock + unit.shock;
            value = value + unit.value;
            in.entry_loss[entry] = loss;
            in.entry_scenario[entry] = in.scenarios[here.block][here.row];
            if (in.entry_row == nullptr) continue;
            in.entry_row[entry] = static_cast<std::int32_t>(first + k);
            in.entry_unit[entry] = here.unit;
        }
        sums.worst[k] = worst;
        sums.rounding[k] = rounding;
        sums.charge[k] = charge;
        sums.shock[k] = shock;
        sums.value[k] = value;
    }
}

inline void gather_others(const Totals& in, std::int64_t first, int count, Sums& sums) {
    for (int k = 0; k < count; ++k) {
        for (int o = 0; o < 3; ++o) {
            sums.other[o][k] = in.other[o] == nullptr ? 0.0 : in.other[o][first + k];
        }
        const bool bad = in.failure != nullptr && in.failure[first + k] >= 0;
        sums.failed[k] = bad ? NO_NUMBER : 0.0;
    }
}

inline Lanes unless(Lanes failed, Lanes x) { return select(unordered(failed, failed), failed, x); }

inline void totals_of(const Totals& in, const Sums& sums, int at, double (*out)[CHUNK]) {
    const Lanes worst = load(sums.worst + at), charge = load(sums.charge + at);
    const Lanes shock = load(sums.shock + at), failed = load(sums.failed + at);
    const Lanes a = load(sums.other[0] + at), b = load(sums.other[1] + at);
    const Lanes c = load(sums.other[2] + at), factor = in.factor;
    const Lanes sum = ((worst + load(sums.rounding + at)) + charge) + shock;
    const Lanes initial =
        unless(failed, rounded<Lanes>(sum + ((a + b) + c), Lanes(in.ten_initial)));
    const Lanes held = unless(failed, rounded<Lanes>(factor * sum, Lanes(in.ten_maintenance)));
    const Lanes w = factor * worst, q = factor * charge, d = factor * shock;
    const Lanes columns[TOTALS] = {
        worst, charge, shock, initial, initial - (((((worst + charge) + shock) + a) + b) + c),
        w, q, d, held, held - ((w + q) + d), load(sums.value + at), sum};
    for (int t = 0; t < TOTALS; ++t) store(out[t] + at, columns[t]);
}

inline void write_column(const double* from, double* to, int count) {
    for (int k = 0; k < count; ++k) to[k] = from[k];
}

inline bool totals(const Totals& in, std::int64_t begin, std::int64_t end) {
    Sums sums = {};
    double out[TOTALS][CHUNK];
    for (std::int64_t first = begin; first < end; first += CHUNK) {
        const int count = static_cast<int>(end - first < CHUNK ? end - first : CHUNK);
        if (!fetch_members(in, first, count)) return false;
        sum_members(in, first, count, sums);
        gather_others(in, first, count, sums);
        for (int k = 0; k < count; k += WIDTH) totals_of(in, sums, k, out);
        for (int t = 0; t < TOTALS; ++t) {
            if (in.out[t] != nullptr) write_column(out[t], in.out[t] + first, count);
        }
    }
    return true;
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
    double cut[CHUNK] = {}, owned[CHUNK] = {}, initial[CHUNK] = {}, maintenance[CHUNK] = {};
    double balance[CHUNK], above[CHUNK], over[CHUNK];
    for (std::int64_t first = begin; first < end; first += CHUNK) {
        const int count = static_cast<int>(end - first < CHUNK ? end - first : CHUNK);
        for (int k = 0; k < count; ++k) cut[k] = in.haircut[in.pool[first + k]];
        write_column(in.owned + first, owned, count);
        write_column(in.initial + first, initial, count);
        write_column(in.maintenance + first, maintenance, count);
        for (int k = 0; k < count; k += WIDTH) {
            const Lanes own = load(owned + k);
            const Lanes left = own - load(cut + k) * at_least(own, 0.0);
            store(balance + k, left);
            store(above + k, left - load(initial + k));
            store(over + k, left - load(maintenance + k));
        }
        for (int k = 0; k < count; ++k) {
            const bool known = absolute(above[k]) < INFINITE && absolute(over[k]) < INFINITE;
            const int worse = 2 + (balance[k] < 0.0), better = !(above[k] >= 0.0);
            const int status = over[k] < 0.0 ? worse : better;
            in.status[first + k] = static_cast<std::uint8_t>(known ? status : 4);
        }
        write_column(balance, in.balance + first, count);
        write_column(above, in.initial_excess + first, count);
        write_column(over, in.maintenance_excess + first, count);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
