// The fixed inputs of the digests, drawn from integers, and how a result is printed.
#pragma once

#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels.hpp"

using namespace counterpoise;

constexpr std::int64_t COUNT = 4001, INSTRUMENTS = 120, SCENARIOS = 97, FACTORS = 3, KEYS = 4;
constexpr std::int64_t WIDTH = (SCENARIOS + LANES) / LANES * LANES;
constexpr std::int64_t BLOCKS = (SCENARIOS + BLOCK - 1) / BLOCK, ACCOUNTS = 301, POSITIONS = 10;
using Numbers = std::vector<double>;

// Knuth's MMIX generator, its upper bits.
inline std::uint64_t state = 42;
inline std::uint64_t drawn() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 11;
}
inline double between(double low, double high) {
    return low + (high - low) * (static_cast<double>(drawn()) * 0x1p-53);
}
inline Numbers numbers(std::int64_t count, double low, double high) {
    Numbers all(static_cast<std::size_t>(count));
    for (double& x : all) x = between(low, high);
    return all;
}
template <typename T>
std::vector<T> whole(std::int64_t count, std::int64_t least, std::int64_t limit) {
    std::vector<T> all(static_cast<std::size_t>(count));
    for (T& x : all) {
        const auto step = static_cast<std::int64_t>(drawn() % static_cast<std::uint64_t>(
            limit - least));
        x = static_cast<T>(least + step);
    }
    return all;
}

inline void fold(std::uint64_t& digest, const void* bytes, std::size_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (std::size_t k = 0; k < count; ++k) digest = (digest ^ at[k]) * 0x100000001b3u;
}

// A NaN may carry any payload: only its place counts.
inline void print(const char* function, const Numbers& result) {
    std::uint64_t digest = 0xcbf29ce484222325u;
    for (double x : result) {
        const double told = x == x ? x : __builtin_nan("");
        fold(digest, &told, sizeof told);
    }
    std::printf("%s %s %016llx\n", kernels().name, function,
                static_cast<unsigned long long>(digest));
}

// Of `digests_accounts.cpp` and `digests_surfaces.cpp`; `pnl` is [INSTRUMENTS, SCENARIOS].
void accounts(const Numbers& pnl);
void surfaces();
