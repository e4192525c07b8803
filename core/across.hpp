// What needs more than one lane of a vector: on a CPU through memory, on a CUDA device the warp.
#pragma once

#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

// The lowest number of a vector and where it stands.
struct Lowest {
    double value, place;
};

// The lower of two; of equal ones the one that stands first.
inline Lowest lower_of(const Lowest& a, const Lowest& b) {
    const bool better = b.value < a.value || (b.value == a.value && b.place < a.place);
    return better ? b : a;
}

#if defined(COUNTERPOISE_CUDA)

inline double lane(const Lanes& x, std::int64_t k) {
    return __shfl_sync(WARP, x.v[0], static_cast<int>(k));
}

inline void store_first(double* p, const Lanes& x, std::int64_t count) {
    if (lane_index() < count) store(p, x);
}

inline Lowest lowest(const Lanes& value, const Lanes& vector) {
    Lowest found = {value.v[0], vector.v[0] * WIDTH + lane_index()};
    for (int distance = WIDTH / 2; distance > 0; distance /= 2) {
        found = lower_of(found, {__shfl_xor_sync(WARP, found.value, distance),
                                 __shfl_xor_sync(WARP, found.place, distance)});
    }
    return found;
}

#else

template <typename V>
inline double lane(const V& x, std::int64_t k) {
    double v[sizeof(V) / sizeof(double)];
    store(v, x);
    return v[k];
}

// The first `count` lanes, all or none where there are not so many.
template <typename V>
inline void store_first(double* p, const V& x, std::int64_t count) {
    constexpr std::int64_t SIZE = sizeof(V) / sizeof(double);
    if (count >= SIZE) {
        store(p, x);
        return;
    }
    double v[SIZE];
    store(v, x);
    for (std::int64_t k = 0; k < count; ++k) p[k] = v[k];
}

// Lane k of vector v stands at v WIDTH + k.
inline Lowest lowest(const Lanes& value, const Lanes& vector) {
    double values[WIDTH], vectors[WIDTH];
    store(values, value);
    store(vectors, vector);
    Lowest found = {values[0], vectors[0] * WIDTH};
    for (int k = 1; k < WIDTH; ++k) {
        found = lower_of(found, {values[k], vectors[k] * WIDTH + k});
    }
    return found;
}

#endif

}  // namespace counterpoise::COUNTERPOISE_ISA
