"""Cross portfolio margin by hand: BTC 65,000 with a range of 16 %, ETH 1,900 with one of 18 %."""

import json
import math

import numpy as np
import pytest

import markets
from counterpoise import explain, margin_of, read_portfolio
from counterpoise.accounts.book import Book, Entries, book_of
from counterpoise.adapters.parameters import parameters_of
from counterpoise.apps.report.requirement import pools_text
from counterpoise.apps.surface import surfaces
from counterpoise.collateral.valuation import contract_values
from counterpoise.margin.compute import STATUS, compute_margin, priced
from counterpoise.margin.models.deribit_xpm import MODEL
from counterpoise.pricing.black import black76
from counterpoise.values.assets import asset
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from counterpoise.values.quantity import UNKNOWN, power_of_ten

MARKET = markets.market()
VERSION = parameters_of(MODEL, markets.AS_OF)
BTC, ETH = 65_000.0, 1_900.0
INVERSE, LINEAR = "BTC-USD:BTC-PERP", "BTC-USDC:USDC-PERP"


def book(held: dict[str, float], balances: dict[str, float], orders: dict[str, float] | None = None,
         *, known: bool = True) -> Book:
    """Return one account entered at the marks; sizes in contract units (USD if inverse)."""
    terms = MARKET.catalogue
    column = np.array([terms.column[name] for name in held], np.int32)
    lots = np.array([round(q * 1e9) for q in held.values()], np.int64)
    units = np.array([power_of_ten(asset(s).decimals) for s in terms.settlements])
    cost = np.rint(contract_values(MARKET)[column] * lots * units[terms.settlement[column]])
    assets = tuple(asset(code) for code in sorted(balances))
    amounts = [[round(balances[a.code] * 10**a.decimals) for a in assets]]
    return replaced(markets.account(MARKET, {}, orders), accounts=np.array(["x"]),
                    **{name: getattr(made, name) for made in [book_of(
                        catalogue=terms, accounts=np.array(["x"]), positions=Entries(
                            account=np.zeros(len(held), np.int64), instrument=column, lots=lots,
                            entry_cost=cost.astype(np.int64) if known else np.full(
                                len(held), UNKNOWN)))]
                       for name in ("row_pointer", "instrument", "lots", "entry_cost")},
                    assets=assets, balances=np.array(amounts, np.int64).reshape(1, -1))


def margins(held, balances, orders=None, market=MARKET, changes=None, **more):
    """Return the margins of one account under changed parameters."""
    version = parameters_of(MODEL, markets.AS_OF, changes)
    return compute_margin(book(held, balances, orders, **more), market, model=MODEL,
                          version=version)


def parts(*arguments, **more):
    """Return the components of the initial margin of one account."""
    needs = margins(*arguments, **more).requirements
    return {name: column[0] for name, column in needs.initial_components.items()}


def test_coin_is_a_position_of_its_own():
    found = margins({}, {"BTC": 2})

    assert 0.16 * 2 * BTC == pytest.approx(found.requirements.initial[0])
    assert 0.16 * 2 * BTC == pytest.approx(found.requirements.initial_components["equity"][0])
    assert 2 * BTC == found.margin_balance[0]


def test_dollars_are_no_risk():
    assert 0 == margins({}, {"USDC": 1_000}).requirements.initial[0]


def test_book_of_coin_and_perpetuals_of_another_needs_both_worst_cases():
    # The published sum: range x |BTC equity| + range x |net ETH| + 0.5 % x (|inverse| + |linear|).
    inverse, linear = 10 * ETH, -4.0
    needs = margins({"ETH-USD:ETH-PERP": inverse, "ETH-USDC:USDC-PERP": linear},
                    {"BTC": 1, "ETH": 3}).requirements

    assert 0.16 * BTC + 0.18 * ETH * (10 - 4 + 3) + 0.005 * ETH * (10 + 4) == pytest.approx(
        needs.initial[0], rel=1e-9)
    assert 0.8 * needs.initial[0] == pytest.approx(needs.maintenance[0])


def test_worst_cases_of_coins_are_independent():
    alone = [margins(*a).requirements.initial[0] for a in (
        ({INVERSE: BTC}, {}), ({"ETH-USD:ETH-PERP": -ETH}, {}))]
    both = margins({INVERSE: BTC, "ETH-USD:ETH-PERP": -ETH}, {}).requirements.initial[0]

    assert sum(alone) == pytest.approx(both)


def test_coin_covers_the_short_perpetual_that_it_hedges():
    found = parts({INVERSE: -BTC}, {"BTC": 1})

    assert 0 == pytest.approx(found["worst_case"] + found["equity"], abs=1e-4)
    assert 0.01 * BTC == pytest.approx(found["roll_shock"])


