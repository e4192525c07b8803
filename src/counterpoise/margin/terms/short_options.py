"""What a short option needs when nothing is netted: the shape that most venues print.

    margin = max(rate x S - OTM, least x S) + mark          per unit of underlying sold

S is the venue's price of the underlying (index or forward), OTM how far the option is out of the
money. Binance, Bit.com, Deribit, Aevo and Gate print it with rates of their own; a long option has
paid its premium and needs nothing more.
"""

import numpy as np

from counterpoise.instruments.catalogue import Catalogue
from counterpoise.margin.requirement import Floats


def out_of_the_money(terms: Catalogue, price: Floats) -> Floats:
    """Return how far each option is out of the money, [instrument], in the unit of `price`.

    max(K - S, 0) for a call, max(S - K, 0) for a put; 0 for what is no option. `price` is S,
    [instrument], quote per unit of underlying.
    """
    return np.maximum(terms.right * (terms.strike - price), 0.0)


def short_margin(*, price: Floats | float, out: Floats, mark: Floats, rate: Floats,
                 least: Floats) -> Floats:
    """Return max(rate x price - out, least x price) + mark, per unit of underlying sold."""
    return np.asarray(np.maximum(rate * price - out, least * price) + mark)
