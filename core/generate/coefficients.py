"""Which polynomials stand in `core/math.hpp`: fits of exp and log printed as C++ constants.

exp(r) = 1 + r + r^2 E(r) on |r| <= ln(2)/2 and log((1+s)/(1-s)) = 2 s + s^3 L(s^2) on
|s| <= 3 - 2 sqrt(2), interpolated at Chebyshev nodes with 60 digits. Run it to see the constants
and the relative error of each fit before rounding; nothing else depends on it.
"""

from collections.abc import Callable

from mpmath import atanh, cos, exp, log, lu_solve, matrix, mp, mpf, pi, sqrt

mp.dps = 60
Function = Callable[[mpf], mpf]


def fitted(function: Function, *, low: mpf, high: mpf, degree: int) -> list[mpf]:
    """Return the coefficients, lowest power first, of the Chebyshev interpolant."""
    count = degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * count))
             for k in range(count)]
    powers = matrix(count, count)
    for row, node in enumerate(nodes):
        for power in range(count):
            powers[row, power] = node**power
    return list(lu_solve(powers, matrix([function(x) for x in nodes])))


def error_of(function: Function, coefficients: list[mpf], *, low: mpf, high: mpf) -> mpf:
    """Return the largest absolute difference on a grid of 2,000 points."""
    points = [low + (high - low) * mpf(k) / 1999 for k in range(2000)]
    rounded = [mpf(float(c)) for c in coefficients]
    return max(abs(function(x) - sum(c * x**k for k, c in enumerate(rounded))) for x in points)


def _exp_tail(r: mpf) -> mpf:
    return (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-25") else mpf(1) / 2


def _log_tail(z: mpf) -> mpf:
    s = sqrt(z)
    return 2 * (atanh(s) / s - 1) / z if z > mpf("1e-30") else mpf(2) / 3


def main() -> None:
    """Print both tables."""
    half, widest = log(mpf(2)) / 2, (3 - 2 * sqrt(mpf(2)))**2
    for name, function, low, high, degree in (
            ("EXP_TAIL", _exp_tail, -half, half, 9), ("LOG_TAIL", _log_tail, mpf(0), widest, 7)):
        low, high = low * mpf("1.0001"), high * mpf("1.0001")
        coefficients = fitted(function, low=low, high=high, degree=degree)
        error = error_of(function, coefficients, low=low, high=high)
        print(f"// {name}: largest difference {mp.nstr(error, 3)}")
        print(f"constexpr double {name}[] = {{{', '.join(repr(float(c)) for c in coefficients)}}};")


if __name__ == "__main__":
    main()
