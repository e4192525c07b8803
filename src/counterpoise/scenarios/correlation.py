"""Which correlation matrix is nearest to one that is none, and what is its root?

Eigenvalues by Jacobi rotations in a fixed order, products summed in a fixed order: the same bits on
every machine, which no LAPACK promises. A matrix of n factors costs a few thousand operations on
rows of n numbers. Sources: G. Golub and C. Van Loan, "Matrix Computations", 8.5 (parallel Jacobi);
N. Higham, "Computing the nearest correlation matrix: a problem from finance", IMA Journal of
Numerical Analysis 22, 2002, algorithm 3.3.
"""

from typing import Any, Final

import numpy as np

from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.int64]]
FACTORS_MAX: Final = 500
EIGENVALUE_LEAST: Final = 1e-12
_SWEEPS: Final = 60
_ROUNDS: Final = 2000
_OFF: Final = 1e-32
"""Squared off-diagonal numbers this small, relative to the diagonal, are none."""


def eigenvalues(matrix: Floats) -> tuple[Floats, Floats]:
    """Return the eigenvalues [n], rising, and the eigenvectors [n, n], columns, of a symmetric one.

    Raises
    ------
    BadInput
        If the matrix is not square, symmetric and finite, or larger than 500.
    """
    refuse_unless_symmetric(matrix)
    count = len(matrix) + len(matrix) % 2
    a, v = np.zeros((count, count)), np.zeros((count, count))
    a[:len(matrix), :len(matrix)] = matrix
    v[np.arange(count), np.arange(count)] = 1.0
    order = np.arange(count)
    for _ in range(_SWEEPS):
        if _off_diagonal(a) <= _OFF * _total(a):
            break
        for _ in range(count - 1):
            one, other = order[:count // 2], order[:count // 2 - 1:-1]
            _rotate(a, v, np.minimum(one, other), np.maximum(one, other))
            order = np.concatenate((order[:1], order[-1:], order[1:-1]))
    kept = np.arange(count) < len(matrix)
    values = a[np.arange(count), np.arange(count)]
    rising = np.argsort(np.where(kept, values, np.inf), kind="stable")[:len(matrix)]
    return values[rising], v[:len(matrix), rising]


def refuse_unless_symmetric(matrix: Floats) -> None:
    """Refuse what is no finite, symmetric matrix."""
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and len(matrix) > 0
    if not (square and len(matrix) <= FACTORS_MAX and np.all(np.isfinite(matrix))
            and np.all(np.abs(matrix - matrix.T) <= 1e-9 * np.maximum(np.abs(matrix), 1.0))):
        raise bad_input(Reason.BAD_VALUE, "correlation", f"is no finite symmetric matrix of at "
                        f"most {FACTORS_MAX} factors")


def _total(a: Floats) -> float:
    return float(np.add.reduce((a * a).ravel()))


def _off_diagonal(a: Floats) -> float:
    left = a * a
    left[np.arange(len(a)), np.arange(len(a))] = 0.0
    return float(np.add.reduce(left.ravel()))


def _rotate(a: Floats, v: Floats, p: Rows, q: Rows) -> None:
    """Zero the numbers a[p, q] of disjoint pairs by rotations, which v collects."""
    off, gap = a[p, q], a[q, q] - a[p, p]
    turned = off != 0.0
    theta = gap / (2.0 * np.where(turned, off, 1.0))
    with np.errstate(over="ignore"):
        t = np.where(theta < 0, -1.0, 1.0) / (np.abs(theta) + np.sqrt(theta * theta + 1.0))
    t = np.where(turned, t, 0.0)
    c = 1.0 / np.sqrt(t * t + 1.0)
    s = t * c
    low, high = a[:, p], a[:, q]
    a[:, p], a[:, q] = c * low - s * high, s * low + c * high
    low, high = a[p], a[q]
    a[p], a[q] = (c[:, None] * low - s[:, None] * high, s[:, None] * low + c[:, None] * high)
    low, high = v[:, p], v[:, q]
    v[:, p], v[:, q] = c * low - s * high, s * low + c * high
    a[p, q] = a[q, p] = 0.0


def nearest_correlation(matrix: Floats, *, eigenvalue_least: float = 0.0,
                        tolerance: float = 1e-10) -> Floats:
    """Return the correlation matrix [factor, factor] nearest to a symmetric one, in Frobenius norm.

    The input need not have a unit diagonal; it is made symmetric first.

    Parameters
    ----------
    eigenvalue_least
        Eigenvalues of the projection are at least this.
    tolerance
        Relative changes below it end the iteration.

    Raises
    ------
    BadInput
        If the input is no matrix, or the iteration does not end; the sentence says how far it came.
    """
    y = _symmetric(matrix)
    correction, x, moved = np.zeros_like(y), y, np.inf
    for _ in range(_ROUNDS):
        shifted = y - correction
        projected = _positive(shifted, eigenvalue_least)
        correction = projected - shifted
        with_ones = projected.copy()
        with_ones[np.arange(len(y)), np.arange(len(y))] = 1.0
        moved = max(_apart(projected, x), _apart(with_ones, y), _apart(with_ones, projected))
        x, y = projected, with_ones
        if moved <= tolerance:
            return y
    raise bad_input(Reason.BAD_VALUE, "correlation", f"has no nearest correlation matrix within "
                    f"{_ROUNDS} rounds; the last change was {moved:.3g}, the tolerance {tolerance}")


def _symmetric(matrix: Floats) -> Floats:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise bad_input(Reason.BAD_VALUE, "correlation", "is no square matrix")
    out: Floats = (matrix + matrix.T) * 0.5
    refuse_unless_symmetric(out)
    return out


def _positive(matrix: Floats, least: float) -> Floats:
    """Return the matrix with eigenvalues of at least `least`."""
    values, vectors = eigenvalues(matrix)
    out = np.zeros_like(matrix)
    for k in range(len(values)):
        column = vectors[:, k]
        out += max(float(values[k]), least) * (column[:, None] * column[None, :])
    return out


def _apart(a: Floats, b: Floats) -> float:
    size = float(np.sqrt(_total(a)))
    return float(np.sqrt(_total(a - b))) / (size if size > 0 else 1.0)


def is_correlation(matrix: Floats) -> bool:
    """Return whether a symmetric matrix has a unit diagonal and no eigenvalue below -1e-10."""
    diagonal = matrix[np.arange(len(matrix)), np.arange(len(matrix))]
    return bool(np.all(np.abs(diagonal - 1.0) <= 1e-9)) and bool(
        eigenvalues(matrix)[0][0] >= -1e-10)


def root_of(correlation: Floats) -> Floats:
    """Return the lower root L [factor, factor], L L' = the correlation with eigenvalues >= 1e-12.

    Raises
    ------
    BadInput
        If it is no correlation matrix; `nearest_correlation` makes one of it.
    """
    refuse_unless_symmetric(correlation)
    if not is_correlation(correlation):
        raise BadInput(Failure(reason=Reason.BAD_VALUE, subject="correlation", sentence=(
            "has a diagonal other than 1 or an eigenvalue below 0; take the nearest correlation "
            "matrix")))
    lifted = _positive(correlation, EIGENVALUE_LEAST)
    scale = 1.0 / np.sqrt(lifted[np.arange(len(lifted)), np.arange(len(lifted))])
    left = lifted * scale[:, None] * scale[None, :]
    root = np.zeros_like(left)
    for k in range(len(left)):
        pivot = float(np.sqrt(max(float(left[k, k]), EIGENVALUE_LEAST * 1e-3)))
        root[k, k] = pivot
        root[k + 1:, k] = left[k + 1:, k] / pivot
        left[k + 1:, k + 1:] -= root[k + 1:, k][:, None] * root[k + 1:, k][None, :]
    return root


def through_root(root: Floats, independent: Floats) -> Floats:
    """Return L e [factor, draw] of independent draws [factor, draw], summed in factor order."""
    out = np.zeros_like(independent)
    for j in range(len(root)):
        for k in range(j + 1):
            out[j] += root[j, k] * independent[k]
    return out
