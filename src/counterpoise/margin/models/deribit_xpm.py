"""Deribit cross portfolio margin (X:PM): one pool in USD, in which equity is a position.

    RM = sum over coins of worst case + roll shock + delta shock + correlation contingency
    MM = mm_factor x RM          IM = RM + open orders + MMP + spot margin

The worst case of a coin is the largest loss of its linear and inverse contracts and of the equity
held in it, over the risk matrix of S:PM; worst cases of the coins are independent and add up.
Sources and readings: docs/methodology/deribit_xpm.md.
"""

from typing import Final

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.collateral.cross import AssetAmounts, asset_amounts, prices_in
from counterpoise.collateral.schedule import CollateralSchedule
from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.compute import AccountMargin
from counterpoise.margin.contributions import Contributions, contributions_of
from counterpoise.margin.model import CrossEquity
from counterpoise.margin.pools import (
    Bools,
    PoolRows,
    cross_pools,
    failing_rows,
    given_in_numeraire,
    position_accounts,
)
from counterpoise.margin.requirement import Floats, Indices, Requirements, WorstScenarios
from counterpoise.margin.terms.cross_matrix import (
    CrossMatrix,
    CrossResults,
    coin_vectors,
    cross_matrix,
    losses_by_position,
    measured,
)
from counterpoise.margin.terms.delta_shock import delta_shares
from counterpoise.margin.terms.orders import accounts_with_orders, filled
from counterpoise.margin.terms.risk_matrix import (
    CurrencyParameters,
    GeneralParameters,
    PairParameters,
    Readings,
    RiskMatrixParameters,
    matrix_scenarios,
    reading_variants,
)
from counterpoise.margin.terms.roll import roll_shares
from counterpoise.margin.terms.rounding import added_up
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.margin.vectors import RiskVectors
from counterpoise.market.snapshot import MarketSnapshot, price_of
from counterpoise.risk.aggregation import grouped
from counterpoise.risk.arrays import RiskArrays
from counterpoise.scenarios.scenario_set import ScenarioSet
from counterpoise.values.failure import BadInput, Failure, Reason
from counterpoise.values.frozen import frozen, replaced

NUMERAIRE: Final = "USD"
_GIVEN: Final = ("open_orders_margin", "mmp_margin", "spot_margin")


@frozen
class XpmParameters:
    """Parameters of the risk matrix as `pme/simulate` names them, and what counts as collateral.

    `bucket` {asset: coin} puts an asset into the bucket of a coin, in lower case. An asset that has
    terms in `collateral` and no currency parameters is cash: it counts and is not shocked.
    """

    general: GeneralParameters
    currency_pair: dict[str, PairParameters]
    currency: dict[str, CurrencyParameters]
    collateral: CollateralSchedule
    bucket: dict[str, str]
    readings: Readings = Readings()

    def __post_init__(self) -> None:
        """Refuse buckets of coins that have no parameters."""
        wrong = [Failure(reason=Reason.NO_PARAMETERS, subject=f"bucket.{asset}", sentence=(
            f"{coin[:40]!r} has no parameters; use one of {', '.join(sorted(self.currency))}"))
            for asset, coin in self.bucket.items()
            if coin not in self.currency or f"{coin}_usd" not in self.currency_pair]
        if wrong:
            raise BadInput(*wrong)

    def oddities(self) -> tuple[tuple[str, str], ...]:
        """Return (section, sentence) for what can be computed but makes no economic sense."""
        return (*_matrix_parameters(self).oddities(),
                *(("collateral", sentence) for _, sentence in self.collateral.oddities()))


