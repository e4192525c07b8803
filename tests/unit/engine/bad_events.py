"""Events that must change nothing, each with the reason for which it is refused.

Said to a calm world in which alice has 100,000 USDC, a long perpetual and the orders "open" and
"spot", bob has 2 BTC, "w1" is set aside for alice, "alice/1" is a pocket of alice with 10 USDC,
dora is linked to bob, erin is in the segment "other", what ended at `ENDED` is settled and the
market is at sequence 4. `NAME: (kind, fields, reason)`.
"""

import numpy as np

from counterpoise.collateral.borrowing import Borrowing
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import ExposureLimits
from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import events as said
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.instruments.listing import Listing, future, perpetual
from counterpoise.values.failure import Reason
from counterpoise.values.frozen import replaced
from engine_events import BORROWING, LIMITS, RULES, SCHEDULE, VERSION
from engine_world import EXPIRY, START, parameters

PERP = "BTC-USDC:USDC-PERP"
FILL = {"account": "alice", "instrument": PERP, "order": "", "lots": 10**9, "price": 70_000,
        "price_exponent": 0, "fee": 0}
ORDER = {"account": "alice", "order": "new", "instrument": PERP, "lots": 10**9, "price": 70_000,
         "price_exponent": 0}
CHANGE = {"account": "alice", "order": "open", "lots": 10**9, "price": 1, "price_exponent": 0}
MOVE = {"account": "alice", "asset": "USDC", "amount": 10}
FUNDING = {"instrument": PERP, "rate": 1, "rate_exponent": -4, "price": 7, "price_exponent": 4}
SETTLE = {"underlying": "BTC", "expiry": EXPIRY, "price": 7, "price_exponent": 4}
ACTIVE = {"segment": "retail", "version": parameters(number=9), "effective_from": 0}
COUNT = {"segment": "retail", "counting": {}, "effective_from": 0}
LIMIT = {"segment": "retail", "limits": ExposureLimits(platform={"BTC": 1.0}),
         "effective_from": 0}
LEND = {"segment": "retail", "borrowing": BORROWING, "effective_from": 0}
HOUR = 3600 * 10**9
ENDED = START + 10**9
SHORT = future(Listing(underlying="BTC", quote="USDC", settlement="USDC"), ENDED)
DEFINE = {"segment": "new", "model": "gross_orders", "levels": DEFAULT_LEVELS}


def batch(world, **changes):
    """Return the fields of a batch that would be good, changed."""
    good = world.batch()
    return {name: getattr(good, name) for name in (
        "sequence", "edition", "quotes", "indices", "assets")} | changes


def spoiled(world, **columns):
    """Return a batch of one index with columns changed."""
    indices = said.PriceQuotes(names=("BTC",), price=np.array([70_000.0]),
                               at=np.array([world.time]), sources=np.array([3], np.uint16))
    none = np.zeros(0)
    quotes = said.InstrumentQuotes(column=np.zeros(0, np.int32), mark=none, forward=none,
                                   volatility=none, at=np.zeros(0, np.int64),
                                   sources=np.zeros(0, np.uint16))
    nothing = said.PriceQuotes(names=(), price=none, at=np.zeros(0, np.int64),
                               sources=np.zeros(0, np.uint16))
    return batch(world, quotes=quotes, assets=nothing, indices=replaced(indices, **columns))


