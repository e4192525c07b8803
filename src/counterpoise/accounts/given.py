"""Which amounts may an account state that only its venue knows? Two closed lists that may grow.

A model says which of them it reads (`given_names`); what is stated and not read is named beside the
answer, never used in silence. Signs: positive is owned or gained, or, for requirements and charges,
needed or owed.
"""

from typing import Any, Final

from counterpoise.values.frozen import frozen


@frozen
class StatedAmount:
    """One amount: what it is, whether it may be negative, whether two of them add up."""

    sentence: str
    signed: bool = False
    adds: bool = True


def _charge(sentence: str) -> StatedAmount:
    return StatedAmount(sentence=sentence)


def _gain(sentence: str) -> StatedAmount:
    return StatedAmount(sentence=sentence, signed=True)


def _rate(sentence: str) -> StatedAmount:
    return StatedAmount(sentence=sentence, adds=False)


BY_ASSET: Final = {
    "equity": _gain("equity as the venue reports it; stands for ours"),
    "margin_balance": _gain("equity after haircuts as the venue reports it"),
    "mmp_margin": _charge("margin of market maker protection"),
    "open_orders_margin": _charge("margin of open orders; stands for ours"),
    "spot_margin": _charge("margin of spot orders"),
    "maintenance_margin": _charge("maintenance margin of what is not in this file"),
    "loan_maintenance": _charge("maintenance margin of loans"),
    "open_loss": _charge("what open orders have lost on paper"),
    "fees": _charge("fees owed and not paid yet"),
    "borrowed_interest": _charge("interest owed and not paid yet"),
    "borrow_rate": _rate("rate of the loan, annualised fraction"),
    "reserved": _charge("owned, but set aside for orders or withdrawals"),
    "spot_in_use": _gain("balance that offsets derivatives, as the venue reports it"),
    "basis_margin": _charge("charge on basis between expiries; stands for ours"),
    "spot_in_use_max": _charge("most of a balance that may offset derivatives"),
    "scan_risk": _charge("scan risk as the venue reports it"),
    "previous_initial": _charge("initial margin of positions charged the step before, buffer in"),
    "net_option_value": _gain("market value of long less short options as the venue reports it"),
}
"""By account and asset, in units of the asset (`borrow_rate`: a fraction)."""

BY_POSITION: Final = {
    "unrealised_pnl": _gain("unrealised P&L, settlement asset; without an entry price it says "
                            "what the entry was"),
    "unrealised_funding": _gain("funding earned and not paid yet, settlement asset; counts in "
                                "equity"),
    "market_value": _gain("market value, settlement asset"),
    "delta": _gain("delta of the whole position, units of underlying"),
    "gamma": _gain("gamma of the whole position, units of underlying per quote unit"),
    "vega": _gain("vega of the whole position, quote per 1.00 of volatility"),
    "theta": _gain("theta of the whole position, quote per day"),
    "worst_loss": _charge("loss in the worst scenario, settlement asset"),
    "maintenance_rate": _rate("maintenance margin rate, fraction of size"),
    "leverage": _rate("leverage chosen for the position"),
}
"""By position; amounts of the whole position, not per contract."""

COUNTED: Final = frozenset({"equity", "unrealised_pnl", "unrealised_funding"})
"""Names that are counted before any model is asked."""
USUAL: Final = frozenset({"mmp_margin", "open_orders_margin", "spot_margin"})
"""Names that a model reads which does not say which it reads."""


def names_read(model: Any) -> frozenset[str]:
    """Return the names of stated amounts that count under a model."""
    return COUNTED | frozenset(getattr(model, "given_names", USUAL))
