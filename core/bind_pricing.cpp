// Arrays in, prices out: `price_grid`, the scenario tables it reads, and `black76`.
#include <algorithm>
#include <optional>

#include "arrays.hpp"
#include "kernels.hpp"
#include "parallel.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

// A pair of call and put stays with one thread.
constexpr std::int64_t GRAIN = 16;

// Scenario tables by factor: the scenarios, then at least one column of the unshocked world.
struct Tables {
    Buffer<double> move, growth, vol, vol_floor, passed, lowest;
    Scenarios view;
};

Tables tables_of(const Array<double>& move, const Array<double>& vol, const Array<double>& passed,
                 const Array<double>& rules) {
    const std::int64_t count = move.shape[0], factors = move.shape[1];
    const std::int64_t width = (count + TABLE) / TABLE * TABLE;
    Tables t{buffer<double>(factors * width), buffer<double>(factors * width),
             buffer<double>(factors * width), buffer<double>(factors * width),
             buffer<double>(width), buffer<double>(factors), {}};
    std::fill_n(t.move.get(), factors * width, 0.0);
    std::fill_n(t.vol.get(), factors * width, 0.0);
    std::fill_n(t.vol_floor.get(), factors * width, 0.0);
    std::fill_n(t.passed.get(), width, 0.0);
    std::fill_n(t.lowest.get(), factors, 0.0);
    bool time_passes = false;
    for (std::int64_t s = 0; s < count; ++s) {
        for (std::int64_t f = 0; f < factors; ++f) {
            const double shift = vol.at[s * factors + f];
            t.move[f * width + s] = move.at[s * factors + f];
            t.lowest[f] = std::min(t.lowest[f], t.move[f * width + s]);
            t.vol[f * width + s] = shift;
            t.vol_floor[f * width + s] = shift > 0.0 ? rules.at[f * RULES + 6] : 0.0;
        }
        t.passed[s] = passed.at[s];
        time_passes |= passed.at[s] != 0.0;
    }
    kernels().log1p(t.move.get(), t.growth.get(), factors * width);
    for (std::int64_t k = 0; k < factors * width; ++k) t.growth[k] *= 0.5;
    t.view = {count, width, t.move.get(), t.growth.get(), t.vol.get(), t.vol_floor.get(),
              t.lowest.get(), t.passed.get(), rules.at, time_passes};
    return t;
}

// Every array of the call, so that the pointers in `view` stay alive.
struct Columns {
    Array<std::uint8_t> kind, mode;
    Array<std::int8_t> right;
    Array<double> unit, price, base, strike, years, volatility, rate;
    Array<std::int32_t> factor;
    std::optional<Array<double>> smile;

    Instruments view() const {
        return {kind.at, mode.at, right.at, unit.at, price.at, base.at, strike.at, years.at,
                volatility.at, rate.at, factor.at, smile ? smile->at : nullptr};
    }
};

// The checked arguments of a call.
struct Grid {
    Columns in;
    Array<double> move, vol_shift, years_shift, rules;

    std::int64_t instruments() const { return in.kind.size(); }
    std::int64_t scenarios() const { return move.shape[0]; }
    Tables tables() const { return tables_of(move, vol_shift, years_shift, rules); }
};

Grid grid_of(nb::handle kind, nb::handle mode, nb::handle right, nb::handle unit, nb::handle price,
             nb::handle shock_base, nb::handle strike, nb::handle years, nb::handle volatility,
             nb::handle rate, nb::handle factor, nb::handle move, nb::handle vol_shift,
             nb::handle years_shift, nb::handle rules, nb::handle smile) {
    const Array<std::uint8_t> kinds = array<std::uint8_t>(kind, "kind", 1);
    const std::int64_t n = kinds.size();
    std::optional<Array<double>> smiles;
    if (!smile.is_none()) smiles = matrix<double>(smile, "smile", n, SMILE);
    const Columns in{kinds, column<std::uint8_t>(mode, "mode", n),
                     column<std::int8_t>(right, "right", n), column<double>(unit, "unit", n),
                     column<double>(price, "price", n), column<double>(shock_base, "shock_base", n),
                     column<double>(strike, "strike", n), column<double>(years, "years", n),
                     column<double>(volatility, "volatility", n), column<double>(rate, "rate", n),
                     column<std::int32_t>(factor, "factor", n), smiles};
    const Array<double> moves = array<double>(move, "move", 2);
    const std::int64_t count = moves.shape[0], factors = moves.shape[1];
    check_scenarios(count);
    const Array<double> vols = matrix<double>(vol_shift, "vol_shift", count, factors);
    const Array<double> passed = column<double>(years_shift, "years_shift", count);
    const Array<double> rule = matrix<double>(rules, "rules", factors, RULES);
    check_index(in.factor, factors, "factor must index the columns of move");
    return {in, moves, vols, passed, rule};
}

