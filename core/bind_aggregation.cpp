// Books in, losses out: `worst_loss`, `loss_vectors`, `exposures`, and their checks alone.
#include "arrays.hpp"
#include "kernels.hpp"
#include "parallel.hpp"
#include "rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t GRAIN = 2048;

nb::object worst_loss(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                      nb::handle pnl, nb::handle weight, nb::handle gain_factor,
                      nb::handle gain_cap, nb::handle dampener, bool dampen_first, int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    check_scenarios(risk.shape[1]);
    const Rows rows = rows_of(pointer, key, instrument, lots, risk.shape[0]);
    const Transform transform = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_transform(transform, rows.key, risk.shape[1]);
    checked_threads(threads);
    Buffer<double> loss = buffer<double>(rows.count);
    Buffer<std::int32_t> scenario = buffer<std::int32_t>(rows.count);
    {
        nb::gil_scoped_release free;
        const Packed call = packed_call(rows, risk, transform, idle_first(risk, transform));
        const Kernels& core = kernels();
        const std::int64_t grain = grain_of(rows.count, threads);
        parallel(threads, rows.count, grain, [&](std::int64_t begin, std::int64_t end) {
            core.worst(call.view, loss.get(), scenario.get(), begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows.count);
    return nb::make_tuple(given_away(std::move(loss), {n}), given_away(std::move(scenario), {n}));
}

nb::object loss_vectors(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                        nb::handle pnl, nb::handle weight, nb::handle gain_factor,
                        nb::handle gain_cap, nb::handle dampener, bool dampen_first, int threads) {
    const Array<double> risk = array<double>(pnl, "pnl", 2);
    check_scenarios(risk.shape[1]);
    const Rows rows = rows_of(pointer, key, instrument, lots, risk.shape[0]);
    const Transform transform = transform_of(weight, gain_factor, gain_cap, dampener, dampen_first);
    check_transform(transform, rows.key, risk.shape[1]);
    checked_threads(threads);
    const std::int64_t scenarios = risk.shape[1];
    Buffer<double> raw = buffer<double>(entries(rows.count, scenarios));
    Buffer<double> result = buffer<double>(entries(rows.count, scenarios));
    {
        nb::gil_scoped_release free;
        const Packed call = packed_call(rows, risk, transform);
        const Kernels& core = kernels();
        parallel(threads, rows.count, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.vectors(call.view, raw.get(), result.get(), begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows.count);
    const auto width = static_cast<std::size_t>(scenarios);
    return nb::make_tuple(given_away(std::move(raw), {n, width}),
                          given_away(std::move(result), {n, width}));
}

void check_rows(nb::handle pointer, nb::handle key, nb::handle instrument, nb::handle lots,
                std::int64_t instruments) {
    rows_of(pointer, key, instrument, lots, instruments);
}

void check_transforms(nb::handle key, std::int64_t scenarios, nb::handle weight,
                      nb::handle gain_factor, nb::handle gain_cap, nb::handle dampener) {
    check_scenarios(scenarios);
    check_transform(transform_of(weight, gain_factor, gain_cap, dampener, false),
                    array<std::int32_t>(key, "key", 1), scenarios);
}

nb::object exposures(nb::handle pointer, nb::handle instrument, nb::handle lots, nb::handle columns,
                     int threads) {
    const Array<double> table = array<double>(columns, "columns", 2);
    const Array<std::int64_t> pointers = array<std::int64_t>(pointer, "pointer", 1);
    const Array<std::int32_t> index = array<std::int32_t>(instrument, "instrument", 1);
    const Array<std::int64_t> sizes = column<std::int64_t>(lots, "lots", index.size());
    check_pointer(pointers, index.size());
    check_index(index, table.shape[0], "instrument must index the rows of columns");
    checked_threads(threads);
    const std::int64_t rows = pointers.size() - 1, width = table.shape[1];
    const std::int64_t size = entries(rows, width);
    Buffer<double> net = buffer<double>(size), owned = buffer<double>(size);
    Buffer<double> gross = buffer<double>(size);
    {
        nb::gil_scoped_release free;
        const Exposures in = {pointers.at, index.at, sizes.at, table.at, width, net.get(),
                              owned.get(), gross.get()};
        const Kernels& core = kernels();
        parallel(threads, rows, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.exposures(in, begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(width);
    return nb::make_tuple(given_away(std::move(net), {n, c}), given_away(std::move(owned), {n, c}),
                          given_away(std::move(gross), {n, c}));
}

}  // namespace

void bind_aggregation(nb::module_& m) {
    m.def("worst_loss", &worst_loss, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a, "lots"_a,
          "pnl"_a, "weight"_a = nb::none(), "gain_factor"_a = nb::none(), "gain_cap"_a = nb::none(),
          "dampener"_a = nb::none(), "dampen_first"_a = false, "threads"_a = 1);
    m.def("loss_vectors", &loss_vectors, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a,
          "lots"_a, "pnl"_a, "weight"_a = nb::none(), "gain_factor"_a = nb::none(),
          "gain_cap"_a = nb::none(), "dampener"_a = nb::none(), "dampen_first"_a = false,
          "threads"_a = 1);
    m.def("check_rows", &check_rows, nb::kw_only(), "pointer"_a, "key"_a, "instrument"_a, "lots"_a,
          "instruments"_a);
    m.def("check_transforms", &check_transforms, nb::kw_only(), "key"_a, "scenarios"_a,
          "weight"_a = nb::none(), "gain_factor"_a = nb::none(), "gain_cap"_a = nb::none(),
          "dampener"_a = nb::none());
    m.def("exposures", &exposures, nb::kw_only(), "pointer"_a, "instrument"_a, "lots"_a,
          "columns"_a, "threads"_a = 1);
}

}  // namespace counterpoise
