// One flavour of every hot loop: compiled once per instruction set, COUNTERPOISE_ISA its name.
//
// Nothing of the standard library that emits code of its own is used here: the linker would share
// it between flavours.
#include "aggregate.hpp"
#include "arbitrage.hpp"
#include "black76.hpp"
#include "implied.hpp"
#include "prepared.hpp"
#include "requirement.hpp"
#include "segments.hpp"
#include "select.hpp"
#include "ssvi.hpp"
#include "weighted.hpp"

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

static void svi_fit(const Smiles& in, const SliceFits& out, bool clear, std::int64_t begin,
                    std::int64_t end) {
    Smile smile;
    for (std::int64_t i = begin; i < end; ++i) {
        prepare(in, i, smile);
        const Fitted found = clear ? fit_clear(in, i, smile) : fit_slice(smile);
        const Raw& s = found.smile;
        const double parameters[5] = {s.a, s.b, s.rho, s.m, s.sigma};
        for (int p = 0; p < 5; ++p) out.parameters[5 * i + p] = parameters[p];
        out.squares[i] = found.squares;
        out.evaluations[i] = found.evaluations;
    }
}

static void svi_curve(const Curve& c, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const double* s = c.parameters + 5 * static_cast<std::int64_t>(c.slice[i]);
        const Bend<double> v = bend_of({s[0], s[1], s[2], s[3], s[4]}, c.log_moneyness[i]);
        c.variance[i] = v.w;
        c.first[i] = v.first;
        c.second[i] = v.second;
        c.density[i] = durrleman(v, c.log_moneyness[i]);
    }
}

static void svi_dip(const double* parameters, double* least, double* at, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const double* s = parameters + 5 * i;
        const Dip dip = dip_of({s[0], s[1], s[2], s[3], s[4]}, FINE);
        least[i] = dip.least;
        at[i] = dip.at;
    }
}

// wings [row, 3]
static void ssvi_variance(const double* wings, const double* log_moneyness, double* variance,
                          std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
        const double* s = wings + 3 * i;
        variance[i] = ssvi_at({s[0], s[1], s[2]}, log_moneyness[i]);
    }
}

extern const Kernels table;
const Kernels table = {
    COUNTERPOISE_NAME(COUNTERPOISE_ISA), COUNTERPOISE_SOFTWARE_FMA != 0, exp_each, expm1_each,
    log_each, log1p_each, power_each, fma_each, price, black76, implied,
    svi_fit, ssvi_chain, svi_curve, svi_dip, ssvi_variance, worst, vectors,
    worst_of_segments, vectors_of_segments, exposures, add_ons, measured, totals, owned, standing,
    tails, weighted_tails, worst_with, needs_with, worst_again,
};

}  // namespace counterpoise::COUNTERPOISE_ISA
