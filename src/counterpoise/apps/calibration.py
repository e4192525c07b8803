"""How does a calibration become the parameters of `dynamic`? Its moves, in a stated template.

The calibration gives the joint moves and what it can say of volatilities; what no history of
prices tells (haircuts, issuers, depth) comes from the template, by default the parameters that come
with the package, and the document says so.
"""

from typing import Any, Final

import numpy as np

import counterpoise
from counterpoise.adapters.daily_history import read_daily_panel
from counterpoise.adapters.dynamic_file import Stated
from counterpoise.adapters.factor_store import record_digest
from counterpoise.adapters.prediction_file import frozen_prediction
from counterpoise.calibration.calibrate import Calibration
from counterpoise.calibration.factor_fits import FactorFit
from counterpoise.calibration.factor_levels import FactorRecord, coverage_of
from counterpoise.calibration.prediction.now import Track, past_variances
from counterpoise.calibration.price_filter import (
    PREDICTION,
    RECURSION,
    FactorFilter,
    PriceForecasts,
    filter_words,
)
from counterpoise.calibration.priors import prior_words
from counterpoise.calibration.tails import TailFit
from counterpoise.margin.terms.dynamic_parameters import (
    DynamicMoves,
    DynamicParameters,
    FloorTerms,
    LiquidityTerms,
    moves_digest,
)
from counterpoise.risk.measures import expected_shortfall_of
from counterpoise.scenarios.factors import FactorHistory, factor_name
from counterpoise.scenarios.gpd_tail import tail_share
from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import replaced
from counterpoise.values.time import DAY_NS, day_text

Object = dict[str, Any]
MAY_STAND_STILL: Final = ("basis", "vol", "term", "skew", "funding")
SIMULATED: Final = "SIMULATED"
_DATED: Final = "dated"
_YEAR_DAYS: Final = 365


def stated_on(found: Calibration, record: FactorRecord, effective_from: str) -> Stated:
    """Return what the file of a calibration says about itself, its stated priors included."""
    words = filter_words(found.fitted.filters, found.fitted.shocks.history.factors)
    told = "".join(f"; {w}" for w in (words, *map(prior_words, found.priors)) if w)
    return Stated(number=1, observed_on=day_text(found.as_of), effective_from=effective_from,
                  source=f"counterpoise calibrate; {record.history.source}; history "
                  f"{record_digest(record)[:16]}{told}; haircuts, issuers, depth and spreads: "
                  "the parameters that come with the package, not calibrated")


def price_forecasts(folder: str, record: FactorRecord, *, track: Track = iter) -> PriceForecasts:
    """Return the frozen forecasts on a folder of market data, up to the last day of the record.

    Every one of them is made with the days before its own, so that a calibration on an earlier day
    takes those that had been made by then. `track` as for `past_variances`.

    Raises
    ------
    BadInput
        If data or configuration cannot be read, or an extra is missing.
    """
    chosen = frozen_prediction()
    panel = read_daily_panel(folder, coins=chosen.coins, until=day_text(int(
        record.history.day[-1])))
    return PriceForecasts(
        past=past_variances(panel, chosen.parameters, track=track), digest=chosen.digest,
        residual_max=chosen.parameters.residual_max)


def until(record: FactorRecord, day_end: int) -> FactorRecord:
    """Return the record as it was known at the instant `day_end` (ns).

    Raises
    ------
    BadInput
        If it knows nothing so early.
    """
    history = record.history
    rows = history.day <= day_end
    known = np.isfinite(history.move[rows]).any(axis=0)
    if not known.any():
        raise bad_input(Reason.BAD_TIME, "--until", f"or --as-of, {day_text(day_end)}, lies before "
                        "every known move of the history")
    at = np.flatnonzero(known)
    cut = FactorHistory(factors=tuple(history.factors[k] for k in at), day=history.day[rows],
                        move=np.ascontiguousarray(history.move[rows][:, at]),
                        source=f"{history.source}; until {day_text(day_end)}")
    return coverage_of(cut, source=history.source, why="see the whole history")


