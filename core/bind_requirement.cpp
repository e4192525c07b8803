// Unit rows in, requirement rows out: `totals`, `owned` and `standing`.
#include <array>
#include <atomic>
#include <vector>

#include "kernels.hpp"
#include "parallel.hpp"
#include "unit_rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t GRAIN = 4096;

std::vector<Array<double>> blocks_of(nb::sequence given) {
    std::vector<Array<double>> blocks;
    for (nb::handle one : given) {
        blocks.push_back(array<double>(one, "blocks", 2));
        expect(blocks.back().shape[1] == RESULTS, "a block must have 4 columns");
    }
    return blocks;
}

// The worst scenario of every row of every block.
std::vector<Array<std::int32_t>> scenarios_of(nb::sequence given,
                                              const std::vector<Array<double>>& blocks) {
    expect(nb::len(given) == blocks.size(), "scenarios must have a column per block");
    std::vector<Array<std::int32_t>> columns;
    for (nb::handle one : given) {
        columns.push_back(column<std::int32_t>(one, "scenarios", blocks[columns.size()].shape[0]));
    }
    return columns;
}

struct Members {
    Array<std::int64_t> pointer;
    Array<std::int32_t> row;

    std::int64_t count() const { return row.shape[0]; }
    const Member* at() const { return reinterpret_cast<const Member*>(row.at); }
};

Members members_of(nb::handle pointer, nb::handle member) {
    const Members m = {array<std::int64_t>(pointer, "members", 1),
                       array<std::int32_t>(member, "member", 2)};
    expect(m.row.shape[1] == MEMBER, "member must have 4 columns");
    expect(m.pointer.size() >= 1, "members must start at 0");
    return m;
}

// The rows asked for (all where None) and where the members of each go.
struct Asked {
    std::int64_t count, entries;
    std::vector<std::int64_t> own;
    const std::int64_t *rows, *at;
};

Asked asked_of(nb::handle rows, const Members& members) {
    const std::int64_t all = members.pointer.size() - 1;
    if (rows.is_none()) {
        check_pointer(members.pointer, members.count());
        return {all, members.count(), {}, nullptr, members.pointer.at};
    }
    const Array<std::int64_t> chosen = array<std::int64_t>(rows, "rows", 1);
    Asked a{chosen.size(), 0, {0}, chosen.at, nullptr};
    a.own.reserve(static_cast<std::size_t>(a.count) + 1);
    for (std::int64_t k = 0; k < a.count; ++k) {
        const std::int64_t row = chosen.at[k];
        if (row < 0 || row >= all) expect(false, "rows must index the requirement rows");
        const std::int64_t from = members.pointer.at[row], to = members.pointer.at[row + 1];
        if (from < 0 || from > to || to > members.count()) {
            expect(false, "members must not fall and must lie inside the member columns");
        }
        a.entries += to - from;
        a.own.push_back(a.entries);
    }
    a.at = a.own.data();
    return a;
}

const double* other_of(nb::handle given, const char* name, std::int64_t count,
                       std::vector<Array<double>>& keep) {
    if (given.is_none()) return nullptr;
    keep.push_back(column<double>(given, name, count));
    return keep.back().at;
}

