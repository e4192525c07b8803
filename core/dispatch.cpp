// Which flavour this CPU runs: read with cpuid and xgetbv, not with a compiler's own table, so that
// every compiler (the one in the ziglang wheel too) decides alike.
#include <atomic>
#include <cstring>

#include "kernels.hpp"

#if defined(COUNTERPOISE_X86) && !defined(_MSC_VER)
#include <cpuid.h>
#elif defined(COUNTERPOISE_X86)
#include <intrin.h>
#endif

namespace counterpoise {

namespace baseline { extern const Kernels table; }
namespace avx2 { extern const Kernels table; }
namespace avx512 { extern const Kernels table; }
namespace neon { extern const Kernels table; }

namespace {

#if defined(COUNTERPOISE_X86)

struct Registers {
    unsigned a, b, c, d;
};

Registers cpuid(unsigned leaf) {
    Registers r = {0, 0, 0, 0};
#if defined(_MSC_VER)
    int out[4];
    __cpuidex(out, static_cast<int>(leaf), 0);
    r = {static_cast<unsigned>(out[0]), static_cast<unsigned>(out[1]),
         static_cast<unsigned>(out[2]), static_cast<unsigned>(out[3])};
#else
    __cpuid_count(leaf, 0, r.a, r.b, r.c, r.d);
#endif
    return r;
}

// The register sets that the operating system saves on a task switch (XCR0).
unsigned saved_state() {
#if defined(_MSC_VER)
    return static_cast<unsigned>(_xgetbv(0));
#else
    unsigned low, high;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

bool has(unsigned word, unsigned mask) { return (word & mask) == mask; }

// 0 baseline, 1 AVX2 with FMA, 2 AVX-512 F, DQ and VL on top.
int level() {
    constexpr unsigned FMA_OSXSAVE_AVX = 1u << 12 | 1u << 27 | 1u << 28, AVX2 = 1u << 5;
    constexpr unsigned AVX512 = 1u << 16 | 1u << 17 | 1u << 31, YMM = 0x06, ZMM = 0xe6;
    if (cpuid(0).a < 7 || !has(cpuid(1).c, FMA_OSXSAVE_AVX)) return 0;
    const unsigned features = cpuid(7).b, saved = saved_state();
    if (!has(features, AVX2) || !has(saved, YMM)) return 0;
    return has(features, AVX512) && has(saved, ZMM) ? 2 : 1;
}

const Kernels* const TABLES[] = {&avx512::table, &avx2::table, &baseline::table};
const char* const NAMES[] = {"avx512", "avx2", "baseline", nullptr};

int first() {
    static const int skipped = 2 - level();
    return skipped;
}

#elif defined(COUNTERPOISE_ARM)

// NEON with FMA is part of every aarch64.
const Kernels* const TABLES[] = {&neon::table, &baseline::table};
const char* const NAMES[] = {"neon", "baseline", nullptr};

int first() { return 0; }

#else

const Kernels* const TABLES[] = {&baseline::table};
const char* const NAMES[] = {"baseline", nullptr};

int first() { return 0; }

#endif

std::atomic<const Kernels*> active{nullptr};

}  // namespace

const char* const* available() { return NAMES + first(); }

const Kernels& kernels() {
    const Kernels* table = active.load(std::memory_order_relaxed);
    return table != nullptr ? *table : *TABLES[first()];
}

bool use(const char* name) {
    for (int k = first(); NAMES[k] != nullptr; ++k) {
        if (std::strcmp(NAMES[k], name) == 0) {
            active.store(TABLES[k], std::memory_order_relaxed);
            return true;
        }
    }
    return false;
}

}  // namespace counterpoise
