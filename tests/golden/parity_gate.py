"""Gate: premium of an option bought, out-of-the-money amount of two.

Its rates are not published, so there is no model; the pieces are those of other venues' options.
Source: Gate help, "Gate options margin".
"""

import json
from typing import Any

import numpy as np

from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.collateral.valuation import contract_values
from counterpoise.margin.terms.short_options import out_of_the_money
from golden.compared import Cases, Compared, compared_fields
from golden.convert.registry import to_files

CASE = "gate/options_basics.json"


def compared(cases: Cases) -> list[Compared]:
    """Return every published field of Gate beside ours."""
    case: Any = cases(CASE)
    p = read_portfolio(json.dumps(to_files(CASE, case)["account"]).encode())
    terms = p.market.catalogue
    index = np.take(p.market.index, terms.underlying)
    away = {str(c.right): float(out) for c, out in zip(
        p.book.catalogue.instruments, out_of_the_money(terms, index), strict=True)}
    held = int(p.book.instrument[0])
    premium = float(p.book.lots[0] * contract_values(p.market)[held])
    ours = {"premium": premium, "otm": [away[right] for right, _, _ in case["inputs"]["otm"]]}
    return compared_fields(model="options without a model", case=CASE, ours=ours,
                           theirs=case["expected"], absolute=case["tolerance"]["absolute"])
