"""The nearest correlation matrix is Higham's, and roots and eigenvalues are those of LAPACK."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoise.scenarios.correlation import (
    eigenvalues,
    is_correlation,
    nearest_correlation,
    root_of,
    through_root,
)
from counterpoise.values.failure import BadInput


def _symmetric(seed: int, size: int) -> np.ndarray:
    x = np.random.default_rng(seed).uniform(-1, 1, (size, size))
    return (x + x.T) / 2


def test_the_nearest_correlation_is_that_of_the_paper(cases):
    case = cases("backtests/nearest_correlation__higham_2002_3x3.json")

    found = nearest_correlation(np.array(case["inputs"]["A"], float))

    assert np.allclose(found, case["expected"]["X"], rtol=0, atol=case["tolerance"]["abs"])


@given(st.integers(0, 10**6), st.integers(1, 12))
def test_eigenvalues_and_vectors_are_those_of_lapack(seed, size):
    matrix = _symmetric(seed, size)
    values, vectors = eigenvalues(matrix)

    assert np.allclose(values, np.linalg.eigvalsh(matrix), rtol=0, atol=1e-13)
    assert np.allclose(vectors * values @ vectors.T, matrix, rtol=0, atol=1e-13)
    assert np.allclose(vectors.T @ vectors, np.eye(size), rtol=0, atol=1e-13)


def test_large_and_degenerate_matrices_have_their_eigenvalues():
    for matrix in (_symmetric(5, 61), np.ones((8, 8)), np.eye(5), np.zeros((3, 3))):
        assert np.allclose(eigenvalues(matrix)[0], np.linalg.eigvalsh(matrix), atol=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(2, 7))
def test_the_nearest_correlation_is_one_and_is_its_own_nearest(seed, size):
    found = nearest_correlation(_symmetric(seed, size) + np.eye(size), tolerance=1e-9)

    assert np.all(np.diag(found) == 1) and np.linalg.eigvalsh(found)[0] > -1e-7
    assert np.allclose(nearest_correlation(found), found, rtol=0, atol=1e-6)


def test_no_correlation_matrix_drawn_at_random_is_nearer():
    matrix = _symmetric(2, 4) * 1.8
    np.fill_diagonal(matrix, 1.0)
    found = nearest_correlation(matrix)
    chance = np.random.default_rng(8)
    for _ in range(200):
        x = chance.standard_normal((4, 6))
        other = np.corrcoef(x)
        mixed = found + 0.05 * (other - found)
        assert np.linalg.norm(matrix - found) <= np.linalg.norm(matrix - mixed) + 1e-9


def test_a_floor_of_eigenvalues_is_kept():
    found = nearest_correlation(np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]]),
                                eigenvalue_least=0.05)

    assert np.linalg.eigvalsh(found)[0] > 0.049


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_the_root_makes_the_correlation_again(seed, size):
    correlation = np.corrcoef(np.random.default_rng(seed).standard_normal((size, size + 3)))
    correlation = correlation.reshape(size, size)
    root = root_of(correlation)

    assert np.allclose(root @ root.T, correlation, rtol=0, atol=1e-11)
    assert np.allclose(np.triu(root, 1), 0)


def test_perfect_correlation_has_a_root():
    root = root_of(np.ones((3, 3)))

    assert np.allclose(root @ root.T, 1.0, atol=1e-9)


def test_draws_go_through_the_root():
    root = root_of(np.array([[1, 0.8], [0.8, 1]]))
    e = np.random.default_rng(1).standard_normal((2, 7))

    assert np.allclose(through_root(root, e), root @ e, rtol=1e-14)


@pytest.mark.parametrize("matrix", [
    np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([[1.0, np.nan], [np.nan, 1.0]]),
    np.array([[1.0, 0.5], [0.1, 1.0]]), np.ones((2, 3)), np.array([[2.0, 0.0], [0.0, 1.0]])])
def test_what_is_no_correlation_has_no_root(matrix):
    with pytest.raises(BadInput, match="correlation"):
        root_of(matrix)


def test_a_matrix_that_is_none_is_said_to_be_none():
    assert not is_correlation(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
