"""How does a clearing service publish its margin backtests? Rows in the shape of CPMI-IOSCO's
public quantitative disclosures, section 6.

One row per model and portfolio: number of observations, exceptions, coverage, largest and average
exception (item 6.5; names follow ISO 20022 auth.066), with the margin model (6.3), its parameters
(6.4) and mean requirement (6.1). Items on collateral held and variation margin paid (6.2, 6.6 to
6.8) need recorded accounts and are left out, not estimated. Beside them stand tests of the margin
and of the forecast distribution, the latter empty with a reason where a model states none. Decimals
are strings. Item texts other than 6.5 are not confirmed against the primary source: *our reading*.
"""

import csv
import io
from typing import Any, Final

from counterpoise.apps.report.backtest import NOT_COMPLIANCE, SIMULATED, Told, day
from counterpoise.apps.report.document import json_text
from counterpoise.apps.report.writing import writing
from counterpoise.backtest.results import Judgement
from counterpoise.values.failure import Reason, bad_input

FIELDS: Final = (
    "clearing_service", "model", "parameter_version", "confidence", "holding_period_days",
    "lookback", "im_mean", "currency", "number_of_observations", "number_of_exceptions",
    "coverage", "largest_exception", "average_exception", "kupiec_p_value",
    "dynamic_quantile_p_value", "acerbi_szekely_z2", "acerbi_szekely_z2_p_value",
    "fz0", "no_forecast")
_ENDINGS: Final = (".json", ".csv")


def disclosure(found: Told) -> dict[str, Any]:
    """Return header and rows."""
    last = max((o.until for seen in found.run.seen.values() for o in seen), default=0)
    first = min((o.at for seen in found.run.seen.values() for o in seen), default=0)
    as_of = day(last)[:10]
    return {
        "header": {"as_of": as_of, "quarter": f"{as_of[:4]}Q{(int(as_of[5:7]) + 2) // 3}",
                   "first_margin": day(first)[:10], "source": found.run.source,
                   "simulated": found.run.simulated, "input_digest": found.run.digest,
                   "margin": found.terms.margin, "note": NOT_COMPLIANCE},
        "rows": [_row(found, model, j) for model, judgements in found.judgements.items()
                 for j in judgements]}


def write_disclosure(found: Told, path: str) -> None:
    """Write the disclosure as JSON or CSV, by the ending of the path.

    Raises
    ------
    BadInput
        If the ending is another, or the file cannot be written.
    """
    refuse_unwritable(path)
    made = disclosure(found)
    text = json_text(made) + "\n" if path.endswith(".json") else _csv(made)
    with writing(path), open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def refuse_unwritable(path: str) -> None:
    """Refuse a path whose ending says no format, before anything is computed for it.

    Raises
    ------
    BadInput
        If the ending is neither .json nor .csv.
    """
    if not path.endswith(_ENDINGS):
        raise bad_input(Reason.BAD_VALUE, path, "has an ending that is no disclosure; use .json "
                        "or .csv")


def _row(found: Told, model: str, j: Judgement) -> dict[str, str]:
    short = [e.shortfall for e in j.exceedances]
    values = (j.portfolio, model, found.run.versions[model], _decimal(found.terms.level),
              str(found.terms.horizon_days), "as the parameters say", _money(j.mean_margin), "USD",
              str(j.observations), f"{j.exceptions['final']:.0f}", _decimal(j.coverage),
              _money(max(short, default=0.0)),
              _money(sum(short) / len(short) if short else 0.0), _decimal(j.kupiec[0]),
              _decimal(j.dynamic_quantile[0]),
              *_forecast(j), j.no_forecast)
    return dict(zip(FIELDS, values, strict=True))


def _forecast(j: Judgement) -> tuple[str, ...]:
    f = j.forecast
    return ("",) * 3 if f is None else (_decimal(f.z2), _decimal(f.z2_p_value), _decimal(f.fz0))


def _csv(made: dict[str, Any]) -> str:
    """Return the rows as CSV, the header's fields in front of each row."""
    out = io.StringIO()
    head = {k: (SIMULATED if v else "no") if k == "simulated" else v
            for k, v in made["header"].items()}
    writer = csv.DictWriter(out, fieldnames=[*head, *FIELDS], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**head, **row} for row in made["rows"])
    return out.getvalue()


def _money(value: float) -> str:
    return "" if value != value else f"{value:.2f}"


def _decimal(value: float) -> str:
    return "" if value != value else f"{value:.6f}".rstrip("0").rstrip(".")
