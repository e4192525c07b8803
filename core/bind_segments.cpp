// Books in, losses of transformed segments out: `worst_of_segments` and `vectors_of_segments`.
#include <algorithm>
#include <vector>

#include "parallel.hpp"
#include "rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t GRAIN = 1024;

// Which scenarios are one state of the price: `first` [state], closed by the number of scenarios.
struct States {
    std::vector<std::int64_t> first;
    std::int64_t count, planes;

    std::int64_t size() const { return planes == 1 ? BLOCK : STATES; }
    std::int64_t blocks() const { return (count + size() - 1) / size(); }
};

States states_of(nb::handle state, std::int64_t scenarios) {
    States s{{}, 0, 1};
    if (state.is_none()) {
        for (std::int64_t k = 0; k <= scenarios; ++k) s.first.push_back(k);
    } else {
        const Array<std::int32_t> of = column<std::int32_t>(state, "state", scenarios);
        std::int64_t most = 0;
        bool rising = true;
        for (std::int64_t k = 0; k < scenarios; ++k) {
            const bool begins = k == 0 || of.at[k] != of.at[k - 1];
            if (begins) s.first.push_back(k);
            rising &= of.at[k] == static_cast<std::int64_t>(s.first.size()) - 1;
            most = std::max(most, k + 1 - s.first.back());
        }
        expect(rising, "state must count from 0 and stay or rise by one from scenario to scenario");
        expect(scenarios < 2 || of.at[1] == 1, "state 0 must be the unshocked scenario alone");
        s.first.push_back(scenarios);
        s.planes = most > 1 ? (most + PLANES - 1) / PLANES * PLANES : 1;
    }
    s.count = static_cast<std::int64_t>(s.first.size()) - 1;
    return s;
}

// P&L [instrument, scenario] as [block, instrument, plane, state of the block].
Buffer<double> in_planes(const Array<double>& pnl, const States& states) {
    const std::int64_t size = states.size(), n = pnl.shape[0];
    Buffer<double> out = buffer<double>(entries(states.blocks() * n, states.planes * size));
    double* to = out.get();
    for (std::int64_t block = 0; block < states.blocks(); ++block) {
        for (std::int64_t i = 0; i < n; ++i) {
            const double* from = pnl.at + i * pnl.shape[1];
            for (std::int64_t plane = 0; plane < states.planes; ++plane) {
                for (std::int64_t k = block * size; k < (block + 1) * size; ++k) {
                    const std::int64_t state = std::min(k, states.count - 1);
                    *to++ = from[std::min(states.first[state] + plane,
                                          states.first[state + 1] - 1)];
                }
            }
        }
    }
    return out;
}

// What is done to segments, as it comes from Python.
struct SegmentRules {
    Optional up, down, cap, base;
    std::optional<Array<std::uint8_t>> absolute;
    std::int64_t keys;
};

SegmentRules rules_of(nb::handle up, nb::handle down, nb::handle cap, nb::handle base,
                      nb::handle absolute, std::int64_t states, std::int64_t instruments) {
    SegmentRules r{optional_array(up, "up", 2), optional_array(down, "down", 2),
                   optional_array(cap, "cap", 1), optional_array(base, "base", 1), {}, 0};
    expect(r.up.has_value() == r.down.has_value() && r.up.has_value() == r.cap.has_value(),
           "up, down and cap come together or not at all");
    expect(r.up.has_value() || !r.base.has_value(), "base comes with up, down and cap");
    if (r.up) {
        r.keys = r.up->shape[0];
        matrix<double>(up, "up", r.keys, states);
        matrix<double>(down, "down", r.keys, states);
        column<double>(cap, "cap", r.keys);
    }
    if (r.base) column<double>(base, "base", instruments);
    if (!absolute.is_none()) r.absolute = column<std::uint8_t>(absolute, "absolute", states);
    return r;
}

// The packed arrays of one call; `view` points into them.
struct SegmentCall {
    Buffer<double> pnl, weight, dampener, up, down, absolute;
    Segments view;
};

Buffer<double> packed_flags(const Array<std::uint8_t>& flags, const States& states) {
    Buffer<double> plain = buffer<double>(flags.size());
    for (std::int64_t k = 0; k < flags.size(); ++k) plain[k] = flags.at[k] != 0;
    return packed({plain.get(), {1, flags.size()}, {}}, states.blocks(), states.size());
}

struct SegmentRows {
    Array<std::int64_t> segments, positions;
    Array<std::int32_t> key, segment, instrument;
    Array<double> quantity;
    std::int64_t count;
};

SegmentRows segment_rows(nb::handle segments, nb::handle key, nb::handle positions,
                         nb::handle segment, nb::handle instrument, nb::handle quantity,
                         std::int64_t instruments) {
    const auto rows = array<std::int64_t>(segments, "segments", 1);
    const auto inside = array<std::int64_t>(positions, "positions", 1);
    const auto index = array<std::int32_t>(instrument, "instrument", 1);
    check_pointer(inside, index.size(), "positions");
    check_pointer(rows, inside.size() - 1, "segments", "segments");
    check_index(index, instruments, "instrument must index the rows of the risk array");
    return {rows, inside, column<std::int32_t>(key, "key", rows.size() - 1),
            column<std::int32_t>(segment, "segment", inside.size() - 1), index,
            column<double>(quantity, "quantity", index.size()), rows.size() - 1};
}

