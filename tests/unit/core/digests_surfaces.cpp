// Digests of what turns quotes into volatilities and smiles.
#include "digests.hpp"

namespace {

constexpr std::int64_t SLICES = 12, STRIKES = 24;

void implied() {
    state = 11;
    const Numbers forward = numbers(COUNT, 50, 9e4), years = numbers(COUNT, 0.001, 2);
    const Numbers rate = numbers(COUNT, -0.05, 0.1), vol = numbers(COUNT, 0.05, 2);
    Numbers strike = forward, out[6];
    for (double& k : strike) k *= between(0.6, 1.6);
    auto right = whole<std::int8_t>(COUNT, 0, 2);
    for (auto& side : right) side = static_cast<std::int8_t>(side == 0 ? -1 : 1);
    for (Numbers& one : out) one.resize(COUNT);
    kernels().black76({forward.data(), strike.data(), years.data(), vol.data(), rate.data(),
                       right.data()},
                      {out[0].data(), out[1].data(), out[2].data(), out[3].data(), out[4].data(),
                       out[5].data()}, 0, COUNT);
    Numbers found(COUNT), off(COUNT), why(COUNT);
    std::vector<std::uint8_t> reason(COUNT);
    kernels().implied({out[0].data(), forward.data(), strike.data(), years.data(), rate.data(),
                       right.data()}, {found.data(), off.data(), reason.data()}, 0, COUNT);
    for (std::size_t k = 0; k < why.size(); ++k) why[k] = reason[k];
    print("implied", found), print("implied, uncertainty", off), print("implied, reason", why);
}

void smiles() {
    state = 12;
    constexpr std::int64_t QUOTES = SLICES * STRIKES;
    std::vector<std::int64_t> pointer(SLICES + 1);
    for (std::int64_t i = 0; i <= SLICES; ++i) pointer[i] = i * STRIKES;
    Numbers log_moneyness(QUOTES), variance(QUOTES), curved(QUOTES);
    const Numbers weight = numbers(QUOTES, 0.5, 2.0);
    std::vector<std::int32_t> slice(QUOTES);
    for (std::int64_t q = 0; q < QUOTES; ++q) {
        const double k = -0.6 + 1.2 * static_cast<double>(q % STRIKES) / STRIKES;
        slice[q] = static_cast<std::int32_t>(q / STRIKES);
        log_moneyness[q] = k;
        variance[q] = (0.02 + 0.01 * slice[q]) * (1.0 + k * k - 0.3 * k) * between(0.98, 1.02);
    }
    const Smiles quotes = {pointer.data(), log_moneyness.data(), variance.data(), weight.data()};
    Numbers squares(SLICES), raw(5 * SLICES), wings(3 * SLICES), least(SLICES), at(SLICES);
    std::vector<std::int32_t> tried(SLICES);
    for (const bool clear : {true, false}) {
        kernels().svi_fit(quotes, {raw.data(), squares.data(), tried.data()}, clear, 0, SLICES);
        print("svi", raw), print("svi, squares", squares);
    }
    Numbers bends[4];
    for (Numbers& one : bends) one.resize(QUOTES);
    kernels().svi_curve({raw.data(), slice.data(), log_moneyness.data(), bends[0].data(),
                         bends[1].data(), bends[2].data(), bends[3].data()}, QUOTES);
    for (const Numbers& one : bends) print("svi, curve", one);
    kernels().svi_dip(raw.data(), least.data(), at.data(), SLICES);
    print("svi, dip", least), print("svi, dip at", at);
    kernels().ssvi_fit(quotes, {wings.data(), squares.data(), tried.data()}, SLICES);
    print("ssvi", wings), print("ssvi, squares", squares);
    Numbers by_row(3 * QUOTES);
    for (std::size_t k = 0; k < by_row.size(); ++k) {
        by_row[k] = wings[k / (3 * STRIKES) * 3 + k % 3];
    }
    kernels().ssvi_variance(by_row.data(), log_moneyness.data(), curved.data(), QUOTES);
    print("ssvi, variance", curved);
}

}  // namespace

void surfaces() {
    implied();
    smiles();
}
