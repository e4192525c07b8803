// Rows of positions and their transforms as they come from Python: checked, and packed into blocks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "arrays.hpp"
#include "kernels.hpp"

namespace counterpoise {

// Rows [row, scenario] as blocks [block, row, size] from scenario `from` on; the last one repeats.
inline Buffer<double> packed(const Array<double>& rows, std::int64_t blocks,
                             std::int64_t size = BLOCK, std::int64_t from = 0) {
    const std::int64_t n = rows.shape[0], count = rows.shape[1];
    Buffer<double> out = buffer<double>(blocks * n * size);
    for (std::int64_t b = 0; b < blocks; ++b) {
        const std::int64_t start = from + b * size, inside = std::min(size, count - start);
        for (std::int64_t i = 0; i < n; ++i) {
            const double* from = rows.at + i * count + start;
            double* to = out.get() + (b * n + i) * size;
            std::copy_n(from, inside, to);
            std::fill_n(to + inside, size - inside, from[inside - 1]);
        }
    }
    return out;
}

struct Rows {
    Array<std::int64_t> pointer;
    Array<std::int32_t> key, instrument;
    Array<std::int64_t> lots;
    std::int64_t count;
};

inline Rows rows_of(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
             std::int64_t instruments) {
    const Array<std::int64_t> pointers = array<std::int64_t>(pointer, "pointer", 1);
    const Array<std::int32_t> index = array<std::int32_t>(instrument, "instrument", 1);
    const Array<std::int64_t> sizes = column<std::int64_t>(lots, "lots", index.size());
    check_pointer(pointers, index.size());
    check_index(index, instruments, "instrument must index the rows of the risk array");
    const std::int64_t count = pointers.size() - 1;
    return {pointers, column<std::int32_t>(key, "key", count), index, sizes, count};
}

using Optional = std::optional<Array<double>>;

// The transforms that were given; None stands for the identity.
struct Transform {
    Optional weight, gain_factor, gain_cap, dampener;
    bool dampen_first;
    std::int64_t keys;
};

inline Optional optional_array(nb::handle given, const char* name, std::size_t axes) {
    return given.is_none() ? Optional{} : Optional{array<double>(given, name, axes)};
}

inline Transform transform_of(nb::handle weight, nb::handle gain_factor, nb::handle gain_cap,
                       nb::handle dampener, bool dampen_first) {
    Transform t{optional_array(weight, "weight", 2), optional_array(gain_factor, "gain_factor", 1),
                optional_array(gain_cap, "gain_cap", 1), optional_array(dampener, "dampener", 2),
                dampen_first, -1};
    expect(t.gain_factor.has_value() == t.gain_cap.has_value(),
           "gain_factor and gain_cap come together or not at all");
    for (const Optional* part : {&t.weight, &t.gain_factor, &t.gain_cap, &t.dampener}) {
        if (!part->has_value()) continue;
        const std::int64_t keys = (*part)->shape[0];
        expect(t.keys < 0 || t.keys == keys, "transforms must have one row per key, all alike");
        t.keys = keys;
    }
    return t;
}

inline void check_transform(const Transform& t, const Array<std::int32_t>& key,
                            std::int64_t scenarios) {
    for (const Optional* part : {&t.weight, &t.dampener}) {
        expect(!part->has_value() || (*part)->shape[1] == scenarios,
               "weight and dampener must have a column per scenario, " + std::to_string(scenarios));
    }
    if (t.keys >= 0) check_index(key, t.keys, "key must index the rows of the transforms");
}

// Whether all P&L is below 2^896 in size, so that no sum of lots x P&L reaches infinity or is no
// number: 2^63 positions of 2^63 lots. By exponents, which compilers make vectors of.
inline bool moderate(const Array<double>& pnl) {
    constexpr std::uint64_t EXPONENT = std::uint64_t{0x7ff} << 52;
    constexpr std::uint64_t ROOM = std::uint64_t{2048 - (1023 + 896)} << 52;
    std::uint64_t over = 0;
    for (std::int64_t k = 0; k < pnl.size(); ++k) {
        std::uint64_t bits;
        std::memcpy(&bits, pnl.at + k, sizeof bits);
        over |= (bits & EXPONENT) + ROOM;
    }
    return static_cast<std::int64_t>(over) >= 0;
}

// The packed arrays of one call; `view` points into them.
struct Packed {
    Buffer<double> pnl, weight, dampener;
    Buffer<bool> losses_as_is;
    Aggregation view;
};

// Which blocks of which keys keep their losses: all weights 1 and all dampeners 0.
inline Buffer<bool> untouched(const double* weight, const double* dampener, std::int64_t count) {
    Buffer<bool> same = buffer<bool>(count);
    for (std::int64_t k = 0; k < count; ++k) {
        bool here = true;
        for (std::int64_t s = k * BLOCK; s < (k + 1) * BLOCK; ++s) {
            here &= weight == nullptr || weight[s] == 1.0;
            here &= dampener == nullptr || dampener[s] == 0.0;
        }
        same[k] = here;
    }
    return same;
}

// Rows that a thread takes at a time: many, so that they share what they read; some for everyone.
inline std::int64_t grain_of(std::int64_t rows, int threads) {
    constexpr std::int64_t LEAST = 2048, MOST = 1 << 15;
    return std::clamp(rows / (4 * std::int64_t{threads}), LEAST, MOST);
}

// Whether the unshocked world changes no worst loss: zero P&L, or NaN where others are NaN, too.
inline bool idle_first(const Array<double>& pnl, const Transform& t) {
    const std::int64_t scenarios = pnl.shape[1];
    bool idle = scenarios > 1;
    for (std::int64_t i = 0; i < pnl.shape[0] && idle; ++i) {
        const double* row = pnl.at + i * scenarios;
        idle = row[0] == 0.0 || (std::isnan(row[0]) && std::isnan(row[1]));
    }
    for (std::int64_t k = 0; k < t.keys && idle; ++k) {
        idle &= !t.weight || std::isfinite(t.weight->at[k * scenarios]);
        idle &= !t.dampener || t.dampener->at[k * scenarios] >= 0.0;
    }
    return idle;
}

// P&L and transforms in blocks; from scenario 1 on if `from_one`.
inline Packed packed_call(const Rows& rows, const Array<double>& pnl, const Transform& t,
                          bool from_one = false) {
    const std::int64_t scenarios = pnl.shape[1];
    const std::int64_t blocks = (scenarios - from_one + BLOCK - 1) / BLOCK;
    const auto inside = [&](const Array<double>& table) {
        return packed(table, blocks, BLOCK, from_one);
    };
    Packed p{inside(pnl), t.weight ? inside(*t.weight) : Buffer<double>{},
             t.dampener ? inside(*t.dampener) : Buffer<double>{}, {}, {}};
    const std::int64_t keys = std::max<std::int64_t>(t.keys, 0), keyed = t.keys >= 0;
    p.losses_as_is = untouched(p.weight.get(), p.dampener.get(), blocks * (keyed ? keys : 1));
    p.view = {rows.pointer.at, rows.key.at, rows.instrument.at, rows.lots.at, pnl.shape[0],
              keys, scenarios, blocks, p.pnl.get(), p.weight.get(),
              p.dampener.get(), t.gain_factor ? t.gain_factor->at : nullptr,
              t.gain_cap ? t.gain_cap->at : nullptr, t.dampen_first, moderate(pnl), from_one,
              p.losses_as_is.get(), keyed};
    return p;
}

}  // namespace counterpoise