nb::object totals(nb::handle members, nb::handle member, nb::sequence blocks,
                  nb::sequence scenarios, nb::handle rows, nb::sequence others, nb::handle failure,
                  double factor, double ten_initial, double ten_maintenance, bool sums,
                  int threads) {
    checked_threads(threads);
    const std::vector<Array<double>> units = blocks_of(blocks);
    const std::vector<Array<std::int32_t>> worst = scenarios_of(scenarios, units);
    const Members m = members_of(members, member);
    const Asked asked = asked_of(rows, m);
    expect(nb::len(others) == 3, "others must be three columns or None");
    std::vector<Array<double>> keep;
    keep.reserve(3);
    std::vector<const UnitResult*> views;
    std::vector<std::int64_t> sizes;
    for (const Array<double>& b : units) {
        views.push_back(reinterpret_cast<const UnitResult*>(b.at));
        sizes.push_back(b.shape[0]);
    }
    std::vector<const std::int32_t*> where;
    for (const Array<std::int32_t>& column : worst) where.push_back(column.at);
    Array<std::int32_t> bad{nullptr, {0, 0}, {}};
    if (!failure.is_none()) bad = column<std::int32_t>(failure, "failure", asked.count);
    Totals call = {asked.rows, asked.at, m.pointer.at, m.at(), views.data(), sizes.data(),
                   static_cast<std::int64_t>(sizes.size()), where.data(), {}, bad.at, factor,
                   ten_initial, ten_maintenance, {}, nullptr, nullptr, nullptr, nullptr};
    for (std::size_t k = 0; k < 3; ++k) {
        call.other[k] = other_of(others[k], "others", asked.count, keep);
    }
    const std::int64_t width = sums ? TOTALS : TOTALS - 1;
    // One piece of memory: large pages are worth more than columns that can be freed one by one.
    Buffer<double> out = buffer<double>(width * asked.count);
    for (std::int64_t k = 0; k < width; ++k) call.out[k] = out.get() + k * asked.count;
    Buffer<double> loss = buffer<double>(asked.entries);
    Buffer<std::int32_t> scenario = buffer<std::int32_t>(asked.entries), row, unit;
    call.entry_loss = loss.get();
    call.entry_scenario = scenario.get();
    if (asked.rows != nullptr) {
        row = buffer<std::int32_t>(asked.entries);
        unit = buffer<std::int32_t>(asked.entries);
    }
    call.entry_row = row.get();
    call.entry_unit = unit.get();
    std::atomic<bool> good{true};
    {
        nb::gil_scoped_release free;
        const Kernels& core = kernels();
        parallel(threads, asked.count, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            if (!core.totals(call, begin, end)) good.store(false, std::memory_order_relaxed);
        });
    }
    expect(good.load(), "member must lie inside the blocks");
    const auto n = static_cast<std::size_t>(asked.count);
    const auto e = static_cast<std::size_t>(asked.entries);
    const bool some = asked.rows != nullptr;
    return nb::make_tuple(given_away(std::move(out), {static_cast<std::size_t>(width), n}),
                          given_away(std::move(loss), {e}), given_away(std::move(scenario), {e}),
                          some ? given_away(std::move(row), {e}) : nb::none(),
                          some ? given_away(std::move(unit), {e}) : nb::none());
}

// Whether the positions of the accounts of rows [begin, end) lie inside the book and its tables:
// only what is asked for is looked at.
bool inside(const Owned& call, std::int64_t accounts, std::int64_t positions,
            std::int64_t instruments, std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t account = call.account[r];
        if (account < 0 || account >= accounts) return false;
        if (r > begin && account == call.account[r - 1]) continue;
        const std::int64_t from = call.pointer[account], to = call.pointer[account + 1];
        if (from < 0 || to < from || to > positions) return false;
        bool good = true;
        for (std::int64_t p = from; p < to; ++p) {
            good &= call.instrument[p] >= 0 && call.instrument[p] < instruments;
        }
        if (!good) return false;
    }
    return true;
}

