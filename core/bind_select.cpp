// Books in, tails out: `tails` and `weighted_tails`.
#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel.hpp"
#include "rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t CHUNK = 8192;         // rows that share one reading of the P&L, at most,
constexpr std::int64_t KEPT_MAX = 1 << 23;   // and what they may keep together
constexpr std::int64_t WEIGHTED_GRAIN = 64;
constexpr std::int64_t ROWS_MIN = 2048;      // fewer go one by one: a sample costs, too
constexpr std::int64_t SAMPLE_BLOCKS = 8;
constexpr std::int64_t SCENARIOS_MIN = 2000;  // fewer need no sample

// Columns of rows [row, scenario] at a stride, `blocks` blocks of them [block, row, BLOCK].
Buffer<double> sampled(const Array<double>& rows, std::int64_t first, std::int64_t blocks) {
    const std::int64_t n = rows.shape[0], width = rows.shape[1], wanted = blocks * BLOCK;
    Buffer<double> out = buffer<double>(n * wanted);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t k = 0; k < wanted; ++k) {
            const std::int64_t scenario = first + k * (width - first) / wanted;
            out[((k / BLOCK) * n + i) * BLOCK + k % BLOCK] = rows.at[i * width + scenario];
        }
    }
    return out;
}

// The last block of the P&L by itself, zeros where there is no scenario.
Buffer<double> last_block(const Array<double>& pnl, std::int64_t first, std::int64_t blocks) {
    const std::int64_t n = pnl.shape[0], width = pnl.shape[1];
    const std::int64_t start = first + (blocks - 1) * BLOCK;
    Buffer<double> out = buffer<double>(n * BLOCK);
    for (std::int64_t i = 0; i < n; ++i) {
        std::fill_n(out.get() + i * BLOCK, BLOCK, 0.0);
        std::copy_n(pnl.at + i * width + start, width - start, out.get() + i * BLOCK);
    }
    return out;
}

std::vector<std::int32_t> used_of(const Rows& rows, std::int64_t instruments) {
    std::vector<bool> held(static_cast<std::size_t>(instruments), false);
    for (std::int64_t p = 0; p < rows.instrument.size(); ++p) held[rows.instrument.at[p]] = true;
    std::vector<std::int32_t> used;
    for (std::size_t i = 0; i < held.size(); ++i) {
        if (held[i]) used.push_back(static_cast<std::int32_t>(i));
    }
    return used;
}

// The rank that a sample must have for its value to exceed the tail but rarely; 0 for no sample.
std::int64_t sample_rank(std::int64_t scenarios, std::int64_t rank, std::int64_t rows) {
    if (scenarios < SCENARIOS_MIN || rows < ROWS_MIN) return 0;
    constexpr auto size = static_cast<double>(SAMPLE_BLOCKS * BLOCK);
    const double mean = size * static_cast<double>(rank) / static_cast<double>(scenarios);
    const auto place = static_cast<std::int64_t>(mean + 3.3 * std::sqrt(mean) + 2.0);
    return 2 * place < SAMPLE_BLOCKS * BLOCK ? place : 0;
}

// What one call reads: `view` points into it.
struct TailCall {
    Buffer<double> last, weight, dampener, sample, sample_weight, sample_dampener;
    std::vector<std::int32_t> used;
    Tails view;
};

Aggregation rows_view(const Rows& rows, const Transform& t, std::int64_t instruments,
                      std::int64_t scenarios, std::int64_t blocks) {
    return {rows.pointer.at, rows.key.at, rows.instrument.at, rows.lots.at, instruments,
            std::max<std::int64_t>(t.keys, 0), scenarios, blocks, nullptr, nullptr, nullptr,
            t.gain_factor ? t.gain_factor->at : nullptr, t.gain_cap ? t.gain_cap->at : nullptr,
            t.dampen_first, false, false, nullptr, 0};
}

TailCall tail_call(const Rows& rows, const Array<double>& pnl, const Transform& t,
                   std::int64_t first, std::int64_t rank, bool may_sample = true) {
    const std::int64_t count = pnl.shape[1] - first, blocks = (count + BLOCK - 1) / BLOCK;
    const std::int64_t place = may_sample ? sample_rank(count, rank, rows.count) : 0;
    const std::int64_t sampling = place > 0 ? SAMPLE_BLOCKS : 0;
    TailCall call;
    call.used = used_of(rows, pnl.shape[0]);
    call.last = last_block(pnl, first, blocks);
    Tails& view = call.view;
    view.whole = rows_view(rows, t, pnl.shape[0], count, blocks);
    view.sample = rows_view(rows, t, pnl.shape[0], sampling * BLOCK, sampling);
    if (t.weight) {
        call.weight = packed(*t.weight, blocks, BLOCK, first);
        view.whole.weight = call.weight.get();
    }
    if (t.dampener) {
        call.dampener = packed(*t.dampener, blocks, BLOCK, first);
        view.whole.dampener = call.dampener.get();
    }
    if (sampling > 0) {
        view.sample.pnl = (call.sample = sampled(pnl, first, sampling)).get();
        if (t.weight) {
            view.sample.weight = (call.sample_weight = sampled(*t.weight, first, sampling)).get();
        }
        if (t.dampener) {
            view.sample.dampener =
                (call.sample_dampener = sampled(*t.dampener, first, sampling)).get();
        }
    }
    view.pnl = pnl.at + first;
    view.last = call.last.get();
    view.stride = pnl.shape[1];
    view.rank = rank;
    view.sample_rank = place;
    view.room = (rank + std::max<std::int64_t>(rank, SAMPLE_BLOCKS * BLOCK) + 2 * BLOCK +
                 2 * LANES + 7) / 8 * 8;
    view.used = call.used.data();
    view.used_count = static_cast<std::int64_t>(call.used.size());
    view.transforms = t.weight || t.gain_factor || t.dampener;
    return call;
}

