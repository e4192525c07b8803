"""What does an account's excess depend on? Columns of the market, summed with the positions.

With lots n and, per lot, m the contract value at the mark, p_s the P&L of scenario s, w_s its
weight, r the roll charge with the sign of the delta, and a_s >= 0 the dampener of the unit,

    equity - worst case - roll = min over s (sum n (m + w_s p_s) + a_s) - sum over e |sum n r|

so below the threshold of the delta shock an excess is a concave function of (m + w_s p_s, r, a_s)
and reads nothing else of the market (docs/decisions/0011-safe-bands.md).
"""


from counterpoise.collateral.valuation import contract_values
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.risk_matrix import RiskMatrixParameters, unit_terms
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.risk.arrays import RiskArrays
from counterpoise.values.frozen import frozen


@frozen
class ExcessColumns:
    """What excesses read of one market; pool currency per lot, NaN where a number is missing.

    excess     [instrument, scenario] m + w_s p_s; column 0 is the contract value m itself
    roll       [instrument] roll charge of one lot with the sign of its delta
    delta      [instrument] coins per lot, which the delta shock reads
    dampener   [unit, scenario] >= 0, pool currency
    index      [underlying]
    unit       [instrument] the risk unit of each
    underlying_of  [unit]
    """

    excess: Floats
    roll: Floats
    delta: Floats
    dampener: Floats
    index: Floats
    unit: Indices
    underlying_of: Indices


def excess_columns(market: MarketSnapshot, arrays: RiskArrays,
                   parameters: RiskMatrixParameters) -> ExcessColumns:
    """Return the columns of a market whose model is a risk matrix.

    They are the terms by which the model itself measures unit rows, not a second arithmetic.
    """
    terms = unit_terms(arrays, market, parameters)
    dampener = terms.transform.dampener
    assert dampener is not None
    weighted = terms.weight[terms.units.of] * arrays.pnl
    return ExcessColumns(
        excess=contract_values(market)[:, None] + weighted, roll=terms.roll_delta * terms.rate,
        delta=arrays.delta, dampener=dampener, index=market.index, unit=terms.units.of,
        underlying_of=terms.units.underlying)
