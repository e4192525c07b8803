"""One portfolio under several rule books and dates: rows in dollars, or a reason."""

import json
import sys
import textwrap

import pytest

from counterpoise.adapters.dynamic_file import write_dynamic
from counterpoise.adapters.models import model_names
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.adapters.simulated_parameters import STATED, simulated_parameters
from counterpoise.apps import comparison
from counterpoise.apps.answer import margin_of
from counterpoise.apps.comparison import compare
from counterpoise.apps.report.comparison import comparison_document, comparison_text
from counterpoise.apps.report.document import json_text
from counterpoise.values.failure import BadInput, Reason
from counterpoise.values.time import parse_instant
from unit.apps.asked import missing_volatility, portfolio, two_pools

FUTURE = [{"instrument": "BTC-PERPETUAL", "quantity": "1000", "entry_price": "65000"}]
BEFORE, AFTER = (parse_instant(f"2025-01-0{day}T00:00:00Z") for day in (5, 7))


@pytest.fixture
def doubled(tmp_path, monkeypatch):
    """Install a standard margin whose rates for BTC doubled on 2025-01-06."""
    package = tmp_path / "dated"
    (package / "parameters").mkdir(parents=True)
    (package / "model.py").write_text(textwrap.dedent("""
        from counterpoise.margin.models.standard import Standard

        class Dated(Standard):
            name = "dated"

        MODEL = Dated()
    """))
    sections = [{"section": "future.btc_btc", "observed_on": day, "effective_from": day,
                 "values": {"im_base": rate, "mm_base": rate / 2, "slope_per_coin": 0}}
                for day, rate in (("2024-06-01", 0.02), ("2025-01-06", 0.04))]
    (package / "parameters" / "dated.json").write_text(json.dumps({"number": 1, "sections": [
        *sections, {"section": "option", "observed_on": "2024-06-01",
                    "effective_from": "2024-06-01", "values": {}}]}))
    info = tmp_path / "dated-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dated\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[counterpoise.margin_models]\ndated = dated.model:MODEL\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("dated.model", "dated"):
        sys.modules.pop(name, None)


def test_every_model_has_a_row_for_every_account() -> None:
    rows = compare(read_portfolio(json.dumps(two_pools()).encode())).rows

    assert [(a, m) for a in ("both", "bare") for m in model_names()] == [
        (row.account, row.model) for row in rows]


def test_a_row_is_the_answer_in_dollars() -> None:
    asked = portfolio()
    row = compare(asked, models=("deribit_spm",)).rows[0]
    pool = margin_of(asked).pools[0]
    index = float(asked.market.index[0])

    assert row.initial == pytest.approx(pool.initial * index, rel=1e-12)
    assert row.maintenance == pytest.approx(pool.maintenance * index, rel=1e-12)
    assert sum(row.components.values()) == pytest.approx(row.initial, rel=1e-12)
    assert row.leverage == pytest.approx(pool.leverage, rel=1e-12)


def test_two_dates_stand_side_by_side(doubled) -> None:
    asked = portfolio(orders=[], positions=FUTURE)
    before, after = compare(asked, models=("dated",), days=(BEFORE, AFTER)).rows

    assert (BEFORE, AFTER) == (before.parameters_as_of, after.parameters_as_of)
    assert after.initial == pytest.approx(2 * before.initial, rel=1e-12)
    assert any("parameters in force at 2025-01-05" in note for note in before.notes)


def test_one_date_is_that_of_the_margin_too(doubled) -> None:
    asked = portfolio(orders=[], positions=FUTURE)
    row = compare(asked, models=("dated",), days=(AFTER,)).rows[0]
    alone = margin_of(asked, model="dated", parameters_as_of=AFTER).pools[0]

    assert row.initial == pytest.approx(alone.initial * float(asked.market.index[0]), rel=1e-12)


def test_a_model_that_does_not_apply_is_a_row_with_the_reason() -> None:
    row = compare(read_portfolio(json.dumps(missing_volatility()).encode()),
                  models=("deribit_spm",)).rows[0]

    assert row.initial != row.initial
    assert "has no implied volatility" in row.failures[0].sentence


def test_a_pool_without_a_dollar_price_is_named(monkeypatch) -> None:
    monkeypatch.setattr(comparison, "usd_price", lambda market, asset: float("nan"))
    row = compare(portfolio(), models=("deribit_spm",)).rows[0]

    assert [("BTC", Reason.MISSING_PRICE)] == [(f.subject, f.reason) for f in row.failures]
    assert "market.assets" in row.failures[0].sentence