def test_linear_and_inverse_contracts_net_in_the_worst_case_and_not_in_the_roll():
    found = parts({INVERSE: BTC, LINEAR: -1.0}, {})

    assert 0 == pytest.approx(found["worst_case"] + found["equity"], abs=1e-4)
    assert 2 * 0.01 * BTC == pytest.approx(found["roll_shock"])


def test_a_debt_in_coin_loses_when_the_coin_rises():
    needs = margins({}, {"BTC": -1, "USDC": 200_000}).requirements

    assert 0.16 * BTC == pytest.approx(needs.initial[0])
    assert "+16" in priced(MARKET, model=MODEL, version=VERSION)[0].scenarios.labels[
        needs.worst.scenario[0]] or needs.worst.scenario[0] >= 25


def test_a_short_option_loses_its_coin_loss_at_the_shocked_price():
    name = next(c.id for c in MARKET.catalogue.instruments
                if c.id.startswith("BTC-USD:BTC-2026") and c.id.endswith("-65000-C"))
    at = MARKET.catalogue.column[name]
    forward, strike = float(MARKET.forward[at]), 65_000.0
    years = (MARKET.catalogue.expiry[at] - MARKET.as_of) / (365 * 86_400e9)
    sigma = float(MARKET.volatility[at])
    days = 365 * years
    up = sigma * (1 + 0.5 * (30 / days)**(0.3 if days < 30 else 0.13))

    def coins(price: float, vol: float) -> float:
        value = black76(forward=np.array([price]), strike=np.array([strike]),
                        years=np.array([years]), volatility=np.array([vol]),
                        right=np.array([1], np.int8), rate=np.zeros(1)).value[0]
        return float(value) / price

    loss = (coins(1.16 * forward, max(up, 0.5)) - coins(forward, sigma)) * 1.16 * BTC
    # What was received for the option cancels its value: no equity, no position in the coin.
    held = parts({name: -1.0}, {"BTC": float(MARKET.mark[at])})

    assert loss == pytest.approx(held["worst_case"] + held["equity"], rel=1e-6)


def test_equity_of_an_offset_currency_counts_on_its_side_only():
    short, long = ({LINEAR: q} for q in (-1.0, 1.0))
    sided = {"currency": {"btc": {"equity_side_impact": "up"}}}

    assert 0 == pytest.approx(sum(parts(short, {"BTC": 1}, changes=sided)[n]
                                  for n in ("worst_case", "equity")), abs=1e-4)
    assert 0.16 * BTC == pytest.approx(sum(parts(long, {"BTC": 1}, changes=sided)[n]
                                           for n in ("worst_case", "equity")))


def test_an_unknown_side_of_equity_is_refused():
    with pytest.raises(BadInput, match="equity_side_impact"):
        parameters_of(MODEL, markets.AS_OF, {"currency": {"btc": {"equity_side_impact": "left"}}})


def test_staked_ether_is_ether_with_a_haircut():
    market = replaced(MARKET, assets=(*MARKET.assets, "STETH"),
                      price=np.append(MARKET.price, 1_890.0))
    found = margins({"ETH-USD:ETH-PERP": -1_890.0}, {"STETH": 1}, market=market)
    needs = found.requirements

    assert 0.925 * 1_890 == pytest.approx(found.margin_balance[0])
    assert 0.005 * 1_890 == pytest.approx(needs.initial[0], abs=1e-4)


def test_a_bucket_of_an_unknown_coin_is_refused():
    with pytest.raises(BadInput, match="bucket.btc: 'doge' has no parameters"):
        parameters_of(MODEL, markets.AS_OF, {"bucket": {"btc": "doge"}})


def test_delta_beyond_the_threshold_costs_its_slope():
    # 400 coins of 65,000: 26m USD, 92.3 coins above 20m; slope 0.00005 per coin.
    found = parts({LINEAR: 400.0}, {})
    beyond = 400 - 20e6 / BTC

    assert 400 * 0.00005 * beyond * BTC == pytest.approx(found["delta_shock"])


def test_orders_add_their_worse_side_and_stated_amounts_stand():
    order = {LINEAR: 1.0}
    computed = parts({LINEAR: 1.0}, {}, order)["open_orders_margin"]

    assert 0.17 * BTC == pytest.approx(computed)


@pytest.mark.parametrize(("balances", "changes", "reason"), [
    ({"SOL": 5}, {}, "no_parameters"),
    ({"BTC": 1}, {"currency": {"btc": {"correlation_set": True}}}, "not_applicable"),
])
def test_what_the_model_does_not_cover_is_a_failure(balances, changes, reason):
    found = margins({INVERSE: BTC}, balances, changes=changes)

    assert [reason] == [str(f.reason) for f in found.requirements.failures]
    assert np.isnan(found.requirements.initial).all()
    assert "unknown" == STATUS[found.status[0]]


