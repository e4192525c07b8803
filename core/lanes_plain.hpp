// Eight doubles in an array: what the compiler makes of them is its business, the bits are not.
#pragma once

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int WIDTH = 8, HELD = WIDTH;
}  // namespace counterpoise::COUNTERPOISE_ISA

#include "lanes_each.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

inline unsigned places(const LaneMask& a) {
    unsigned bits = 0;
    for (int k = 0; k < WIDTH; ++k) bits |= static_cast<unsigned>(a.v[k]) << k;
    return bits;
}
inline Lanes load(const double* p) {
    return each<Lanes>([p](int k) { return p[k]; });
}
inline void store(double* p, const Lanes& a) {
    for (int k = 0; k < WIDTH; ++k) p[k] = a.v[k];
}
inline double least_lane(const Lanes& a) {
    double least = a.v[0];
    for (int k = 1; k < WIDTH; ++k) least = at_most(a.v[k], least);
    return least;
}

}  // namespace counterpoise::COUNTERPOISE_ISA