def test_parameters_that_cannot_be_used_are_a_row_with_the_reason() -> None:
    asked = read_portfolio(json.dumps(
        two_pools() | {"model": "standard", "parameters": {"nonsense": 1}}).encode())
    rows = compare(asked, models=("standard",)).rows

    assert ["is not a parameter"] * 2 == [row.failures[0].sentence[:18] for row in rows]


def test_unknown_models_are_named_all_at_once() -> None:
    with pytest.raises(BadInput, match="nobody.*noone"):
        compare(portfolio(), models=("nobody", "deribit_spm", "noone"))


def test_text_shows_numbers_bars_parts_and_readings() -> None:
    text = "\n".join(comparison_text(compare(portfolio()), name="book.json"))

    for words in ("book.json", "USD over all pools", "deribit_spm", "standard", "####",
                  "made of", "worst case", "our reading"):
        assert words in text, words


def test_text_shows_what_is_part_of_maintenance_margin_alone() -> None:
    found = compare(portfolio(orders=[], positions=FUTURE), models=("hyperliquid",), restate=True)
    text = "\n".join(comparison_text(found))

    assert "min_borrow_offset" not in found.rows[0].components
    assert "min borrow offset 0.00 / 20.00" in text


def test_json_says_null_where_a_number_is_missing() -> None:
    found = compare(read_portfolio(json.dumps(missing_volatility()).encode()),
                    models=("deribit_spm",))
    document = json.loads(json_text(comparison_document(found)))

    assert "USD" == document["numeraire"]
    assert [None] * len(found.rows) == [row["initial_margin"] for row in document["rows"]]
    assert all(row["failures"] for row in document["rows"])


def test_text_stops_after_twenty_accounts() -> None:
    document = two_pools()
    one = document["accounts"][1]
    document["accounts"] = [one | {"id": f"a{k}"} for k in range(25)]
    found = compare(read_portfolio(json.dumps(document).encode()), models=("standard",))
    text = "\n".join(comparison_text(found))

    assert "Account a19" in text and "Account a20" not in text
    assert "and 5 more accounts" in text


def test_a_model_can_be_asked_about_the_same_risk_in_linear_contracts() -> None:
    asked = portfolio(orders=[], positions=FUTURE)
    plain = compare(asked, models=("hyperliquid",)).rows[0]
    row = compare(asked, models=("hyperliquid",), restate=True).rows[0]

    assert plain.initial != plain.initial and plain.failures
    assert row.initial > 0 and not row.failures
    assert "restated as linear contracts settled in USDC" in row.notes[-1]


def test_a_model_that_covers_the_account_is_not_restated() -> None:
    plain, asked = (compare(portfolio(), models=("deribit_spm",), restate=r).rows
                    for r in (False, True))

    assert plain == asked


CALIBRATED = simulated_parameters(count=80)


@pytest.fixture
def calibrated(tmp_path):
    """A file of parameters of dynamic, other than those that come with the package."""
    write_dynamic(str(tmp_path / "mine.json"), CALIBRATED, STATED)
    return tmp_path / "mine.json"


def test_parameters_of_a_file_stand_for_those_of_its_model_alone(calibrated) -> None:
    asked = read_portfolio(json.dumps(two_pools()).encode())
    own, ours = (compare(asked, models=("dynamic", "standard"), parameters=path).rows
                 for path in (None, str(calibrated)))
    alone = margin_of(asked, model="dynamic", parameters_file=str(calibrated))

    for k, row in enumerate(ours):
        assert (row.model == "dynamic") is ("with the parameters in mine.json" in row.notes)
        assert (row.model == "dynamic") is (row.initial != own[k].initial)
    assert alone.pools[0].initial == next(
        r for r in ours if (r.account, r.model) == (alone.pools[0].account, "dynamic")).initial


def test_parameters_that_no_model_would_take_are_refused(calibrated, tmp_path) -> None:
    asked = read_portfolio(json.dumps(two_pools()).encode())
    with pytest.raises(BadInput, match="parameters of 'dynamic', which is not among the models"):
        compare(asked, models=("standard",), parameters=str(calibrated))

    document = json.loads(calibrated.read_text())
    del document["model"]
    nobody = tmp_path / "nobody.json"
    nobody.write_text(json.dumps(document))
    with pytest.raises(BadInput, match="does not say whose parameters"):
        compare(asked, parameters=str(nobody))
    assert compare(asked, models=("dynamic",), parameters=str(nobody)).rows[0].initial > 0

    document["sections"][0]["values"]["level"] = 2
    nobody.write_text(json.dumps(document))
    with pytest.raises(BadInput, match="level"):
        compare(asked, models=("dynamic",), parameters=str(nobody))
