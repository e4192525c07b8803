"""Which coefficients stand in `core/math.hpp`: the fits of exp, log and the Mills ratio.

exp(r) = 1 + r + r^2 E(r) on |r| <= ln(2)/2 and log((1+s)/(1-s)) = 2 s + s^3 L(s^2) on
|s| <= 3 - 2 sqrt(2) are interpolated at Chebyshev nodes. The Mills ratio R(y) = N(-y)/phi(y) on
[0, 40] is P(y)/Q(y), degree 9 over 10, by least squares of the relative error at Chebyshev nodes of
u, y = 2.2 u/(1 - u), weighted with the last denominator until it stands still; P is printed with
the factor 1/sqrt(2 pi). Needs mpmath; prints the constants with the relative error of each fit
after rounding them to doubles. tests/unit/core checks that the header holds what it prints.
"""

from collections.abc import Callable

from mpmath import (
    atanh,
    binomial,
    cos,
    erfc,
    exp,
    log,
    lu_solve,
    matrix,
    mp,
    mpf,
    pi,
    qr_solve,
    sqrt,
)

mp.dps = 60
Function = Callable[[mpf], mpf]
WIDEST_Y = 40
BEND = mpf("2.2")


def chebyshev(count: int, *, low: mpf, high: mpf) -> list[mpf]:
    """Return the zeros of the Chebyshev polynomial of degree `count` on [low, high]."""
    return [(low + high) / 2 + (high - low) / 2 * cos(pi * (2 * k + 1) / (2 * count))
            for k in range(count)]


def interpolant(function: Function, *, low: mpf, high: mpf, degree: int) -> list[float]:
    """Return the coefficients, lowest power first, through Chebyshev nodes a little wider."""
    nodes = chebyshev(degree + 1, low=low * mpf("1.0001"), high=high * mpf("1.0001"))
    powers = matrix([[x**k for k in range(degree + 1)] for x in nodes])
    return [float(c) for c in lu_solve(powers, matrix([function(x) for x in nodes]))]


def rational(*, nodes: int = 80, rounds: int = 8) -> tuple[list[float], list[float]]:
    """Return P / sqrt(2 pi) and Q of the Mills ratio, lowest power first, Q monic."""
    points = mills_nodes(nodes)
    q = [binomial(10, k) * mpf(2)**(10 - k) for k in range(11)]
    p: list[mpf] = []
    for _ in range(rounds):
        rows, right = [], []
        for y in points:
            ratio = mills(y)
            weight = 1 / (ratio * polynomial(q, y))
            rows.append([weight * y**k for k in range(10)]
                        + [-weight * ratio * y**k for k in range(10)])
            right.append(weight * ratio * y**10)
        solved = qr_solve(matrix(rows), matrix(right))[0]
        p, q = list(solved[:10]), [*solved[10:], mpf(1)]
    return [float(c / sqrt(2 * pi)) for c in p], [float(c) for c in q]


def mills_nodes(count: int) -> list[mpf]:
    """Return nodes of y that are dense near zero."""
    top = mpf(WIDEST_Y) / (WIDEST_Y + BEND)
    return [BEND * u / (1 - u) for u in chebyshev(count, low=mpf(0), high=top)]


def mills(y: mpf) -> mpf:
    """Return N(-y) / phi(y)."""
    return sqrt(pi / 2) * exp(y * y / 2) * erfc(y / sqrt(mpf(2)))


def polynomial(coefficients: list[mpf] | list[float], x: mpf) -> mpf:
    """Return the value at x of coefficients that start with the constant."""
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + mpf(c)
    return total


def exp_tail(r: mpf) -> mpf:
    """Return E(r)."""
    return (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-25") else mpf(1) / 2


def log_tail(z: mpf) -> mpf:
    """Return L(z)."""
    s = sqrt(z)
    return 2 * (atanh(s) / s - 1) / z if z > mpf("1e-30") else mpf(2) / 3


def tables() -> dict[str, list[float]]:
    """Return every table of coefficients by the function of `core/math.hpp` that holds it."""
    half, widest = log(mpf(2)) / 2, (3 - 2 * sqrt(mpf(2)))**2
    p, q = rational()
    return {"exp_tail": interpolant(exp_tail, low=-half, high=half, degree=9),
            "log_tail": interpolant(log_tail, low=mpf(0), high=widest, degree=7),
            "tail_numerator": p, "tail_denominator": q}


def main() -> None:
    """Print the tables and the largest relative error of the rounded Mills ratio."""
    found = tables()
    for name, coefficients in found.items():
        print(f"{name}: {', '.join(repr(c) for c in coefficients)}")
    ratio = [polynomial(found["tail_numerator"], y) * sqrt(2 * pi)
             / polynomial(found["tail_denominator"], y) / mills(y) - 1 for y in mills_nodes(1500)]
    print(f"Mills ratio: largest relative error {mp.nstr(max(map(abs, ratio)), 3)}")


if __name__ == "__main__":
    main()
