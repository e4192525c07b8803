"""Whatever is handed in, the answer is a sentence: what is wrong, where, what would be right."""

import json
import time
import tracemalloc
from pathlib import Path

import pytest

from bad_input_table import OPTION, TABLE, Bad, good
from counterpoise.adapters.chain import read_market
from counterpoise.adapters.portfolio_file import read_portfolio, write_portfolio
from counterpoise.adapters.positions import read_positions
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.values.failure import BadInput, Reason


def refusal(bad: Bad, folder: Path) -> BadInput:
    path = folder / "input"
    bad.make(path)
    with pytest.raises(BadInput) as refused:
        match bad.kind:
            case "portfolio":
                read_portfolio(path)
            case "positions":
                read_positions(path, symbols="deribit", listed=good_market().catalogue)
            case "market":
                read_market(path)
    return refused.value


def good_market() -> MarketSnapshot:
    return read_portfolio(json.dumps(good()).encode()).market


def test_the_good_portfolio_has_nothing_wrong():
    portfolio = read_portfolio(json.dumps(good()).encode())

    assert not portfolio.market.quality.any()


def test_table_has_at_least_forty_ways_to_be_wrong():
    assert len(TABLE) >= 40
    assert len(TABLE) == len({bad.name for bad in TABLE})


@pytest.mark.parametrize("bad", [b for b in TABLE if b.stage == "read"], ids=lambda b: b.name)
def test_bad_input_is_refused_with_a_sentence(bad, tmp_path):
    failures = refusal(bad, tmp_path).failures

    assert bad.reason in [f.reason for f in failures]
    assert bad.words in "; ".join(f"{f.subject}: {f.sentence}" for f in failures)
    assert all(f.subject and f.sentence and "Traceback" not in f.sentence for f in failures)
    assert all(len(f.sentence) < 400 for f in failures)


@pytest.mark.parametrize("bad", [b for b in TABLE if b.stage == "margin"], ids=lambda b: b.name)
def test_missing_quote_is_said_in_the_snapshot(bad, tmp_path):
    path = tmp_path / "input"
    bad.make(path)
    market = read_portfolio(path).market

    assert (market.quality & Quality[bad.reason.upper()]).any()


def test_all_violations_come_at_once(tmp_path):
    document = good()
    document["notes"] = "x"
    document["as_of"] = "2024-06-17T10:22:20"
    document["market"]["instruments"]["BTC-PERPETUAL"]["mark"] = "65,910.57"
    document["market"]["instruments"][OPTION]["iv"] = "55"
    document["account"]["balances"] = {"btc": "1"}
    document["account"]["positions"][0]["instrument"] = "BITCOIN"
    document["account"]["positions"][1]["quantity"] = "1e30"
    document["account"]["orders"][0]["reduce_only"] = True
    with pytest.raises(BadInput) as refused:
        read_portfolio(json.dumps(document).encode())

    assert {Reason.UNKNOWN_KEY, Reason.BAD_TIME, Reason.NOT_A_NUMBER, Reason.ABSURD_VOLATILITY,
            Reason.UNKNOWN_ASSET, Reason.UNKNOWN_INSTRUMENT, Reason.ABSURD_QUANTITY,
            Reason.NOT_APPLICABLE} == {f.reason for f in refused.value.failures}


def test_a_thousand_violations_are_counted_not_hoarded():
    document = good()
    document["account"]["positions"] = [{"instrument": f"X{k}", "quantity": 1}
                                        for k in range(3000)]
    with pytest.raises(BadInput) as refused:
        read_portfolio(json.dumps(document).encode())

    assert 1001 == len(refused.value.failures)
    assert "and 2001 more violations" in str(refused.value) or "more violations" in str(
        refused.value.failures[-1].sentence)


@pytest.mark.parametrize("name", ["1 GB of nested JSON", "nested 100000 deep", "too many values"])
def test_hostile_document_is_refused_in_bounded_memory_and_time(name, tmp_path):
    bad = next(b for b in TABLE if b.name == name)
    bad.make(tmp_path / "input")
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(BadInput):
        read_portfolio(tmp_path / "input")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 100 * 2**20
    assert time.perf_counter() - started < 5


def test_repeats_by_the_hundred_thousand_are_counted_in_one_pass():
    keys = ", ".join(f'"k{k % 50_000}": 1' for k in range(100_000))
    with pytest.raises(BadInput, match="stands twice"):
        read_portfolio(f"{{{keys}}}".encode())
    document = good()
    del document["account"]
    document["accounts"] = [{"id": f"a{k % 30_000}"} for k in range(60_000)]
    with pytest.raises(BadInput, match="is the id of several accounts"):
        read_portfolio(json.dumps(document).encode())


def test_unknown_keys_by_the_ten_thousand_are_refused_without_guessing_at_each():
    document = good() | {f"acount{k}": 1 for k in range(20_000)}
    with pytest.raises(BadInput) as refused:
        read_portfolio(json.dumps(document).encode())

    assert 1001 == len(refused.value.failures)


def test_forty_thousand_accounts_are_read_and_written():
    account = good()["account"] | {"given": {"mmp_margin": {"BTC": "0.1"}}}
    account["orders"] = [account["orders"][0] | {"price": "67000"}]
    document = good()
    del document["account"]
    document["accounts"] = [account | {"id": f"a{k}"} for k in range(40_000)]
    portfolio = read_portfolio(json.dumps(document).encode())

    assert (40_000, 80_000) == (len(portfolio.book), len(portfolio.book.lots))
    assert portfolio == read_portfolio(write_portfolio(portfolio))


def test_parameter_of_five_thousand_digits_is_not_finite():
    document = json.dumps(good() | {"parameters": {"general": {"mm_factor": 7}}})
    portfolio = read_portfolio(document.replace(": 7}", ": " + "7" * 5000 + "}").encode())

    assert {"general": {"mm_factor": float("inf")}} == portfolio.overrides


def test_stranger_cannot_make_us_read_a_file():
    document = good() | {"market": "../../etc/passwd"}
    with pytest.raises(BadInput, match="write the quotes into the document"):
        read_portfolio(json.dumps(document).encode())
