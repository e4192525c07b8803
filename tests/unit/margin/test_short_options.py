"""The shape of short option margin that venues print, on a published example.

Source: Bit.com help, "Margin rules for USDT-margined options" (9771460), ETH-USDT-17NOV23-1850-P:
underlying 2,098, mark 2.4; IM 10,610 and MM 7,987.5 for 50 ether.
"""

import numpy as np
import pytest

from counterpoise.margin.terms.short_options import out_of_the_money, short_margin
from markets import market


def test_the_published_example_of_a_short_put() -> None:
    """max(314.7 - 248, 209.8) + 2.4 = 212.2; max(157.35, 0.18) + 2.4 = 159.75."""
    initial = short_margin(price=2_098.0, out=np.array([248.0]), mark=np.array([2.4]),
                           rate=np.array([0.15]), least=np.array([0.10]))
    maintenance = short_margin(price=2_098.0, out=np.zeros(1), mark=np.array([2.4]),
                               rate=np.array([0.075]), least=np.zeros(1))

    assert 50 * initial[0] == pytest.approx(10_610, abs=0.5)
    assert 50 * maintenance[0] == pytest.approx(7_987.5, rel=1e-12)


def test_calls_and_puts_are_out_of_the_money_on_their_own_side() -> None:
    """At 65,000 a call struck at 71,500 and a put struck at 58,500 are 6,500 away."""
    terms = market().catalogue
    out = out_of_the_money(terms, np.full(len(terms), 65_000.0))

    names = ("71500-C", "71500-P", "58500-C", "58500-P")
    assert [6_500, 0, 0, 6_500] == [
        out[terms.column[f"BTC-USD:BTC-20260327-{name}"]] for name in names]
    assert out[terms.column["BTC-USD:BTC-PERP"]] == 0
