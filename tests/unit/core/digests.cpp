// Which bits does every flavour of this build make of one fixed set of inputs? One line per flavour
// and function: its name, the function's, and the FNV-1a digest of the result.
//
// Nothing here depends on the machine: inputs come from integers, so that a build for another
// processor, run under emulation, must print the same digests.
#include "digests.hpp"

namespace {

void elementary() {
    state = 1;
    Numbers x = numbers(COUNT, -40.0, 40.0), y = numbers(COUNT, -3.0, 3.0), z(x.size());
    Numbers size(x.size());
    for (std::size_t k = 0; k < x.size(); ++k) size[k] = x[k] * x[k];
    const Kernels& core = kernels();
    core.exp(x.data(), z.data(), COUNT), print("exp", z);
    core.expm1(y.data(), z.data(), COUNT), print("expm1", z);
    core.log(size.data(), z.data(), COUNT), print("log", z);
    core.log1p(y.data(), z.data(), COUNT), print("log1p", z);
    core.power(size.data(), y.data(), z.data(), COUNT), print("power", z);
    core.fma(x.data(), y.data(), size.data(), z.data(), COUNT), print("fma", z);
}

// Prices with and without the passing of time; returns the P&L.
Numbers prices(bool time_passes, bool smiles = false) {
    state = 2;
    const auto kind = whole<std::uint8_t>(INSTRUMENTS, 0, 4);
    const auto mode = whole<std::uint8_t>(INSTRUMENTS, 0, 3);
    auto right = whole<std::int8_t>(INSTRUMENTS, 0, 2);
    for (auto& side : right) side = static_cast<std::int8_t>(side == 0 ? -1 : 1);
    const auto factor = whole<std::int32_t>(INSTRUMENTS, 0, FACTORS);
    const Numbers unit = numbers(INSTRUMENTS, 0.01, 10.0), price = numbers(INSTRUMENTS, 50, 9e4);
    Numbers base = price, strike = price;
    for (std::size_t i = 0; i < base.size(); i += 2) base[i] *= 1.003;
    for (double& k : strike) k *= between(0.4, 2.5);
    const Numbers years = numbers(INSTRUMENTS, 0.0, 2.0), vol = numbers(INSTRUMENTS, 0.0, 2.0);
    const Numbers rate = numbers(INSTRUMENTS, -0.05, 0.1);
    Numbers move(FACTORS * WIDTH), half(move.size()), shift(move.size()), floor(move.size());
    Numbers passed(WIDTH), lowest(FACTORS);
    for (std::int64_t k = 0; k < FACTORS * WIDTH; ++k) {
        if (k % WIDTH >= SCENARIOS) continue;
        move[k] = between(-0.6, 0.9), shift[k] = between(-0.4, 0.6), floor[k] = 0.1;
        if (move[k] < lowest[k / WIDTH]) lowest[k / WIDTH] = move[k];
    }
    kernels().log1p(move.data(), half.data(), FACTORS * WIDTH);
    for (double& x : half) x *= 0.5;
    for (std::int64_t s = 1; time_passes && s < SCENARIOS; ++s) passed[s] = between(0.0, 0.1);
    const Numbers rules = {1, 0.3, 0.13, 30, 1, 1, 0.2, 0, 0.5, 0.5, 10, 2, 0, 0, 1, 0, 0, 0, 0.1,
                           0, 0};
    Numbers smile(INSTRUMENTS * SMILE);
    for (std::size_t i = 0; i < smile.size(); i += SMILE) {
        smile[i] = between(0.001, 0.1), smile[i + 1] = between(0.0, 0.3);
        smile[i + 2] = between(-0.9, 0.9), smile[i + 3] = between(-0.3, 0.3);
        smile[i + 4] = between(0.01, 0.5);
    }
    Numbers value(INSTRUMENTS), pnl(INSTRUMENTS * SCENARIOS);
    bool failed[INSTRUMENTS];
    kernels().price({kind.data(), mode.data(), right.data(), unit.data(), price.data(),
                     base.data(), strike.data(), years.data(), vol.data(), rate.data(),
                     factor.data(), smiles ? smile.data() : nullptr},
                    {SCENARIOS, WIDTH, move.data(), half.data(), shift.data(), floor.data(),
                     lowest.data(), passed.data(), rules.data(), time_passes},
                    {value.data(), pnl.data(), failed}, 0, INSTRUMENTS);
    print(smiles ? "value, smiles" : time_passes ? "value, later" : "value", value);
    print(smiles ? "pnl, smiles" : time_passes ? "pnl, later" : "pnl", pnl);
    return pnl;
}

void greeks() {
    state = 3;
    const Numbers forward = numbers(COUNT, 50, 9e4), years = numbers(COUNT, 0, 2);
    Numbers strike = forward;
    for (double& k : strike) k *= between(0.3, 3.0);
    const Numbers vol = numbers(COUNT, 0, 2), rate = numbers(COUNT, -0.05, 0.1);
    auto right = whole<std::int8_t>(COUNT, 0, 2);
    for (auto& side : right) side = static_cast<std::int8_t>(side == 0 ? -1 : 1);
    Numbers out[6];
    for (Numbers& one : out) one.resize(COUNT);
    kernels().black76({forward.data(), strike.data(), years.data(), vol.data(), rate.data(),
                       right.data()},
                      {out[0].data(), out[1].data(), out[2].data(), out[3].data(), out[4].data(),
                       out[5].data()}, 0, COUNT);
    for (const Numbers& one : out) print("greek", one);
}

Numbers packed(const Numbers& rows, std::int64_t count) {
    Numbers out(BLOCKS * count * BLOCK);
    for (std::int64_t b = 0; b < BLOCKS; ++b) {
        for (std::int64_t k = 0; k < count * BLOCK; ++k) {
            const std::int64_t s = b * BLOCK + k % BLOCK;
            out[b * count * BLOCK + k] =
                rows[k / BLOCK * SCENARIOS + (s < SCENARIOS ? s : SCENARIOS - 1)];
        }
    }
    return out;
}

void worst(Numbers pnl) {
    state = 4;
    for (double& x : pnl) x = x == x ? x : 0.0;
    std::vector<std::int64_t> pointer(ACCOUNTS + 1);
    for (std::int64_t a = 0; a <= ACCOUNTS; ++a) pointer[a] = a * POSITIONS;
    const auto key = whole<std::int32_t>(ACCOUNTS, 0, KEYS);
    const auto instrument = whole<std::int32_t>(ACCOUNTS * POSITIONS, 0, INSTRUMENTS);
    const auto lots = whole<std::int64_t>(ACCOUNTS * POSITIONS, -1000000000, 1000000000);
    const Numbers rows = packed(pnl, INSTRUMENTS);
    const Numbers weight = packed(numbers(KEYS * SCENARIOS, 0.3, 1.0), KEYS);
    const Numbers dampener = packed(numbers(KEYS * SCENARIOS, 0.0, 1e10), KEYS);
    const Numbers gain = numbers(KEYS, 0.0, 1.0), cap = {0.0, 1e9, 1e12, 1e300};
    Aggregation call{};
    call.pointer = pointer.data(), call.key = key.data();
    call.instrument = instrument.data(), call.lots = lots.data();
    call.instruments = INSTRUMENTS, call.keys = KEYS;
    call.scenarios = SCENARIOS, call.blocks = BLOCKS;
    call.pnl = rows.data(), call.dampen_first = true;
    bool as_is[BLOCKS * KEYS];
    for (bool& block : as_is) block = true;
    call.losses_as_is = as_is;
    call.finite = call.from_one = true;
    for (const char* name : {"worst, finite, from one", "worst", "worst, transformed"}) {
        Numbers loss(ACCOUNTS), where(ACCOUNTS);
        std::vector<std::int32_t> scenario(ACCOUNTS);
        kernels().worst(call, loss.data(), scenario.data(), 0, ACCOUNTS);
        for (std::size_t a = 0; a < where.size(); ++a) where[a] = scenario[a];
        print(name, loss), print(name, where);
        if (call.from_one) {
            call.finite = call.from_one = false;
            continue;
        }
        call.weight = weight.data(), call.dampener = dampener.data();
        call.gain_factor = gain.data(), call.gain_cap = cap.data();
        for (bool& block : as_is) block = false;
        call.keyed = 1;
    }
    Numbers tails[5], scratch(5 * BLOCKS * BLOCK);
    for (Numbers& one : tails) one.resize(ACCOUNTS);
    const Numbers probability = numbers(SCENARIOS, 0.0, 1.0);
    WeightedTails weighted{};
    weighted.rows.whole = call, weighted.rows.pnl = pnl.data(), weighted.rows.stride = SCENARIOS;
    weighted.rows.last = rows.data() + (BLOCKS - 1) * INSTRUMENTS * BLOCK;
    weighted.rows.transforms = true, weighted.probability = probability.data();
    weighted.rows.at = tails[0].data(), weighted.rows.sum = tails[1].data();
    weighted.less = tails[2].data(), weighted.ties = tails[3].data();
    weighted.reached = tails[4].data(), weighted.mass = weighted.enough = 2.5;
    kernels().weighted_tails(weighted, scratch.data(), 0, ACCOUNTS);
    for (const Numbers& one : tails) print("weighted tails", one);
    Numbers raw(ACCOUNTS * SCENARIOS), shaped(raw.size());
    kernels().vectors(call, raw.data(), shaped.data(), 0, ACCOUNTS);
    print("vectors", raw), print("vectors, transformed", shaped);
}

// Two segments of each account, without and with vol states, plain and with every rule.
void segments(Numbers pnl) {
    state = 5;
    for (double& x : pnl) x = x == x ? x : 0.0;
    std::vector<std::int64_t> rows(ACCOUNTS + 1), positions(2 * ACCOUNTS + 1);
    for (std::int64_t a = 0; a <= ACCOUNTS; ++a) rows[a] = 2 * a;
    for (std::int64_t g = 0; g <= 2 * ACCOUNTS; ++g) positions[g] = g * POSITIONS / 2;
    const auto key = whole<std::int32_t>(ACCOUNTS, 0, KEYS);
    const auto segment = whole<std::int32_t>(2 * ACCOUNTS, 0, KEYS);
    const auto instrument = whole<std::int32_t>(ACCOUNTS * POSITIONS, 0, INSTRUMENTS);
    const Numbers quantity = numbers(ACCOUNTS * POSITIONS, -1e3, 1e3);
    const std::int64_t most = PLANES * STATES * INSTRUMENTS;
    const Numbers planes(pnl.begin(), pnl.begin() + most), rules = numbers(most, 0.0, 1.0);
    const Numbers base = numbers(INSTRUMENTS, -100.0, 100.0), cap = numbers(KEYS, 0.0, 1e5);
    for (const bool whole_rules : {false, true}) {
        for (const std::int64_t by : {std::int64_t{1}, std::int64_t{PLANES}}) {
            Segments call{};
            call.units.pointer = rows.data(), call.units.key = key.data();
            call.units.instrument = instrument.data(), call.units.instruments = INSTRUMENTS;
            call.units.keys = KEYS, call.units.blocks = 1, call.units.pnl = planes.data();
            call.units.scenarios = by == 1 ? BLOCK : STATES;
            call.pointer = positions.data(), call.segment = segment.data();
            call.quantity = quantity.data(), call.keys = KEYS, call.planes = by;
            if (whole_rules) {
                call.up = rules.data(), call.down = rules.data() + KEYS * BLOCK;
                call.cap = cap.data(), call.base = base.data(), call.absolute = pnl.data();
                call.units.weight = rules.data();
            }
            const auto width = static_cast<std::size_t>(call.units.scenarios);
            Numbers raw(ACCOUNTS * width), shaped(raw.size()), loss(ACCOUNTS), where(ACCOUNTS);
            std::vector<std::int32_t> found(ACCOUNTS);
            kernels().vectors_of_segments(call, raw.data(), shaped.data(), 0, ACCOUNTS);
            kernels().worst_of_segments(call, loss.data(), found.data(), 0, ACCOUNTS);
            for (std::size_t a = 0; a < where.size(); ++a) where[a] = found[a];
            print("segments", raw), print("segments, transformed", shaped);
            print("segments, worst", loss), print("segments, state", where);
        }
    }
}

}  // namespace

int main() {
    for (const char* const* name = available(); *name != nullptr; ++name) {
        use(*name);
        elementary();
        prices(true);
        prices(true, true);
        const Numbers pnl = prices(false);
        greeks();
        worst(pnl);
        segments(pnl);
        accounts(pnl);
        surfaces();
    }
    return 0;
}
