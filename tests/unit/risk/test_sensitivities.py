"""Sensitivities are derivatives of the value, in units that say so."""

import numpy as np
import pytest

from counterpoise.instruments.catalogue import FUTURE, OPTION, SPOT, catalogue
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.risk.sensitivities import UNITS, greeks, per_lot
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS
from markets import account, market
from small_market import instruments
from small_market import market as small

DAY = DAY_NS


def columns(snapshot: MarketSnapshot) -> dict[str, np.ndarray]:
    return dict(zip(UNITS, per_lot(snapshot).T, strict=True))


def moved(snapshot: MarketSnapshot, **changes: float) -> MarketSnapshot:
    return replaced(snapshot, **{name: getattr(snapshot, name) + step
                                 for name, step in changes.items()})


@pytest.mark.parametrize(("greek", "field", "step"), [
    ("delta", "forward", 1.0), ("vega_usd", "volatility", 1e-4), ("rho_usd", "rate", 1e-4)])
def test_greeks_are_central_differences_of_the_value(greek, field, step):
    snapshot = small()
    option = snapshot.catalogue.kind == OPTION
    up, down = (columns(moved(snapshot, **{field: s}))["value_usd"] for s in (step, -step))
    scale = {"delta": 2 * step, "vega_usd": 200 * step, "rho_usd": 200 * step}[greek]

    assert np.allclose(columns(snapshot)[greek][option], ((up - down) / scale)[option],
                       rtol=1e-5, atol=1e-9)


def test_theta_is_the_value_lost_in_a_day():
    snapshot = small()
    option = snapshot.catalogue.kind == OPTION
    step = 10**9 * 60
    later, sooner = (columns(replaced(snapshot, as_of=snapshot.as_of + s))["value_usd"]
                     for s in (step, -step))
    per_day = (later - sooner) / (2 * step) * DAY

    assert np.allclose(columns(snapshot)["theta_usd"][option], per_day[option], rtol=1e-5)
    assert (columns(snapshot)["theta_usd"][option] < 0).all()


def test_gamma_is_the_change_of_delta_per_dollar_and_per_percent():
    snapshot = small()
    option = snapshot.catalogue.kind == OPTION
    up, down = (columns(moved(snapshot, forward=s))["delta"] for s in (1.0, -1.0))
    now = columns(snapshot)

    assert np.allclose(now["gamma"][option], ((up - down) / 2)[option], rtol=1e-5)
    assert np.allclose(now["gamma_usd"][option], (now["gamma"] * 70_500.0**2 / 100)[option])


def test_inverse_and_linear_option_of_the_same_terms_have_the_same_black_sensitivities():
    now, terms = columns(small()), small().catalogue
    inverse, linear = ([k for k, c in enumerate(terms.instruments) if c.id.startswith(kind)
                        and terms.kind[k] == OPTION] for kind in ("inverse", "linear"))

    for name in UNITS:
        same = np.array_equal(now[name][inverse], now[name][linear])
        assert same is (name not in ("premium_adjusted_delta", "mark_value_usd")), name


def test_premium_adjusted_delta_is_black_delta_less_the_premium_in_coin():
    now, terms = columns(small()), small().catalogue
    paid_in_coin = (terms.kind == OPTION) & (terms.payoff == 1)

    gap = now["delta"] - now["premium_adjusted_delta"]
    assert np.allclose(gap[paid_in_coin], now["value_coin"][paid_in_coin], rtol=1e-14)
    assert not gap[~paid_in_coin].any()


def test_coin_amounts_are_dollar_amounts_at_the_forward():
    now = columns(small())

    for name in ("value", "vega", "theta", "rho"):
        option = small().catalogue.kind == OPTION
        assert np.allclose(now[f"{name}_coin"][option] * 70_500.0, now[f"{name}_usd"][option])


def test_future_has_delta_only_and_its_dollars_are_its_contract_value():
    snapshot = market()
    terms, now = snapshot.catalogue, columns(snapshot)
    inverse = (terms.kind == FUTURE) & (terms.payoff == 1)

    assert np.allclose(now["delta_usd"][inverse], 1e-9)
    for name in ("value_usd", "gamma", "vega_usd", "theta_usd", "rho_usd", "mark_value_usd"):
        assert not now[name][terms.kind == FUTURE].any()


def test_spot_is_worth_its_mark():
    snapshot = small()
    spot = snapshot.catalogue.kind == SPOT

    assert columns(snapshot)["value_usd"][spot] == snapshot.mark[spot]
    assert columns(snapshot)["delta"][spot] == 1.0


def test_book_of_legs_adds_up_and_a_straddle_has_twice_the_gamma():
    snapshot = market()
    call, put = ("BTC-USD:BTC-20260327-65000-C", "BTC-USD:BTC-20260327-65000-P")
    one = greeks(account(snapshot, {call: 2.0}), snapshot).amount[0]
    other = greeks(account(snapshot, {put: 2.0}), snapshot).amount[0]
    both = greeks(account(snapshot, {call: 2.0, put: 2.0}), snapshot).amount[0]

    assert np.allclose(both, one + other, rtol=1e-12)
    gamma = list(UNITS).index("gamma")
    assert np.isclose(both[gamma], 2 * one[gamma], rtol=1e-9)


def test_rows_are_by_underlying_and_expiry_across_settlements():
    snapshot = market()
    held = greeks(account(snapshot, {
        "BTC-USD:BTC-PERP": 10.0, "BTC-USDC:USDC-PERP": 1.0,
        "ETH-USD:ETH-PERP": 10.0, "BTC-USD:BTC-20260327": 5.0}), snapshot)

    assert [0, 0, 1] == held.underlying.tolist()
    assert [0, snapshot.catalogue.expiry[snapshot.catalogue.column["BTC-USD:BTC-20260327"]],
            0] == held.expiry.tolist()


def test_inside_the_settlement_window_only_the_open_part_moves():
    days = 15 / 1440
    snapshot = small(listed=instruments(days=days))
    option = snapshot.catalogue.kind == OPTION
    fixed = np.where(option, 0.5 * snapshot.forward, 0.0)
    inside = replaced(snapshot, forward=snapshot.forward - fixed, forward_fixed=fixed)
    whole, half = columns(snapshot), columns(inside)

    assert np.allclose(half["value_usd"], whole["value_usd"])
    assert np.allclose(half["delta"][option], 0.5 * whole["delta"][option])
    assert np.allclose(half["gamma"][option], 0.25 * whole["gamma"][option])


def test_instrument_without_volatility_has_no_number():
    snapshot = small()
    quality = snapshot.quality.copy()
    column = int(np.flatnonzero(snapshot.catalogue.kind == OPTION)[0])
    quality[column] = int(Quality.MISSING_VOLATILITY)
    now = per_lot(replaced(snapshot, quality=quality))

    assert np.isnan(now[column]).sum() >= len(UNITS) - 1
    assert np.isfinite(np.delete(now, column, axis=0)).all()


def test_dollars_of_a_dollar_coin_follow_its_price():
    snapshot = small()
    cheap = replaced(snapshot, price=np.array([70_005.0, 0.9]))
    linear = np.array([c.quote == "USDC" for c in snapshot.catalogue.instruments])

    assert np.allclose(columns(cheap)["vega_usd"][linear], 0.9 * columns(snapshot)["vega_usd"][
        linear])


def test_nothing_held_has_no_rows():
    snapshot = small(listed=instruments()[:1])

    assert not len(greeks(account(replaced(snapshot, catalogue=catalogue(instruments()[:1])), {}),
                          snapshot).account)
