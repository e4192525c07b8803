"""What one lot of each instrument means to SPAN: its commodity, its tier and its amounts.

A commodity is an (underlying, settlement) pair; with P the price of one unit of underlying in the
settlement asset (the index, or 1 for coin-settled contracts), an amount stated as a fraction is
that fraction of P, an amount in money stands as it is.
"""

import numpy as np

from counterpoise.instruments.catalogue import OPTION
from counterpoise.instruments.contracts import Instrument, Payoff, Spot
from counterpoise.margin.pools import Bools
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.risk_matrix import pairs_of, unit_names
from counterpoise.margin.terms.span_parameters import Commodity, SpanParameters, Tier
from counterpoise.margin.terms.verdicts import verdicts
from counterpoise.market.snapshot import MarketSnapshot, Quality
from counterpoise.scenarios.scanning import ScanRange
from counterpoise.values.failure import Failure, Reason
from counterpoise.values.frozen import frozen
from counterpoise.values.time import DAY_NS


@frozen
class Commodities:
    """Commodities of a catalogue in one market, in the order of their units.

    name            [unit] as parameters key them; `terms` [unit], None without parameters
    settlement      [unit] index of the settlement asset
    price           [unit] P above; NaN where the index is missing
    of, tier        [instrument] unit, and tier counted from 0
    """

    name: tuple[str, ...]
    terms: tuple[Commodity | None, ...]
    settlement: Indices
    price: Floats
    of: Indices
    tier: Indices


def commodities_of(market: MarketSnapshot, parameters: SpanParameters) -> Commodities:
    """Return the commodities of a market under these parameters."""
    terms = market.catalogue
    of, underlying, settlement = pairs_of(terms)
    names = unit_names(terms)
    stated = tuple(parameters.commodity.get(name) for name in names)
    in_coin = np.array([terms.underlyings[u] == terms.settlements[s]
                        for u, s in zip(underlying, settlement, strict=True)], bool)
    days = np.where(terms.expiry > 0, (terms.expiry - market.as_of) / DAY_NS, 0.0)
    tier = np.zeros(len(terms), np.int32)
    for unit, commodity in enumerate(stated):
        if commodity is not None:
            mine = of == unit
            ends = [t.days for t in commodity.tiers[:-1]]
            tier[mine] = np.searchsorted(ends, days[mine])
    return Commodities(name=names, terms=stated, settlement=settlement,
                       price=np.where(in_coin, 1.0, market.index[underlying]), of=of, tier=tier)


def tier_table(known: Commodities, field: str) -> Floats:
    """Return `field` of the tiers as it is stated, [unit, tier], 0 where there is none."""
    table = np.zeros((len(known.terms), tier_count(known)))
    for unit, commodity in enumerate(known.terms):
        tiers: tuple[Tier, ...] = () if commodity is None else commodity.tiers
        table[unit, :len(tiers)] = [getattr(t, field) for t in tiers]
    return table


def tier_count(known: Commodities) -> int:
    """Return the largest number of tiers of a commodity."""
    return max((len(c.tiers) for c in known.terms if c is not None), default=1)


def money(known: Commodities) -> Floats:
    """Return what turns stated amounts into the settlement asset, [unit]: P for fractions, or 1."""
    return np.array([p if c is None or c.amounts == "fraction" else 1.0
                     for p, c in zip(known.price, known.terms, strict=True)])


def scan_ranges(known: Commodities, market: MarketSnapshot, *,
                extreme_multiplier: float) -> ScanRange:
    """Return the scan ranges of every (commodity, tier), by price where a range is in money.

    A range in money of which the extreme multiple reaches the price is 0 here and a failure in
    `judged`.
    """
    terms = market.catalogue
    at = known.of, known.tier
    price, volatility = (tier_table(known, f"{n}_scan_range")[at] for n in ("price", "volatility"))
    share = np.where(_in_money(known)[known.of], price / _scanned_price(market), price)
    share = np.where(share * max(extreme_multiplier, 1.0) < 1, share, 0.0)
    columns = np.stack([known.of, known.tier, share], axis=1)
    first, factor = np.unique(columns, axis=0, return_index=True, return_inverse=True)[1:]
    names = [f"{terms.underlyings[terms.underlying[k]]} {terms.settlements[terms.settlement[k]]} "
             f"tier {known.tier[k] + 1}" for k in first]
    return ScanRange(factors=tuple(names), factor_of=factor.reshape(-1).astype(np.int32),
                     price=share[first], volatility=volatility[first])


def _in_money(known: Commodities) -> Bools:
    return np.array([c is not None and c.amounts == "money" for c in known.terms], bool)


def _scanned_price(market: MarketSnapshot) -> Floats:
    option = market.catalogue.kind == OPTION
    return np.where(option, market.forward, market.mark)


def judged(known: Commodities, market: MarketSnapshot, parameters: SpanParameters,
           ) -> tuple[Bools, dict[int, Failure]]:
    """Return which instruments have no SPAN number, and why where the snapshot does not say."""
    terms, general = market.catalogue, parameters.general
    barred, why = verdicts(terms, lambda contract: _verdict(known, contract))
    if general.option_style == "premium":
        barred = barred | ((terms.kind == OPTION)
                           & ((market.quality & int(Quality.MISSING_MARK)) != 0))
    if general.risk_arrays == "computed":
        too_wide = _too_wide(known, market, general.extreme_move_multiplier) & ~barred
        for k in np.flatnonzero(too_wide).tolist():
            why[k] = _no_price_left(terms.instruments[k].id)
        barred = barred | too_wide
    return barred, why


def _verdict(known: Commodities, contract: Instrument) -> Failure | None:
    key = commodity_key(contract)
    unit = known.name.index(key)
    commodity = known.terms[unit]
    if isinstance(contract, Spot) or contract.payoff is Payoff.QUANTO:
        reason, sentence = Reason.NOT_APPLICABLE, (
            "SPAN covers futures, perpetuals and options; hold spot as a balance")
    elif commodity is None:
        reason, sentence = Reason.NO_PARAMETERS, (
            f"there are no SPAN parameters for {key}; state commodity.{key}")
    elif commodity.amounts == "money" and contract.payoff is Payoff.INVERSE:
        reason, sentence = Reason.NOT_APPLICABLE, (
            f"amounts of {key} are in money; state fractions for coin-settled contracts")
    elif not known.price[unit] > 0:
        reason, sentence = Reason.MISSING_INDEX, (
            f"needs the index of {contract.underlying}; add market.indices")
    else:
        return None
    return Failure(reason=reason, subject=contract.id, sentence=sentence)


def _too_wide(known: Commodities, market: MarketSnapshot, multiplier: float) -> Bools:
    """Say where a scan range in money leaves no price."""
    widest = tier_table(known, "price_scan_range")[known.of, known.tier] * max(multiplier, 1.0)
    return _in_money(known)[known.of] & (widest >= _scanned_price(market))


def _no_price_left(subject: str) -> Failure:
    return Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=(
        "its scan range, in money, leaves no price in the extreme scenarios; state a smaller one"))


def commodity_key(contract: Instrument) -> str:
    """Return how parameters key the commodity of a contract, such as `btc_usdc`."""
    return f"{contract.underlying}_{contract.settlement}".lower()


def column_of(known: Commodities, field: str) -> Floats:
    """Return `field` of the tier of every instrument in the settlement asset, [instrument]."""
    return np.asarray(tier_table(known, field)[known.of, known.tier] * money(known)[known.of])
