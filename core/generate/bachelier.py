"""Which rational function starts the implied volatility? Bachelier's price inverted, as in core.

With z = ln(1 + x e^(x/2) / p) and h = x/s, where p e^(-x/2) / x = phi(h) (1 - h R(h)) / h, the fit
is h^2 = z^2 P(z) / Q(z), P of degree 2 with P(0) = 1/(2 pi), Q of degree 3 with Q(0) = 1, by
iterated weighted least squares. Run it to see the constants of `core/implied.hpp` and their error.
"""

import numpy as np
from scipy.special import erfcx

UP, DOWN = 2, 3
ROUNDS = 200


def points(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Return z and h from the money to the farthest price that a double holds."""
    h = np.geomspace(1e-4, 38, count)
    mills = np.sqrt(np.pi / 2) * erfcx(h / np.sqrt(2))
    far = 1 / np.maximum(h, 8.0) ** 2
    series = far * (1 - far * (3 - far * (15 - far * (105 - far * (945 - far * 10395)))))
    rest = np.where(h > 8, series, 1 - h * mills)
    price = -h * h / 2 - 0.5 * np.log(2 * np.pi) + np.log(rest) - np.log(h)
    return np.logaddexp(0, -price), h


def fitted(z: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return P and Q, lowest power first, and the relative error of h at each point."""
    lead, square, weight = 1 / (2 * np.pi), h * h, np.ones_like(z)
    ups = np.stack([z ** (k + 3) / square for k in range(UP)], axis=1)
    downs = np.stack([z ** (k + 1) for k in range(DOWN)], axis=1)
    for _ in range(ROUNDS):
        table = np.hstack((ups, -downs)) * weight[:, None]
        size = np.abs(table).max(axis=0)
        found = np.linalg.lstsq(table / size, (1 - z * z * lead / square) * weight)[0] / size
        p, q = np.append(lead, found[:UP]), np.append(1.0, found[UP:])
        value = z * z * np.polyval(p[::-1], z) / np.polyval(q[::-1], z)
        error = value / square - 1
        weight = weight * (1 + 2 * np.abs(error) / np.abs(error).max()) ** 0.3
        weight = np.maximum(weight / weight.max(), 1e-3)
    return p, q, error / 2


if __name__ == "__main__":
    numerator, denominator, errors = fitted(*points())
    print("P =", numerator.tolist(), "Q =", denominator.tolist())
    print(f"largest error of h {np.abs(errors).max():.2e}")