nb::object price_grid(nb::handle kind, nb::handle mode, nb::handle right, nb::handle unit,
                      nb::handle price, nb::handle shock_base, nb::handle strike, nb::handle years,
                      nb::handle volatility, nb::handle rate, nb::handle factor, nb::handle move,
                      nb::handle vol_shift, nb::handle years_shift, nb::handle rules,
                      nb::handle smile, int threads) {
    const Grid grid = grid_of(kind, mode, right, unit, price, shock_base, strike, years, volatility,
                              rate, factor, move, vol_shift, years_shift, rules, smile);
    checked_threads(threads);
    const std::int64_t n = grid.instruments(), count = grid.scenarios();
    Buffer<double> value = buffer<double>(n), pnl = buffer<double>(entries(n, count));
    Buffer<bool> failed = buffer<bool>(n);
    {
        nb::gil_scoped_release free;
        const Tables tables = grid.tables();
        const Instruments instruments = grid.in.view();
        const Prices out = {value.get(), pnl.get(), failed.get()};
        const Kernels& core = kernels();
        parallel(threads, n, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.price(instruments, tables.view, out, begin, end);
        });
    }
    const auto rows = static_cast<std::size_t>(n), width = static_cast<std::size_t>(count);
    return nb::make_tuple(given_away(std::move(value), {rows}),
                          given_away(std::move(pnl), {rows, width}),
                          given_away(std::move(failed), {rows}));
}

nb::object scenario_tables(nb::handle kind, nb::handle mode, nb::handle right, nb::handle unit,
                           nb::handle price, nb::handle shock_base, nb::handle strike,
                           nb::handle years, nb::handle volatility, nb::handle rate,
                           nb::handle factor, nb::handle move, nb::handle vol_shift,
                           nb::handle years_shift, nb::handle rules, nb::handle smile) {
    const Grid grid = grid_of(kind, mode, right, unit, price, shock_base, strike, years, volatility,
                              rate, factor, move, vol_shift, years_shift, rules, smile);
    Tables t = grid.tables();
    const auto u = static_cast<std::size_t>(grid.move.shape[1]);
    const auto width = static_cast<std::size_t>(t.view.width);
    return nb::make_tuple(
        given_away(std::move(t.move), {u, width}), given_away(std::move(t.growth), {u, width}),
        given_away(std::move(t.vol), {u, width}), given_away(std::move(t.vol_floor), {u, width}),
        given_away(std::move(t.lowest), {u}), given_away(std::move(t.passed), {width}),
        t.view.time_passes);
}

nb::object black76(nb::handle forward, nb::handle strike, nb::handle years, nb::handle volatility,
                   nb::handle right, nb::handle rate) {
    const Array<double> forwards = array<double>(forward, "forward", 1);
    const std::int64_t n = forwards.size();
    const Array<double> strikes = column<double>(strike, "strike", n);
    const Array<double> left = column<double>(years, "years", n);
    const Array<double> vols = column<double>(volatility, "volatility", n);
    const Array<std::int8_t> rights = column<std::int8_t>(right, "right", n);
    const Array<double> rates = column<double>(rate, "rate", n);
    Buffer<double> out[6];
    for (Buffer<double>& greek : out) greek = buffer<double>(n);
    {
        nb::gil_scoped_release free;
        kernels().black76({forwards.at, strikes.at, left.at, vols.at, rates.at, rights.at},
                          {out[0].get(), out[1].get(), out[2].get(), out[3].get(), out[4].get(),
                           out[5].get()}, 0, n);
    }
    nb::list columns;
    for (Buffer<double>& greek : out) {
        columns.append(given_away(std::move(greek), {static_cast<std::size_t>(n)}));
    }
    return nb::tuple(columns);
}

}  // namespace

void bind_pricing(nb::module_& m) {
    m.def("price_grid", &price_grid, nb::kw_only(), "kind"_a, "mode"_a, "right"_a, "unit"_a,
          "price"_a, "shock_base"_a, "strike"_a, "years"_a, "volatility"_a, "rate"_a, "factor"_a,
          "move"_a, "vol_shift"_a, "years_shift"_a, "rules"_a, "smile"_a = nb::none(),
          "threads"_a = 1);
    m.def("scenario_tables", &scenario_tables, nb::kw_only(), "kind"_a, "mode"_a, "right"_a,
          "unit"_a, "price"_a, "shock_base"_a, "strike"_a, "years"_a, "volatility"_a, "rate"_a,
          "factor"_a, "move"_a, "vol_shift"_a, "years_shift"_a, "rules"_a,
          "smile"_a = nb::none());
    m.def("black76", &black76, nb::kw_only(), "forward"_a, "strike"_a, "years"_a, "volatility"_a,
          "right"_a, "rate"_a);
}

}  // namespace counterpoise