class DeribitXpm:
    """The model; it keeps `margin.model.MarginModel`."""

    name = "deribit_xpm"
    title = "Deribit cross portfolio margin (X:PM)"
    parameters_type = XpmParameters
    laws = frozenset({"non_negative", "initial_at_least_maintenance", "continuous"})
    equity_is_a_position = True

    def equity(self, parameters: XpmParameters) -> CrossEquity:
        """Return equity over all assets in USD: option value counts, weights are 1 - haircut."""
        return CrossEquity(numeraire=NUMERAIRE, option_value=True, schedule=parameters.collateral,
                           reading=("equity counts the market value of options; haircuts lower "
                                    "the balance for initial and maintenance margin"))

    def scenarios(self, market: MarketSnapshot, parameters: XpmParameters,
                  ) -> tuple[ScenarioSet, ...]:
        """Return the standard and the extended table as one set."""
        return (matrix_scenarios(market, _matrix_parameters(parameters)),)

    def requirement(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                    parameters: XpmParameters, threads: int) -> Requirements:
        """Return one row per account, USD."""
        rows, matrix = cross_pools(book, NUMERAIRE), _matrix(book, arrays, market, parameters)
        owned = _owned(book, market)
        equity = _equity(owned, matrix, parameters)
        found = measured(book, equity, matrix, threads=threads)
        failure, failures = _failing(book, rows, owned, (arrays[0], market, parameters))
        good = failure < 0
        at = rows.account
        parts = {name: np.where(good, column[at], np.nan) for name, column in (
            ("worst_case", np.add.reduce(found.loss - found.from_equity, axis=1)),
            ("equity", np.add.reduce(found.from_equity, axis=1)), ("roll_shock", found.roll),
            ("delta_shock", np.add.reduce(found.delta_shock, axis=1)))}
        orders = _orders(book, equity, matrix, threads)[at]
        extra = _stated(book, rows, market, orders)
        factor = parameters.general.mm_factor
        mm = {name: factor * column for name, column in parts.items()}
        im = parts | {name: np.where(good, column, np.nan) for name, column in extra.items()}
        return Requirements(
            pools=rows.pools, account=at, pool=rows.pool, initial=added_up(im),
            maintenance=added_up(mm), initial_components=im, maintenance_components=mm,
            candidates={}, failure=failure, failures=failures,
            worst=_worst(found, matrix, rows, good, len(market.catalogue.underlyings)))

    def contributions(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                      parameters: XpmParameters) -> Contributions:
        """Return Euler contributions of positions; that of equity is a component of its own."""
        matrix = _matrix(book, arrays, market, parameters)
        found = measured(book, _equity(_owned(book, market), matrix, parameters), matrix)
        kept = found.kept[position_accounts(book.row_pointer), matrix.of[book.instrument]]
        rows = grouped(row_pointer=book.row_pointer, instrument=book.instrument, lots=book.lots,
                       key=matrix.of)
        return contributions_of(
            {"worst_case": (losses_by_position(book, matrix, found.scenario) * kept, None),
             "roll_shock": roll_shares(book, segment=matrix.segment, delta=matrix.roll,
                                       rate=matrix.rate),
             "delta_shock": (delta_shares(rows, found.delta_shock[rows.account, rows.key],
                                          delta=matrix.delta, option_delta=matrix.long_delta),
                             rows.order)},
            maintenance_factor=parameters.general.mm_factor)

    def vectors(self, book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
                parameters: XpmParameters) -> tuple[RiskVectors, ...]:
        """Return the standard and extended vectors in USD, equity among them, of one set."""
        matrix = _matrix(book, arrays, market, parameters)
        equity = _equity(_owned(book, market), matrix, parameters)
        return (coin_vectors(book, equity, matrix, arrays[0].scenarios),)

    def our_readings(self, book: Book, market: MarketSnapshot,
                     parameters: XpmParameters) -> tuple[str, ...]:
        """Return a sentence for each part of these requirements that Deribit does not publish."""
        options = bool(np.any(market.catalogue.kind[book.instrument] == OPTION))
        return tuple(sentence for applies, sentence in (
            (options, "option P&L in the risk matrix: the coin P&L at the shocked price, no "
             "published number to compare with"),
            (options, "option deltas in the roll shock and the delta shock"),
            (len(book.order_instrument) > 0, "open orders: the worst of long-delta and "
             "short-delta orders filled"),
            (True, "delta shock of linear and inverse contracts together, without equity; no "
             "correlation contingency"),
            (True, "stablecoins count as cash without haircut; rounding is not published"),
            (True, self.equity(parameters).reading)) if applies)

    def reading_variants(self, book: Book, parameters: XpmParameters,
                         ) -> tuple[tuple[tuple[str, XpmParameters], ...], ...]:
        """Return the readings of the matrix and those of the roll shock; one group with orders."""
        groups = reading_variants(_matrix_parameters(parameters),
                                  together=len(book.order_lots) > 0)
        return tuple(tuple((label, replaced(parameters, readings=p.readings))
                           for label, p in group) for group in groups)

    def figures(self, margins: AccountMargin, book: Book, arrays: tuple[RiskArrays, ...],
                market: MarketSnapshot, parameters: XpmParameters) -> dict[str, Floats]:
        """Return initial and maintenance margin as shares of the margin balance."""
        needs, balance = margins.requirements, margins.margin_balance
        with np.errstate(divide="ignore", invalid="ignore"):
            return {f"{name}_margin_usage": np.where(balance > 0, needed / balance, np.nan)
                    for name, needed in (("initial", needs.initial),
                                         ("maintenance", needs.maintenance))}


