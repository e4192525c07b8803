"""Which published fields have no line of parity, and why; and which have none yet.

Patterns are those of `fnmatch`: `*` stands for anything. `EXEMPT` holds what nobody but the venue
can compute and what belongs to another part of the field than margin. `PENDING` holds the cases
whose model is being written; it must be empty when all of them stand.
"""

from typing import Final

STATEMENT: Final = "a sentence about a rule, not a number"

EXEMPT: Final[tuple[tuple[str, str, str], ...]] = (
    ("okx/position_builder_2025-01-15.json", "*notionalUsd*",
     "the venue's own rounding of prices"),
    # Bybit
    ("bybit/asset_portfolio_margin_2026-03-24.json", "*futureDeltaContingency",
     "the venue does not publish the formula"),
    ("bybit/asset_portfolio_margin_2026-03-24.json", "accountMM",
     "the loans of the account are not printed"),
    ("bybit/asset_portfolio_margin_2026-03-24.json", "accountIM",
     "the loans of the account are not printed"),
    # SPAN
    ("span/nse_marginism__official_parameters.json", "psr_*", STATEMENT),
    ("span/nse_marginism__official_parameters.json", "illiquid_scale", STATEMENT),
    ("span/spreads_cme_hkex__prime_ics_identity.json", "identity", STATEMENT),
    # Derive
    ("derive/auction_units.json", "*", "auctions belong to liquidation, not to margin"),
    ("derive/liquidation_sims.json", "*", "auctions belong to liquidation, not to margin"),
    ("derive/pmrm1_portfolios.json", "*", "PMRM before its second version; it is not in force"),
)
"""(case, field, reason)"""

PENDING: Final[tuple[str, ...]] = ()
"""Case files whose model is not there yet; delete yours with the parity module that covers it."""
