// Doubles in an array, as the operations of a double: the HELD lanes that one thread has.
#pragma once

namespace counterpoise::COUNTERPOISE_ISA {

struct LaneBits {
    std::uint64_t v[HELD];
};

struct LaneMask {
    bool v[HELD];
};

struct Lanes {
    double v[HELD];
    Lanes() = default;
    Lanes(double x) {
        for (double& lane : v) lane = x;
    }
};

template <typename Result, typename Function>
inline Result each(Function function) {
    Result out;
    for (int k = 0; k < HELD; ++k) out.v[k] = function(k);
    return out;
}

// An operation of one or two arguments, lane by lane.
#define COUNTERPOISE_UNARY(Result, name, Argument, expression) \
    inline Result name(const Argument& a) {                    \
        return each<Result>([&](int k) { return expression; }); \
    }
#define COUNTERPOISE_BINARY(Result, name, Argument, expression) \
    inline Result name(const Argument& a, const Argument& b) {  \
        return each<Result>([&](int k) { return expression; });  \
    }

COUNTERPOISE_BINARY(Lanes, operator+, Lanes, a.v[k] + b.v[k])
COUNTERPOISE_BINARY(Lanes, operator-, Lanes, a.v[k] - b.v[k])
COUNTERPOISE_BINARY(Lanes, operator*, Lanes, a.v[k] * b.v[k])
COUNTERPOISE_BINARY(Lanes, operator/, Lanes, a.v[k] / b.v[k])
COUNTERPOISE_BINARY(Lanes, at_most, Lanes, at_most(a.v[k], b.v[k]))
COUNTERPOISE_BINARY(Lanes, at_least, Lanes, at_least(a.v[k], b.v[k]))
COUNTERPOISE_BINARY(Lanes, with_sign_of, Lanes, with_sign_of(a.v[k], b.v[k]))
COUNTERPOISE_BINARY(Lanes, flipped, Lanes, flipped(a.v[k], b.v[k]))
COUNTERPOISE_UNARY(Lanes, absolute, Lanes, absolute(a.v[k]))
COUNTERPOISE_UNARY(Lanes, square_root, Lanes, square_root(a.v[k]))
COUNTERPOISE_BINARY(LaneMask, operator<, Lanes, a.v[k] < b.v[k])
COUNTERPOISE_BINARY(LaneMask, operator>, Lanes, a.v[k] > b.v[k])
COUNTERPOISE_BINARY(LaneMask, operator>=, Lanes, a.v[k] >= b.v[k])
COUNTERPOISE_BINARY(LaneMask, operator==, Lanes, a.v[k] == b.v[k])
COUNTERPOISE_BINARY(LaneMask, unordered, Lanes, a.v[k] != a.v[k] || b.v[k] != b.v[k])
COUNTERPOISE_BINARY(LaneMask, operator|, LaneMask, a.v[k] || b.v[k])
COUNTERPOISE_BINARY(LaneMask, operator&, LaneMask, a.v[k] && b.v[k])
COUNTERPOISE_UNARY(LaneBits, bits_of, Lanes, bits_of(a.v[k]))
COUNTERPOISE_UNARY(Lanes, of_bits, LaneBits, of_bits(a.v[k]))
COUNTERPOISE_BINARY(LaneBits, operator+, LaneBits, a.v[k] + b.v[k])
COUNTERPOISE_BINARY(LaneBits, operator-, LaneBits, a.v[k] - b.v[k])
COUNTERPOISE_BINARY(LaneBits, operator|, LaneBits, a.v[k] | b.v[k])

#undef COUNTERPOISE_UNARY
#undef COUNTERPOISE_BINARY

inline LaneBits operator<<(const LaneBits& a, int n) {
    return each<LaneBits>([&](int k) { return a.v[k] << n; });
}
inline LaneBits operator>>(const LaneBits& a, int n) {
    return each<LaneBits>([&](int k) { return a.v[k] >> n; });
}
inline LaneBits all_bits(const Lanes&, std::uint64_t x) {
    return each<LaneBits>([x](int) { return x; });
}
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
    return each<Lanes>([&](int k) { return fma(a.v[k], b.v[k], c.v[k]); });
}
inline Lanes select(const LaneMask& mask, const Lanes& a, const Lanes& b) {
    return each<Lanes>([&](int k) { return mask.v[k] ? a.v[k] : b.v[k]; });
}
inline Lanes where_negative(const Lanes& sign, const Lanes& a, const Lanes& b) {
    return each<Lanes>([&](int k) { return where_negative(sign.v[k], a.v[k], b.v[k]); });
}
inline Lanes fms(const Lanes& a, const Lanes& b, const Lanes& c) {
    return each<Lanes>([&](int k) { return fma(a.v[k], b.v[k], -c.v[k]); });
}

}  // namespace counterpoise::COUNTERPOISE_ISA