BAD = {
    "no client id": (said.Deposited, {**MOVE, "client_id": ""}, Reason.BAD_VALUE),
    "used client id": (said.Deposited, {**MOVE, "client_id": "c1"}, Reason.OTHER_CONTENT),
    "too old": (said.Deposited, {**MOVE, "time": START - HOUR}, Reason.LATE),
    "too young": (said.Deposited, {**MOVE, "time": START + HOUR}, Reason.BAD_TIME),
    "deposit of nothing": (said.Deposited, {**MOVE, "amount": 0}, Reason.BAD_VALUE),
    "deposit that takes": (said.Deposited, {**MOVE, "amount": -5}, Reason.BAD_VALUE),
    "deposit beyond 64 bits": (said.Deposited, {**MOVE, "amount": 2**63 - 1},
                               Reason.ABSURD_QUANTITY),
    "deposit of an unknown asset": (said.Deposited, {**MOVE, "asset": "GOLD"},
                                    Reason.UNKNOWN_ASSET),
    "deposit to nobody": (said.Deposited, {**MOVE, "account": "nobody"}, Reason.UNKNOWN_ACCOUNT),
    "deposit to a closed account": (said.Deposited, {**MOVE, "account": "carol"}, Reason.CLOSED),
    "fee of nothing": (said.FeeCharged, {**MOVE, "amount": 0}, Reason.BAD_VALUE),
    "fill of no lots": (said.Filled, {**FILL, "lots": 0}, Reason.ABSURD_QUANTITY),
    "fill of too many lots": (said.Filled, {**FILL, "lots": 2**62 + 1}, Reason.ABSURD_QUANTITY),
    "fill that overflows a position": (said.Filled, {**FILL, "lots": 2**62, "price": 1},
                                       Reason.ABSURD_QUANTITY),
    "fill at no price": (said.Filled, {**FILL, "price": 0}, Reason.ABSURD_PRICE),
    "fill at a negative price": (said.Filled, {**FILL, "price": -1}, Reason.ABSURD_PRICE),
    "fill at an absurd exponent": (said.Filled, {**FILL, "price_exponent": 40},
                                   Reason.ABSURD_PRICE),
    "fill of an unknown instrument": (said.Filled, {**FILL, "instrument": "DOGE"},
                                      Reason.UNKNOWN_INSTRUMENT),
    "fill of an unknown order": (said.Filled, {**FILL, "order": "none"}, Reason.UNKNOWN_ORDER),
    "fill of more than its order": (said.Filled, {**FILL, "order": "open", "lots": 3 * 10**9},
                                    Reason.BAD_VALUE),
    "fill of the other side of its order": (said.Filled, {**FILL, "order": "open",
                                                          "lots": -10**9}, Reason.BAD_VALUE),
    "fill of part of a smallest unit": (said.Filled, {**FILL, "instrument": "BTC-USDC-SPOT",
                                                      "lots": 7}, Reason.BAD_VALUE),
    "order without id": (said.OrderPlaced, {**ORDER, "order": ""}, Reason.BAD_VALUE),
    "order that is open": (said.OrderPlaced, {**ORDER, "order": "open"}, Reason.DUPLICATE),
    "order of no lots": (said.OrderPlaced, {**ORDER, "lots": 0}, Reason.ABSURD_QUANTITY),
    "order at a negative price": (said.OrderPlaced, {**ORDER, "price": -3}, Reason.ABSURD_PRICE),
    "order to buy spot at no price": (said.OrderPlaced, {**ORDER, "instrument": "BTC-USDC-SPOT",
                                                         "price": 0}, Reason.ABSURD_PRICE),
    "change of spot to no price": (said.OrderChanged, {**CHANGE, "order": "spot", "price": 0},
                                   Reason.ABSURD_PRICE),
    "order of an unknown instrument": (said.OrderPlaced, {**ORDER, "instrument": ""},
                                       Reason.UNKNOWN_INSTRUMENT),
    "change of an unknown order": (said.OrderChanged, {**CHANGE, "order": "x"},
                                   Reason.UNKNOWN_ORDER),
    "change to the other side": (said.OrderChanged, {**CHANGE, "lots": -1}, Reason.BAD_VALUE),
    "cancel of an unknown order": (said.OrderCancelled, {"account": "bob", "order": "open"},
                                   Reason.UNKNOWN_ORDER),
    "transfer to oneself": (said.Transferred, {**MOVE, "to": "alice"}, Reason.BAD_VALUE),
    "transfer to nobody": (said.Transferred, {**MOVE, "to": "nobody"}, Reason.UNKNOWN_ACCOUNT),
    "transfer backwards": (said.Transferred, {**MOVE, "to": "bob", "amount": -1},
                           Reason.BAD_VALUE),
    "withdrawal asked twice": (said.WithdrawalRequested, {**MOVE, "withdrawal": "w1"},
                               Reason.DUPLICATE),
    "withdrawal of nothing": (said.WithdrawalRequested, {**MOVE, "withdrawal": "w2", "amount": 0},
                              Reason.BAD_VALUE),
    "approval of nothing": (said.WithdrawalApproved, {"account": "alice", "withdrawal": "w9"},
                            Reason.UNKNOWN_WITHDRAWAL),
    "approval of another's": (said.WithdrawalApproved, {"account": "bob", "withdrawal": "w1"},
                              Reason.UNKNOWN_WITHDRAWAL),
    "account that is open": (said.AccountOpened, {"account": "alice", "segment": "retail"},
                             Reason.DUPLICATE),
    "account of an unknown segment": (said.AccountOpened, {"account": "dave", "segment": "x"},
                                      Reason.UNKNOWN_SEGMENT),
    "account without a name": (said.AccountOpened, {"account": "", "segment": "retail"},
                               Reason.BAD_VALUE),
    "account with a name of control characters": (
        said.AccountOpened, {"account": "a\nb", "segment": "retail"}, Reason.BAD_VALUE),
    "closing of an account that holds": (said.AccountClosed, {"account": "alice"},
                                         Reason.NOT_EMPTY),
    "closing of an owner of pockets": (said.AccountClosed, {"account": "alice"}, Reason.NOT_EMPTY),
    "closing of a linked account": (said.AccountClosed, {"account": "dora"}, Reason.NOT_EMPTY),
    "closing of the head of a group": (said.AccountClosed, {"account": "bob"}, Reason.NOT_EMPTY),
    "closing of a pocket that owns": (said.AccountClosed, {"account": "alice/1"},
                                      Reason.NOT_EMPTY),
    "pocket of nobody": (said.PocketOpened, {"account": "x", "owner": "nobody"},
                         Reason.UNKNOWN_ACCOUNT),
    "pocket of a pocket": (said.PocketOpened, {"account": "x", "owner": "alice/1"},
                           Reason.NOT_APPLICABLE),
    "pocket with a name in use": (said.PocketOpened, {"account": "bob", "owner": "alice"},
                                  Reason.DUPLICATE),
    "deposit to a pocket": (said.Deposited, {**MOVE, "account": "alice/1"},
                            Reason.NOT_APPLICABLE),
    "withdrawal from a pocket": (said.WithdrawalRequested, {
        **MOVE, "account": "alice/1", "withdrawal": "w3"}, Reason.NOT_APPLICABLE),
    "transfer from a pocket to a stranger": (said.Transferred, {
        **MOVE, "account": "alice/1", "to": "bob"}, Reason.NOT_APPLICABLE),
    "transfer from a stranger to a pocket": (said.Transferred, {
        **MOVE, "account": "bob", "to": "alice/1"}, Reason.NOT_APPLICABLE),
    "link to oneself": (said.AccountLinked, {"account": "alice", "to": "alice"},
                        Reason.BAD_VALUE),
    "link to nobody": (said.AccountLinked, {"account": "alice", "to": "nobody"},
                       Reason.UNKNOWN_ACCOUNT),
    "link to a closed account": (said.AccountLinked, {"account": "alice", "to": "carol"},
                                 Reason.CLOSED),
    "link of a pocket": (said.AccountLinked, {"account": "alice/1", "to": "bob"},
                         Reason.NOT_APPLICABLE),
    "link to a pocket": (said.AccountLinked, {"account": "bob", "to": "alice/1"},
                         Reason.NOT_APPLICABLE),
    "link of a linked account": (said.AccountLinked, {"account": "dora", "to": "alice"},
                                 Reason.DUPLICATE),
    "link to a linked account": (said.AccountLinked, {"account": "alice", "to": "dora"},
                                 Reason.NOT_APPLICABLE),
    "link of the head of a group": (said.AccountLinked, {"account": "bob", "to": "alice"},
                                    Reason.NOT_APPLICABLE),
    "link to another segment": (said.AccountLinked, {"account": "alice", "to": "erin"},
                                Reason.NOT_APPLICABLE),
    "end of no link": (said.AccountUnlinked, {"account": "alice"}, Reason.NOT_APPLICABLE),
    "end of a head's link": (said.AccountUnlinked, {"account": "bob"}, Reason.NOT_APPLICABLE),
    "exposure of an unknown segment": (said.ExposureLimited, {**LIMIT, "segment": "x"},
                                     Reason.UNKNOWN_SEGMENT),
    "limits of an unknown asset": (said.ExposureLimited, {
        **LIMIT, "limits": ExposureLimits(platform={"GOLD": 1.0})}, Reason.UNKNOWN_ASSET),
    "limits that take an unknown asset": (said.ExposureLimited, {
        **LIMIT, "limits": ExposureLimits(eligible=("GOLD",))}, Reason.UNKNOWN_ASSET),
    "limits from before 1970": (said.ExposureLimited, {**LIMIT, "effective_from": -1},
                                Reason.BAD_TIME),
    "caps of a segment without parameters": (said.ExposureLimited, {**LIMIT, "segment": "other"},
                                             Reason.NO_PARAMETERS),
    "segment that is there": (said.SegmentDefined, {**DEFINE, "segment": "retail"},
                              Reason.DUPLICATE),
    "segment of an unknown model": (said.SegmentDefined, {**DEFINE, "model": "x"},
                                    Reason.UNKNOWN_MODEL),
    "segment without levels": (said.SegmentDefined, {**DEFINE, "levels": ()}, Reason.BAD_VALUE),
    "parameters of another model": (said.ParametersActivated, {**ACTIVE, "version": VERSION},
                                    Reason.BAD_VALUE),
    "parameters of an old number": (said.ParametersActivated,
                                    {**ACTIVE, "version": parameters(number=1)},
                                    Reason.OUT_OF_SEQUENCE),
    "parameters in another currency": (said.ParametersActivated, {**ACTIVE, "version": replaced(
        ACTIVE["version"], parameters=replaced(ACTIVE["version"].parameters, collateral=replaced(
            SCHEDULE, numeraire="EUR")))}, Reason.BAD_VALUE),
    "parameters of an unknown segment": (said.ParametersActivated, {**ACTIVE, "segment": "x"},
                                         Reason.UNKNOWN_SEGMENT),
    "schedule in another currency": (said.CollateralScheduleChanged, {
        "segment": "retail", "schedule": replaced(SCHEDULE, numeraire="EUR"),
        "effective_from": 0}, Reason.BAD_VALUE),
    "borrowing of an unknown asset": (of_assets.BorrowingChanged, {**LEND, "borrowing": Borrowing(
        assets={"GOLD": BORROWING.assets["USDC"]})}, Reason.UNKNOWN_ASSET),
    "borrowing in an unknown segment": (of_assets.BorrowingChanged, {**LEND, "segment": "x"},
                                        Reason.UNKNOWN_SEGMENT),
    "counting of an unknown asset": (of_assets.CountingChanged, {
        **COUNT, "counting": {"GOLD": CountingTerms()}}, Reason.UNKNOWN_ASSET),
    "redemption in an unknown asset": (of_assets.CountingChanged, {
        **COUNT, "counting": {"USDC": CountingTerms(redeems="GOLD", redemption=1.0)}},
        Reason.UNKNOWN_ASSET),
    "redemption in itself": (of_assets.CountingChanged, {
        **COUNT, "counting": {"BTC": CountingTerms(redeems="BTC", redemption=1.0)}},
        Reason.BAD_VALUE),
    "counting in an unknown segment": (of_assets.CountingChanged, {**COUNT, "segment": "x"},
                                       Reason.UNKNOWN_SEGMENT),
    "index of what has no price": (of_assets.IndexRulesChanged, {
        "rules": {"GOLD": RULES["BTC"]}}, Reason.UNKNOWN_ASSET),
    "index of the dollar": (of_assets.IndexRulesChanged, {"rules": {"USD": RULES["BTC"]}},
                            Reason.UNKNOWN_ASSET),
    "quote of a venue that nobody asks": (of_assets.VenuesQuoted, {
        "name": ("BTC",), "venue": ("a",), "price": np.ones(1), "at": np.ones(1, np.int64),
        "depth": np.ones(1)}, Reason.UNKNOWN_ASSET),
    "quotes of nothing": (of_assets.VenuesQuoted, {
        "name": (), "venue": (), "price": np.ones(0), "at": np.ones(0, np.int64),
        "depth": np.ones(0)}, Reason.BAD_VALUE),
    "borrowing before 1970": (of_assets.BorrowingChanged, {**LEND, "effective_from": -1},
                              Reason.BAD_TIME),
    "limits of an unknown segment": (said.ImpactLimited, {
        "segment": "x", "digest": "", "limits": LIMITS}, Reason.UNKNOWN_SEGMENT),
    "limits of what is no digest": (said.ImpactLimited, {
        "segment": "retail", "digest": "ab", "limits": LIMITS}, Reason.BAD_VALUE),
    "withdrawal of what does not wait": (said.ChangeWithdrawn, {
        "segment": "retail", "digest": "ab", "effective_from": 0}, Reason.NOT_APPLICABLE),
    "other content under a used id": (said.ConflictReceived, {"taken": "c1", "digest": "ab"},
                                      Reason.OTHER_CONTENT),
    "funding of a future": (said.FundingApplied, {**FUNDING,
                                                  "instrument": "BTC-USD:BTC-20260216"},
                            Reason.UNKNOWN_INSTRUMENT),
    "funding at no price": (said.FundingApplied, {**FUNDING, "price": 0}, Reason.ABSURD_PRICE),
    "settlement before expiry": (said.ContractsSettled, SETTLE, Reason.BAD_TIME),
    "settlement of nothing": (said.ContractsSettled, {**SETTLE, "expiry": 5},
                              Reason.UNKNOWN_INSTRUMENT),
    "settlement of what is settled": (said.ContractsSettled, {**SETTLE, "expiry": ENDED},
                                      Reason.DUPLICATE),
    "fill of what is settled": (said.Filled, {**FILL, "instrument": SHORT.id, "time": START},
                                Reason.EXPIRED),
    "order on what is settled": (said.OrderPlaced, {**ORDER, "instrument": SHORT.id},
                                 Reason.EXPIRED),
    "funding of what is settled": (said.FundingApplied, {**FUNDING, "instrument": SHORT.id},
                                   Reason.UNKNOWN_INSTRUMENT),
    "listing of nothing": (said.InstrumentsListed, {"instruments": ()}, Reason.BAD_VALUE),
    "listing of what is listed": (said.InstrumentsListed, {"instruments": (perpetual(Listing(
        underlying="BTC", quote="USDC", settlement="USDC")),)}, Reason.DUPLICATE),
    "listing of what is paid in an unknown asset": (
        said.InstrumentsListed, {"instruments": (perpetual(Listing(
            underlying="SOL", quote="USD", settlement="SOL")),)}, Reason.UNKNOWN_ASSET),
    "listing of what has expired": (said.InstrumentsListed, {"instruments": (future(Listing(
        underlying="BTC", quote="USDC", settlement="USDC"), START - HOUR),)}, Reason.EXPIRED),
    "listing of what no event could name": (said.InstrumentsListed, {"instruments": (replaced(
        perpetual(Listing(underlying="BTC", quote="USDC", settlement="USDC")), id="X" * 201),)},
        Reason.BAD_VALUE),
    "restart beyond all clocks": (said.EngineRestarted, {"time": 2**63 - 1, "engine": "x"},
                                  Reason.BAD_TIME),
    "clock that goes back": (said.ClockAdvanced, {"time": START}, Reason.LATE),
    "clock that leaps": (said.ClockAdvanced, {"time": START + 1000 * 24 * HOUR}, Reason.BAD_TIME),
    "snapshot of an unknown segment": (said.MarketAssembled, {"segments": ("x",)},
                                       Reason.UNKNOWN_SEGMENT),
    "bytes that are no event": (said.UnreadableReceived, {
        "digest": "ab", "size": 3, "sentence": "is nothing"}, Reason.UNREADABLE),
}

