"""Who trades on the market of a run? Simulated accounts: seeded, labelled, never real.

A crowd opens its accounts, pays in, takes positions two by two, and from then on trades, places and
cancels orders and moves cash at every step of the course. A few accounts keep isolated positions
in a pocket, and a few are linked to another for a while. What it does at step k depends on the
crowd and on the market of that step alone, never on what the engine admitted: a run that was
interrupted meets the same events again, under the same client ids.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from counterpoise.adapters.models import model_named
from counterpoise.adapters.parameters import parameters_of
from counterpoise.engine import events as said
from counterpoise.engine import tie_events as tied
from counterpoise.engine.events import Event
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.engine.state import Equipment, Rules, State, genesis
from counterpoise.instruments.catalogue import OPTION, PERPETUAL
from counterpoise.market.course import Course
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.values.assets import asset
from counterpoise.values.digest import sha256_of_bytes
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS, SECOND_NS

ACCOUNTS_MAX: Final = 1_000_000
SEGMENT: Final = "all"
_CHUNK: Final = 2_000
_PRICE_EXPONENT: Final = -6
_OPTIONS_TRADED: Final = 40
_OPTION_LIFE: Final = 20 * DAY_NS
_OPTION_RANGE: Final = 0.1
_PAID_IN_USD: Final = (5_000.0, 6.0)
"""The least a deposit is worth, and how often it may be doubled."""
_TRADE_USD: Final = (200.0, 5.0)
_LEVERAGE_MAX: Final = 8.0
_SHARES: Final = (0.3, 0.15, 0.1)
"""Pairs of fills, orders (each is cancelled at the next step) and transfers, of the events."""
_POCKET_LEVERAGE: Final = 4.0
_TIED: Final = 100
"""One of so many accounts has a pocket, and one is linked to the next."""
_POCKET_STEPS: Final = 8
_LINK_STEPS: Final = 30
_FIRST_TIE: Final = 2
"""Until then no price has been fresh for long enough to transfer or to link by it."""
_EDITION: Final = "with pockets and links"
"""What a crowd does: one that does something else goes on with no log of this one."""
_SOURCES: Final = 3
_FRESH_NS: Final = 30 * SECOND_NS
_CALM_NS: Final = 5 * SECOND_NS
_JUMP_NS: Final = 3600 * SECOND_NS


@frozen
class Crowd:
    """Simulated accounts: how many, events of a step, whose rules, which chance."""

    accounts: int
    events: int
    model: str
    seed: int

    def __post_init__(self) -> None:
        """Refuse a crowd that cannot trade."""
        if not 2 <= self.accounts <= ACCOUNTS_MAX:
            raise bad_input(Reason.BAD_VALUE, "--accounts", f"{self.accounts}; use 2 to "
                            f"{ACCOUNTS_MAX}")
        if not 0 <= self.events <= ACCOUNTS_MAX:
            raise bad_input(Reason.BAD_VALUE, "--events", f"{self.events}; use 0 to "
                            f"{ACCOUNTS_MAX} a step")


def first_state(course: Course, equipment: Equipment) -> State:
    """Return the state before anything was said; its rules fit the pace of the course.

    A price may be two steps old and must have been fresh for one before anybody is called by it;
    never less than the engine's usual 30 and 5 seconds.
    """
    step = course.interval_ns
    codes = {*course.catalogue.settlements, *course.catalogue.underlyings, *course.first.assets,
             "USD", "USDC"}
    rules = Rules(age_max_ns={}, other_age_max_ns=max(_FRESH_NS, 2 * step),
                  calm_ns=max(_CALM_NS, step), jump_max_ns=max(_JUMP_NS, 2 * step))
    return genesis(catalogue=course.catalogue, assets=tuple(asset(c) for c in sorted(codes)),
                   equipment=equipment, rules=rules, time=course.first.as_of)


def name_of(course: Course, crowd: Crowd) -> str:
    """Return the 8 characters that begin every client id: other options, other ids."""
    first = course.first
    told = (_EDITION, first.source, str(first.as_of), str(course.interval_ns),
            str(len(course.catalogue)),
            *(str(getattr(crowd, name)) for name in ("accounts", "events", "model", "seed")))
    return sha256_of_bytes("\n".join(told).encode())[:8]


def beginning(course: Course, crowd: Crowd) -> Iterator[tuple[Event, ...]]:
    """Yield the batches before the first step: rules, accounts, cash, positions, the market."""
    first, name = course.first, name_of(course, crowd)
    now: dict[str, Any] = {"time": first.as_of}
    yield (said.SegmentDefined(client_id=f"{name}-segment", **now, segment=SEGMENT,
                               model=crowd.model, levels=DEFAULT_LEVELS),
           said.ParametersActivated(
               client_id=f"{name}-parameters", **now, segment=SEGMENT, effective_from=0,
               version=parameters_of(model_named(crowd.model), first.as_of)))
    cash = _deposits(course, crowd)
    for k in range(0, crowd.accounts, _CHUNK):
        mine = range(k, min(k + _CHUNK, crowd.accounts))
        yield tuple(said.AccountOpened(client_id=f"{name}-open-{n}", **now, account=account(n),
                                       segment=SEGMENT) for n in mine)
        yield tuple(said.Deposited(client_id=f"{name}-cash-{n}-{code}", **now, account=account(n),
                                   asset=code, amount=amounts[n])
                    for n in mine for code, amounts in cash.items())
    trades = _first_trades(course, crowd, cash)
    for k in range(0, len(trades), _CHUNK):
        yield tuple(trades[k:k + _CHUNK])
    yield market_events(course, first, None, f"{name}-0")


def account(number: int) -> str:
    """Return the name of an account."""
    return f"account-{number:06d}"


def turn(course: Course, crowd: Crowd, step: int, market: MarketSnapshot,
         before: int) -> tuple[Event, ...]:
    """Return the events of step `step` at its market; `before` is the time of the last one (ns)."""
    name = f"{name_of(course, crowd)}-{step}"
    return (*market_events(course, market, before, name, step),
            *_trading(course, crowd, step, market), *_linking(course, crowd, step, market),
            *_pockets(course, crowd, step, market))


def market_events(course: Course, market: MarketSnapshot, before: int | None, name: str,
                  step: int = 0) -> tuple[Event, ...]:
    """Return what a snapshot says: its quotes, what expired since `before`, and that it is whole.

    Absent prices are not quoted; what the course does not list is not known.
    """
    terms, now = course.catalogue, {"time": market.as_of}
    column = np.array([terms.column[c.id] for c in market.catalogue.instruments], np.int32)
    quotes = said.InstrumentQuotes(
        column=column, mark=market.mark, forward=market.forward, volatility=market.volatility,
        at=np.full(len(column), market.as_of), sources=np.full(len(column), _SOURCES, np.uint16))
    out: list[Event] = [said.MarketBatch(
        client_id=f"{name}-quotes", **now, sequence=step + 1, edition=0, quotes=quotes,
        indices=_prices(market.catalogue.underlyings, market.index, market.as_of),
        assets=_prices(market.assets, market.price, market.as_of))]
    ended = {(terms.underlyings[int(terms.underlying[k])], int(terms.expiry[k]))
             for k in np.flatnonzero((terms.expiry > (before or market.as_of))
                                     & (terms.expiry <= market.as_of))}
    for coin, expiry in sorted(ended):
        index = float(market.index[market.catalogue.underlyings.index(coin)])
        if index == index:
            out.append(said.ContractsSettled(
                client_id=f"{name}-settled-{coin}-{expiry}", **now, underlying=coin, expiry=expiry,
                price=_price(index), price_exponent=_PRICE_EXPONENT))
    return (*out, said.MarketAssembled(client_id=f"{name}-market", **now, segments=()))


def _prices(names: tuple[str, ...], price: Any, at: int) -> said.PriceQuotes:
    known = np.isfinite(price)
    count = int(known.sum())
    return said.PriceQuotes(names=tuple(n for n, k in zip(names, known, strict=True) if k),
                            price=price[known], at=np.full(count, at),
                            sources=np.full(count, _SOURCES, np.uint16))


def _price(price: float) -> int:
    return max(round(price * 10 ** -_PRICE_EXPONENT), 1)


def _chance(crowd: Crowd, *place: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([crowd.seed, *place]))


def _deposits(course: Course, crowd: Crowd) -> dict[str, list[int]]:
    """Return {asset: what each account pays in, smallest unit} for every asset of settlement."""
    random, out = _chance(crowd, 0, 0), {}
    for code in sorted(course.catalogue.settlements):
        least, doubled = _PAID_IN_USD
        worth = least * 2 ** np.rint(doubled * random.random(crowd.accounts))
        price = price_of(course.first, code)
        out[code] = np.rint(worth / price * 10 ** asset(code).decimals).astype(np.int64).tolist()
    return out


def _first_trades(course: Course, crowd: Crowd, cash: dict[str, list[int]]) -> list[Event]:
    """Return fills of two and two accounts, few of them far beyond what the poorer one owns."""
    random, name = _chance(crowd, 0, 1), name_of(course, crowd)
    out: list[Event] = []
    columns = _traded(course)
    for n in range(0, crowd.accounts - 1, 2):
        column = columns[int(random.integers(len(columns)))]
        paid: Any = course.catalogue.instruments[course.catalogue.column[column]]
        code = paid.settlement
        owned = min(cash[code][n:n + 2]) / 10 ** asset(code).decimals * price_of(course.first, code)
        size = _LEVERAGE_MAX * float(random.random()) ** 3 * owned
        out += _pair(course.first, (column, size), (f"{name}-first-{n}", n, n + 1),
                     bool(random.integers(2)))
    return out


def _pair(market: MarketSnapshot, trade: tuple[str, float], who: tuple[str, int, int],
          first_buys: bool) -> list[Event]:
    """Return both sides of a trade of (instrument, size in USD) by (id, one, other)."""
    (instrument, size), (name, one, other) = trade, who
    lots = _lots(market, instrument, size)
    return _sides(market, (instrument, lots if first_buys else -lots),
                  (name, account(one), account(other)))


def _sides(market: MarketSnapshot, trade: tuple[str, int], who: tuple[str, str, str]
           ) -> list[Event]:
    """Return both sides of a trade of (instrument, lots that one buys) by (id, one, other)."""
    (instrument, lots), (name, one, other) = trade, who
    price = _mark(market, instrument)
    if not lots or not price == price:
        return []
    return [said.Filled(client_id=f"{name}{side}", time=market.as_of, account=whose,
                        instrument=instrument, order="", lots=sign * lots, price=_price(price),
                        price_exponent=_PRICE_EXPONENT, fee=0)
            for side, whose, sign in (("a", one, 1), ("b", other, -1))]


def _traded(course: Course) -> list[str]:
    """Return what the crowd trades: perpetuals, and options near the money that live long."""
    terms, first = course.catalogue, course.first
    index = np.array([dict(zip(first.catalogue.underlyings, first.index.tolist(), strict=True)).get(
        u, np.nan) for u in terms.underlyings])[terms.underlying]
    near = np.abs(terms.strike - index) <= _OPTION_RANGE * index
    options = np.flatnonzero((terms.kind == OPTION) & near & (
        terms.expiry > first.as_of + _OPTION_LIFE))[:_OPTIONS_TRADED]
    chosen = np.flatnonzero(terms.kind == PERPETUAL).tolist() * 8 + options.tolist()
    return [terms.instruments[k].id for k in chosen]


def _mark(market: MarketSnapshot, instrument: str) -> float:
    column = market.catalogue.column.get(instrument)
    return float("nan") if column is None else float(market.mark[column])


def _lots(market: MarketSnapshot, instrument: str, size: float) -> int:
    """Return the lots of a size in USD: of the quote, for contracts counted in it."""
    column = market.catalogue.column.get(instrument)
    if column is None:
        return 0
    contract: Any = market.catalogue.instruments[column]
    option = market.catalogue.kind[column] == OPTION
    inverse = contract.payoff == "inverse" and not option
    price = 1.0 if inverse else float(market.index[market.catalogue.underlying[column]])
    contracts = size / (price * contract.multiplier)
    return round(contracts * 10.0 ** -contract.lot_exponent) if contracts == contracts else 0


def _trading(course: Course, crowd: Crowd, step: int, market: MarketSnapshot) -> Iterator[Event]:
    random, name = _chance(crowd, step, 2), f"{name_of(course, crowd)}-{step}"
    columns, now = _traded(course), {"time": market.as_of}
    for k in range(round(_SHARES[0] * crowd.events)):
        one, column = int(random.integers(crowd.accounts)), int(random.integers(len(columns)))
        other = (one + 1 + int(random.integers(crowd.accounts - 1))) % crowd.accounts
        yield from _pair(market, (columns[column], _size(random)), (f"{name}-fill-{k}", one, other),
                         bool(random.integers(2)))
    yield from _cancelled(course, crowd, step, now)
    yield from _orders(course, crowd, step, market)
    for k in range(round(_SHARES[2] * crowd.events)):
        one = int(random.integers(crowd.accounts))
        other = (one + 1 + int(random.integers(crowd.accounts - 1))) % crowd.accounts
        yield _usdc(market, f"{name}-transfer-{k}", (account(one), account(other)),
                    _size(random) / 10)


def _size(random: np.random.Generator) -> float:
    least, doubled = _TRADE_USD
    return float(least * 2 ** int(random.integers(0, int(doubled) + 1)))


def _owners(crowd: Crowd, step: int) -> list[int]:
    """Return who places the orders of a step."""
    count = round(_SHARES[1] * crowd.events)
    owners: list[int] = _chance(crowd, step, 3).integers(0, crowd.accounts, count).tolist()
    return owners


def _orders(course: Course, crowd: Crowd, step: int, market: MarketSnapshot) -> Iterator[Event]:
    random, name = _chance(crowd, step, 4), name_of(course, crowd)
    columns = _traded(course)
    for k, owner in enumerate(_owners(crowd, step)):
        instrument, size = columns[int(random.integers(len(columns)))], 4 * _size(random)
        lots, price = _lots(market, instrument, size), _mark(market, instrument)
        if lots and price == price:
            yield said.OrderPlaced(
                client_id=f"{name}-{step}-order-{k}", time=market.as_of, account=account(owner),
                order=f"{step}-{k}", instrument=instrument, price=_price(price),
                lots=lots if random.integers(2) else -lots, price_exponent=_PRICE_EXPONENT)


def _cancelled(course: Course, crowd: Crowd, step: int, now: dict[str, int]) -> Iterator[Event]:
    name = name_of(course, crowd)
    for k, owner in enumerate(_owners(crowd, step - 1) if step > 1 else ()):
        yield said.OrderCancelled(client_id=f"{name}-{step}-cancel-{k}", **now,
                                  account=account(owner), order=f"{step - 1}-{k}")


def _linking(course: Course, crowd: Crowd, step: int, market: MarketSnapshot) -> Iterator[Event]:
    """Yield the links of a step: each pair is linked for two thirds of its time."""
    name = f"{name_of(course, crowd)}-{step}"
    for k in range(crowd.accounts // _TIED):
        turns, phase = divmod(step - _FIRST_TIE - k, _LINK_STEPS)
        head = k * _TIED
        who: dict[str, Any] = {"time": market.as_of, "account": account(head + 1)}
        if turns >= 0 and phase == 0:
            yield tied.AccountLinked(client_id=f"{name}-link-{k}", **who, to=account(head))
        elif turns >= 0 and phase == _LINK_STEPS * 2 // 3:
            yield tied.AccountUnlinked(client_id=f"{name}-unlink-{k}", **who)


def _pockets(course: Course, crowd: Crowd, step: int, market: MarketSnapshot) -> Iterator[Event]:
    """Yield what is done in pockets: opened, then paid in, a position, closed, half paid back."""
    names = _paid_in_usdc(course)
    for k in range(crowd.accounts // _TIED):
        turns, phase = divmod(step - _FIRST_TIE - k, _POCKET_STEPS)
        if turns < 0 or not names:
            continue
        random = _chance(crowd, turns, 5, k)
        size, instrument = _size(random), names[int(random.integers(len(names)))]
        other, long = int(random.integers(crowd.accounts)), bool(random.integers(2))
        owner = account(k * _TIED + 2)
        name, pocket = f"{name_of(course, crowd)}-{step}-pocket-{k}", f"{owner}/isolated"
        if phase == 0 and turns == 0:
            yield tied.PocketOpened(client_id=f"{name}-open", time=market.as_of, account=pocket,
                                    owner=owner)
        if phase in (0, 6):
            way = (owner, pocket) if phase == 0 else (pocket, owner)
            yield _usdc(market, f"{name}-cash", way, size if phase == 0 else size / 2)
        elif phase in (1, 4):
            # Lots of the first market, so that what is opened is closed whatever prices did.
            lots = _lots(course.first, instrument, _POCKET_LEVERAGE * size)
            yield from _sides(market, (instrument, lots if long == (phase == 1) else -lots),
                              (name, pocket, account(other)))


def _paid_in_usdc(course: Course) -> list[str]:
    terms = course.catalogue
    return [terms.instruments[k].id for k in np.flatnonzero(terms.kind == PERPETUAL).tolist()
            if terms.instruments[k].settlement == "USDC"]


def _usdc(market: MarketSnapshot, name: str, way: tuple[str, str], size: float) -> Event:
    moved = asset("USDC")
    return said.Transferred(client_id=name, time=market.as_of, account=way[0], to=way[1],
                            asset=moved.code, amount=round(size * 10 ** moved.decimals))
