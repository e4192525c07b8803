// Which rows a book has: unit rows in blocks, requirement rows, and which belong to which.
//
// Accounts are cut into parts; every part is counted, then knows its places and is written. Threads
// take parts, so no result depends on how many there are.
#include <algorithm>
#include <vector>

#include "unit_rows.hpp"

namespace counterpoise {
namespace {

using namespace nanobind::literals;

constexpr std::int64_t PART = 4096;  // accounts of one part

struct Given {
    const std::int64_t* pointer;
    const std::int32_t* instrument;
    const std::int64_t* lots;
    const std::int32_t* unit;                  // [instrument]
    const std::int32_t *block, *pool;          // [unit]
    const std::int32_t* start;                 // [block] its first instrument
    const std::uint8_t* held;                  // [account, pool] not for its positions alone
    std::int64_t accounts, units, blocks, pools;
};

// Where a part begins: its first requirement row and member, unit row and position of every block.
struct Place {
    std::int64_t row, member;
    std::vector<std::int64_t> unit_row, position;
};

struct Block {
    Buffer<std::int64_t> pointer, lots;
    Buffer<std::int32_t> account, key, at, instrument;
    std::int64_t rows, positions;
};

struct Written {
    std::vector<Block> blocks;
    Buffer<std::int64_t> members;
    Buffer<std::int32_t> account, pool, row_of, member;
};

// What one account holds: its units, increasing, the positions of each, and its pools.
struct Account {
    std::vector<std::int32_t> units;
    std::vector<std::int64_t> count, next;     // [unit], zero where not held
    std::vector<std::int64_t> members;         // [pool], -1 where not held

