// What an instrument is worth now and in every scenario: Black-76 on the shocked forward.
//
// With x = ln(F/K), s = sigma sqrt(T), A = min(F, K), y1 = |x|/s - s/2, y2 = |x|/s + s/2 and the
// Mills ratio R, the undiscounted value of the out-of-the-money side is
//     y1 >= 0:  A phi(y1) (R(y1) - R(y2))        y1 < 0:  A - A phi(y1) (R(-y1) + R(y2))
// and parity adds the intrinsic value. ln(F'/K) = ln(F/K) + ln(F'/F), so no logarithm of F'/K is
// taken in the loop. The unshocked value is column 0 of the same loop: no move gives P&L zero.
#pragma once

#include "kernels.hpp"
#include "math.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

enum Kind : std::uint8_t { OPTION = 3 };
enum Mode : std::uint8_t { LINEAR = 0, INVERSE_COIN = 1, INVERSE_QUOTE = 2 };
constexpr double Y1_MAX = 37.5, Y2_MAX = 40.0;
constexpr int CHUNK = 256;

// Undiscounted; `least` = min(F, K), x = ln(F/K), s = sigma sqrt(T) >= 0; NaN in, NaN out.
inline double out_of_the_money(double least, double x, double s) {
    const double live = s == 0.0 ? 1.0 : s;
    const double h = absolute(x) / live, t = 0.5 * live;
    const double y1 = h - t, far = h + t, distance = absolute(y1);
    const double a = distance > Y1_MAX ? Y1_MAX : distance, b = far > Y2_MAX ? Y2_MAX : far;
    const double qa = mills_denominator(a), qb = mills_denominator(b);
    const double cross = mills_numerator(b) * qa;
    const bool beyond = y1 >= 0.0;
    const double ratio = fma(mills_numerator(a), qb, beyond ? -cross : cross) / (qa * qb);
    const double part = least * normal_density(a) * ratio;
    const double value = beyond ? part : least - part;
    const double kept = y1 > Y1_MAX || value < 0.0 ? 0.0 : value;
    return s == 0.0 ? least * 0.0 : kept;
}

inline double larger(double a, double b) { return a < b ? b : a; }
inline double smaller(double a, double b) { return b < a ? b : a; }

// Scratch of one chunk of scenarios of one option: what its call and its put share.
struct Chunk {
    double forward[CHUNK], log_ratio[CHUNK], deviation[CHUNK], discount[CHUNK], outside[CHUNK];
};

// What does not depend on the scenario.
struct Terms {
    double forward, base, strike, volatility, years, rate, log_moneyness, tenor, floor_up;
    bool relative, moves_forward;
};

inline double tenor_factor(double years, const double* rule) {
    double days = larger(years * 365.0, rule[4]);
    if (rule[5] != 0.0) {
        // Years are a quotient of nanoseconds: a whole day may come out a few ulp above itself.
        const double whole = (days + ROUND) - ROUND;
        days = absolute(days - whole) < 1e-9 ? whole : whole < days ? whole + 1.0 : whole;
    }
    return power_any(30.0 / days, days < rule[3] ? rule[1] : rule[2]);
}

inline Terms terms_of(const Instruments& in, const Scenarios& sc, std::int64_t i) {
    const double* rule = sc.rules + RULES * in.factor[i];
    const double forward = in.price[i];
    return {forward, in.base[i], in.strike[i], in.volatility[i], in.years[i], in.rate[i],
            log_any(forward / in.strike[i]), tenor_factor(in.years[i], rule), rule[6],
            rule[0] != 0.0, in.base[i] == forward};
}

inline void shock_forward(const Terms& o, const double* move, const double* growth, Chunk& c,
                          int count) {
    for (int j = 0; j < count; ++j) c.forward[j] = fma(o.base, move[j], o.forward);
    if (o.moves_forward) {
        for (int j = 0; j < count; ++j) c.log_ratio[j] = o.log_moneyness + growth[j];
        return;
    }
    const double ratio = o.base / o.forward;
    for (int j = 0; j < count; ++j) {
        c.log_ratio[j] = o.log_moneyness + log1p_any(ratio * move[j]);
    }
}

inline double shocked_volatility(const Terms& o, double shift) {
    const double x = shift * o.tenor;
    const double moved = o.relative ? fma(o.volatility, x, o.volatility) : o.volatility + x;
    const double up = larger(moved, o.floor_up), down = larger(moved, 0.0);
    const double shocked = shift > 0.0 ? up : down;
    return shift == 0.0 ? o.volatility : shocked;
}

inline void shock_deviation(const Terms& o, const double* shift, const double* passed, Chunk& c,
                            int count) {
    if (passed == nullptr) {
        const double root = __builtin_sqrt(o.years), discount = exp_any(-o.rate * o.years);
        for (int j = 0; j < count; ++j) {
            c.deviation[j] = shocked_volatility(o, shift[j]) * root;
            c.discount[j] = discount;
        }
        return;
    }
    for (int j = 0; j < count; ++j) {
        const double left = larger(o.years - passed[j], 0.0);
        c.deviation[j] = shocked_volatility(o, shift[j]) * __builtin_sqrt(left);
        c.discount[j] = exp_any(-o.rate * left);
    }
}

