// What an instrument is worth now and in every scenario: Black-76 on the shocked forward.
//
// With x = ln(F/K), s = sigma sqrt(T), A = min(F, K), y1 = |x|/s - s/2, y2 = |x|/s + s/2 and
// N(-y) = phi(y) R(y), the undiscounted value of the out-of-the-money side is
//     y1 >= 0:  A phi(y1) (R(y1) - R(y2))        y1 < 0:  A - A phi(y1) (R(-y1) + R(y2))
// and parity adds the intrinsic value. ln(F'/K) = ln(F/K) + ln(F'/F), so no logarithm of F'/K is
// taken in the loop. The unshocked value is one more column of the loop: no move, P&L exactly zero.
#pragma once

#include "kernels.hpp"
#include "math.hpp"
#include "raw_svi.hpp"
#include "twin.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

enum Kind : std::uint8_t { OPTION = 3 };
enum Mode : std::uint8_t { LINEAR = 0, INVERSE_COIN = 1, INVERSE_QUOTE = 2 };
constexpr double Y1_MAX = 37.5, Y2_MAX = 40.0, TENOR_MAX = 1e100, LITTLE = 1e-280,
                 LESS = 1e-290;
constexpr double LARGEST = 0x1.fffffffffffffp+1023;
static_assert(TABLE % TWIN_WIDTH == 0, "tables are padded to whole vectors");

// Undiscounted; `least` = min(F, K), half_x = ln(F/K) / 2, t = sigma sqrt(T) / 2 >= 0.
template <typename V>
inline V out_of_the_money(V least, V half_x, V t) {
    // Without volatility h is huge, and the value 0, even at the money.
    const V h = (absolute(half_x) + LITTLE) / at_least(t, V(LESS));
    const V y1 = h - t;
    const V a = at_most(absolute(y1), V(Y1_MAX)), b = at_most(h + t, V(Y2_MAX));
    const V qa = tail_denominator(a), qb = tail_denominator(b);
    const V cross = flipped(tail_numerator(b) * qa, y1);
    const V ratio = fms(tail_numerator(a), qb, cross) / (qa * qb);
    const V part = flipped(least * bell(a) * ratio, y1);
    const V value = where_negative(y1, least, V(0.0)) + part;
    return select(y1 > Y1_MAX, V(0.0), where_negative(value, V(0.0), value));
}

// What does not depend on the scenario.
struct Terms {
    double forward, base, strike, volatility, years, rate;
    double half_log, ratio;      // ln(F/K) / 2, base / F
    double per_shift;            // (30/d)^p, times sigma if shifts are relative
    double half_root, discount;  // sqrt(T) / 2, exp(-r T)
    bool moves_forward;          // base == F
    bool follows, relative;      // the volatility follows a smile; shifts are relative
    Raw smile;
    double tenor, smile_now, per_root;  // (30/d)^p, sqrt(w) at ln(K/F), 1 / sqrt(T)
};

inline double tenor_factor(double years, const double* rule) {
    double days = at_least(years * 365.0, rule[4]);
    if (rule[5] != 0.0) {
        // Years are a quotient of nanoseconds: a whole day may come out a few ulp above itself.
        const double whole = (days + ROUND) - ROUND;
        days = absolute(days - whole) < 1e-9 ? whole : whole < days ? whole + 1.0 : whole;
    }
    const double factor = power_any(30.0 / days, days < rule[3] ? rule[1] : rule[2]);
    return at_most(factor, TENOR_MAX);
}

inline Terms terms_of(const Instruments& in, const Scenarios& sc, std::int64_t i) {
    const double* rule = sc.rules + RULES * in.factor[i];
    const double forward = in.price[i], years = in.years[i], rate = in.rate[i];
    const double tenor = tenor_factor(years, rule);
    return {forward, in.base[i], in.strike[i], in.volatility[i], years, rate,
            0.5 * log_any(forward / in.strike[i]), in.base[i] / forward,
            rule[0] != 0.0 ? in.volatility[i] * tenor : tenor, 0.5 * square_root(years),
            exp_any(-rate * years), in.base[i] == forward, false, rule[0] != 0.0, {}, tenor, 0.0,
            0.0};
}

// sqrt(w) of the smile where x = ln(F'/K) / 2.
template <typename V>
inline V smile_deviation(const Raw& s, V half_x) {
    const V off = half_x * -2.0 - s.m;
    return square_root(raw_variance(s, off, raw_root(s, off)));
}

// The terms of an option whose volatility follows the smile of its expiry, if it has one.
inline Terms following(const Instruments& in, std::int64_t i, Terms o) {
    const double* s = in.smile + SMILE * i;
    o.follows = s[0] == s[0] && o.years > 0.0;
    if (!o.follows) return o;
    o.smile = {s[0], s[1], s[2], s[3], s[4]};
    o.smile_now = smile_deviation(o.smile, o.half_log);
    o.per_root = 1.0 / square_root(o.years);
    return o;
}

// Columns of the scenario tables of one factor.
struct Shifts {
    const double *move, *half_growth, *vol, *vol_floor, *passed;
};

