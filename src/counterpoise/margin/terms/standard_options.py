"""What options need by expiry under Derive's standard margin: naked, or the worst settlement.

    short call  IM = max(least S, most S - out) + mark      MM = call_maintenance S + mark
    short put   MM = max(put_maintenance S, put_mark_maintenance mark) + mark
                IM = max(max(least S, most S - out) + mark, maintenance_offset MM)
    settlement  -min(0, worst pay-off) + unpaired F max(0, -net calls)
    need        the smaller of the sum over naked shorts and the settlement, by expiry

out is how far the option is out of the money; longs need nothing naked. Source: Derive v2, SRM
(docs/managers/SRM.md of github derivexyz/v2-core).
"""

import numpy as np

from counterpoise.accounts.book import Book
from counterpoise.instruments.catalogue import OPTION
from counterpoise.margin.pools import Bools, position_accounts
from counterpoise.margin.requirement import Floats, Indices
from counterpoise.margin.terms.settlement_loss import Ints, Legs, SettlementLoss, settlement_loss
from counterpoise.margin.terms.short_options import out_of_the_money, short_margin
from counterpoise.margin.terms.srm_parameters import SrmMarket
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.frozen import frozen


@frozen
class OptionNeeds:
    """What each option position needs in the sum of its expiry, USDC, [position].

    The shares of an expiry add up to the value of its options plus its need: what the account must
    own beside them. 0 for what is no option.
    """

    initial: Floats
    maintenance: Floats


def option_needs(book: Book, market: MarketSnapshot, own: list[SrmMarket],
                 barred: Bools) -> OptionNeeds:
    """Return the needs under the parameters of every underlying; `barred` [instrument] is left."""
    terms = book.catalogue
    at = np.flatnonzero((terms.kind[book.instrument] == OPTION) & ~barred[book.instrument])
    held = book.instrument[at]
    coins = book.lots[at] * terms.unit[held]
    pointer = _runs(position_accounts(book.row_pointer)[at], terms.underlying[held],
                    terms.expiry[held])
    legs = Legs(pointer=pointer, strike=terms.strike[held],
                right=terms.right[held].astype(np.float64), coins=coins)
    settled = settlement_loss(legs)
    naked = [-np.minimum(coins, 0.0) * each[held] for each in _naked(market, own)]
    scale = [np.array([getattr(m.option, name) for m in own])[terms.underlying[held]]
             * (market.forward + market.forward_fixed)[held]
             for name in ("unpaired_initial", "unpaired_maintenance")]
    value = coins * market.mark[held]
    shares = []
    for by_position, unpaired in zip(naked, scale, strict=True):
        share = np.zeros(len(book.instrument))
        share[at] = value + _smaller(legs, settled, by_position, unpaired)
        shares.append(share)
    return OptionNeeds(initial=shares[0], maintenance=shares[1])


def _runs(*columns: Indices | Ints) -> Ints:
    """Return the pointer of runs in which no column changes."""
    count = len(columns[0])
    new = np.ones(count, bool)
    changes = [column[1:] != column[:-1] for column in columns]
    new[1:] = np.logical_or.reduce(changes) if count else new[1:]
    return np.append(np.flatnonzero(new), count)


def _naked(market: MarketSnapshot, own: list[SrmMarket]) -> tuple[Floats, Floats]:
    """Return initial and maintenance margin of one coin sold, [instrument]."""
    terms = market.catalogue
    spot, mark = market.index[terms.underlying], market.mark
    rate = {name: np.array([getattr(m.option, name) for m in own])[terms.underlying]
            for name in ("most", "least", "call_maintenance", "put_maintenance",
                         "put_mark_maintenance", "maintenance_offset")}
    grid = short_margin(price=spot, out=out_of_the_money(terms, spot), mark=mark,
                        rate=rate["most"], least=rate["least"])
    put = np.maximum(rate["put_maintenance"] * spot, rate["put_mark_maintenance"] * mark) + mark
    call = terms.right > 0
    maintenance = np.where(call, rate["call_maintenance"] * spot + mark, put)
    initial = np.where(call, grid, np.maximum(grid, rate["maintenance_offset"] * put))
    return initial, maintenance


def _smaller(legs: Legs, settled: SettlementLoss, naked: Floats, unpaired: Floats) -> Floats:
    """Return each leg's share of the smaller need of its expiry, [leg]."""
    size = np.diff(legs.pointer)
    segment = np.repeat(np.arange(len(size)), size)
    pays = np.maximum(legs.right * (settled.price[segment] - legs.strike), 0.0) * legs.coins
    share = np.where(settled.worst[segment] < 0, -pays, 0.0)
    sold = (settled.net_calls < 0)[segment] & (legs.right > 0)
    share = share + np.where(sold, -unpaired * legs.coins, 0.0)
    sums = [np.bincount(segment, weights=each, minlength=len(size)) for each in (naked, share)]
    return np.where((sums[0] <= sums[1])[segment], naked, share)