inline void fill(const Terms& o, const Scenarios& sc, std::int64_t factor, std::int64_t start,
                 Chunk& c, int count) {
    const std::int64_t at = factor * sc.width + start;
    shock_forward(o, sc.move + at, sc.log_growth + at, c, count);
    shock_deviation(o, sc.vol_shift + at, sc.time_passes ? sc.years_shift + start : nullptr, c,
                    count);
    for (int j = 0; j < count; ++j) {
        const double f = c.forward[j];
        // A forward at or below zero has no Black-76 value: the row fails.
        const double least = f > 0.0 ? smaller(f, o.strike) : NO_NUMBER;
        c.outside[j] = out_of_the_money(least, c.log_ratio[j], c.deviation[j]);
    }
}

// Turn what call and put share into this row's values in its own currency.
inline void finish(const Terms& o, int right, std::uint8_t mode, const Chunk& c, double* value,
                   int count) {
    const double sign = right;
    if (mode == INVERSE_COIN) {
        for (int j = 0; j < count; ++j) {
            const double inside = larger(sign * (c.forward[j] - o.strike), 0.0);
            value[j] = c.discount[j] * (c.outside[j] + inside) / c.forward[j];
        }
        return;
    }
    for (int j = 0; j < count; ++j) {
        const double inside = larger(sign * (c.forward[j] - o.strike), 0.0);
        value[j] = c.discount[j] * (c.outside[j] + inside);
    }
}

inline bool finite(double x) { return absolute(x) <= 0x1.fffffffffffffp+1023; }

// unit * (value - base) into a row of the result; returns whether all of it is finite.
inline bool store(const double* value, double base, double unit, double* pnl, std::int64_t count) {
    std::int64_t broken = 0;
    for (std::int64_t j = 0; j < count; ++j) {
        pnl[j] = unit * (value[j] - base);
        broken += !finite(pnl[j]);
    }
    return broken == 0;
}

inline bool usable(const Instruments& in, std::int64_t i) {
    const bool common = finite(in.unit[i]) && finite(in.price[i]) && in.price[i] > 0.0 &&
                        finite(in.base[i]) && in.mode[i] <= INVERSE_QUOTE;
    if (in.kind[i] != OPTION) return common;
    return common && finite(in.strike[i]) && in.strike[i] > 0.0 && finite(in.years[i]) &&
           in.years[i] >= 0.0 && finite(in.volatility[i]) && in.volatility[i] >= 0.0 &&
           finite(in.rate[i]) && (in.right[i] == 1 || in.right[i] == -1);
}

inline void fail(const Scenarios& sc, const Prices& out, std::int64_t i) {
    out.value[i] = NO_NUMBER;
    out.failed[i] = true;
    for (std::int64_t s = 0; s < sc.count; ++s) out.pnl[i * sc.count + s] = NO_NUMBER;
}

// Two rows share their Black values when they differ in nothing but right, unit and mode.
inline bool paired(const Instruments& in, std::int64_t i, std::int64_t j) {
    return in.kind[j] == OPTION && in.factor[i] == in.factor[j] && in.price[i] == in.price[j] &&
           in.base[i] == in.base[j] && in.strike[i] == in.strike[j] &&
           in.years[i] == in.years[j] && in.volatility[i] == in.volatility[j] &&
           in.rate[i] == in.rate[j];
}

// Price `rows` neighbouring options (1 or 2) that share their Black values.
inline void price_options(const Instruments& in, const Scenarios& sc, const Prices& out,
                          std::int64_t first, int rows) {
    const Terms o = terms_of(in, sc, first);
    Chunk chunk;
    double value[CHUNK], base[2];
    bool good[2] = {true, true};
    for (std::int64_t start = 0; start < sc.width; start += CHUNK) {
        const std::int64_t left = sc.width - start;
        const int count = static_cast<int>(left < CHUNK ? left : CHUNK);
        fill(o, sc, in.factor[first], start, chunk, count);
        for (int r = 0; r < rows; ++r) {
            const std::int64_t i = first + r, skip = start == 0 ? 1 : 0;
            finish(o, in.right[i], in.mode[i], chunk, value, count);
            if (start == 0) base[r] = value[0];
            const std::int64_t from = start + skip - 1, stored = sc.count - from;
            const std::int64_t most = count - skip;
            good[r] &= store(value + skip, base[r], in.unit[i], out.pnl + i * sc.count + from,
                             stored < most ? stored : most);
        }
    }
    for (int r = 0; r < rows; ++r) {
        const std::int64_t i = first + r;
        out.value[i] = in.unit[i] * base[r];
        if (good[r] && finite(out.value[i])) out.failed[i] = false;
        else fail(sc, out, i);
    }
}

