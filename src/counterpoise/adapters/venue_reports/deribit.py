"""Deribit's reports: `private/pme/simulate`, `get_account_summary` (-ies) and `get_positions`.

Deribit rounds to nine decimals. In cross margin an account summary repeats the whole account in
every currency; only its totals in USD are read then.
"""

from typing import Any, Final

from counterpoise.adapters.symbols.names import instrument_of
from counterpoise.adapters.venue_reports.report import Object, Report, number, table
from counterpoise.instruments.contracts import Option, Payoff
from counterpoise.margin.reconciliation import Reported, Tolerance
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input

TOLERANCE: Final = Tolerance(absolute=6e-10, relative=1e-9)
_MATRIX: Final = ("worst_case", "roll_shock", "delta_shock")
_ONLY_VENUE: Final = ("open_orders_margin", "mmp_margin", "spot_margin")
_MODELS: Final = {"segregated_pm": "deribit_spm", "segregated_sm": "standard",
                  "cross_pm": "deribit_xpm", "cross_sm": "deribit_xsm"}
_CROSS: Final = "cross"
_SUMMARY: Final = {"initial_margin": "initial", "maintenance_margin": "maintenance",
                   "equity": "account_equity", "margin_balance": "margin_balance"}


def recognised(tree: Any) -> bool:
    """Return whether the document is a report of this venue."""
    result = _result(tree)
    if isinstance(result, list):
        return bool(result) and isinstance(result[0], dict) and "instrument_name" in result[0]
    return isinstance(result, dict) and bool({"margins", "margin_model", "summaries"} & set(result))


def report_of(tree: Any) -> Report:
    """Return what the report says.

    Raises
    ------
    BadInput
        With every number that is none.
    """
    result = _result(tree)
    wrong: list[Failure] = []
    if isinstance(result, list):
        report = _positions(result, wrong)
    elif "margins" in result:
        report = _engine(result, wrong)
    else:
        report = _summaries(result.get("summaries", [result]), wrong)
    if wrong:
        raise BadInput(*wrong)
    return report


def _result(tree: Any) -> Any:
    return tree.get("result", tree) if isinstance(tree, dict) else tree


def _engine(result: Object, wrong: list[Failure]) -> Report:
    figures: list[Reported] = []
    margins = table(result["margins"], "margins", wrong)
    for code, given in margins.items():
        where = f"margins.{code}"
        margin = table(given, where, wrong)
        details = table(margin.get("initial_margin_details", {}), where, wrong)
        matrix = table(details.get("risk_matrix_margin_details", {}), where, wrong)
        cross = code == _CROSS
        flat = {**matrix, **details, **margin}
        figures += [Reported(pool="USD" if cross else str(code).upper(), name=name, parts=parts,
                             amount=number(flat[name], f"{where}.{name}", wrong),
                             only_venue=name in _ONLY_VENUE)
                    for name, parts in _parts(cross).items() if name in flat]
    portfolio = table(result.get("portfolio", {}), "portfolio", wrong)
    held = table(portfolio.get("position", {}), "portfolio.position", wrong)
    prices = table(result.get("index_price", {}), "index_price", wrong)
    quotes = table(result.get("ticker", {}), "ticker", wrong)
    return Report(
        kind="private/pme/simulate", symbols="deribit", unit="coin",
        model="deribit_xpm" if _CROSS in margins else "deribit_spm",
        figures=tuple(figures), tolerance=TOLERANCE,
        indices={str(pair).split("_")[0].upper(): number(price, f"index_price.{pair}", wrong)
                 for pair, price in prices.items()},
        marks={name: number(table(quote, f"ticker.{name}", wrong).get("mark_price"),
                            f"ticker.{name}.mark_price", wrong)
               for name, quote in quotes.items()},
        sizes={name: str(size) for name, size in held.items()},
        parameters=table(result.get("model_params", {}), "model_params", wrong))


def _parts(cross: bool) -> dict[str, tuple[str, ...]]:
    """Return our components of each figure; in cross margin equity has a part of its own."""
    equity = ("equity",) if cross else ()
    return {"initial_margin": ("initial",), "maintenance_margin": ("maintenance",),
            "risk_matrix_margin": (*_MATRIX, *equity), "worst_case": ("worst_case", *equity),
            **{name: (name,) for name in ("roll_shock", "delta_shock", *_ONLY_VENUE)}}


def _summaries(summaries: Any, wrong: list[Failure]) -> Report:
    given = summaries if isinstance(summaries, list) else [summaries]
    rows = [table(row, "summaries", wrong) for row in given]
    models = {str(row.get("margin_model")) for row in rows if "margin_model" in row}
    cross = sorted(name for name in models if name.startswith("cross"))
    chosen = cross[0] if cross else min(models, default="segregated_pm")
    if chosen not in _MODELS:
        raise bad_input(Reason.NOT_APPLICABLE, "margin_model", f"{chosen[:40]!r} has no rule book "
                        "here; known are " + ", ".join(_MODELS))
    figures = _cross(rows, wrong) if cross else [
        Reported(pool=str(row.get("currency", "")).upper(), name=name, parts=(part,),
                 amount=number(row[name], f"{row.get('currency')}.{name}", wrong))
        for row in rows if any(row.get(name) for name in _SUMMARY)
        for name, part in _SUMMARY.items() if name in row]
    return Report(kind="private/get_account_summary", symbols="deribit", model=_MODELS[chosen],
                  figures=tuple(figures), tolerance=TOLERANCE, indices={}, marks={}, sizes={},
                  unit="coin", parameters={})


def _cross(rows: list[Object], wrong: list[Failure]) -> list[Reported]:
    totals = next((row for row in rows if "total_initial_margin_usd" in row), {})
    return [Reported(pool="USD", name=f"total_{name}_usd", parts=(part,),
                     amount=number(totals[f"total_{name}_usd"], f"total_{name}_usd", wrong))
            for name, part in _SUMMARY.items() if f"total_{name}_usd" in totals]


def _positions(rows: list[Any], wrong: list[Failure]) -> Report:
    figures: list[Reported] = []
    marks: dict[str, float] = {}
    indices: dict[str, float] = {}
    sizes: dict[str, str] = {}
    for row in (table(row, "positions", wrong) for row in rows):
        name = str(row.get("instrument_name", ""))
        contract = instrument_of(name, "deribit")
        figures += [Reported(pool=contract.settlement, name=f"{name} {key}", parts=(part,),
                             instrument=contract.id,
                             amount=number(row[key], f"{name}.{key}", wrong))
                    for key, part in (("initial_margin", "initial"),
                                      ("maintenance_margin", "maintenance")) if key in row]
        marks[name] = number(row.get("mark_price"), f"{name}.mark_price", wrong)
        indices[contract.underlying] = number(row.get("index_price"), f"{name}.index_price", wrong)
        in_quote = contract.payoff is Payoff.INVERSE and not isinstance(contract, Option)
        sizes[name] = str(row.get("size_currency" if in_quote else "size", ""))
    return Report(kind="private/get_positions", symbols="deribit", model="standard",
                  figures=tuple(figures), tolerance=TOLERANCE, indices=indices, marks=marks,
                  sizes=sizes, unit="coin", parameters={})
