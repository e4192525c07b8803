"""Every published field of every case is reproduced at the tolerance of its case, or exempt."""

import re

import pytest

from counterpoise.values.frozen import replaced
from golden.compared import Compared, difference, expected_of, is_within, leaves
from golden.exemptions import EXEMPT, PENDING
from golden.parity import (
    MODULES,
    PAGE,
    all_compared,
    compared_by,
    exempt,
    page,
    published_fields,
    uncovered,
)
from reference import ROOT

LINE = Compared(model="m", case="c", field="f", ours=1.0, theirs=1.0, absolute=0.0, relative=1e-9)


@pytest.fixture(scope="module")
def published(shared, cases):
    return published_fields(shared, cases)


@pytest.fixture(scope="module")
def rows(cases):
    return all_compared(cases)


@pytest.mark.parametrize("module", MODULES)
def test_every_field_of_a_venue_is_within_its_tolerance(module, cases):
    far = [(r.case, r.field, r.ours, r.theirs, difference(r))
           for r in compared_by(module, cases) if not is_within(r)]

    assert [] == far


def test_every_published_field_has_a_line_or_a_reason(published, rows):
    assert [] == uncovered(published, rows)


def test_a_line_shows_what_the_case_publishes(cases, rows):
    told = {case: dict(leaves(expected_of(cases(case)))) for case in {r.case for r in rows}}

    assert [] == [(r.case, r.field) for r in rows
                  if r.field not in told[r.case] or r.theirs != told[r.case][r.field]]


def test_no_line_is_more_tolerant_than_its_case(cases, rows):
    widest = {case: max(_numbers(_tolerances(cases(case))), default=0.0)
              for case in {r.case for r in rows}}

    assert [] == [(r.case, r.field) for r in rows if max(r.absolute, r.relative) > widest[r.case]]


def test_what_is_pending_is_not_compared_yet(published, rows):
    assert set(PENDING) <= {case for case, _ in published} - {row.case for row in rows}


def test_every_exemption_concerns_a_published_field(published):
    used = exempt(published)

    assert [] == [(case, field) for case, field, reason in EXEMPT
                  if (case, reason) not in {(c, r) for (c, _), r in used.items()}]


def test_the_committed_page_is_current(published, rows):
    if PENDING:
        pytest.skip(f"{len(PENDING)} cases wait for their model; then: make parity")

    assert page(rows, published) == (ROOT / PAGE).read_text(encoding="utf-8"), "run make parity"


def test_the_page_holds_no_number_of_a_venue(published, rows):
    text = page([r for r in rows if r.case.startswith("deribit/")], published)
    digits = {repr(r.theirs) for r in rows if isinstance(r.theirs, float)} - {"0.0", "1.0"}

    assert [] == [number for number in digits if f"| {number} |" in text]


def test_a_source_under_licence_is_summed_up_without_fields(published):
    rows = [replaced(LINE, case="derive/x.json", field="secret_field", ours=3.5, theirs=3.25)]

    assert "secret_field" not in page(rows, published) and "3.25" not in page(rows, published)


def test_a_field_without_a_line_is_found(published, rows):
    missing = rows[0]

    assert [(missing.case, missing.field)] == uncovered(
        published, [r for r in rows if (r.case, r.field) != (missing.case, missing.field)])


@pytest.mark.parametrize(("ours", "near"), [
    (1.0, True), (1 + 9e-10, True), (1 + 2e-9, False), (float("nan"), False), ("1.0", False)])
def test_the_tolerance_decides(ours, near):
    assert near is is_within(replaced(LINE, ours=ours))


def _tolerances(document):
    if "cases" in document:
        return [case["tolerance"] for case in document["cases"]]
    return document["tolerance"]


def _numbers(tree):
    """Yield the numbers of a tolerance, those in its sentences too: `relative 1e-9`."""
    for _, leaf in leaves(tree):
        if isinstance(leaf, str):
            yield from (float(text) for text in re.findall(r"\d+e-\d+", leaf))
        elif leaf is not None:
            yield float(leaf)