// What both calls ask of their arguments.
void check_tail_call(const Rows& rows, const Array<double>& pnl, const Transform& t,
                     std::int64_t first, int threads) {
    const std::int64_t width = pnl.shape[1];
    check_transform(t, rows.key, width);
    checked_threads(threads);
    check_scenarios(width);
    expect(first >= 0 && first < width, "first must be a scenario of pnl, from 0 to " +
                                            std::to_string(width - 1));
}

void tails_of_chunk(const Tails& view, std::int64_t begin, std::int64_t end) {
    const bool limited = view.sample.blocks > 0;
    const std::int64_t rows = end - begin;
    const Buffer<double> group =
        buffer<double>(limited ? TAIL_GROUP * view.whole.instruments * BLOCK : 0);
    const std::int64_t places = limited ? rows : 1;
    const Buffer<double> kept = buffer<double>(places * view.room);
    const Buffer<double> spare = buffer<double>(2 * view.room);
    const Buffer<TailRow> states = buffer<TailRow>(rows + TAIL_AHEAD);
    std::fill_n(states.get(), rows + TAIL_AHEAD, TailRow{});
    kernels().tails(view, {group.get(), kept.get(), spare.get(), states.get()}, begin, end);
}

nb::object tails(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                 nb::handle pnl, nb::handle weight, nb::handle gain_factor, nb::handle gain_cap,
                 nb::handle dampener, bool dampen_first, std::int64_t first, std::int64_t rank,
                 int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    const Rows rows = rows_of(pointer, key, instrument, lots, risk.shape[0]);
    const Transform transform = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_tail_call(rows, risk, transform, first, threads);
    const std::int64_t width = risk.shape[1];
    expect(rank >= 1 && rank <= width - first, "rank must lie between 1 and the " +
                                                   std::to_string(width - first) + " scenarios");
    Buffer<double> at = buffer<double>(rows.count), below = buffer<double>(rows.count);
    Buffer<double> sum = buffer<double>(rows.count);
    Buffer<std::int64_t> less = buffer<std::int64_t>(rows.count);
    Buffer<std::int64_t> ties = buffer<std::int64_t>(rows.count);
    {
        nb::gil_scoped_release free;
        TailCall call = tail_call(rows, risk, transform, first, rank);
        call.view.at = at.get();
        call.view.below = below.get();
        call.view.sum = sum.get();
        call.view.less = less.get();
        call.view.ties = ties.get();
        const std::int64_t share = (rows.count + threads - 1) / threads;
        const std::int64_t fitting = std::min(CHUNK, KEPT_MAX / call.view.room);
        const std::int64_t grain = std::max<std::int64_t>(1, std::min(fitting, share));
        parallel(threads, rows.count, grain, [&](std::int64_t begin, std::int64_t end) {
            tails_of_chunk(call.view, begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows.count);
    return nb::make_tuple(given_away(std::move(at), {n}), given_away(std::move(below), {n}),
                          given_away(std::move(sum), {n}), given_away(std::move(less), {n}),
                          given_away(std::move(ties), {n}));
}

nb::object weighted_tails(nb::handle pointer, nb::handle key, nb::handle instrument,
                          nb::handle lots, nb::handle pnl, nb::handle probability,
                          nb::handle weight, nb::handle gain_factor, nb::handle gain_cap,
                          nb::handle dampener, bool dampen_first, std::int64_t first, double mass,
                          double enough, int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    const Rows rows = rows_of(pointer, key, instrument, lots, risk.shape[0]);
    const Transform transform = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_tail_call(rows, risk, transform, first, threads);
    const std::int64_t width = risk.shape[1];
    const Array<double> chances = column<double>(probability, "probability", width - first);
    Buffer<double> out[5];
    for (Buffer<double>& one : out) one = buffer<double>(rows.count);
    {
        nb::gil_scoped_release free;
        TailCall call = tail_call(rows, risk, transform, first, 1, false);
        call.view.at = out[0].get();
        call.view.sum = out[2].get();
        const WeightedTails view = {call.view, chances.at, mass, enough, out[1].get(),
                                    out[3].get(), out[4].get()};
        parallel(threads, rows.count, WEIGHTED_GRAIN, [&](std::int64_t begin, std::int64_t end) {
            const Buffer<double> scratch = buffer<double>(5 * call.view.whole.blocks * BLOCK);
            kernels().weighted_tails(view, scratch.get(), begin, end);
        });
    }
    nb::list columns;
    for (Buffer<double>& one : out) {
        columns.append(given_away(std::move(one), {static_cast<std::size_t>(rows.count)}));
    }
    return nb::tuple(columns);
}

}  // namespace

void bind_select(nb::module_& m) {
    m.def("weighted_tails", &weighted_tails, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a,
          "lots"_a, "pnl"_a, "probability"_a, "weight"_a = nb::none(),
          "gain_factor"_a = nb::none(), "gain_cap"_a = nb::none(), "dampener"_a = nb::none(),
          "dampen_first"_a = false, "first"_a = 0, "mass"_a, "enough"_a, "threads"_a = 1);
    m.def("tails", &tails, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a, "lots"_a, "pnl"_a,
          "weight"_a = nb::none(), "gain_factor"_a = nb::none(), "gain_cap"_a = nb::none(),
          "dampener"_a = nb::none(), "dampen_first"_a = false, "first"_a = 0, "rank"_a,
          "threads"_a = 1);
}

}  // namespace counterpoise
