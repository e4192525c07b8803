// One flavour of every hot loop: compiled once per instruction set, COUNTERPOISE_ISA its name.
//
// Nothing of the standard library that emits code of its own is used here: the linker would share
// it between flavours.
#include "aggregate.hpp"
#include "black76.hpp"
#include "prepared.hpp"
#include "requirement.hpp"
#include "select.hpp"

#define COUNTERPOISE_TEXT(x) #x
#define COUNTERPOISE_NAME(x) COUNTERPOISE_TEXT(x)

namespace counterpoise::COUNTERPOISE_ISA {

static void exp_each(const double* x, double* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = exp_any(x[i]);
}

static void expm1_each(const double* x, double* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = expm1_any(x[i]);
}

static void log_each(const double* x, double* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = log_any(x[i]);
}

static void log1p_each(const double* x, double* y, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) y[i] = log1p_any(x[i]);
}

static void power_each(const double* x, const double* y, double* z, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) z[i] = power_any(x[i], y[i]);
}

static void fma_each(const double* a, const double* b, const double* c, double* d,
                     std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) d[i] = fma(a[i], b[i], c[i]);
}

extern const Kernels table;
const Kernels table = {
    COUNTERPOISE_NAME(COUNTERPOISE_ISA), COUNTERPOISE_SOFTWARE_FMA != 0, exp_each, expm1_each,
    log_each, log1p_each, power_each, fma_each, price, black76, worst, vectors, exposures,
    add_ons, totals, owned, standing,
    tails, worst_with, needs_with, worst_again,
};

}  // namespace counterpoise::COUNTERPOISE_ISA