// One vector of scenarios of one option: what its call and its put share.
struct Shared {
    Twin forward, least, discount, outside;
};

// sigma + (smile at ln(K/F') - smile at ln(K/F)), then the shift; NaN where the smile is no number.
inline Twin followed(const Terms& o, const Twin& half_x, const Shifts& by, std::int64_t at) {
    const Twin drift = (smile_deviation(o.smile, half_x) - o.smile_now) * o.per_root;
    const Twin there = at_least(Twin(o.volatility) + drift, Twin(0.0));
    const Twin per_shift = o.relative ? there * o.tenor : Twin(o.tenor);
    return fma(per_shift, load_twin(by.vol + at), there);
}

template <bool OWN_BASE, bool TIME_PASSES, bool FOLLOWS>
inline Shared shared(const Terms& o, const Shifts& by, std::int64_t at) {
    const Twin move = load_twin(by.move + at);
    const Twin forward = fma(Twin(o.base), move, o.forward);
    const Twin growth = OWN_BASE ? load_twin(by.half_growth + at)
                                  : log1p_inside(Twin(o.ratio) * move) * 0.5;
    const Twin shifted = FOLLOWS ? followed(o, growth + o.half_log, by, at)
                                 : fma(Twin(o.per_shift), load_twin(by.vol + at), o.volatility);
    const Twin volatility = at_least(shifted, load_twin(by.vol_floor + at));
    Twin half_root = o.half_root, discount = o.discount;
    if (TIME_PASSES) {
        const Twin left = at_least(Twin(o.years) - load_twin(by.passed + at), Twin(0.0));
        half_root = square_root(left) * 0.5;
        discount = exp_any(Twin(-o.rate) * left);
    }
    const Twin least = at_most(forward, o.strike);
    Twin outside = out_of_the_money(least, growth + o.half_log, volatility * half_root);
    if (FOLLOWS) outside = outside + (volatility - volatility);  // no volatility, no value
    return {forward, least, discount, outside};
}

// The row of one option: what differs between a call and a put of the same strike.
struct Row {
    double unit, base;
    bool call, in_coin;
    double* pnl;
    Twin spoiled;  // 0 while all is finite, then NaN
};

inline Twin value_in(const Row& row, const Shared& x, double strike) {
    const Twin inside = (row.call ? x.forward : Twin(strike)) - x.least;
    const Twin value = x.discount * (x.outside + inside);
    return row.in_coin ? value / x.forward : value;
}

inline bool any_nan(const Lanes& a, const Lanes& b) { return places(unordered(a, b)) != 0; }

// From the last vector, which holds the unshocked world in column `count`, to the first.
template <int SIZE, bool OWN_BASE, bool TIME_PASSES, bool FOLLOWS>
COUNTERPOISE_WHOLE void fill(const Terms& o, const Shifts& by, std::int64_t count, Row* rows) {
    const std::int64_t last = count / TWIN_WIDTH * TWIN_WIDTH;
    for (std::int64_t at = last; at >= 0; at -= TWIN_WIDTH) {
        const Shared x = shared<OWN_BASE, TIME_PASSES, FOLLOWS>(o, by, at);
        for (int r = 0; r < SIZE; ++r) {
            const Twin value = value_in(rows[r], x, o.strike);
            if (at == last) rows[r].base = lane(value, count - last);
            const Twin pnl = (value - rows[r].base) * rows[r].unit;
            rows[r].spoiled = rows[r].spoiled + (pnl - pnl);
            store_first(rows[r].pnl + at, pnl, count - at);
        }
    }
}

inline bool finite(double x) { return absolute(x) <= LARGEST; }

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
    double* pnl = out.pnl + i * sc.count;
    for (std::int64_t at = 0; at < sc.count; at += WIDTH) {
        store_first(pnl + at, Lanes(NO_NUMBER), sc.count - at);
    }
}

inline bool same_smile(const Instruments& in, std::int64_t i, std::int64_t j) {
    bool same = true;
    for (int p = 0; in.smile != nullptr && p < SMILE; ++p) {
        same &= bits_of(in.smile[SMILE * i + p]) == bits_of(in.smile[SMILE * j + p]);
    }
    return same;
}

// Two rows share their Black values when they differ in nothing but right, unit and mode.
inline bool paired(const Instruments& in, std::int64_t i, std::int64_t j) {
    return in.kind[j] == OPTION && in.factor[i] == in.factor[j] && in.price[i] == in.price[j] &&
           in.base[i] == in.base[j] && in.strike[i] == in.strike[j] &&
           in.years[i] == in.years[j] && in.volatility[i] == in.volatility[j] &&
           in.rate[i] == in.rate[j] && same_smile(in, i, j);
}

