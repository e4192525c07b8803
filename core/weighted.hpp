// The tail of a row whose scenarios have probabilities of their own: the lowest P&L up to which
// more than `mass` of probability lies, and what lies below it, by selection.
//
//     at = least v with  p_s summed over v_s <= v  > mass        less = sum of p_s over v_s < at
//     sum = sum of p_s v_s over v_s < at                         ties = sum of p_s over v_s = at
//     reached = less, and p_s of the v_s = at until it is `enough`          all in scenario order
//
// A row's P&L is one vector of scratch. Sums of probabilities are scalar chains in an order that is
// the same in every flavour.
#pragma once

#include "select.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

inline void row_vector(const Tails& in, std::int64_t row, double* v) {
    for (std::int64_t block = 0; block < in.whole.blocks; ++block) {
        const bool last = block + 1 == in.whole.blocks;
        Block x = last ? summed(in.whole, in.last, BLOCK, row)
                       : summed(in.whole, in.pnl + block * BLOCK, in.stride, row);
        if (in.transforms) x = transformed(in.whole, block, row, x);
        for (int j = 0; j < VECTORS; ++j) store(v + block * BLOCK + WIDTH * j, x.v[j]);
    }
}

struct Weighed {
    double *value, *mass;
};

inline double sorted_mass(Weighed x, std::int64_t count, double mass) {
    for (std::int64_t i = 1; i < count; ++i) {
        const double v = x.value[i], p = x.mass[i];
        std::int64_t j = i;
        for (; j > 0 && v < x.value[j - 1]; --j) {
            x.value[j] = x.value[j - 1];
            x.mass[j] = x.mass[j - 1];
        }
        x.value[j] = v;
        x.mass[j] = p;
    }
    double sum = 0.0;
    for (std::int64_t i = 0; i < count; ++i) {
        sum += x.mass[i];
        if (sum > mass) return x.value[i];
    }
    return x.value[count - 1];
}

// Quickselect by mass; both arrays have room for `count` and are overwritten.
inline double at_mass(Weighed x, Weighed y, std::int64_t count, double mass) {
    while (count > FEW) {
        const double pivot =
            median(x.value[count / 4], x.value[count / 2], x.value[count - count / 4]);
        std::int64_t less = 0, more = 0;
        double below = 0.0, ties = 0.0;
        for (std::int64_t i = 0; i < count; ++i) {
            const double v = x.value[i], p = x.mass[i];
            const bool lower = v < pivot, higher = v > pivot;
            x.value[less] = v;
            x.mass[less] = p;
            y.value[more] = v;
            y.mass[more] = p;
            less += lower;
            more += higher;
            below += lower ? p : 0.0;
            ties += lower || higher ? 0.0 : p;
        }
        if (below > mass) {
            count = less;
        } else if (below + ties > mass || more == 0) {
            return pivot;
        } else {
            mass -= below + ties;
            count = more;
            const Weighed other = x;
            x = y;
            y = other;
        }
    }
    return sorted_mass(x, count, mass);
}

inline void weighed_answer(const WeightedTails& in, std::int64_t row, const double* v, double at) {
    double less = 0.0, sum = 0.0, ties = 0.0;
    for (std::int64_t s = 0; s < in.rows.whole.scenarios; ++s) {
        const double p = in.probability[s];
        const bool lower = v[s] < at && p > 0.0;
        less += lower ? p : 0.0;
        sum += lower ? p * v[s] : 0.0;
        ties += v[s] == at ? p : 0.0;
    }
    double reached = less;
    for (std::int64_t s = 0; s < in.rows.whole.scenarios && reached < in.enough; ++s) {
        reached += v[s] == at ? in.probability[s] : 0.0;
    }
    in.rows.at[row] = at + 0.0;
    in.rows.sum[row] = at == at ? sum : NO_NUMBER;
    in.less[row] = less;
    in.ties[row] = ties;
    in.reached[row] = reached;
}

// `scratch` has room for five vectors of whole blocks.
inline void weighted_tails(const WeightedTails& in, double* scratch, std::int64_t begin,
                           std::int64_t end) {
    const std::int64_t room = in.rows.whole.blocks * BLOCK;
    const Weighed x = {scratch + room, scratch + 2 * room};
    const Weighed y = {scratch + 3 * room, scratch + 4 * room};
    for (std::int64_t row = begin; row < end; ++row) {
        row_vector(in.rows, row, scratch);
        std::int64_t count = 0;
        bool nan = false;
        for (std::int64_t s = 0; s < in.rows.whole.scenarios; ++s) {
            nan |= scratch[s] != scratch[s];
            x.value[count] = scratch[s];
            x.mass[count] = in.probability[s];
            count += in.probability[s] > 0.0;
        }
        const bool known = !nan && count > 0;
        weighed_answer(in, row, scratch, known ? at_mass(x, y, count, in.mass) : NO_NUMBER);
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