BAD_BATCHES = {
    "old sequence": (lambda w: batch(w, sequence=0), Reason.OUT_OF_SEQUENCE),
    "sequence that leaves no room": (lambda w: batch(w, sequence=2**63 - 1),
                                     Reason.OUT_OF_SEQUENCE),
    "sequence that leaps": (lambda w: batch(w, sequence=5 + 2**55), Reason.OUT_OF_SEQUENCE),
    "another edition": (lambda w: batch(w, edition=7), Reason.OUT_OF_SEQUENCE),
    "columns of different lengths": (lambda w: spoiled(w, price=np.ones(2)), Reason.BAD_VALUE),
    "columns of two axes": (lambda w: spoiled(w, price=np.ones((1, 1))), Reason.BAD_VALUE),
    "columns of no axis": (lambda w: spoiled(w, at=np.array(5)), Reason.BAD_VALUE),
    "price that is no number": (lambda w: spoiled(w, price=np.array([np.nan])),
                                Reason.ABSURD_PRICE),
    "infinite price": (lambda w: spoiled(w, price=np.array([np.inf])), Reason.ABSURD_PRICE),
    "price beyond every coin": (lambda w: spoiled(w, price=np.array([1e300])),
                                Reason.ABSURD_PRICE),
    "price of zero": (lambda w: spoiled(w, price=np.zeros(1)), Reason.ABSURD_PRICE),
    "negative price": (lambda w: spoiled(w, price=np.array([-1.0])), Reason.ABSURD_PRICE),
    "wrong scale": (lambda w: spoiled(w, price=np.array([7e7]), sources=np.array([2], np.uint16)),
                    Reason.ABSURD_PRICE),
    "quote of the future": (lambda w: spoiled(w, at=np.array([w.time + 1])), Reason.BAD_TIME),
    "quote before the one that stands": (lambda w: spoiled(w, at=np.array([w.time - 10**10])),
                                         Reason.LATE),
    "unknown underlying": (lambda w: spoiled(w, names=("DOGE",)), Reason.UNKNOWN_ASSET),
}
