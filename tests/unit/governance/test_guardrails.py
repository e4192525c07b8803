"""Is a change beyond its limits named with everything that is beyond them?"""

import pytest

from counterpoise.governance.guardrails import ImpactLimits, beyond
from counterpoise.governance.impact import Group
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced

LIMITS = ImpactLimits(below_initial=0.25, below_maintenance=0.0, bankrupt=0.0, extra=0.5)
QUIET = Group(segment="retail", pool="USD", rows=8, before=100.0, extra=50.0, extra_of_losers=50.0,
              losers=3, breaches={"below_initial": 2, "below_maintenance": 0, "bankrupt": 0},
              unknown=1, lost=0, eased=0)


def test_impact_up_to_the_limits_passes():
    assert () == beyond([QUIET], LIMITS)


@pytest.mark.parametrize(("field", "value", "words"), [
    ("breaches", {"below_initial": 3, "below_maintenance": 0, "bankrupt": 0},
     "3 of 8 accounts would come to stand below initial, at most 2 may"),
    ("breaches", {"below_initial": 0, "below_maintenance": 1, "bankrupt": 0}, "below maintenance"),
    ("breaches", {"below_initial": 0, "below_maintenance": 0, "bankrupt": 1}, "bankrupt"),
    ("extra_of_losers", 51.0, "3 accounts would need 51.0 more initial margin"),
    ("lost", 1, "1 accounts that have a margin would have none")])
def test_each_limit_bites(field, value, words):
    found = beyond([QUIET, replaced(QUIET, **{field: value})], LIMITS)

    assert 1 == len(found) and words in found[0].sentence
    assert "retail, USD" == found[0].subject


def test_without_limits_a_margin_that_is_lost_bites_alone():
    worst = replaced(QUIET, breaches=dict.fromkeys(QUIET.breaches, 8), extra_of_losers=1e9)

    assert () == beyond([worst], None)
    assert ["1 accounts that have a margin would have none"] == [
        f.sentence for f in beyond([replaced(worst, lost=1)], None)]


def test_limits_that_are_no_fractions_are_all_named():
    with pytest.raises(BadInput) as refused:
        ImpactLimits(below_initial=-0.1, below_maintenance=1.1, bankrupt=float("nan"), extra=-1.0)

    assert 4 == len(refused.value.failures)