def dynamic_parameters(found: Calibration, template: DynamicParameters, *, level: float,
                       volumes: dict[str, float]) -> DynamicParameters:
    """Return the template with the calibrated moves; `volumes` {code: USD a day, stressed}.

    Raises
    ------
    BadInput
        If the parts do not fit together, such as a level that has no tail in so few moves.
    """
    moves = found.moves
    breaks = {n: m for n, m in moves.items() if n not in ("base", "floor", "stress")}
    days = (found.as_of - int(found.fitted.shocks.history.day[0])) / DAY_NS
    years = min(days / _YEAR_DAYS, found.terms.floor_years)
    whole = "ten years" if years >= 10 else f"the whole history, {years:.1f} years"
    return replaced(
        template, moves=DynamicMoves(base=moves["base"], floor=moves["floor"],
                                     stress=moves["stress"], breaks=breaks),
        general=replaced(template.general, level=level, still=still_kinds(found),
                         horizon_days=float(found.terms.horizon_days),
                         simulated=SIMULATED in found.source),
        floor=FloorTerms(share=template.floor.share if template.floor else 1.0, years=years,
                         history=f"volatility of {whole}"),
        stress=template.stress and replaced(template.stress, level=max(level, 0.9)),
        liquidity=_liquidity(found, template, volumes))


def still_kinds(found: Calibration) -> tuple[str, ...]:
    """Return the kinds of factors that some coin lacks: there they stand still.

    A coin has its basis where both that of the perpetual and one by tenor are known.
    """
    have: dict[str, set[str]] = {}
    for f in found.moves["base"].factors:
        dated = f.kind == "basis" and f.tenor_days > 0
        have.setdefault(f.subject, set()).add(f"{_DATED} {f.kind}" if dated else f.kind)
    coins = [kinds for kinds in have.values() if "price" in kinds]
    wanted = {k: {k, f"{_DATED} {k}"} if k == "basis" else {k} for k in MAY_STAND_STILL}
    return tuple(k for k in MAY_STAND_STILL if any(not wanted[k] <= kinds for kinds in coins))


def _liquidity(found: Calibration, template: DynamicParameters,
               volumes: dict[str, float]) -> dict[str, LiquidityTerms]:
    """Return the template's markets with the volatility of now, and stated volumes."""
    deviation = dict(zip(((f.subject, f.kind) for f in found.moves["base"].factors),
                         np.sqrt(np.mean(found.fitted.volatility.variance, axis=0)).tolist(),
                         strict=True))
    terms = dict(template.liquidity)
    for code, known in template.liquidity.items():
        changes: dict[str, float] = {}
        if (code.upper(), "price") in deviation:
            changes["daily_volatility"] = deviation[code.upper(), "price"]
        if code.upper() in volumes:
            changes["volume_usd"] = volumes[code.upper()]
        terms[code] = replaced(known, **changes)
    return terms


def calibration_document(found: Calibration, record: FactorRecord, *, level: float) -> Object:
    """Return a calibration in numbers: terms, fits, dependence, sizes of the moves, digests."""
    terms = found.terms
    values = np.linalg.eigvalsh(found.correlation)[::-1]
    names = [factor_name(f) for f in found.dependence]
    return {
        "model": "dynamic", "engine": f"counterpoise {counterpoise.__version__}",
        "as_of": day_text(found.as_of), "source": found.source, "level": level,
        "simulated": SIMULATED in found.source, "history_digest": record_digest(record),
        "terms": {n: getattr(terms, n) for n in terms.__fields__},  # type: ignore[attr-defined]
        "moves": {n: {"digest": moves_digest(m), "scenarios": len(m.labels), "method": m.method}
                  for n, m in found.moves.items()},
        "forecast": _forecast(found),
        "factors": [_factor(found, k, level) for k in range(len(found.fitted.fits))],
        "left_out": [{"factor": factor_name(f), "why": why} for f, why in found.left_out],
        "still": list(still_kinds(found)),
        "priors": [{"factor": factor_name(p.factor), "own_days": p.own, "prior_days": p.days,
                    "weight": p.weight, "scale": p.scale, "reading": p.reading}
                   for p in found.priors],
        "dependence": {
            "factors": names, "days": found.copula.observations,
            "copula_degrees": found.copula.degrees,
            "copula_profile": {str(n): v for n, v in found.copula.profile.items()},
            "dcc": {"a": found.dcc.a, "b": found.dcc.b, "log_likelihood":
                    found.dcc.log_likelihood, "constant": found.dcc.constant},
            "correlation_now": {a: dict(zip(names, row, strict=True)) for a, row in
                                zip(names, found.dcc.forecast.tolist(), strict=True)},
            "eigenvalues": values.tolist()},
        "our_readings": list(READINGS),
    }


