"""An event and an effect of every kind, for tests of their bytes."""

import numpy as np

from counterpoise.collateral.borrowing import Borrowing, BorrowTerms
from counterpoise.collateral.counting import CountingTerms
from counterpoise.collateral.limits import Counterparty, ExposureLimits
from counterpoise.collateral.schedule import AssetTerms, CollateralSchedule
from counterpoise.engine import asset_events as of_assets
from counterpoise.engine import effects as made
from counterpoise.engine import events as said
from counterpoise.engine.levels import DEFAULT_LEVELS
from counterpoise.governance.guardrails import ImpactLimits
from counterpoise.governance.impact import Group
from counterpoise.instruments.listing import Listing, perpetual
from counterpoise.margin.parameter_version import ParameterVersion
from counterpoise.market.index import IndexRule
from counterpoise.values.failure import Failure, Reason
from rule_books.gross_cross import GrossParameters, GrossRates

SCHEDULE = CollateralSchedule(numeraire="USD", other=None, assets={
    "BTC": AssetTerms(up_to=(2.0,), weight=(0.9, 0.5)),
    "USDC": AssetTerms(up_to=(), weight=(1.0,))})
BORROWING = Borrowing(assets={"USDC": BorrowTerms(
    account_max=10**9, platform_max=10**12, rate=8, rate_exponent=-2, initial=0.1,
    maintenance=0.02)})
COUNTING = {"USDC": CountingTerms(redeems="USD", redemption=1.0, delay_haircut=0.01)}
RULES = {"BTC": IndexRule(weights={"a": 1, "b": 2, "c": 1}, age_max_ns=10**10)}
VERSION = ParameterVersion(
    model="gross_cross", number=3, sections=(("general", "2026-01-01", "2026-01-02"),),
    notes=(("general", "odd"),), parameters=GrossParameters(
        general=GrossRates(rate=0.1, maintenance_share=0.5), collateral=SCHEDULE))
LIMITS = ImpactLimits(below_initial=0.1, below_maintenance=0.0, bankrupt=0.0, extra=0.25)
EXPOSURE = ExposureLimits(
    eligible=("BTC", "USDC"), platform={"BTC": 100.0}, gross_max=1e6,
    counterparties={"issuer": Counterparty(assets=("USDC",), share_max=0.5, value_max=1e5)})
WHO = {"client_id": "c-1", "time": 17}
AMOUNT = {**WHO, "account": "alice", "asset": "USDC", "amount": 5}
PRICE = {"price": 9_000_000, "price_exponent": -2}
ORDER = {**WHO, "account": "alice", "order": "o-1"}


def price_quotes(*names):
    """Return a quote of each name."""
    n = len(names)
    return said.PriceQuotes(names=names, price=np.linspace(1.0, 2.0, n), at=np.arange(n) + 5,
                            sources=np.full(n, 3, np.uint16))


