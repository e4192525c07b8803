"""What do joint moves of all factors do to every instrument? The one mapping to a ScenarioSet.

    index      I' = I exp(x_price), composed through what the price is in   (spot)
    future     F' = F (I'/I) exp(x_basis(T) T)          x_basis linear in tenor, flat outside
    perpetual  P' = P (I'/I) exp(x_basis(0)), less the funding of the horizon where it is charged
    option     on F', at vol exp(x_vol + x_term ln(T / 30 days) + x_skew m)

with T the present time to expiry, within 1 to 365 days in the term, and m as in
`scenarios.factors`. Under `sticky_strike` m and the volatility belong to the strike; under
`sticky_moneyness` (sticky delta) the volatility slides along the fitted smile and m is that at F'.
A volatility factor is the change at the money, so that sticky moneyness is its consistent reading:
sticky strike adds the slide of the smile to it (docs/methodology/scenarios.md).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from counterpoise import _core
from counterpoise.instruments.catalogue import FUTURE, OPTION, PERPETUAL, SPOT
from counterpoise.market.at_the_money import at_the_money, log_moneyness_of
from counterpoise.market.conditions import column_of
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.market.surfaces.raw import RawSurface
from counterpoise.scenarios.factors import Floats, JointMoves
from counterpoise.scenarios.moved_assets import log_price_move
from counterpoise.scenarios.scenario_set import Columns, ScenarioSet, VolRule
from counterpoise.scenarios.sticky_moneyness import sticky_moneyness
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import YEAR_NS

TERM_DAYS: Final = (1.0, 365.0)
SKEW_REACH: Final = 3.0
FUNDINGS_PER_DAY: Final = 3.0
FUNDING_MAX: Final = 0.5
GROWTH_LEAST: Final = -30.0
"""No price falls below e^-30 of itself: below that, 1 less the fall is no number any more."""
_NEEDED: Final = {SPOT: ("price",), PERPETUAL: ("price", "basis"), FUTURE: ("price", "basis"),
                  OPTION: ("price", "basis", "vol", "term", "skew")}
_MAY_STAND_STILL: Final = ("basis", "vol", "term", "skew", "funding", "peg")
_RULE: Final = VolRule(relative=True, power_short=0.0, power_long=0.0, switch_days=30.0,
                       days_floor=1.0, whole_days=False, floor_up=0.0)


@frozen
class Dynamics:
    """How moves of factors reach prices beyond their definition; nothing here has a default.

    smile         "sticky_strike" or "sticky_moneyness" (sticky delta)
    passing_days  time that passes in every scenario, usually the horizon of the moves
    funding       "charged": perpetuals pay it over `passing_days`; "left_out"
    still         kinds of factors that stand still where an underlying has none: a statement of
                  the caller, since nothing is still by itself; a price never is
    """

    smile: Literal["sticky_strike", "sticky_moneyness"]
    passing_days: float
    funding: Literal["charged", "left_out"]
    still: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse unknown words, a time that runs backwards, and a price that stands still."""
        known = (self.smile in ("sticky_strike", "sticky_moneyness")
                 and self.funding in ("charged", "left_out"))
        if not (known and 0 <= self.passing_days <= 365):
            raise bad_input(Reason.BAD_VALUE, "dynamics", "smile is sticky_strike or "
                            "sticky_moneyness, funding is charged or left_out, and passing_days is "
                            "from 0 to 365")
        wrong = [kind for kind in self.still if kind not in _MAY_STAND_STILL]
        if wrong:
            raise bad_input(Reason.BAD_VALUE, "dynamics", f"{wrong[0]} cannot stand still; only "
                            + ", ".join(_MAY_STAND_STILL) + " can")


def joint_scenarios(moves: JointMoves, market: MarketSnapshot, dynamics: Dynamics, *,
                    surfaces: Mapping[tuple[str, str], RawSurface] | None = None) -> ScenarioSet:
    """Return scenario 0 and one scenario per row of the moves; P&L in quote money.

    Parameters
    ----------
    surfaces
        The smiles of (underlying, settlement asset) under `sticky_moneyness`, None otherwise.
        Options without one keep their volatility at their strike.

    Raises
    ------
    BadInput
        If an instrument follows a factor that the moves do not have, naming each; a whole book
        that should go on without them takes `joint_scenarios_with_gaps`.
    """
    gaps = missing_factors(moves, market, dynamics)
    if gaps:
        raise BadInput(*gaps.values())
    return joint_scenarios_with_gaps(moves, market, dynamics, surfaces=surfaces)