// Price SIZE neighbouring options (1 or 2) that share their Black values.
template <int SIZE>
inline void price_options(const Instruments& in, const Scenarios& sc, const Prices& out,
                          std::int64_t first) {
    const Terms plain = terms_of(in, sc, first);
    const Terms o = in.smile == nullptr ? plain : following(in, first, plain);
    const std::int64_t at = in.factor[first] * sc.width;
    const Shifts by = {sc.move + at, sc.half_growth + at, sc.vol_shift + at, sc.vol_floor + at,
                       sc.years_shift};
    Row rows[SIZE];
    for (int r = 0; r < SIZE; ++r) {
        const std::int64_t i = first + r;
        rows[r] = {in.unit[i], 0.0, in.right[i] > 0, in.mode[i] == INVERSE_COIN,
                   out.pnl + i * sc.count, 0.0};
    }
    if (o.follows) {
        if (o.moves_forward) fill<SIZE, true, true, true>(o, by, sc.count, rows);
        else fill<SIZE, false, true, true>(o, by, sc.count, rows);
    } else if (sc.time_passes) {
        if (o.moves_forward) fill<SIZE, true, true, false>(o, by, sc.count, rows);
        else fill<SIZE, false, true, false>(o, by, sc.count, rows);
    } else {
        if (o.moves_forward) fill<SIZE, true, false, false>(o, by, sc.count, rows);
        else fill<SIZE, false, false, false>(o, by, sc.count, rows);
    }
    // A forward at or below zero has no Black-76 value: the row fails.
    const bool sunk = !(fma(o.base, sc.lowest_move[in.factor[first]], o.forward) > 0.0);
    for (int r = 0; r < SIZE; ++r) {
        const std::int64_t i = first + r;
        out.value[i] = in.unit[i] * rows[r].base;
        const Twin& spoiled = rows[r].spoiled;
        out.failed[i] = sunk || !finite(out.value[i]) || any_nan(spoiled.a, spoiled.b);
        if (out.failed[i]) fail(sc, out, i);
    }
}

// Spot, perpetual or future: linear u d, inverse in coin u (1/P - 1/P'), inverse in quote u d / P.
inline void price_delta_one(const Instruments& in, const Scenarios& sc, const Prices& out,
                            std::int64_t i) {
    const double* move = sc.move + in.factor[i] * sc.width;
    double* pnl = out.pnl + i * sc.count;
    const double unit = in.unit[i], price = in.price[i], base = in.base[i], ratio = base / price;
    const std::uint8_t mode = in.mode[i];
    Lanes spoiled = 0.0;
    for (std::int64_t at = 0; at < sc.count; at += WIDTH) {
        const Lanes moved = load(move + at), x = moved * ratio, grown = x + 1.0;
        const Lanes coin = select(grown > 0.0, x / grown, NO_NUMBER) * (unit / price);
        const Lanes change = mode == LINEAR ? moved * base * unit
                             : mode == INVERSE_COIN ? coin : x * unit;
        spoiled = spoiled + (change - change);
        store_first(pnl + at, change, sc.count - at);
    }
    out.value[i] = mode == LINEAR ? unit * price : mode == INVERSE_COIN ? -(unit / price) : -unit;
    out.failed[i] = !finite(out.value[i]) || any_nan(spoiled, spoiled);
    if (out.failed[i]) fail(sc, out, i);
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
            if (two) price_options<2>(in, sc, out, i);
            else price_options<1>(in, sc, out, i);
            i += two;
        }
    }
}

// N(y) for any y.
inline double normal_cdf(double y) {
    const double a = absolute(y) > Y1_MAX ? Y1_MAX : absolute(y);
    const double tail = bell(a) * (tail_numerator(a) / tail_denominator(a));
    const double far = absolute(y) > Y1_MAX ? 0.0 : tail;
    return y > 0.0 ? 1.0 - far : far;
}

inline void expired_greeks(const Options& in, const Greeks& out, std::int64_t i, double discount) {
    const double sign = in.right[i], inside = sign * (in.forward[i] - in.strike[i]);
    const double share = inside > 0.0 ? 1.0 : inside == 0.0 ? 0.5 : inside * 0.0;
    out.value[i] = discount * at_least(inside, 0.0);
    out.delta[i] = sign * discount * share;
    out.gamma[i] = out.vega[i] = 0.0 * inside;
    out.theta[i] = in.years[i] > 0.0 ? in.rate[i] * out.value[i] : 0.0;
    out.rho[i] = -in.years[i] * out.value[i];
}

inline void greeks_of(const Options& in, const Greeks& out, std::int64_t i) {
    const double f = in.forward[i], k = in.strike[i], sign = in.right[i], rate = in.rate[i];
    const double root = square_root(in.years[i]), s = in.volatility[i] * root;
    const double discount = exp_any(-rate * in.years[i]);
    if (s == 0.0) return expired_greeks(in, out, i, discount);
    const double x = log_any(f / k), d1 = x / s + 0.5 * s;
    const double distance = absolute(d1);
    const double density = distance > Y1_MAX ? 0.0 : bell(distance) * 0.3989422804014327;
    const double inside = at_least(sign * (f - k), 0.0);
    const double decay = discount * f * density;
    out.value[i] = discount * (out_of_the_money(at_most(f, k), 0.5 * x, 0.5 * s) + inside);
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