def events():
    """Return an event of every kind."""
    quotes = said.InstrumentQuotes(
        column=np.array([0, 2], np.int32), mark=np.array([1.5, np.nan]),
        forward=np.array([np.nan, -0.0]), volatility=np.array([0.5, np.inf]),
        at=np.array([3, 4]), sources=np.array([1, 2], np.uint16))
    line = Listing(underlying="BTC", quote="USD", settlement="BTC")
    taken = {**WHO, "account": "alice", "withdrawal": "w-1"}
    return [
        said.Filled(**ORDER, **PRICE, instrument="BTC-PERP", lots=-3, fee=2),
        said.OrderPlaced(**ORDER, **PRICE, instrument="BTC-PERP", lots=4),
        said.OrderChanged(**ORDER, **PRICE, lots=4), said.OrderCancelled(**ORDER),
        said.Transferred(**AMOUNT, to="bob"), said.Deposited(**AMOUNT),
        said.WithdrawalRequested(**AMOUNT, withdrawal="w-1"), said.WithdrawalApproved(**taken),
        said.WithdrawalRejected(**taken), said.FeeCharged(**AMOUNT),
        said.AccountOpened(**WHO, account="alice", segment="retail"),
        said.AccountClosed(**WHO, account="alice"),
        said.MarketBatch(**WHO, sequence=9, edition=1, quotes=quotes,
                         indices=price_quotes("BTC", "ETH"), assets=price_quotes()),
        said.MarketAssembled(**WHO, segments=("retail",)),
        said.FundingApplied(**WHO, **PRICE, instrument="BTC-PERP", rate=1, rate_exponent=-4),
        said.ContractsSettled(**WHO, **PRICE, underlying="BTC", expiry=99),
        said.InstrumentsListed(**WHO, instruments=(perpetual(line),)),
        said.SegmentDefined(**WHO, segment="retail", model="gross_cross", levels=DEFAULT_LEVELS),
        said.ParametersActivated(**WHO, segment="retail", version=VERSION, effective_from=20),
        said.CollateralScheduleChanged(**WHO, segment="retail", schedule=SCHEDULE,
                                       effective_from=20),
        said.ImpactLimited(**WHO, segment="retail", digest="", limits=LIMITS),
        said.ChangeWithdrawn(**WHO, segment="retail", digest="ab", effective_from=20),
        said.ConflictReceived(**WHO, taken="c-0", digest="ab"),
        said.ClockAdvanced(**WHO), said.EngineRestarted(**WHO, engine="0.1.0"),
        of_assets.BorrowingChanged(**WHO, segment="retail", borrowing=BORROWING, effective_from=20),
        of_assets.CountingChanged(**WHO, segment="retail", counting=COUNTING, effective_from=20),
        of_assets.IndexRulesChanged(**WHO, rules=RULES),
        of_assets.VenuesQuoted(**WHO, name=("BTC", "BTC"), venue=("a", "b"), at=np.arange(2),
                               price=np.array([1.5, 2.0]), depth=np.array([np.nan, 9.0])),
        said.UnreadableReceived(**WHO, digest="ab", size=7, sentence="is nothing"),
        said.PocketOpened(**WHO, account="alice/1", owner="alice"),
        said.AccountLinked(**WHO, account="alice", to="bob"),
        said.AccountUnlinked(**WHO, account="alice"),
        said.ExposureLimited(**WHO, segment="retail", limits=EXPOSURE, effective_from=20),
    ]


def effects():
    """Return an effect of every kind."""
    at = {"position": 5, "time": 17}
    who = {**at, "account": "alice"}
    why = (Failure(reason=Reason.STALE, subject="BTC", sentence="is too old"),)
    decided = {"admitted": False, "largest": 3, "failures": why}
    level = {**who, "pool": "USD"}
    call = {**who, "call_identifier": "alice/USD/1"}
    return [
        made.EventRefused(**at, client_id="c-1", failures=why),
        made.EventRepeated(**at, client_id="c-1"), made.OrderAdmitted(**who, order="o-1"),
        made.OrderRefused(**who, order="o-1", largest=-2, failures=why),
        made.WithdrawalDecided(**who, withdrawal="w-1", **decided),
        made.TransferDecided(**who, to="bob", **decided),
        made.RequirementsChanged(
            **at, segment="retail", snapshot=4, pools=("USD",), account=np.array([0, 7]),
            pool=np.zeros(2, np.int32), initial=np.array([1.0, np.nan]),
            maintenance=np.array([0.5, np.nan]), balance=np.array([2.0, -0.0]),
            status=np.array([0, 4], np.uint8)),
        made.InitialBreached(**level, initial=2.0, balance=1.0),
        made.LevelChanged(**level, before="", after="warning"),
        made.MarginCallIssued(
            **call, base_currency="USD", call_amount=5, reg_margin_type="NonRegIM",
            eligible_collateral=(("BTC", 0.9),), deadline=99, snapshot=4, version=3),
        made.LinkDecided(**who, to="bob", linked=True, admitted=False, failures=why),
        made.LossAbsorbed(**who, asset="USDC", amount=7),
        made.LimitsTookEffect(**at, segment="retail", digest="ab"),
        made.MarginCallMet(**call, open_ns=4),
        made.MarginCallEscalated(**call, level="liquidation"),
        made.LiquidationOrdered(**level, level="liquidation", maintenance=2.0, balance=1.0,
                                snapshot=4, version=3, lead_ns=-1),
        made.ContractsDelivered(**at, underlying="BTC", expiry=99, **PRICE, covered=1.0),
        made.InterestPosted(**at, segment="retail", asset="USDC", instants=1, accounts=2, amount=9),
        made.ParametersTookEffect(**at, segment="retail", version=3, digest="ab"),
        made.ChangeDecided(
            **at, segment="retail", version=3, digest="ab", effective_from=20, admitted=False,
            impact="cd", failures=why, groups=(Group(
                segment="retail", pool="USD", rows=3, before=1.5, extra=0.5, extra_of_losers=0.5,
                losers=1, breaches={"below_initial": 1}, unknown=0, lost=0, eased=0),)),
        made.Alert(**at, topic=made.AlertTopic.NO_MARGIN, subject="alice", sentence="look"),
    ]