nb::object owned(nb::handle row_pointer, nb::handle instrument, nb::handle lots,
                 nb::handle entry_cost, nb::handle account, nb::handle pool, nb::handle pool_of,
                 nb::handle part_of, nb::handle values, nb::handle has_entry, nb::handle asset_of,
                 nb::handle smallest, nb::handle balances, nb::handle stated, std::int64_t unknown,
                 int threads) {
    checked_threads(threads);
    const Array<std::int64_t> pointer = array<std::int64_t>(row_pointer, "row_pointer", 1);
    const Array<std::int32_t> index = array<std::int32_t>(instrument, "instrument", 1);
    const Array<std::int64_t> sizes = column<std::int64_t>(lots, "lots", index.size());
    const Array<std::int64_t> cost = column<std::int64_t>(entry_cost, "entry_cost", index.size());
    const Array<std::int32_t> owner = array<std::int32_t>(account, "account", 1);
    const std::int64_t rows = owner.size();
    const Array<std::int32_t> pools = column<std::int32_t>(pool, "pool", rows);
    const Array<double> per_lot = array<double>(values, "values", 1);
    const std::int64_t instruments = per_lot.shape[0];
    const Array<std::int32_t> parts = column<std::int32_t>(part_of, "part_of", instruments);
    const Array<std::int32_t> place = column<std::int32_t>(pool_of, "pool_of", instruments);
    const Array<std::uint8_t> entered = column<std::uint8_t>(has_entry, "has_entry", instruments);
    const Array<double> units = array<double>(smallest, "smallest", 1);
    const Array<std::int32_t> assets = column<std::int32_t>(asset_of, "asset_of", units.size());
    const Array<std::int64_t> held = array<std::int64_t>(balances, "balances", 2);
    Array<double> known{nullptr, {0, 0}, {}};
    if (!stated.is_none()) known = matrix<double>(stated, "stated", held.shape[0], held.shape[1]);
    expect(pointer.size() - 1 == held.shape[0], "balances must have one row per account");
    check_inside(pools, units.size(), threads, "pool must index smallest");
    check_index(place, units.size(), "pool_of must index smallest");
    for (std::int64_t k = 0; k < assets.size(); ++k) {
        expect(assets.at[k] >= -1 && assets.at[k] < held.shape[1],
               "asset_of must index the columns of balances or be -1");
    }
    check_index(parts, std::int64_t{1} << 31, "part_of must not be negative");
    Buffer<double> cash = buffer<double>(rows), value = buffer<double>(rows);
    Buffer<bool> is_stated = buffer<bool>(rows), no_entry = buffer<bool>(rows);
    const Owned call = {pointer.at, index.at, sizes.at, cost.at, owner.at, pools.at, rows,
                        held.shape[1], unknown, place.at, parts.at, per_lot.at, entered.at,
                        assets.at, units.at, held.at, known.at, cash.get(), value.get(),
                        is_stated.get(), no_entry.get()};
    std::atomic<bool> good{true};
    {
        nb::gil_scoped_release free;
        const Kernels& core = kernels();
        parallel(threads, rows, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            if (inside(call, held.shape[0], index.size(), instruments, begin, end)) {
                std::vector<Holding> by_pool(static_cast<std::size_t>(units.size()));
                core.owned(call, begin, end, by_pool.data());
            } else {
                good.store(false, std::memory_order_relaxed);
            }
        });
    }
    expect(good.load(), "account must index row_pointer, row_pointer must not fall, and "
                        "instrument must index the rows of values");
    const auto n = static_cast<std::size_t>(rows);
    return nb::make_tuple(given_away(std::move(cash), {n}), given_away(std::move(value), {n}),
                          given_away(std::move(is_stated), {n}),
                          given_away(std::move(no_entry), {n}));
}

nb::object standing(nb::handle owned, nb::handle initial, nb::handle maintenance, nb::handle pool,
                    nb::handle haircut, int threads) {
    checked_threads(threads);
    const Array<double> amount = array<double>(owned, "owned", 1);
    const std::int64_t rows = amount.size();
    const Array<double> first = column<double>(initial, "initial", rows);
    const Array<double> second = column<double>(maintenance, "maintenance", rows);
    const Array<std::int32_t> pools = column<std::int32_t>(pool, "pool", rows);
    const Array<double> cut = array<double>(haircut, "haircut", 1);
    check_inside(pools, cut.size(), threads, "pool must index haircut");
    Buffer<double> balance = buffer<double>(rows), above = buffer<double>(rows);
    Buffer<double> over = buffer<double>(rows);
    Buffer<std::uint8_t> status = buffer<std::uint8_t>(rows);
    {
        nb::gil_scoped_release free;
        const Standing call = {amount.at, first.at, second.at, cut.at, pools.at, balance.get(),
                               above.get(), over.get(), status.get()};
        const Kernels& core = kernels();
        parallel(threads, rows, GRAIN, [&](std::int64_t begin, std::int64_t end) {
            core.standing(call, begin, end);
        });
    }
    const auto n = static_cast<std::size_t>(rows);
    return nb::make_tuple(given_away(std::move(balance), {n}), given_away(std::move(above), {n}),
                          given_away(std::move(over), {n}), given_away(std::move(status), {n}));
}

}  // namespace

void bind_requirement(nb::module_& m) {
    m.def("totals", &totals, nb::kw_only(), "members"_a, "member"_a, "blocks"_a, "scenarios"_a,
          "rows"_a.none(), "others"_a, "failure"_a.none(), "factor"_a, "ten_initial"_a,
          "ten_maintenance"_a, "sums"_a = false, "threads"_a = 1);
    m.def("owned", &owned, nb::kw_only(), "row_pointer"_a, "instrument"_a, "lots"_a,
          "entry_cost"_a, "account"_a, "pool"_a, "pool_of"_a, "part_of"_a, "values"_a,
          "has_entry"_a, "asset_of"_a, "smallest"_a, "balances"_a, "stated"_a.none(), "unknown"_a,
          "threads"_a = 1);
    m.def("standing", &standing, nb::kw_only(), "owned"_a, "initial"_a, "maintenance"_a, "pool"_a,
          "haircut"_a, "threads"_a = 1);
}

}  // namespace counterpoise