// Spot, perpetual or future: linear u d, inverse in coin u (1/P - 1/P'), inverse in quote u d / P.
inline void price_delta_one(const Instruments& in, const Scenarios& sc, const Prices& out,
                            std::int64_t i) {
    const double* move = sc.move + in.factor[i] * sc.width + 1;
    double* pnl = out.pnl + i * sc.count;
    const double unit = in.unit[i], price = in.price[i], base = in.base[i], ratio = base / price;
    std::int64_t broken = 0;
    if (in.mode[i] == LINEAR) {
        out.value[i] = unit * price;
        for (std::int64_t s = 0; s < sc.count; ++s) pnl[s] = unit * (base * move[s]);
    } else if (in.mode[i] == INVERSE_COIN) {
        out.value[i] = -(unit / price);
        for (std::int64_t s = 0; s < sc.count; ++s) {
            const double x = ratio * move[s], grown = 1.0 + x;
            pnl[s] = (unit / price) * (grown > 0.0 ? x / grown : NO_NUMBER);
        }
    } else {
        out.value[i] = -unit;
        for (std::int64_t s = 0; s < sc.count; ++s) pnl[s] = unit * (ratio * move[s]);
    }
    for (std::int64_t s = 0; s < sc.count; ++s) broken += !finite(pnl[s]);
    if (broken == 0 && finite(out.value[i])) out.failed[i] = false;
    else fail(sc, out, i);
}

inline void price(const Instruments& in, const Scenarios& sc, const Prices& out,
                  std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
        if (!usable(in, i)) {
            fail(sc, out, i);
        } else if (in.kind[i] != OPTION) {
            price_delta_one(in, sc, out, i);
        } else {
            const bool two = i + 1 < end && usable(in, i + 1) && paired(in, i, i + 1);
            price_options(in, sc, out, i, two ? 2 : 1);
            i += two;
        }
    }
}

// N(y) for any y.
inline double normal_cdf(double y) {
    const double a = absolute(y) > Y1_MAX ? Y1_MAX : absolute(y);
    const double tail = normal_density(a) * (mills_numerator(a) / mills_denominator(a));
    const double far = absolute(y) > Y1_MAX ? 0.0 : tail;
    return y > 0.0 ? 1.0 - far : far;
}

inline void expired_greeks(const Options& in, const Greeks& out, std::int64_t i, double discount) {
    const double sign = in.right[i], inside = sign * (in.forward[i] - in.strike[i]);
    const double share = inside > 0.0 ? 1.0 : inside == 0.0 ? 0.5 : inside * 0.0;
    out.value[i] = discount * larger(inside, 0.0);
    out.delta[i] = sign * discount * share;
    out.gamma[i] = out.vega[i] = 0.0 * inside;
    out.theta[i] = in.years[i] > 0.0 ? in.rate[i] * out.value[i] : 0.0;
    out.rho[i] = -in.years[i] * out.value[i];
}

inline void greeks_of(const Options& in, const Greeks& out, std::int64_t i) {
    const double f = in.forward[i], k = in.strike[i], sign = in.right[i], rate = in.rate[i];
    const double root = __builtin_sqrt(in.years[i]), s = in.volatility[i] * root;
    const double discount = exp_any(-rate * in.years[i]);
    if (s == 0.0) return expired_greeks(in, out, i, discount);
    const double x = log_any(f / k), d1 = x / s + 0.5 * s;
    const double distance = absolute(d1);
    const double density = distance > Y1_MAX ? 0.0 : normal_density(distance);
    const double inside = larger(sign * (f - k), 0.0);
    const double decay = discount * f * density;
    out.value[i] = discount * (out_of_the_money(smaller(f, k), x, s) + inside);
    out.delta[i] = sign * discount * normal_cdf(sign * d1);
    out.gamma[i] = discount * density / (f * s);
    out.vega[i] = decay * root;
    out.theta[i] = rate * out.value[i] - decay * in.volatility[i] / (2.0 * root);
    out.rho[i] = -in.years[i] * out.value[i];
}

inline void black76(const Options& in, const Greeks& out, std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
        const bool good = finite(in.forward[i]) && in.forward[i] > 0.0 && finite(in.strike[i]) &&
                          in.strike[i] > 0.0 && finite(in.years[i]) && in.years[i] >= 0.0 &&
                          finite(in.volatility[i]) && in.volatility[i] >= 0.0 &&
                          finite(in.rate[i]) && (in.right[i] == 1 || in.right[i] == -1);
        if (good) {
            greeks_of(in, out, i);
        } else {
            out.value[i] = out.delta[i] = out.gamma[i] = out.vega[i] = out.theta[i] = out.rho[i] =
                NO_NUMBER;
        }
    }
}

}  // namespace counterpoise::COUNTERPOISE_ISA