def joint_scenarios_with_gaps(moves: JointMoves, market: MarketSnapshot, dynamics: Dynamics, *,
                              surfaces: Mapping[tuple[str, str], RawSurface] | None = None,
                              ) -> ScenarioSet:
    """Return the same where rows of `missing_factors` have NaN for P&L and are marked failed."""
    assert (surfaces is not None) == (dynamics.smile == "sticky_moneyness"), "smiles if sliding"
    known = _Known(moves=moves, market=market, dynamics=dynamics)
    lines = _lines(known)
    move, vol_shift = (np.zeros((1 + len(moves.labels), len(lines.first))) for _ in range(2))
    for u in range(len(market.catalogue.underlyings)):
        _fill(known, lines, u, move[1:], vol_shift[1:])
    passing = np.full(len(move), dynamics.passing_days)
    passing[0] = 0.0
    terms = market.catalogue
    joint = ScenarioSet(
        labels=("unshocked", *moves.labels), factor_of=lines.factor_of, move=move,
        factors=tuple(f"{c.underlying} {c.id}" for c in (
            terms.instruments[k] for k in lines.first.tolist())),
        vol_shift=vol_shift, vol_rules=(_RULE,) * len(lines.first), time_shift_days=passing,
        weight=np.concatenate(([0.0], moves.weight)), base_spot="index", base_delta_one="mark",
        base_option="forward", numeraire="quote", method=f"{moves.method}; {dynamics}")
    return joint if surfaces is None else sticky_moneyness(joint, market, surfaces)


def missing_factors(moves: JointMoves, market: MarketSnapshot,
                    dynamics: Dynamics) -> dict[int, Failure]:
    """Return {instrument: why it has no P&L under these moves}, empty where all are followed."""
    known = _Known(moves=moves, market=market, dynamics=dynamics)
    terms, funding = market.catalogue, column_of(market.conditions, "funding_rate",
                                                 market.catalogue)
    lacks = {(u, kind): [need for need in _needed(kind, dynamics) if not _has(known, u, need, kind)]
             for u in range(len(terms.underlyings)) for kind in _NEEDED}
    found = {}
    for k, (u, kind) in enumerate(zip(terms.underlying.tolist(), terms.kind.tolist(),
                                      strict=True)):
        missing = lacks[u, kind]
        if missing:
            found[k] = _no_factor(terms.instruments[k].id, terms.underlyings[u], missing)
        elif kind == PERPETUAL and dynamics.funding == "charged" and np.isnan(funding[k]):
            found[k] = Failure(reason=Reason.MISSING_NUMBER, subject=terms.instruments[k].id,
                               sentence="has no funding rate; give `funding_rate`, or leave "
                               "funding out")
    return found


@frozen
class _Known:
    moves: JointMoves
    market: MarketSnapshot
    dynamics: Dynamics


@frozen
class _Lines:
    """The instruments that move alike: neighbours in canonical order.

    first      [factor] an instrument of each      factor_of  [instrument] its factor
    k, m_per_k [factor] ln(K/F) and 1 / (volatility at the money x sqrt(T)), 0 for non-options
    """

    first: np.ndarray[Any, np.dtype[np.int64]]
    factor_of: Columns
    k: Floats
    m_per_k: Floats


def _needed(kind: int, dynamics: Dynamics) -> tuple[str, ...]:
    charged = kind == PERPETUAL and dynamics.funding == "charged"
    return (*_NEEDED[kind], "funding") if charged else _NEEDED[kind]


def _has(known: _Known, underlying: int, need: str, kind: int) -> bool:
    code = known.market.catalogue.underlyings[underlying]
    if need == "price":
        return not bool(np.isnan(log_price_move(known.moves, code)).any())
    return need in known.dynamics.still or any(
        f.subject == code and f.kind == need
        and (need != "basis" or (f.tenor_days == 0) == (kind == PERPETUAL))
        for f in known.moves.factors)


def _no_factor(name: str, underlying: str, missing: list[str]) -> Failure:
    which = " and ".join(f"{underlying} {kind}" for kind in missing)
    may = [kind for kind in missing if kind in _MAY_STAND_STILL]
    still = f", or state that {' and '.join(may)} stands still" if may else ""
    return Failure(reason=Reason.MISSING_NUMBER, subject=name, sentence=f"follows {which}, of "
                   f"which the joint moves say nothing; give that factor{still}")


