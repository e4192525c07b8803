"""Bybit's report: the answer of `GET /v5/asset/portfolio-margin`, asked without `baseCoin`.

Figures of coins are added up, as an account has one row here. The largest loss is read from the
P&L of all contracts, which Bybit floors to four decimals. Positions are taken as signed, short
below zero. What only Bybit computes, the charge on basis and the size of the spot hedge, is handed
on as stated amounts.
"""

from typing import Any, Final

from counterpoise.adapters.venue_reports.report import Object, Report, number, table
from counterpoise.margin.reconciliation import Reported, Tolerance
from counterpoise.values.assets import is_asset_code
from counterpoise.values.failure import BadInput, Failure, Reason

TOLERANCE: Final = Tolerance(absolute=1e-4, relative=1e-9)
_POOL: Final = "USD"
_ACCOUNT: Final = {"equity": ("account_equity",), "marginBalance": ("margin_balance",),
                   "accountIM": ("initial",), "accountMM": ("maintenance",)}
_CONTINGENCIES: Final = {
    "optionContingency": "option_contingency", "futureDeltaContingency": "future_delta_contingency",
    "optionVegaContingency": "option_vega_contingency",
    "usdtUsdcContingency": "usdt_usdc_contingency", "futureContingency": "future_contingency"}
_SCAN: Final = ("scan", "spot_hedge")
_OF_UNITS: Final = (*_SCAN, *_CONTINGENCIES.values())


def recognised(tree: Any) -> bool:
    """Return whether the document is a report of this venue."""
    return isinstance(_result(tree), dict) and "assetPnlRange" in _result(tree)


def report_of(tree: Any) -> Report:
    """Return what the report says.

    Raises
    ------
    BadInput
        With every number that is none.
    """
    wrong: list[Failure] = []
    result = _result(tree)
    units = _tables(result["assetPnlRange"], "assetPnlRange", wrong)
    wrong += [Failure(reason=Reason.BAD_VALUE, subject="baseCoin", sentence=(
        f"{_coin(unit)[:40]!r} is not the code of a coin")) for unit in units
        if not is_asset_code(_coin(unit))]
    legs = [leg for unit in units for leg in _legs(unit, wrong)]
    report = Report(
        kind="v5/asset/portfolio-margin", symbols="bybit", model="bybit", unit="contracts",
        figures=(*_account(result, wrong), *_units(units, wrong)), tolerance=TOLERANCE,
        indices=_indices(units, wrong), parameters=_parameters(units, wrong),
        marks={str(leg.get("symbolName")): number(
            leg.get("markPrice"), f"{leg.get('symbolName')}.markPrice", wrong) for leg in legs},
        sizes={str(leg.get("symbolName")): str(leg.get("position")) for leg in legs},
        stated=_stated(units, wrong))
    for leg in legs:
        number(leg.get("position"), f"{leg.get('symbolName')}.position", wrong)
    if wrong:
        raise BadInput(*wrong)
    return report


def _result(tree: Any) -> Any:
    return tree.get("result", tree) if isinstance(tree, dict) else tree


def _tables(given: Any, path: str, wrong: list[Failure]) -> list[Object]:
    rows = given if isinstance(given, list) else [given]
    return [table(row, path, wrong) for row in rows]


def _legs(unit: Object, wrong: list[Failure]) -> list[Object]:
    expiries = _tables(unit.get("optionExpiryDatePnlRanges", []), "optionExpiryDatePnlRanges",
                       wrong)
    options = [leg for expiry in expiries for leg in _tables(
        expiry.get("optionPositionPnlRanges", []), "optionPositionPnlRanges", wrong)]
    return _tables(unit.get("perpPositionPnlRanges", []), "perpPositionPnlRanges", wrong) + options


def _account(result: Object, wrong: list[Failure]) -> list[Reported]:
    wallet = table(result.get("wallet", {}), "wallet", wrong)
    return [_figure(name, parts, number(wallet[name], f"wallet.{name}", wrong))
            for name, parts in _ACCOUNT.items() if name in wallet]


