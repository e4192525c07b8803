// The raw SVI smile: w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)), w = volatility^2 T.
#pragma once

#include "lanes.hpp"

namespace counterpoise::COUNTERPOISE_ISA {

struct Raw {
    double a, b, rho, m, sigma;
};

// `off` = k - m.
template <typename V>
inline V raw_root(const Raw& s, V off) {
    return square_root(fma(off, off, V(s.sigma * s.sigma)));
}

template <typename V>
inline V raw_variance(const Raw& s, V off, V root) {
    return fma(V(s.b), fma(V(s.rho), off, root), V(s.a));
}

}  // namespace counterpoise::COUNTERPOISE_ISA
