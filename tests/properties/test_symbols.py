"""Every contract that a venue can name reads back from its name as the same contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterpoise.adapters.symbols.names import instrument_of, symbol_of
from counterpoise.adapters.symbols.okx import parse as okx_contract
from counterpoise.instruments.contracts import Instrument, Right
from counterpoise.instruments.listing import Listing, future, option, perpetual, spot
from counterpoise.values.failure import BadInput
from counterpoise.values.time import DAY_NS

COINS = st.sampled_from(["BTC", "ETH", "SOL", "XRP", "DOGE", "LTC", "1000PEPE", "AVAX"])
STABLE = st.sampled_from(["USDT", "USDC"])
DAYS_2000_TO_2099 = st.integers(10_957, 47_481)
STRIKES = st.one_of(st.integers(1, 10**7).map(float),
                    st.integers(1, 10**6).map(lambda n: n / 1000))
RIGHTS = st.sampled_from(list(Right))
LAST_FRIDAYS = st.tuples(st.integers(0, 99), st.sampled_from("HMUZ"))


def expiry(day: int) -> int:
    return day * DAY_NS + DAY_NS // 3


def lines(*, quotes: st.SearchStrategy[str], inverse_quote: str = "USD",
          ) -> st.SearchStrategy[Listing]:
    linear = st.builds(lambda u, q: Listing(underlying=u, quote=q, settlement=q),
                       COINS, quotes)
    inverse = COINS.map(lambda u: Listing(underlying=u, quote=inverse_quote, settlement=u))
    return st.one_of(linear, inverse)


@st.composite
def contracts(draw: st.DrawFn, listings: st.SearchStrategy[Listing]) -> Instrument:
    listing, day = draw(listings), draw(DAYS_2000_TO_2099)
    return draw(st.sampled_from([
        perpetual(listing), future(listing, expiry(day)),
        option(listing, expiry=expiry(day), strike=draw(STRIKES), right=draw(RIGHTS)),
    ]))


@st.composite
def okx_contracts(draw: st.DrawFn) -> Instrument:
    coin, day = draw(st.sampled_from(["BTC", "ETH"])), draw(DAYS_2000_TO_2099)
    size = {"BTC": (0.01, 100.0), "ETH": (0.1, 10.0)}[coin]
    linear = Listing(underlying=coin, quote="USDT", settlement="USDT", multiplier=size[0])
    inverse = Listing(underlying=coin, quote="USD", settlement=coin, multiplier=size[1])
    options = Listing(underlying=coin, quote="USD", settlement=coin, multiplier=size[0])
    listing = draw(st.sampled_from([linear, inverse]))
    return draw(st.sampled_from([
        perpetual(listing), future(listing, expiry(day)), spot(coin, "USDT"),
        option(options, expiry=expiry(day), strike=draw(STRIKES), right=draw(RIGHTS)),
    ]))


@st.composite
def bybit_contracts(draw: st.DrawFn) -> Instrument:
    year, letter = draw(LAST_FRIDAYS)
    coin = draw(COINS)
    quarterly = instrument_of(f"{coin}USD{letter}{year:02d}", "bybit")
    linear = draw(contracts(st.builds(lambda q: Listing(underlying=coin, quote=q, settlement=q),
                                      STABLE)))
    inverse = perpetual(Listing(underlying=coin, quote="USD", settlement=coin))
    return draw(st.sampled_from([quarterly, linear, inverse]))


BY_VENUE = {
    "deribit": st.one_of(contracts(lines(quotes=STABLE)), st.builds(spot, COINS, STABLE)),
    "okx": okx_contracts(),
    "bybit": bybit_contracts(),
    "ccxt": st.one_of(contracts(lines(quotes=STABLE)), st.builds(spot, COINS, STABLE)),
    "counterpoise": st.one_of(
        contracts(lines(quotes=STABLE)),
        st.builds(lambda n, d, m: future(Listing(
            underlying="BTC", quote="USDT", settlement="USDT", multiplier=n / 1000),
            d * DAY_NS + m * 60 * 10**9), st.integers(1, 10**9), DAYS_2000_TO_2099,
            st.integers(0, 1439))),
}


@pytest.mark.parametrize("venue", BY_VENUE)
def test_instrument_reads_back_from_its_name(venue):
    @given(BY_VENUE[venue])
    def holds(instrument: Instrument) -> None:
        symbol = symbol_of(instrument, venue)

        assert instrument == instrument_of(symbol, venue)
        assert symbol == symbol_of(instrument_of(symbol, venue), venue)

    holds()


@given(contracts(lines(quotes=STABLE)), st.sampled_from(list(BY_VENUE)))
def test_printed_name_never_means_another_instrument(instrument, venue):
    try:
        symbol = symbol_of(instrument, venue)
    except BadInput:
        return

    assert instrument == instrument_of(symbol, venue)


@given(st.text(max_size=40), st.sampled_from(list(BY_VENUE)))
def test_any_text_is_a_contract_or_a_refusal(text, venue):
    try:
        instrument = instrument_of(text, venue)
    except BadInput as refusal:
        assert refusal.failures
        return

    assert instrument == instrument_of(instrument.id, "counterpoise")


@given(st.integers(1, 10**9).map(lambda n: n / 10**4))
def test_given_contract_size_rides_in_the_canonical_id(size):
    instrument = okx_contract("ABC-USDT-SWAP", size)

    assert instrument == instrument_of(instrument.id, "counterpoise")