def _units(units: list[Object], wrong: list[Failure]) -> list[Reported]:
    """Return the figures of all coins together."""
    losses = [_largest_loss(unit, wrong) for unit in units]
    figures = [_figure("largest loss", _maintenance(_SCAN), sum(losses))] if units else []
    told = [table(unit.get("contingency", {}), "contingency", wrong) for unit in units]
    names = {**{name: (part,) for name, part in _CONTINGENCIES.items()},
             "contingencyComponents": tuple(_CONTINGENCIES.values())}
    figures += [_figure(name, _maintenance(parts), _summed(told, name, wrong))
                for name, parts in names.items() if told and all(name in one for one in told)]
    assets = [table(unit.get("asset", {}), "asset", wrong) for unit in units]
    return figures + [
        _figure(name, parts, _summed(assets, name, wrong))
        for name, parts in (("assetIM", _OF_UNITS), ("assetMM", _maintenance(_OF_UNITS)))
        if assets and all(name in one for one in assets)]


def _largest_loss(unit: Object, wrong: list[Failure]) -> float:
    gains = [number(gain, "totalPnlRanges.ALL.pnls", wrong) for row in _prices(unit, wrong)
             for gain in (row["pnls"] if isinstance(row.get("pnls"), list) else [row.get("pnls")])]
    return max(0.0, -min(gains, default=0.0))


def _prices(unit: Object, wrong: list[Failure]) -> list[Object]:
    """Return the rows of the P&L of all contracts, one per price."""
    ranges = table(unit.get("totalPnlRanges", {}), "totalPnlRanges", wrong)
    whole = table(ranges.get("ALL", {}), "totalPnlRanges.ALL", wrong)
    return _tables(whole.get("pnlRanges", []), "totalPnlRanges.ALL.pnlRanges", wrong)


def _parameters(units: list[Object], wrong: list[Failure]) -> Object:
    """Return the price range of every coin, as overrides."""
    found = {}
    for unit in units:
        scales = [abs(number(row.get("priceScale"), "priceScale", wrong))
                  for row in _prices(unit, wrong)]
        if scales:
            found[_coin(unit).lower()] = {"price_range": max(scales)}
    return {"asset": found} if found else {}


def _indices(units: list[Object], wrong: list[Failure]) -> dict[str, float]:
    """Return the index of coins that state one; Bybit prints 0 where it does not."""
    told = {_coin(unit): number(hedge["usdIndexPrice"], "spotHedgeInfo.usdIndexPrice", wrong)
            for unit in units if "usdIndexPrice" in (hedge := _hedge(unit, wrong))}
    return {coin: price for coin, price in told.items() if price > 0}


def _stated(units: list[Object], wrong: list[Failure]) -> dict[str, dict[str, float]]:
    hedges = {_coin(unit): number(hedge["hedgeSpotSize"], "spotHedgeInfo.hedgeSpotSize", wrong)
              for unit in units if "hedgeSpotSize" in (hedge := _hedge(unit, wrong))}
    told = [table(unit.get("contingency", {}), "contingency", wrong) for unit in units]
    basis = [one for one in told if "futureDeltaContingency" in one]
    stated = {"spot_in_use": {coin: size for coin, size in hedges.items() if size}}
    if basis:
        stated["basis_margin"] = {_POOL: _summed(basis, "futureDeltaContingency", wrong)}
    return {name: amounts for name, amounts in stated.items() if amounts}


def _hedge(unit: Object, wrong: list[Failure]) -> Object:
    return table(unit.get("spotHedgeInfo", {}), "spotHedgeInfo", wrong)


def _coin(unit: Object) -> str:
    return str(unit.get("baseCoin", ""))


def _figure(name: str, parts: tuple[str, ...], amount: float) -> Reported:
    return Reported(pool=_POOL, name=name, parts=parts, amount=amount)


def _maintenance(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"maintenance {name}" for name in names)


def _summed(rows: list[Object], name: str, wrong: list[Failure]) -> float:
    return sum(number(row[name], name, wrong) for row in rows)
