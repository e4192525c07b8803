// Unit rows in, their worst scenarios and add-ons out: `measured` and `add_ons`.
#include "unit_rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t GRAIN = 2048;

nb::object measured(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                    nb::handle pnl, nb::handle segment, nb::handle columns, nb::handle value,
                    nb::handle flag, nb::handle size_rule, nb::handle weight,
                    nb::handle gain_factor, nb::handle gain_cap, nb::handle dampener,
                    bool dampen_first, int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    check_scenarios(risk.shape[1]);
    const Measures measures = measures_of(segment, columns, value, flag, size_rule);
    expect(measures.instruments == risk.shape[0], "columns must have a row per row of pnl");
    const Rows rows = rows_of(pointer, key, instrument, lots, risk.shape[0]);
    const Transform transform = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_transform(transform, rows.key, risk.shape[1]);
    checked_threads(threads);
    check_inside(rows.key, measures.size_rule.shape[0], threads,
                 "key must index the rows of size_rule");
    Measured out = measured_of(rows, measures);
    Buffer<std::int32_t> scenario = buffer<std::int32_t>(rows.count);
    {
        nb::gil_scoped_release free;
        const Packed call = packed_call(rows, risk, transform, idle_first(risk, transform));
        const Kernels& core = kernels();
        const std::int64_t grain = grain_of(rows.count, threads);
        parallel(threads, rows.count, grain, [&](std::int64_t begin, std::int64_t end) {
            core.measured(call.view, out.call, scenario.get(), begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows.count);
    return nb::make_tuple(given_away(std::move(out.result), {n, RESULTS}),
                          given_away(std::move(scenario), {n}), flags_of(out, rows.count));
}

nb::object add_ons(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                   nb::handle loss, nb::handle segment, nb::handle columns, nb::handle value,
                   nb::handle flag, nb::handle size_rule, int threads) {
    const Measures measures = measures_of(segment, columns, value, flag, size_rule);
    const Rows rows = rows_of(pointer, key, instrument, lots, measures.instruments);
    const Array<double> losses = column<double>(loss, "loss", rows.count);
    checked_threads(threads);
    check_inside(rows.key, measures.size_rule.shape[0], threads,
                 "key must index the rows of size_rule");
    Measured out = measured_of(rows, measures);
    {
        nb::gil_scoped_release free;
        const Kernels& core = kernels();
        parallel(threads, rows.count, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.add_ons(out.call, losses.at, begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows.count);
    return nb::make_tuple(given_away(std::move(out.result), {n, RESULTS}),
                          flags_of(out, rows.count));
}

}  // namespace

void bind_unit_rows(nb::module_& m) {
    m.def("measured", &measured, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a, "lots"_a,
          "pnl"_a, "segment"_a, "columns"_a, "value"_a, "flag"_a, "size_rule"_a,
          "weight"_a = nb::none(), "gain_factor"_a = nb::none(), "gain_cap"_a = nb::none(),
          "dampener"_a = nb::none(), "dampen_first"_a = false, "threads"_a = 1);
    m.def("add_ons", &add_ons, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a, "lots"_a,
          "loss"_a, "segment"_a, "columns"_a, "value"_a, "flag"_a, "size_rule"_a,
          "threads"_a = 1);
}

}  // namespace counterpoise
