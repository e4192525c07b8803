"""Every report tells the tests of a forecast distribution, and why a model has none."""

import json

import numpy as np
import pytest

from counterpoise.adapters.worlds import Place
from counterpoise.apps.backtest import Run, Trial
from counterpoise.apps.cli.dispatch import answered
from counterpoise.apps.report.backtest import backtest_document, backtest_text, told
from counterpoise.apps.report.backtest_page import backtest_page
from counterpoise.apps.report.disclosure import disclosure
from counterpoise.apps.report.histogram import histogram
from counterpoise.backtest.law import columns_of, no_columns
from counterpoise.backtest.replay import Observation
from counterpoise.backtest.series import Terms
from counterpoise.values.time import DAY_NS, instant_of_day

DAYS = 300
MODELS = ("sharp=dynamic", "flat=dynamic", "standard")
BEGIN = instant_of_day(2022, 1, 1)


def observed(model):
    """Return days on which P&L of a changing deviation meets the law of a model, or none."""
    chance = np.random.default_rng(17)
    deviation = 100 * np.exp(0.6 * np.sin(np.arange(DAYS) / 15))
    loss = -deviation * chance.standard_normal(DAYS)
    draws = chance.standard_normal((DAYS, 1, 300))
    size = deviation if model.startswith("sharp") else np.full(DAYS, 130.0)
    grid, one = model == "standard", np.ones(1)
    return tuple(Observation(
        at=BEGIN + k * DAY_NS, until=BEGIN + (k + 1) * DAY_NS, portfolios=("BTC long",),
        initial=300 * one, maintenance=240 * one, raw=300 * one, buffered=300 * one,
        loss=loss[k:k + 1], shortfall=np.maximum(loss[k:k + 1] - 300, 0),
        shortfall_maintenance=np.maximum(loss[k:k + 1] - 240, 0), worst=("a fall",), failure=("",),
        no_law="its scenarios are a grid" if grid else "",
        **(no_columns(1) if grid else columns_of(size[k] * draws[k], loss[k:k + 1], 0.975)))
        for k in range(DAYS))


@pytest.fixture(scope="module")
def found():
    place = Place(market=None, coins=(), perpetuals=None, volatilities=(), surfaces=None,
                  funding=None, seed=1, days=DAYS)
    trial = Trial(place=place, models=MODELS, parameters={}, portfolios=(), begin=0, end=0,
                  horizon_days=1)
    run = Run(trial=trial, seen={m: observed(m) for m in MODELS}, source="made", simulated=False,
              digest="0" * 64, versions=dict.fromkeys(MODELS, "v"))
    return told(run, Terms(margin="initial", level=0.99, horizon_days=1))


def test_document_has_every_test_of_the_forecast_or_the_reason(found):
    tree = json.loads(json.dumps(backtest_document(found), allow_nan=False))
    sharp, _, grid = (tree["models"][m]["portfolios"][0] for m in MODELS)
    pair = tree["forecast_comparisons"][0]

    assert {"z1", "z2", "z2_p_value", "fz0", "calibration", "residuals", "intercept",
            "dynamic_quantile", "berkowitz", "kolmogorov", "histogram"} < sharp["forecast"].keys()
    assert sharp["no_forecast"] is None and DAYS == sum(sharp["forecast"]["histogram"])
    assert grid["forecast"] is None and "its scenarios are a grid" == grid["no_forecast"]
    assert {"worst", "mean"} == grid["p_values"]["dynamic_quantile"].keys()
    assert 1 == len(tree["forecast_comparisons"]) and tree["no_forecast_comparison"] is None
    assert ("sharp=dynamic", "flat=dynamic", 1, 1) == tuple(
        pair[k] for k in ("first", "second", "portfolios_compared", "first_better"))
    assert pair["portfolios"][0]["difference"] < 0 and pair["portfolios"][0]["p_value"] < 0.05


def test_text_says_who_forecast_better_and_who_forecast_nothing(found):
    text = "\n".join(backtest_text(found))

    assert "of 1 portfolios the first scores better on 1 (1 significantly)" in text
    assert "no forecast judged for 1 portfolio(s): its scenarios are a grid" in text
    assert "z2 p" in text and "DQ p" in text


def test_page_draws_the_transform_where_there_is_a_law(found):
    page = backtest_page(found)

    assert 2 == page.count("<figure>") and "Forecasts compared" in page
    assert "No forecast is judged for 1 portfolio(s): its scenarios are a grid." in page


def test_disclosure_leaves_empty_what_is_not_known_and_says_why(found):
    sharp, _, grid = disclosure(found)["rows"]

    assert sharp["no_forecast"] == "" and float(sharp["acerbi_szekely_z2_p_value"]) > 0.01
    assert ("", "", "its scenarios are a grid") == (
        grid["acerbi_szekely_z2"], grid["fz0"], grid["no_forecast"])
    assert float(grid["dynamic_quantile_p_value"]) >= 0


def test_one_model_with_a_law_is_compared_with_nobody(found):
    from counterpoise.values.frozen import replaced

    alone = told(replaced(found.run, seen={m: found.run.seen[m] for m in MODELS[1:]}), found.terms)
    tree = backtest_document(alone)

    assert [] == tree["forecast_comparisons"]
    assert "takes two models that forecast a distribution; here 1 of 2 do" == tree[
        "no_forecast_comparison"]


def test_bars_of_the_histogram_stand_for_the_days():
    drawn = histogram((10, 20, 30, 40))

    assert 5 == drawn.count("<rect") and "40 of 100 days" in drawn
    heights = [float(part.split('"')[0]) for part in drawn.split('height="')[1:5]]
    assert heights == pytest.approx([heights[3] * k / 4 for k in (1, 2, 3, 4)], abs=0.1)


@pytest.mark.parametrize(("typed", "words"), [
    (["--model", "standard,standard"], "names standard twice"),
    (["--model", "a=standard,a=tims"], "names a twice"),
    (["--model", "=standard"], "'=standard' is not LABEL=NAME"),
    (["--model", "a="], "'a=' is not LABEL=NAME"),
    (["--model", "a=standard,tims", "--parameters", "f.json"], "one of a, tims"),
    (["--model", "a=standard", "--parameters", "a=f", "--parameters", "a=g"], "a second one of a"),
    (["--model", "a=nobody"], "nobody")])
def test_parameters_without_an_owner_are_refused(capsys, typed, words):
    assert 2 == answered(["backtest", *typed])
    assert words in capsys.readouterr().err