def test_without_an_entry_price_equity_and_with_it_the_requirement_is_unknown():
    found = margins({INVERSE: BTC}, {"BTC": 1}, known=False)

    assert ["missing_entry"] == [str(f.reason) for f in found.requirements.failures]
    assert np.isnan(found.requirements.initial[0])


def test_contributions_and_equity_add_up_to_the_worst_case():
    held = book({INVERSE: -2 * BTC, LINEAR: 0.5, "ETH-USD:ETH-PERP": ETH}, {"BTC": 1})
    arrays = priced(MARKET, model=MODEL, version=VERSION)
    needs = MODEL.requirement(held, arrays, MARKET, VERSION.parameters, 1)
    shares = MODEL.contributions(held, arrays, MARKET, VERSION.parameters)
    vectors = MODEL.vectors(held, arrays, MARKET, VERSION.parameters)[0]

    assert needs.initial_components["worst_case"][0] == pytest.approx(shares.initial[:, 0].sum())
    assert needs.initial_components["equity"][0] < 0
    assert -vectors.counted.min(axis=1).sum() == pytest.approx(
        needs.initial_components["worst_case"][0] + needs.initial_components["equity"][0])


def test_a_hedge_of_what_hedges_the_coin_raises_the_scan():
    """Not declared: the short perpetual covers the coin; buying it back uncovers it."""
    covered, hedged = (parts(held, {"BTC": 1}) for held in (
        {INVERSE: -BTC}, {INVERSE: -BTC, LINEAR: 0.5}))

    assert "hedge_never_raises_scan" not in MODEL.laws
    assert hedged["worst_case"] + hedged["equity"] > covered["worst_case"] + covered["equity"] + 1


def test_size_charges_break_homogeneity_and_subadditivity():
    """Not declared: the delta shock is convex in size."""
    one, two = (margins({LINEAR: n * 300.0}, {}).requirements.initial[0] for n in (1, 2))

    assert not {"homogeneous_scan", "subadditive"} & MODEL.laws
    assert two > 2 * one + 1


def test_a_long_option_can_need_more_than_its_premium():
    """Not declared: the roll shock comes on top of a premium that is lost whole."""
    column = next(k for k, c in enumerate(MARKET.catalogue.instruments)
                  if c.id.startswith("BTC-USDC:USDC-20260206") and c.id.endswith("-65000-C"))
    needs = margins({MARKET.catalogue.instruments[column].id: 1.0}, {}).requirements

    assert "long_option_at_most_premium" not in MODEL.laws
    assert needs.initial[0] > MARKET.mark[column]


def document(**account):
    """Return a portfolio of coin and a short perpetual."""
    return read_portfolio(json.dumps({
        "as_of": "2026-02-15T21:30:00Z", "model": "deribit_xpm", "symbols": "deribit",
        "market": {"indices": {"BTC": 65000}, "assets": {"USDC": 1},
                   "instruments": {"BTC-PERPETUAL": {"mark": 65000}}},
        "account": {"balances": {"BTC": "1"}, "positions": [
            {"instrument": "BTC-PERPETUAL", "quantity": -32_500, "entry_price": 65000}]}
        | account}).encode())


def test_the_answer_shows_usage_and_legs_in_dollars():
    explanation = explain(document())
    pool = explanation.answer.pools[0]

    assert ("USD", "healthy") == (pool.currency, pool.status)
    assert 0.16 * 32_500 + 0.01 * 32_500 == pytest.approx(pool.initial)
    assert pool.initial / 65_000 == pytest.approx(pool.figures["initial_margin_usage"])
    assert "initial margin usage" in "\n".join(pools_text(explanation.answer, None))
    assert ["USD"] == [leg.currency for leg in explanation.legs]


def test_an_account_without_balances_is_told_what_was_assumed():
    notes = margin_of(document(balances={})).notes

    assert any("as if it owned nothing" in note for note in notes)
    assert not any("owned nothing" in note for note in margin_of(
        document(balances={}, equity={"BTC": 1})).notes)


def test_a_coin_without_a_price_is_named_once():
    pool = margin_of(document(balances={"BTC": 1, "ETH": 2})).pools[0]

    assert [("missing_price", "ETH")] == [(str(f.reason), f.subject) for f in pool.failures]


def test_stated_amounts_are_added_in_dollars():
    plain, stated = (margin_of(document(**a)).pools[0] for a in (
        {}, {"given": {"mmp_margin": {"BTC": "0.1"}, "spot_margin": {"USDC": 5}}}))

    assert 6_505 == pytest.approx(stated.initial - plain.initial)
    assert math.isclose(stated.maintenance, plain.maintenance)


def test_a_picture_of_one_pool_is_refused_with_a_sentence():
    with pytest.raises(BadInput, match="puts all assets of an account into one pool"):
        surfaces(margin_of(document()))