def _lines(known: _Known) -> _Lines:
    market, terms = known.market, known.market.catalogue
    option = terms.kind == OPTION
    years = np.maximum(terms.expiry - market.as_of, 0) / YEAR_NS
    k = np.where(option, log_moneyness_of(market), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        m_per_k = np.where(option & (years > 0.0), 1.0 / (at_the_money(market) * np.sqrt(years)),
                           0.0)
    skewed = np.array([any(f.subject == u and f.kind == "skew" for f in known.moves.factors)
                       for u in terms.underlyings], bool)[terms.underlying]
    own = column_of(market.conditions, "funding_rate", terms)
    columns: tuple[Any, ...] = (
        terms.underlying, terms.expiry, terms.kind, np.where(skewed, k, 0.0),
        np.where(skewed, m_per_k, 0.0), np.where(terms.kind == PERPETUAL, own, 0.0))
    new = np.ones(len(terms), bool)
    new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    first = np.flatnonzero(new)
    return _Lines(first=first, factor_of=(np.cumsum(new) - 1).astype(np.int32), k=k[first],
                  m_per_k=m_per_k[first])


def _fill(known: _Known, lines: _Lines, u: int, move: Floats, vol_shift: Floats) -> None:
    """Write the moves of one underlying's lines, [scenario, factor]."""
    terms = known.market.catalogue
    index = log_price_move(known.moves, terms.underlyings[u])
    mine = np.flatnonzero(terms.underlying[lines.first] == u)
    at = lines.first[mine]
    keys = list(zip(terms.expiry[at].tolist(), terms.kind[at].tolist(), strict=True))
    for expiry, kind in dict.fromkeys(keys):
        columns = _run(mine[[key == (expiry, kind) for key in keys]])
        growth = np.maximum(index + _basis(known, u, kind=kind, expiry=expiry), GROWTH_LEAST)
        move[:, columns] = _core.expm1(growth)[:, None]
        if kind == PERPETUAL:
            move[:, columns] = _funded(known, u, lines.first[columns], growth)
        if kind == OPTION:
            vol_shift[:, columns] = _vol_shift(known, u, expiry, growth,
                                               (lines.k[columns], lines.m_per_k[columns]))


def _run(columns: np.ndarray[Any, np.dtype[np.int64]]) -> Any:
    """Return the columns as a slice where they are neighbours, which is written faster."""
    first, last = int(columns[0]), int(columns[-1])
    return slice(first, last + 1) if last - first + 1 == len(columns) else columns


def _basis(known: _Known, u: int, *, kind: int, expiry: int) -> Floats:
    """Return what the basis adds to ln F'/F, [scenario]."""
    code, moves = known.market.catalogue.underlyings[u], known.moves
    if kind == SPOT:
        return np.zeros(len(moves.labels))
    tenors = sorted((f.tenor_days, column) for column, f in enumerate(moves.factors)
                    if f.subject == code and f.kind == "basis"
                    and (f.tenor_days == 0) == (kind == PERPETUAL))
    if not tenors:
        return _without(known, "basis")
    years = max(expiry - known.market.as_of, 0) / YEAR_NS
    days = years * 365.0
    after = next((k for k, (tenor, _) in enumerate(tenors) if tenor >= days), len(tenors))
    low, high = tenors[max(after - 1, 0)], tenors[min(after, len(tenors) - 1)]
    share = (days - low[0]) / (high[0] - low[0]) if high[0] > low[0] else 0.0
    below, above = moves.move[:, low[1]], moves.move[:, high[1]]
    moved: Floats = below + share * (above - below)
    return moved if kind == PERPETUAL else moved * years


def _funded(known: _Known, u: int, at: np.ndarray[Any, np.dtype[np.int64]],
            growth: Floats) -> Floats:
    """Return the moves of perpetuals less the funding they pay, [scenario, perpetual].

    *Our reading*: the rate goes from its present value to the moved one in a straight line, and is
    paid on the notional at the shocked price, three times a day.
    """
    ratio: Floats = _core.exp(growth)[:, None]
    if known.dynamics.funding == "left_out":
        return ratio - np.ones(len(at))
    rate = column_of(known.market.conditions, "funding_rate", known.market.catalogue)[at]
    change = _of_kind(known, u, "funding")[:, None]
    paid = (rate + 0.5 * change) * (FUNDINGS_PER_DAY * known.dynamics.passing_days)
    if bool(np.any(np.abs(paid) > FUNDING_MAX)):
        raise bad_input(Reason.BAD_VALUE, known.market.catalogue.underlyings[u], "pays more than "
                        f"{FUNDING_MAX:.0%} of its notional as funding over the horizon; rates are "
                        "fractions per 8 hours")
    less: Floats = ratio * (1.0 - paid) - 1.0
    return less


def _vol_shift(known: _Known, u: int, expiry: int, growth: Floats,
               moneyness: tuple[Floats, Floats]) -> Floats:
    """Return the relative volatility shift of one expiry's strikes, [scenario, strike]."""
    k, m_per_k = moneyness
    days = np.clip(max(expiry - known.market.as_of, 0) / YEAR_NS * 365.0, *TERM_DAYS)
    slope = float(_core.log(np.array([days / 30.0]))[0])
    level = _of_kind(known, u, "vol") + slope * _of_kind(known, u, "term")
    skew = _of_kind(known, u, "skew")
    if not skew.any():
        return np.repeat(_core.expm1(level)[:, None], len(k), axis=1)
    slid = growth[:, None] if known.dynamics.smile == "sticky_moneyness" else 0.0
    m = np.clip((k - slid) * m_per_k, -SKEW_REACH, SKEW_REACH)
    moved = level[:, None] + skew[:, None] * m
    return _core.expm1(moved.ravel()).reshape(moved.shape)


def _of_kind(known: _Known, u: int, kind: str) -> Floats:
    code = known.market.catalogue.underlyings[u]
    for column, factor in enumerate(known.moves.factors):
        if factor.subject == code and factor.kind == kind:
            return known.moves.move[:, column]
    return _without(known, kind)


def _without(known: _Known, kind: str) -> Floats:
    """Return no move where the caller says that the kind stands still, NaN otherwise."""
    value = 0.0 if kind in known.dynamics.still else np.nan
    return np.full(len(known.moves.labels), value)
