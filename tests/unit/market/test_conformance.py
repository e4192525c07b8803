"""The battery finds what is wrong with surfaces that are wrong on purpose."""

import re

import numpy as np
import pytest

from counterpoise.market.conformance import check_surface
from counterpoise.market.surface import ArbitrageFinding

YEARS = np.array([0.1, 0.5])


class Made:
    """A surface of a given formula and given findings."""

    def __init__(self, formula, findings=()):
        self._formula, self._findings = formula, findings

    def volatility(self, log_moneyness, years):
        return self._formula(log_moneyness, years)

    def findings(self):
        return self._findings


def flat(k, years):
    return np.full(len(k), 0.5)


def finding(**changes):
    good = {"kind": "calendar", "years": 0.5, "log_moneyness": 0.0, "amount": 0.1,
            "sentence": "variance falls"}
    return ArbitrageFinding(**(good | changes))


def test_a_flat_surface_keeps_every_promise():
    assert check_surface(Made(flat), YEARS) == ()


class Counter:
    def __init__(self):
        self.calls = 0

    def __call__(self, k, years):
        self.calls += 1
        return np.full(len(k), 0.5 + 1e-9 * self.calls)


BROKEN = [
    ("scalar", lambda k, t: 0.5, "one float64 each"),
    ("float32", lambda k, t: np.full(len(k), 0.5, np.float32), "one float64 each"),
    ("negative", lambda k, t: 0.5 - 0.5 * np.abs(k), "must be a number above zero"),
    ("not a number", lambda k, t: np.where(k > 1, np.nan, 0.5), "must be a number above zero"),
    ("state", Counter(), "two answers"),
    ("neighbours", lambda k, t: np.full(len(k), 0.5 + 1e-3 * (k[0] if len(k) else 0)),
     "depends on the other questions"),
    ("falling", lambda k, t: 0.5 / np.maximum(t, 0.01), "total variance falls"),
    ("spiky", lambda k, t: 0.5 + 0.1 * np.cos(40 * k), "not convex"),
    ("steep", lambda k, t: 0.3 + 3.0 * np.maximum(k, -0.05), "not convex|costs less"),
]


@pytest.mark.parametrize(("formula", "words"), [row[1:] for row in BROKEN],
                         ids=[row[0] for row in BROKEN])
def test_a_broken_surface_is_found_out(formula, words):
    sentences = " ".join(check_surface(Made(formula), YEARS))

    assert re.search(words, sentences)


@pytest.mark.parametrize(("findings", "words"), [
    (("butterfly",), "is no ArbitrageFinding"),
    ((finding(amount=0.0),), "above zero"),
    ((finding(),), "no variance falls where the surface says so")])
def test_false_findings_are_found_out(findings, words):
    assert words in " ".join(check_surface(Made(flat, findings), YEARS))


def test_a_true_finding_is_believed():
    falling = Made(lambda k, t: np.sqrt(np.where(t > 0.3, 0.1, 0.2) / np.maximum(t, 1e-3)),
                   (finding(),))

    assert check_surface(falling, YEARS) == ()
