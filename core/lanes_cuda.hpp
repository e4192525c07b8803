// One double in each thread: the 32 threads of a CUDA warp are the lanes of one vector.
//
// A number that is the same in all lanes is computed, and stored, by every thread alike; where they
// differ each thread writes its own places only. Branches around what asks the warp must be the
// same in all its threads.
#pragma once

namespace counterpoise::COUNTERPOISE_ISA {

constexpr int WIDTH = 32, HELD = 1;
constexpr unsigned WARP = 0xffffffffu;

}  // namespace counterpoise::COUNTERPOISE_ISA

#include "lanes_each.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

inline int lane_index() { return static_cast<int>(threadIdx.x % WIDTH); }
inline Lanes load(const double* p) { return p[lane_index()]; }
inline void store(double* p, const Lanes& a) { p[lane_index()] = a.v[0]; }
inline unsigned places(const LaneMask& a) { return __ballot_sync(WARP, a.v[0]); }
inline double least_lane(const Lanes& a) {
    double least = a.v[0];
    for (int distance = WIDTH / 2; distance > 0; distance /= 2) {
        least = at_most(__shfl_xor_sync(WARP, least, distance), least);
    }
    return least;
}

}  // namespace counterpoise::COUNTERPOISE_ISA
