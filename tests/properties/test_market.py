"""Whatever a portfolio says, it is written as it was read; whatever it is, it is never a crash."""

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bad_input_table import good
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Right
from counterpoise.instruments.listing import Listing, option
from counterpoise.market.assemble import QuoteRows, quotes_of, snapshot_of
from counterpoise.market.quotes import Quotes, silence
from counterpoise.market.simulated import simulated_market
from counterpoise.values.failure import BadInput

EXPIRY = 20_000 * 86_400 * 10**9 + 8 * 3600 * 10**9
WINDOW_NS = 1800 * 10**9
CALL = option(Listing(underlying="BTC", quote="USD", settlement="BTC"), expiry=EXPIRY,
              strike=60000.0, right=Right.CALL)
NEAR = st.floats(50_000, 80_000).map(repr)
OPTIONS = st.builds("{}-{}-{}-{}".format, st.sampled_from(["BTC", "BTC_USDC"]),
                    st.sampled_from(["28JUN24", "5JUL24", "27DEC24"]),
                    st.integers(20, 200).map(lambda n: n * 1000), st.sampled_from("CP"))
QUOTE = st.fixed_dictionaries({}, optional={
    "mark": st.floats(0, 0.1).map(repr), "forward": NEAR, "iv": st.floats(0.01, 9).map(repr),
    "rate": st.floats(-1, 1).map(repr), "funding_rate": st.just("0.0001")})
AMOUNT = st.decimals(-10**6, 10**6, allow_nan=False, allow_infinity=False, places=9).map(str)
HELD = st.dictionaries(st.one_of(OPTIONS, st.sampled_from(
    ["BTC-PERPETUAL", "BTC_USDC-PERPETUAL", "ETH-PERPETUAL", "BTC-28JUN24"])),
    st.tuples(AMOUNT, st.one_of(st.none(), st.floats(1, 10**5).map(repr))), max_size=3)


@st.composite
def accounts(draw: st.DrawFn, name: str) -> dict[str, Any]:
    return {
        "id": name,
        "balances": draw(st.dictionaries(st.sampled_from(["BTC", "ETH", "USDC"]), AMOUNT)),
        "positions": [{"instrument": i, "quantity": q, **({"entry_price": p} if p else {}),
                       **({"isolated": True, "isolated_margin": "7"} if p and float(q) else
                          {"given": {"delta": q}})}
                      for i, (q, p) in draw(HELD).items()],
        "orders": [{"instrument": i, "quantity": q, **({"price": p} if p else {})}
                   for i, (q, p) in draw(HELD).items() if float(q)],
        "given": draw(st.dictionaries(st.sampled_from(["mmp_margin", "spot_margin"]), st.just(
            {"BTC": "0.125"}))),
        "equity": draw(st.dictionaries(st.sampled_from(["BTC", "USDC"]), AMOUNT)),
        "wallets": draw(st.dictionaries(st.sampled_from(["spot", "um"]), st.dictionaries(
            st.sampled_from(["BTC", "USDC"]), AMOUNT), max_size=2)),
        "loans": draw(st.dictionaries(st.sampled_from(["BTC", "USDC"]), st.just(
            {"amount": "0.3", "rate": "0.05"}))),
        "collateral": draw(st.dictionaries(st.sampled_from(["BTC", "USDC"]),
                                           st.sampled_from(["none", "hedge", "collateral"]))),
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    perpetual = {"BTC-PERPETUAL": {"mark": draw(NEAR)}} if draw(st.booleans()) else {}
    as_of = draw(st.sampled_from(["2024-06-17T10:22:20.501Z", "2024-06-28T07:45:00Z"]))
    quoted = draw(st.dictionaries(OPTIONS, QUOTE, max_size=3))
    averaging = as_of > "2024-06-28" and any("28JUN24" in name for name in quoted)
    averages = st.sampled_from([{}, {"BTC": "64000.1"}] if averaging else [{}])
    return {
        "as_of": as_of,
        "symbols": "deribit", "note": draw(st.lists(st.text(max_size=5), max_size=2)),
        "market": {"indices": {"BTC": "65000"}, "assets": {"USDC": draw(st.just("0.999"))},
                   "instruments": quoted | perpetual,
                   "settlement_averages": draw(averages),
                   "simulated": draw(st.booleans())},
        **draw(st.one_of(
            accounts("account").map(lambda a: {"account": a}),
            st.tuples(accounts("x"), accounts("y")).map(lambda a: {"accounts": list(a)}))),
    }


@given(documents())
def test_portfolio_is_written_as_it_was_read(document):
    portfolio = read_portfolio(json.dumps(document).encode())
    text = write_portfolio(portfolio)

    assert portfolio == read_portfolio(text)
    assert text == write_portfolio(read_portfolio(text))


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
                   st.sampled_from(["nan", "1e400", "-0", "2024-06-17T10:22:20", "BTC-PERPETUAL"]))
TREES = st.recursive(LEAVES, lambda c: st.one_of(st.lists(c, max_size=3), st.dictionaries(
    st.text(max_size=8), c, max_size=3)), max_leaves=6)


def _places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = tree.items() if isinstance(tree, dict) else (
        enumerate(tree) if isinstance(tree, list) else ())
    return [path, *(p for key, child in items for p in _places(child, (*path, key)))]


FULL = good() | {
    "note": ["x"], "parameters": {"mm_factor": 0.8},
    "instruments": {"mine": {
        "kind": "option", "underlying": "BTC", "quote": "USDC", "settlement": "USDC",
        "multiplier": "0.1", "lot_exponent": -3, "expiry": "2024-07-05T16:00:00Z",
        "strike": "70000", "right": "P", "settlement_window_minutes": 60}}}