MODEL: Final = DeribitXpm()


def _matrix_parameters(parameters: XpmParameters) -> RiskMatrixParameters:
    return RiskMatrixParameters(general=parameters.general, currency=parameters.currency,
                                currency_pair=parameters.currency_pair,
                                readings=parameters.readings)


def _matrix(book: Book, arrays: tuple[RiskArrays, ...], market: MarketSnapshot,
            parameters: XpmParameters) -> CrossMatrix:
    held = {_coin_of(a.code, parameters) for a in book.assets} - {None}
    others = tuple(sorted(c for c in held if c is not None
                          and c not in market.catalogue.underlyings))
    return cross_matrix(arrays[0], market, _matrix_parameters(parameters), others)


def _coin_of(asset: str, parameters: XpmParameters) -> str | None:
    """Return the coin in whose bucket equity of an asset stands, None for cash."""
    coin = parameters.bucket.get(asset.lower(), asset.lower())
    own = parameters.currency.get(coin)
    known = own is not None and own.equity_side_impact != "none" and (
        f"{coin}_usd" in parameters.currency_pair)
    return coin.upper() if known else None


def _owned(book: Book, market: MarketSnapshot) -> AssetAmounts:
    return asset_amounts(book, market, accounts=np.arange(len(book), dtype=np.int32),
                         numeraire=NUMERAIRE, option_value=True)


def _equity(owned: AssetAmounts, matrix: CrossMatrix, parameters: XpmParameters) -> Floats:
    """Return the equity in the bucket of every coin, USD, [account, coin]."""
    out = np.zeros((len(owned.amount), len(matrix.coins)))
    for k, code in enumerate(owned.assets):
        coin = _coin_of(code, parameters)
        if coin is not None and coin in matrix.coins:
            amount = owned.amount[:, k]
            out[:, matrix.coins.index(coin)] += np.where(amount == 0, 0.0,
                                                         amount * owned.price[k])
    return out


def _orders(book: Book, equity: Floats, matrix: CrossMatrix, threads: int) -> Floats:
    """Return what the larger filled side adds to RM, [account]."""
    extra, accounts = np.zeros(len(book)), accounts_with_orders(book)
    if len(accounts):
        direction = np.nan_to_num(matrix.delta)
        needs = [_rm(measured(filled(book, accounts, sign * direction), equity[accounts], matrix,
                              threads=threads)) for sign in (0.0, 1.0, -1.0)]
        extra[accounts] = np.maximum(np.maximum(needs[1], needs[2]) - needs[0], 0)
    return extra


def _rm(found: CrossResults) -> Floats:
    return np.asarray(np.add.reduce(found.loss + found.delta_shock, axis=1) + found.roll)


def _stated(book: Book, rows: PoolRows, market: MarketSnapshot,
            orders: Floats) -> dict[str, Floats]:
    """Return what accounts state in USD by row, open orders as computed where they do not."""
    price = prices_in(market, tuple(a.code for a in book.assets), NUMERAIRE)
    given = {name: given_in_numeraire(book, rows, name, price) for name in _GIVEN}
    stated = given["open_orders_margin"]
    return {"open_orders_margin": np.where(np.isfinite(stated), stated, orders),
            **{name: np.nan_to_num(given[name]) for name in _GIVEN[1:]}}