SegmentCall segment_call(const SegmentRows& rows, const Array<double>& pnl, const States& states,
                         const SegmentRules& r, const Transform& t) {
    const std::int64_t blocks = states.blocks(), size = states.size();
    const auto inside = [&](const Optional& table) {
        return table ? packed(*table, blocks, size) : Buffer<double>{};
    };
    SegmentCall call{in_planes(pnl, states), inside(t.weight), inside(t.dampener), inside(r.up),
                     inside(r.down), {}, {}};
    if (r.absolute) call.absolute = packed_flags(*r.absolute, states);
    const Aggregation units = {
        rows.segments.at, rows.key.at, rows.instrument.at, nullptr, pnl.shape[0],
        std::max<std::int64_t>(t.keys, 0), states.count, blocks, call.pnl.get(), call.weight.get(),
        call.dampener.get(), t.gain_factor ? t.gain_factor->at : nullptr,
        t.gain_cap ? t.gain_cap->at : nullptr, t.dampen_first, false, false, nullptr, 0};
    call.view = {units, rows.positions.at, rows.segment.at, rows.quantity.at, r.keys,
                 states.planes, call.up.get(), call.down.get(), r.cap ? r.cap->at : nullptr,
                 r.base ? r.base->at : nullptr, call.absolute.get()};
    return call;
}

nb::object worst_of(const SegmentCall& call, std::int64_t rows, int threads) {
    Buffer<double> loss = buffer<double>(rows);
    Buffer<std::int32_t> state = buffer<std::int32_t>(rows);
    {
        nb::gil_scoped_release free;
        const Kernels& core = kernels();
        parallel(threads, rows, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.worst_of_segments(call.view, loss.get(), state.get(), begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows);
    return nb::make_tuple(given_away(std::move(loss), {n}), given_away(std::move(state), {n}));
}

nb::object vectors_of(const SegmentCall& call, std::int64_t rows, int threads) {
    const std::int64_t states = call.view.units.scenarios;
    Buffer<double> raw = buffer<double>(entries(rows, states));
    Buffer<double> result = buffer<double>(entries(rows, states));
    {
        nb::gil_scoped_release free;
        const Kernels& core = kernels();
        parallel(threads, rows, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.vectors_of_segments(call.view, raw.get(), result.get(), begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows), width = static_cast<std::size_t>(states);
    return nb::make_tuple(given_away(std::move(raw), {n, width}),
                          given_away(std::move(result), {n, width}));
}

template <nb::object (*Reduce)(const SegmentCall&, std::int64_t, int)>
nb::object of_segments(nb::handle segments, nb::handle key, nb::handle positions,
                       nb::handle segment, nb::handle instrument, nb::handle quantity,
                       nb::handle pnl, nb::handle state, nb::handle up, nb::handle down,
                       nb::handle cap, nb::handle base, nb::handle absolute, nb::handle weight,
                       nb::handle gain_factor, nb::handle gain_cap, nb::handle dampener,
                       bool dampen_first, int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    check_scenarios(risk.shape[1]);
    const SegmentRows rows = segment_rows(segments, key, positions, segment, instrument, quantity,
                                          risk.shape[0]);
    const States states = states_of(state, risk.shape[1]);
    const SegmentRules rules = rules_of(up, down, cap, base, absolute, states.count, risk.shape[0]);
    if (rules.up) check_index(rows.segment, rules.keys, "segment must index the rows of up");
    const Transform unit = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_transform(unit, rows.key, states.count);
    checked_threads(threads);
    SegmentCall call;
    {
        nb::gil_scoped_release free;
        call = segment_call(rows, risk, states, rules, unit);
    }
    return Reduce(call, rows.count, threads);
}

template <typename Function>
void define(nb::module_& m, const char* name, Function function) {
    m.def(name, function, nb::kw_only(), "segments"_a, "key"_a, "positions"_a, "segment"_a,
          "instrument"_a, "quantity"_a, "pnl"_a, "state"_a = nb::none(), "up"_a = nb::none(),
          "down"_a = nb::none(), "cap"_a = nb::none(), "base"_a = nb::none(),
          "absolute"_a = nb::none(), "weight"_a = nb::none(), "gain_factor"_a = nb::none(),
          "gain_cap"_a = nb::none(), "dampener"_a = nb::none(), "dampen_first"_a = false,
          "threads"_a = 1);
}

}  // namespace

void bind_segments(nb::module_& m) {
    define(m, "worst_of_segments", &of_segments<worst_of>);
    define(m, "vectors_of_segments", &of_segments<vectors_of>);
}

}  // namespace counterpoise