FULL["market"] |= {
    "forwards": {"BTC-5JUL24": "67500"}, "rates": {"BTC": "0.02"}, "sequence": 7,
    "confidence": {"index:BTC": "1", "rate:BTC-5JUL24": "0.5"}, "source": "a test",
    "borrow_rates": {"USDC": "0.06"}, "surfaces": {"BTC-28JUN24": {
        "a": "0.01", "b": "0.1", "rho": "-0.2", "m": "0.01", "sigma": "0.1", "years": "0.03"}},
    "simulated": False}
FULL["market"]["instruments"]["mine"] = {
    "mark": "4000", "iv": "0.6", "rate": "0.01", "funding_rate": "0", "confidence": "1"}
FULL["account"] |= {
    "id": "me", "given": {"mmp_margin": {"BTC": "0.1"}, "spot_margin": {"BTC": "0.2"}},
    "equity": {"BTC": "1.4"}, "loans": {"USDC": {"amount": "70", "rate": "0.06"}},
    "wallets": {"spot": {"BTC": "0.5", "USDC": "100.25"}}, "collateral": {"BTC": "hedge"}}
FULL["account"]["positions"].append({"instrument": "mine", "quantity": "1", "unit": "coin",
                                     "entry_cost": "400", "isolated": False,
                                     "given": {"delta": "-0.3", "unrealised_pnl": "5"}})
FULL["account"]["positions"].append({"instrument": "BTC-5JUL24", "quantity": "30",
                                     "isolated": True, "isolated_margin": "0.001"})
FULL["account"]["orders"].append({"instrument": "mine", "quantity": "1", "side": "sell",
                                  "price": "10", "reduce_only": False, "unit": "contracts"})
PLACES = _places(FULL)[1:]


def test_full_file_is_a_portfolio_and_written_as_it_was_read():
    portfolio = read_portfolio(json.dumps(FULL).encode())

    assert portfolio == read_portfolio(write_portfolio(portfolio))


NASTY = (None, True, "", "words", "nan", "1e400", "-1", 0, -1, 2.5, "1,5", 1e300, [], {}, [{}],
         {"": 1}, "BTC-PERPETUAL", "2024-06-17T10:22:20", "\0", "9" * 70)


@pytest.mark.parametrize("path", PLACES, ids=lambda p: ".".join(map(str, p)))
def test_anything_anywhere_is_a_portfolio_or_a_refusal(path):
    for tree in NASTY:
        document = copy.deepcopy(FULL)
        inside: Any = document
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = tree
        try:
            read_portfolio(json.dumps(document).encode())
        except BadInput as refused:
            assert all(f.subject and f.sentence for f in refused.failures)


@given(st.lists(st.tuples(st.sampled_from(PLACES), TREES), min_size=1, max_size=4))
def test_any_change_of_a_file_is_a_portfolio_or_a_refusal(changes):
    document = copy.deepcopy(FULL)
    for path, tree in changes:
        inside = document
        for key in path[:-1]:
            known = isinstance(inside, dict) and key in inside or (
                isinstance(inside, list) and isinstance(key, int) and key < len(inside))
            inside = inside[key] if known else {}
        if isinstance(inside, dict) or (isinstance(inside, list) and path[-1] in range(
                len(inside))):
            inside[path[-1]] = tree
    try:
        portfolio = read_portfolio(json.dumps(document).encode())
    except BadInput as refused:
        assert refused.failures
        return

    assert np.isfinite(portfolio.market.mark).all() or portfolio.market.quality.any()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_portfolio_or_a_refusal(data):
    try:
        read_portfolio(data)
    except BadInput as refused:
        assert all(f.subject and f.sentence for f in refused.failures)


@given(st.integers(1, WINDOW_NS - 1), st.floats(5e4, 7e4), st.floats(5e4, 7e4))
def test_forward_in_the_window_lies_between_average_and_forward(gone_ns, average, forward):
    held = catalogue([CALL])
    columns = silence(held) | {"average": np.array([average]), "forward": np.array([forward]),
                               "index": np.array([forward])}
    market = snapshot_of(Quotes(catalogue=held, **columns), as_of=EXPIRY - WINDOW_NS + gone_ns,
                         prices={}, source="")
    whole = market.forward[0] + market.forward_fixed[0]

    assert min(average, forward) * (1 - 1e-15) <= whole <= max(average, forward) * (1 + 1e-15)
    assert 0 < market.forward_fixed[0] < average
    assert market.forward_fixed[0] == np.float64(average) * (np.float64(gone_ns) / WINDOW_NS)


@given(st.lists(st.tuples(st.floats(5e4, 8e4), st.floats(5e4, 8e4)), min_size=1, max_size=9),
       st.randoms(use_true_random=False))
def test_index_and_forward_do_not_depend_on_the_order_of_rows(rows, chance):
    def snapshot(pairs):
        n = len(pairs)
        table = np.array(pairs)
        return quotes_of(QuoteRows(
            instrument=np.zeros(n, np.int64), mark=np.full(n, 0.1), volatility=np.full(n, 0.5),
            forward=table[:, 0], index=table[:, 1], age_ns=np.zeros(n, np.int64)),
            catalogue([CALL]))

    shuffled = list(rows)
    chance.shuffle(shuffled)

    assert snapshot(rows) == snapshot(shuffled)


@given(st.integers(0, 2**63 - 1), st.booleans())
def test_every_seed_is_a_complete_market(seed, stressed):
    market = simulated_market(seed=seed, stressed=stressed)

    assert market.simulated and not market.quality.any()
    assert np.isfinite([*market.mark, *market.forward, *market.index]).all()