def _worst(found: CrossResults, matrix: CrossMatrix, rows: PoolRows, good: Bools,
           underlyings: int) -> WorstScenarios:
    """Return the worst scenario of every coin that has a place in the scenario set."""
    loss = np.where(good[:, None], found.loss[rows.account, :underlyings], 0.0)
    row, coin = np.nonzero(loss > 0)
    return WorstScenarios(
        units=tuple(f"{c}_{NUMERAIRE}".lower() for c in matrix.coins[:underlyings]),
        row=row.astype(np.int32), unit=coin.astype(np.int32), loss=loss[row, coin],
        scenario=found.scenario[rows.account[row], coin])


def _failing(book: Book, rows: PoolRows, owned: AssetAmounts,
             priced: tuple[RiskArrays, MarketSnapshot, XpmParameters],
             ) -> tuple[Indices, tuple[Failure, ...]]:
    arrays, market, parameters = priced
    barred, why = verdicts(market.catalogue, lambda c: _not_applicable(c, market, parameters))
    first, failures = failing_rows(book, rows, arrays.failed | barred, market, why)
    failure = np.array(first)
    for lacking, reason in _equity_failures(owned, parameters):
        mine = lacking[rows.account] & (failure < 0)
        if mine.any():
            failure[mine], failures = len(failures), (*failures, reason)
    return failure, failures


def _equity_failures(owned: AssetAmounts,
                     parameters: XpmParameters) -> list[tuple[Bools, Failure]]:
    """Return who owns what the model cannot place, and why."""
    found = [(owned.no_entry, Failure(reason=Reason.MISSING_ENTRY, subject="entry_price", sentence=(
        "is missing for a position: equity is part of the risk here, so state every entry price, "
        "or the equity by asset")))]
    for k, code in enumerate(owned.assets):
        held = owned.amount[:, k] != 0
        coin = _coin_of(code, parameters)
        if coin is None and code not in (NUMERAIRE, *parameters.collateral.assets):
            found.append((held, Failure(reason=Reason.NO_PARAMETERS, subject=code, sentence=(
                "has no parameters of cross portfolio margin; it has them for " + ", ".join(
                    sorted({*parameters.collateral.assets}))))))
        elif coin is not None and not owned.price[k] > 0:
            found.append((held, Failure(reason=Reason.MISSING_PRICE, subject=code, sentence=(
                "is held and has no price in USD; add it to market.assets"))))
    return found


def _not_applicable(contract: Instrument, market: MarketSnapshot,
                    parameters: XpmParameters) -> Failure | None:
    coin = contract.underlying.lower()
    linear = contract.payoff is Payoff.LINEAR
    if not (f"{coin}_usd" in parameters.currency_pair and coin in parameters.currency):
        reason, sentence = Reason.NO_PARAMETERS, (
            f"deribit_xpm has no parameters for {coin.upper()}; it has them for " + ", ".join(
                sorted(pair.split("_")[0] for pair in parameters.currency_pair)).upper())
    elif parameters.currency[coin].correlation_set:
        reason, sentence = Reason.NOT_APPLICABLE, (
            f"{coin.upper()} is in a correlation set, whose formula Deribit does not publish; set "
            "correlation_set to false")
    elif isinstance(contract, Spot) or contract.payoff is Payoff.QUANTO:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "cross portfolio margin covers inverse and linear perpetuals, futures and options; "
            "hold spot as a balance")
    elif linear and not price_of(market, contract.settlement) > 0:
        reason, sentence = Reason.MISSING_PRICE, (
            f"needs the USD price of {contract.settlement}; add it to market.assets")
    elif not market.index[market.catalogue.underlyings.index(contract.underlying)] > 0:
        reason, sentence = Reason.MISSING_INDEX, "has no index for its underlying; add the index"
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


