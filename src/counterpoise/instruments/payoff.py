"""What a contract pays when it ends, given the delivery price.

    option, linear    u max(w (D - K), 0)          in the settlement asset, w = +1 call, -1 put
    option, inverse   u max(w (D - K), 0) / D      in coin
    future, linear    u D        future, inverse   -u / D     (values; P&L is the value less entry)

The delivery price D is the time-weighted index over the settlement window, 30 minutes before
expiry at every venue in scope. Source: Deribit, settlement examples of inverse and linear options.
"""

from counterpoise.instruments.contracts import Future, Option, Payoff, Right
from counterpoise.values.failure import Reason, bad_input


def settlement_value(contract: Future | Option, delivery_price: float) -> float:
    """Return what one contract is worth at `delivery_price` (quote per underlying), per contract.

    In the settlement asset; positive is received by the long side.

    Raises
    ------
    BadInput
        If the delivery price is not a positive finite number.
    """
    if not 0 < delivery_price < float("inf"):
        raise bad_input(Reason.ABSURD_PRICE, contract.id, f"delivery price {delivery_price} must "
                        "be positive; it is the index average of the settlement window")
    inverse = contract.payoff is Payoff.INVERSE
    match contract:
        case Option(right=right, strike=strike):
            sign = 1 if right is Right.CALL else -1
            paid = contract.multiplier * max(sign * (delivery_price - strike), 0.0)
            return paid / delivery_price if inverse else paid
        case Future():
            size = contract.multiplier
            return -size / delivery_price if inverse else size * delivery_price