    explicit Account(const Given& in)
        : count(static_cast<std::size_t>(in.units)), next(count),
          members(static_cast<std::size_t>(in.pools)) {}
};

std::size_t at(std::int32_t index) { return static_cast<std::size_t>(index); }

void look(const Given& in, std::int64_t account, Account& here) {
    for (const std::int32_t unit : here.units) here.count[at(unit)] = 0;
    here.units.clear();
    for (std::int64_t p = in.pointer[account]; p < in.pointer[account + 1]; ++p) {
        const std::int32_t unit = in.unit[in.instrument[p]];
        if (here.count[at(unit)]++ > 0) continue;
        auto place = here.units.end();
        while (place != here.units.begin() && *(place - 1) > unit) --place;
        here.units.insert(place, unit);
    }
    const std::uint8_t* held = in.held + account * in.pools;
    for (std::size_t p = 0; p < here.members.size(); ++p) here.members[p] = held[p] ? 0 : -1;
    for (const std::int32_t unit : here.units) {
        std::int64_t& members = here.members[at(in.pool[unit])];
        members = std::max<std::int64_t>(members, 0) + 1;
    }
}

Place counted(const Given& in, std::int64_t begin, std::int64_t end) {
    Account here(in);
    Place found{0, 0, std::vector<std::int64_t>(static_cast<std::size_t>(in.blocks)), {}};
    found.position = found.unit_row;
    for (std::int64_t a = begin; a < end; ++a) {
        look(in, a, here);
        for (const std::int32_t unit : here.units) {
            ++found.unit_row[at(in.block[unit])];
            found.position[at(in.block[unit])] += here.count[at(unit)];
        }
        found.member += static_cast<std::int64_t>(here.units.size());
        for (const std::int64_t members : here.members) found.row += members >= 0;
    }
    return found;
}

// Requirement rows of an account; `members` [pool] become the places of their members.
void write_rows(const Given& in, std::int64_t account, Account& here, Place& place, Written& out) {
    for (std::size_t p = 0; p < here.members.size(); ++p) {
        const std::int64_t members = here.members[p];
        std::int32_t& row_of = out.row_of[account * in.pools + static_cast<std::int64_t>(p)];
        row_of = members < 0 ? -1 : static_cast<std::int32_t>(place.row);
        if (members < 0) continue;
        out.account[place.row] = static_cast<std::int32_t>(account);
        out.pool[place.row] = static_cast<std::int32_t>(p);
        here.members[p] = place.member;
        place.member += members;
        out.members[++place.row] = place.member;
    }
}

void write_units(const Given& in, std::int64_t account, Account& here, Place& place,
                 Written& out) {
    for (const std::int32_t unit : here.units) {
        const std::int32_t block = in.block[unit], pool = in.pool[unit];
        Block& into = out.blocks[at(block)];
        std::int64_t& row = place.unit_row[at(block)];
        std::int64_t& position = place.position[at(block)];
        const std::int64_t member = here.members[at(pool)]++;
        const std::int32_t requirement = out.row_of[account * in.pools + pool];
        into.account[row] = static_cast<std::int32_t>(account);
        into.key[row] = unit;
        into.at[row] = requirement;
        reinterpret_cast<Member*>(out.member.get())[member] = {
            block, static_cast<std::int32_t>(row), unit, requirement};
        here.next[at(unit)] = position;
        position += here.count[at(unit)];
        into.pointer[++row] = position;
    }
    for (std::int64_t p = in.pointer[account]; p < in.pointer[account + 1]; ++p) {
        const std::int32_t unit = in.unit[in.instrument[p]], block = in.block[unit];
        Block& into = out.blocks[at(block)];
        const std::int64_t position = here.next[at(unit)]++;
        into.instrument[position] = in.instrument[p] - in.start[block];
        into.lots[position] = in.lots[p];
    }
}

// The places where parts begin, and where the last one ends.
std::vector<Place> places_of(const Given& in, int threads) {
    const std::int64_t parts = (in.accounts + PART - 1) / PART;
    std::vector<Place> places(static_cast<std::size_t>(parts) + 1, counted(in, 0, 0));
    parallel(threads, in.accounts, PART, [&](std::int64_t begin, std::int64_t end) {
        places[static_cast<std::size_t>(begin / PART) + 1] = counted(in, begin, end);
    });
    for (std::size_t k = 1; k < places.size(); ++k) {
        places[k].row += places[k - 1].row;
        places[k].member += places[k - 1].member;
        for (std::size_t b = 0; b < places[k].unit_row.size(); ++b) {
            places[k].unit_row[b] += places[k - 1].unit_row[b];
            places[k].position[b] += places[k - 1].position[b];
        }
    }
    return places;
}

Written made_for(const Given& in, const Place& end) {
    Written out{{}, buffer<std::int64_t>(end.row + 1), buffer<std::int32_t>(end.row),
                buffer<std::int32_t>(end.row), buffer<std::int32_t>(in.accounts * in.pools),
                buffer<std::int32_t>(MEMBER * end.member)};
    out.members[0] = 0;
    for (std::size_t b = 0; b < end.unit_row.size(); ++b) {
        const std::int64_t rows = end.unit_row[b], positions = end.position[b];
        out.blocks.push_back({buffer<std::int64_t>(rows + 1), buffer<std::int64_t>(positions),
                              buffer<std::int32_t>(rows), buffer<std::int32_t>(rows),
                              buffer<std::int32_t>(rows), buffer<std::int32_t>(positions), rows,
                              positions});
        out.blocks.back().pointer[0] = 0;
    }
    return out;
}

nb::object given_away_blocks(std::vector<Block> blocks) {
    nb::list out;
    for (Block& b : blocks) {
        const auto rows = static_cast<std::size_t>(b.rows);
        const auto positions = static_cast<std::size_t>(b.positions);
        out.append(nb::make_tuple(
            given_away(std::move(b.pointer), {rows + 1}), given_away(std::move(b.account), {rows}),
            given_away(std::move(b.key), {rows}), given_away(std::move(b.at), {rows}),
            given_away(std::move(b.instrument), {positions}),
            given_away(std::move(b.lots), {positions})));
    }
    return out;
}

nb::object given_away_layout(Written out, const Given& in, const Place& end) {
    const auto rows = static_cast<std::size_t>(end.row);
    const auto members = static_cast<std::size_t>(end.member);
    return nb::make_tuple(
        given_away(std::move(out.account), {rows}), given_away(std::move(out.pool), {rows}),
        given_away(std::move(out.row_of), {static_cast<std::size_t>(in.accounts),
                                           static_cast<std::size_t>(in.pools)}),
        given_away(std::move(out.members), {rows + 1}),
        given_away(std::move(out.member), {members, MEMBER}),
        given_away_blocks(std::move(out.blocks)));
}

nb::object layout(nb::handle row_pointer, nb::handle instrument, nb::handle lots, nb::handle unit,
                  nb::handle block, nb::handle pool, nb::handle start, nb::handle held,
                  int threads) {
    checked_threads(threads);
    const Array<std::int64_t> pointer = array<std::int64_t>(row_pointer, "row_pointer", 1);
    const Array<std::int32_t> index = array<std::int32_t>(instrument, "instrument", 1);
    const Array<std::int64_t> sizes = column<std::int64_t>(lots, "lots", index.size());
    const Array<std::int32_t> units = array<std::int32_t>(unit, "unit", 1);
    const Array<std::int32_t> blocks = array<std::int32_t>(block, "block", 1);
    const Array<std::int32_t> pools = column<std::int32_t>(pool, "pool", blocks.size());
    const Array<std::int32_t> first = array<std::int32_t>(start, "start", 1);
    const Array<std::uint8_t> others = array<std::uint8_t>(held, "held", 2);
    check_pointer(pointer, index.size());
    check_inside(index, units.size(), threads, "instrument must index unit");
    check_index(units, blocks.size(), "unit must index block and pool");
    check_index(blocks, first.size(), "block must index start");
    check_index(pools, others.shape[1], "pool must index the columns of held");
    expect(others.shape[0] == pointer.size() - 1, "held must have one row per account");
    const Given in = {pointer.at, index.at, sizes.at, units.at, blocks.at, pools.at, first.at,
                      others.at, others.shape[0], blocks.size(), first.size(), others.shape[1]};
    std::vector<Place> places;
    Written out;
    {
        nb::gil_scoped_release free;
        places = places_of(in, threads);
        out = made_for(in, places.back());
        parallel(threads, in.accounts, PART, [&](std::int64_t begin, std::int64_t end) {
            Account here(in);
            Place place = places[static_cast<std::size_t>(begin / PART)];
            for (std::int64_t a = begin; a < end; ++a) {
                look(in, a, here);
                write_rows(in, a, here, place, out);
                write_units(in, a, here, place, out);
            }
        });
    }
    return given_away_layout(std::move(out), in, places.back());
}

}  // namespace

void bind_layout(nb::module_& m) {
    m.def("layout", &layout, nb::kw_only(), "row_pointer"_a, "instrument"_a, "lots"_a, "unit"_a,
          "block"_a, "pool"_a, "start"_a, "held"_a, "threads"_a = 1);
}

}  // namespace counterpoise
