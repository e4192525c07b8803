// Digests of what stands around the worst scenario: tails, add-ons, sums, equity, prepared orders.
#include <algorithm>
#include <limits>

#include "digests.hpp"

namespace {

constexpr std::int64_t UNITS = 2, SIDES = 3, PADDED = (SCENARIOS + LANES - 1) / LANES * LANES;

struct Held {
    std::vector<std::int64_t> pointer, lots;
    std::vector<std::int32_t> key, instrument;
};

Held held() {
    Held all;
    for (std::int64_t a = 0; a <= ACCOUNTS; ++a) all.pointer.push_back(a * POSITIONS);
    all.key = whole<std::int32_t>(ACCOUNTS, 0, KEYS);
    all.instrument = whole<std::int32_t>(ACCOUNTS * POSITIONS, 0, INSTRUMENTS);
    all.lots = whole<std::int64_t>(ACCOUNTS * POSITIONS, -1000000, 1000000);
    return all;
}

// Every rank by selection, so that lanes are kept side by side (`compress.hpp`).
void tails(const Numbers& pnl, const Held& book) {
    Numbers last(INSTRUMENTS * BLOCK);
    for (std::int64_t k = 0; k < INSTRUMENTS * BLOCK; ++k) {
        const std::int64_t s = (BLOCKS - 1) * BLOCK + k % BLOCK;
        last[k] = s < SCENARIOS ? pnl[k / BLOCK * SCENARIOS + s] : 0.0;
    }
    for (const std::int64_t rank : {std::int64_t{1}, std::int64_t{30}, SCENARIOS}) {
        Tails call{};
        call.whole.pointer = book.pointer.data(), call.whole.key = book.key.data();
        call.whole.instrument = book.instrument.data(), call.whole.lots = book.lots.data();
        call.whole.instruments = INSTRUMENTS, call.whole.keys = KEYS;
        call.whole.scenarios = SCENARIOS, call.whole.blocks = BLOCKS;
        call.pnl = pnl.data(), call.last = last.data(), call.stride = SCENARIOS;
        call.rank = rank, call.room = (rank + 400 + 2 * BLOCK + 2 * LANES + 7) / 8 * 8;
        Numbers at(ACCOUNTS), below(ACCOUNTS), sum(ACCOUNTS), counts(ACCOUNTS);
        std::vector<std::int64_t> less(ACCOUNTS), ties(ACCOUNTS);
        call.at = at.data(), call.below = below.data(), call.sum = sum.data();
        call.less = less.data(), call.ties = ties.data();
        Numbers kept(call.room), spare(2 * call.room);
        std::vector<TailRow> rows(ACCOUNTS + TAIL_AHEAD);
        kernels().tails(call, {nullptr, kept.data(), spare.data(), rows.data()}, 0, ACCOUNTS);
        for (std::size_t a = 0; a < counts.size(); ++a) {
            counts[a] = 1e3 * static_cast<double>(less[a]) + static_cast<double>(ties[a]);
        }
        print("tails", at), print("tails, below", below);
        print("tails, sum", sum), print("tails, counts", counts);
    }
}

// Add-ons of unit rows, and requirement rows of two units each.
void requirements(const Held& book) {
    const Numbers columns = numbers(INSTRUMENTS * ADD_ON_COLUMNS, -1.0, 1.0);
    const Numbers rule = numbers(KEYS * SIZE_RULE, 0.0, 1e-3), loss = numbers(ACCOUNTS, 0.0, 1e9);
    const auto segment = whole<std::int32_t>(INSTRUMENTS, 0, 5);
    const auto scenario = whole<std::int32_t>(ACCOUNTS, 0, SCENARIOS);
    std::vector<UnitResult> results(ACCOUNTS);
    std::vector<std::int32_t> flagged(ACCOUNTS);
    std::vector<Member> member(ACCOUNTS);
    std::vector<AddOnTerms> terms(INSTRUMENTS);
    for (std::int64_t i = 0; i < INSTRUMENTS; ++i) {
        const double* own = columns.data() + i * ADD_ON_COLUMNS;
        terms[i] = {own[0], own[1], own[2], own[3], own[0] * own[2],
                    static_cast<double>(segment[i]), false};
    }
    kernels().add_ons({book.pointer.data(), book.key.data(), book.instrument.data(),
                       book.lots.data(), terms.data(), rule.data(), results.data(),
                       flagged.data()}, loss.data(), 0, ACCOUNTS);
    Numbers told(4 * ACCOUNTS);
    std::memcpy(told.data(), results.data(), sizeof(double) * told.size());
    print("add-ons", told);
    constexpr std::int64_t ROWS = ACCOUNTS / UNITS;
    std::vector<std::int64_t> members(ROWS + 1);
    for (std::int64_t r = 0; r <= ROWS; ++r) members[r] = UNITS * r;
    for (std::int64_t a = 0; a < ACCOUNTS; ++a) {
        member[a] = {0, static_cast<std::int32_t>(a), book.key[a], 0};
    }
    const std::int64_t block_rows[] = {ACCOUNTS};
    const UnitResult* blocks[] = {results.data()};
    const std::int32_t* scenarios[] = {scenario.data()};
    Numbers out[TOTALS], entry_loss(ACCOUNTS);
    std::vector<std::int32_t> entries[3];
    for (auto& one : entries) one.resize(ACCOUNTS);
    Totals call{};
    call.entries = call.members = members.data();
    call.member = member.data(), call.blocks = blocks;
    call.block_rows = block_rows, call.block_count = 1, call.scenarios = scenarios;
    call.factor = 0.8, call.ten_initial = 1e9, call.ten_maintenance = 1e12;
    for (int k = 0; k < TOTALS; ++k) out[k].resize(ROWS), call.out[k] = out[k].data();
    call.entry_loss = entry_loss.data(), call.entry_scenario = entries[0].data();
    call.entry_row = entries[1].data(), call.entry_unit = entries[2].data();
    kernels().totals(call, 0, ROWS);
    for (const Numbers& one : out) print("totals", one);
}

// Sums of positions, and one pool per account with what it owns against what it needs.
void equity(const Held& book) {
    const Numbers values = numbers(INSTRUMENTS * 2, -100.0, 100.0);
    Numbers sums[3];
    for (Numbers& one : sums) one.resize(2 * ACCOUNTS);
    kernels().exposures({book.pointer.data(), book.instrument.data(), book.lots.data(),
                         values.data(), 2, sums[0].data(), sums[1].data(), sums[2].data()},
                        0, ACCOUNTS);
    for (const Numbers& one : sums) print("exposures", one);
    std::vector<std::int32_t> account(ACCOUNTS), zero(INSTRUMENTS), pool(ACCOUNTS);
    for (std::int64_t a = 0; a < ACCOUNTS; ++a) account[a] = static_cast<std::int32_t>(a);
    const auto cost = whole<std::int64_t>(ACCOUNTS * POSITIONS, -100000000, 100000000);
    const auto balance = whole<std::int64_t>(ACCOUNTS, 0, 100000000);
    const std::vector<std::uint8_t> entered(INSTRUMENTS, 1);
    const double smallest = 1e8, haircut = 0.1;
    Numbers cash(ACCOUNTS), value(ACCOUNTS), over[3];
    bool unknown[ACCOUNTS], known[ACCOUNTS];
    Holding here[1];
    Owned call{};
    call.pointer = book.pointer.data(), call.instrument = book.instrument.data();
    call.lots = book.lots.data(), call.entry_cost = cost.data(), call.account = account.data();
    call.pool = pool.data(), call.count = ACCOUNTS, call.assets = 1;
    call.unknown = std::numeric_limits<std::int64_t>::min(), call.pool_of = zero.data();
    call.part_of = zero.data(), call.values = values.data();
    call.has_entry = entered.data(), call.asset_of = zero.data();
    call.smallest = &smallest, call.balances = balance.data();
    call.cash = cash.data(), call.value = value.data();
    call.known = known, call.no_entry = unknown;
    kernels().owned(call, 0, ACCOUNTS, here);
    print("cash", cash), print("value", value);
    const Numbers initial = numbers(ACCOUNTS, 0.0, 1e9), maintenance = numbers(ACCOUNTS, 0.0, 1e9);
    std::vector<std::uint8_t> status(ACCOUNTS);
    for (Numbers& one : over) one.resize(ACCOUNTS);
    kernels().standing({value.data(), initial.data(), maintenance.data(), &haircut, pool.data(),
                        over[0].data(), over[1].data(), over[2].data(), status.data()},
                       0, ACCOUNTS);
    for (const Numbers& one : over) print("standing", one);
}

// One account with two units and three sides, asked about every instrument.
void orders(const Numbers& pnl) {
    const auto unit = whole<std::int32_t>(INSTRUMENTS, 0, UNITS);
    const auto segment = whole<std::int32_t>(INSTRUMENTS, 0, KEYS);
    const std::vector<std::uint8_t> flag(INSTRUMENTS);
    const Numbers columns = numbers(INSTRUMENTS * ADD_ON_COLUMNS, -1.0, 1.0);
    const Numbers raw = numbers(SIDES * UNITS * PADDED, -1e9, 1e9);
    const Numbers weight = numbers(UNITS * PADDED, 0.3, 1.0);
    const Numbers dampener = numbers(UNITS * PADDED, 0.0, 1e7), gain = {0.5, 1.0};
    const Numbers cap = {1e8, 1e300}, rule = numbers(UNITS * SIZE_RULE, 0.0, 1e-3);
    const Numbers rows = numbers(SIDES * UNITS, 0.0, 1e6), fixed = {0.1, 0.2};
    const Numbers carried = numbers(SIDES * INSTRUMENTS, -1e3, 1e3);
    const Numbers nets = numbers(SIDES * KEYS, -1e3, 1e3);
    Numbers padded(INSTRUMENTS * PADDED);
    for (std::int64_t k = 0; k < INSTRUMENTS * PADDED; ++k) {
        padded[k] = pnl[k / PADDED * SCENARIOS + std::min(k % PADDED, SCENARIOS - 1)];
    }
    bool as_is[UNITS * PADDED / LANES];
    for (bool& block : as_is) block = false;
    const std::int64_t until[UNITS] = {};
    const Account account = {
        SIDES, UNITS, KEYS, PADDED, padded.data(), unit.data(), segment.data(),
        flag.data(), columns.data(), raw.data(), weight.data(), dampener.data(), gain.data(),
        cap.data(), true, as_is, until, rule.data(), rows.data(), rows.data(), rows.data(),
        carried.data(), INSTRUMENTS, nets.data(), rows.data(), fixed.data(), 0.8};
    Numbers found, again, sizes = numbers(POSITIONS, -1e6, 1e6);
    const double* held_rows[POSITIONS];
    for (std::int32_t i = 0; i < INSTRUMENTS; ++i) {
        const Needs needs = kernels().needs_with(account, i, 1000.0 * (i - 60));
        found.push_back(kernels().worst_with(account, 0, i, 1000.0 * (i - 60)));
        found.push_back(needs.initial), found.push_back(needs.maintenance);
        for (std::int64_t p = 0; p < POSITIONS; ++p) {
            held_rows[p] = padded.data() + (i + 7 * p) % INSTRUMENTS * PADDED;
        }
        const Positions filled = {held_rows, sizes.data(), POSITIONS, POSITIONS / 2, false,
                                  held_rows[0], 1000.0 * (i - 60)};
        again.push_back(kernels().worst_again(account, unit[i], filled));
    }
    print("prepared", found), print("prepared, again", again);
}

}  // namespace

void accounts(const Numbers& pnl) {
    state = 10;
    Numbers known = pnl;
    for (double& x : known) x = x == x ? x : 0.0;
    const Held book = held();
    tails(known, book);
    requirements(book);
    equity(book);
    orders(known);
}
