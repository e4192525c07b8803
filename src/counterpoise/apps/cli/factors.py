"""`counterpoise factors build` and `describe`: make a factor history, and say what it holds."""

import os
import sys

from counterpoise.adapters.factor_store import (
    appended,
    read_factor_record,
    write_factor_record,
)
from counterpoise.apps.cli.output import ANSWERED, show, show_json, wants_bold
from counterpoise.apps.cli.progress import tracked
from counterpoise.apps.factors import FactorFiles, factor_record
from counterpoise.apps.report.factors import factors_document, factors_lines
from counterpoise.calibration.factor_levels import FactorRecord
from counterpoise.calibration.simulated_history import simulated_record
from counterpoise.values.failure import Reason, bad_input


def build(out: str | None, files: FactorFiles, *, append: bool, as_json: bool) -> int:
    """Write the factor history of the files to `out`; return the exit code."""
    if out is None:
        raise bad_input(Reason.BAD_VALUE, "FILE", "is missing; name the factor history to write, "
                        "like factors.parquet")
    if os.path.exists(out) and not append:
        raise bad_input(Reason.DUPLICATE, out, "exists; remove it, or add days to it with --append")
    old = read_factor_record(out) if append and os.path.exists(out) else None
    record = factor_record(files, track=lambda stamps: tracked(stamps, "option chains"))
    if old is not None:
        record = appended(old, record)
    write_factor_record(out, record)
    return _shown(record, as_json=as_json)


def describe(path: str | None, *, as_json: bool) -> int:
    """Say what a factor history holds, the simulated one without a path; return the exit code."""
    return _shown(simulated_record() if path is None else read_factor_record(path),
                  as_json=as_json)


def _shown(record: FactorRecord, *, as_json: bool) -> int:
    if as_json:
        show_json(factors_document(record))
    else:
        show(factors_lines(record, bold=wants_bold(sys.stdout)))
    return ANSWERED