READINGS: Final = (
    "our reading: where a volatility, a term, a skew or a basis by tenor is not known, moves of "
    "longer related series stand in as a stated prior, blended with its own days as they grow",
    "our reading: moves of a factor on days before it was known, and in its gaps, are drawn from "
    "its regression on the longest prices and its own coin's factors; they stand in scenarios only",
    "our reading: variance is the plain average of a fitted GJR-GARCH-t and an EWMA; where a fit "
    "is refused, EWMA alone; where a forecast filters a price, beyond tomorrow that recursion runs "
    "on from it",
    "our reading: the stress set is the days around the worst moves of the longest prices",
    "our reading: under a broken dependence every factor keeps its moves and only their order is "
    "another",
    "our reading: a quote in a dollar stablecoin is one in USD",
    "haircuts, issuers, depth and spreads are those of the template, not calibrated")


def _forecast(found: Calibration) -> Object:
    """Return which forecast was asked for, its digests, and the factors that it filters."""
    filters = found.fitted.filters
    return {"name": PREDICTION if filters.digest else RECURSION,
            "frozen_digest": filters.digest or None, "data_digest": filters.data_digest or None,
            "filters": [factor_name(fit.factor) for fit, one in zip(
                found.fitted.fits, filters.factors, strict=True) if one.name == PREDICTION]}


def _filter(one: FactorFilter) -> Object:
    return {"name": one.name, "why": one.why, "days": one.days, "level": one.level,
            "compared": one.compared, "qlike": {n: _number(q) for n, q in one.qlike.items()}}


def _factor(found: Calibration, k: int, level: float) -> Object:
    fit = found.fitted.fits[k]
    drawn = found.completed.drawn[:, k]
    share = float(found.completed.share[k])
    variance = found.fitted.volatility.variance[:, k]
    return {
        "factor": factor_name(fit.factor), "known": fit.known,
        "deviation_now": float(np.sqrt(np.mean(variance))),
        "deviation_long_run": float(found.completed.long_run[k]),
        "half_life_days": fit.half_life_days if np.isfinite(fit.half_life_days) else None,
        "filter": _filter(found.fitted.filters.factors[k]),
        "gjr": _gjr(fit), "refusal": fit.refusal,
        "ewma_decay": fit.ewma.decay if fit.ewma else None,
        "lower_tail": _tail(fit.lower), "upper_tail": _tail(fit.upper),
        "tail_refusal": fit.tail_refusal,
        "tail_scan": [{"share": r.share, **(_tail(r.fit) or {"refusal": r.refusal})}
                      for r in fit.scan],
        "years": [{"last_day": day_text(int(found.fitted.shocks.history.day[w.last_day])),
                   "deviation": w.deviation, "shape": _number(w.shape)} for w in fit.windows],
        "drawn_share": float(np.mean(drawn)), "drawn_r_squared": _number(share),
        "shortfall": {n: _shortfalls(m.move[:, k], level) for n, m in found.moves.items()
                      if n in ("base", "floor", "stress")},
    }


def _gjr(fit: FactorFit) -> Object | None:
    if fit.gjr is None:
        return None
    t = fit.gjr.terms
    return {"mean": t.mean, "omega": t.omega, "alpha": t.alpha, "gamma": t.gamma, "beta": t.beta,
            "degrees": _number(fit.gjr.degrees), "errors": {
                n: _number(e) for n, e in fit.gjr.errors.items()}}


def _tail(fit: TailFit | None) -> Object | None:
    if fit is None:
        return None
    return {"shape": fit.tail.shape, "shape_error": fit.shape_error, "scale": fit.tail.scale,
            "scale_error": fit.scale_error, "threshold": fit.tail.threshold,
            "exceedances": fit.tail.exceedances, "share_above": tail_share(fit.tail)}


def _shortfalls(move: Any, level: float) -> Object:
    """Return the expected shortfall of a unit of the factor, of falls and of rises."""
    both = np.stack([move, -move])
    fall, rise = expected_shortfall_of(np.ascontiguousarray(both), level=level).tolist()
    return {"falls": fall, "rises": rise}


def _number(x: float) -> float | None:
    return x if np.isfinite(x) else None
