"""The compiled hot loops: arrays in, arrays out, the GIL released, the same bits on every CPU.

Arguments are C-contiguous NumPy arrays of exactly the dtype named; another dtype is a TypeError,
another shape or an index out of range a ValueError. Axes: A accounts, R rows of (account, key), G
segments of rows, P positions, I instruments, S scenarios, U factors, K keys, E segments, C columns.
"""

from typing import Any, TypedDict

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Long = np.ndarray[Any, np.dtype[np.int64]]
Ints = np.ndarray[Any, np.dtype[np.int32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Signs = np.ndarray[Any, np.dtype[np.int8]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

class Isa(TypedDict):
    """The flavour in use, those this CPU can run (best first), and whether fma is in software."""

    active: str
    available: tuple[str, ...]
    software_fma: bool

def isa() -> Isa: ...
def use_isa(name: str) -> None: ...
def exp(x: Floats) -> Floats: ...
def expm1(x: Floats) -> Floats: ...
def log(x: Floats) -> Floats: ...
def log1p(x: Floats) -> Floats: ...
def power(x: Floats, y: Floats) -> Floats: ...
def fma(a: Floats, b: Floats, c: Floats) -> Floats: ...
def price_grid(
    *,
    kind: Bytes,
    mode: Bytes,
    right: Signs,
    unit: Floats,
    price: Floats,
    shock_base: Floats,
    strike: Floats,
    years: Floats,
    volatility: Floats,
    rate: Floats,
    factor: Ints,
    move: Floats,
    vol_shift: Floats,
    years_shift: Floats,
    rules: Floats,
    smile: Floats | None = None,
    threads: int = 1,
) -> tuple[Floats, Floats, Flags]:
    """Return value [I], pnl [I, S] and failed [I]; see `pricing.kernel` for the columns.

    mode 0 linear, 1 inverse in coin, 2 inverse in quote; rules [U, 7] are relative, power_short,
    power_long, switch_days, days_floor, whole_days, floor_up of `VolRule`; smile [I, 5] raw SVI a,
    b, rho, m, sigma, NaN where the volatility does not follow the forward.
    """

def scenario_tables(
    *,
    kind: Bytes,
    mode: Bytes,
    right: Signs,
    unit: Floats,
    price: Floats,
    shock_base: Floats,
    strike: Floats,
    years: Floats,
    volatility: Floats,
    rate: Floats,
    factor: Ints,
    move: Floats,
    vol_shift: Floats,
    years_shift: Floats,
    rules: Floats,
    smile: Floats | None = None,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats, bool]:
    """Check the arguments of `price_grid` and return the scenario tables that its loops read.

    By factor and padded with the unshocked world to a whole number W of vectors: move, half growth
    ln(1 + move) / 2, vol shift and vol floor, each [U, W], lowest move [U], years passed [W]; and
    whether time passes in any scenario.
    """

def black76(
    *,
    forward: Floats,
    strike: Floats,
    years: Floats,
    volatility: Floats,
    right: Signs,
    rate: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    """Return value, delta, gamma, vega, theta and rho, each [I]; see `pricing.black`."""

def implied_volatility(
    *,
    price: Floats,
    forward: Floats,
    strike: Floats,
    years: Floats,
    right: Signs,
    rate: Floats,
) -> tuple[Floats, Floats, Bytes]:
    """Return volatility, uncertainty and condition, each [I]; see `pricing.implied`."""

def svi_fit(*, pointer: Long, log_moneyness: Floats, variance: Floats, weight: Floats,
            clear: bool) -> tuple[Floats, Floats, Ints]:
    """Return a, b, rho, m, sigma [slice, 5], weighted squares [slice], evaluations [slice].

    `pointer` [slice + 1] into the quotes; `clear` asks for smiles without butterflies.
    """

def ssvi_fit(*, pointer: Long, log_moneyness: Floats, variance: Floats, weight: Floats,
             ) -> tuple[Floats, Floats, Ints]:
    """Return theta, right, left [slice, 3], weighted squares [slice], evaluations [slice]."""

def svi_curve(*, parameters: Floats, slice: Ints, log_moneyness: Floats,
              ) -> tuple[Floats, Floats, Floats, Floats]:
    """Return total variance, its first and second derivative by k and Durrleman's g, each [row]."""

def svi_dip(parameters: Floats) -> tuple[Floats, Floats]:
    """Return the least of Durrleman's g over 2,000 points and the k where it is, each [slice]."""

def ssvi_variance(*, wings: Floats, log_moneyness: Floats) -> Floats:
    """Return the total variance [row] of theta, right, left [row, 3] at k [row]."""

def group(*, row_pointer: Long, instrument: Ints, key: Ints,
          ) -> tuple[Long, Ints, Ints, Long | None]:
    """Return pointer [R + 1], account [R], key [R] and the order of positions (None: as is)."""

def worst_loss(
    *,
    pointer: Long,
    key: Ints,
    instrument: Ints,
    lots: Long,
    pnl: Floats,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    threads: int = 1,
) -> tuple[Floats, Ints]:
    """Return the worst loss >= 0 [R] and the lowest scenario that attains it [R].

    A row that meets a NaN has loss NaN and scenario 0. None for a transform is the identity.
    """

def loss_vectors(
    *,
    pointer: Long,
    key: Ints,
    instrument: Ints,
    lots: Long,
    pnl: Floats,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    threads: int = 1,
) -> tuple[Floats, Floats]:
    """Return the P&L before and after the transforms, each [R, S], gain > 0."""

def worst_of_segments(
    *,
    segments: Long,
    key: Ints,
    positions: Long,
    segment: Ints,
    instrument: Ints,
    quantity: Floats,
    pnl: Floats,
    state: Ints | None = None,
    up: Floats | None = None,
    down: Floats | None = None,
    cap: Floats | None = None,
    base: Floats | None = None,
    absolute: Bytes | None = None,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    threads: int = 1,
) -> tuple[Floats, Ints]:
    """Return the worst loss >= 0 [R] and the lowest price state that attains it [R].

    segments [R + 1] point into segment [G], positions [G + 1] into the position columns; state [S],
    up and down [E, state], cap [E], base [I], absolute [state]; see `risk.segments`.
    """

def vectors_of_segments(
    *,
    segments: Long,
    key: Ints,
    positions: Long,
    segment: Ints,
    instrument: Ints,
    quantity: Floats,
    pnl: Floats,
    state: Ints | None = None,
    up: Floats | None = None,
    down: Floats | None = None,
    cap: Floats | None = None,
    base: Floats | None = None,
    absolute: Bytes | None = None,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    threads: int = 1,
) -> tuple[Floats, Floats]:
    """Return the P&L before and after the unit's transforms, each [R, state], gain > 0."""

def tails(
    *,
    pointer: Long,
    key: Ints,
    instrument: Ints,
    lots: Long,
    pnl: Floats,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    first: int = 0,
    rank: int,
    threads: int = 1,
) -> tuple[Floats, Floats, Floats, Long, Long]:
    """Return at, below, sum, less, ties, each [R], of the scenarios from `first` on.

    at is the rank-th lowest P&L, below the one before it (at itself for rank 1), sum adds the P&Ls
    lower than at in scenario order, less counts them, ties counts those equal to at. NaN where a
    P&L is NaN.
    """

def check_rows(*, pointer: Long, key: Ints, instrument: Ints, lots: Long, instruments: int,
               ) -> None:
    """Refuse what `worst_loss` would refuse of these rows; `instruments` is I."""

def check_transforms(
    *,
    key: Ints,
    scenarios: int,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
) -> None:
    """Refuse what `worst_loss` would refuse of these transforms; `scenarios` is S."""

def weighted_tails(
    *,
    pointer: Long,
    key: Ints,
    instrument: Ints,
    lots: Long,
    pnl: Floats,
    probability: Floats,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    first: int = 0,
    mass: float,
    enough: float,
    threads: int = 1,
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return at, less, sum, ties, reached, each [R], of the scenarios from `first` on.

    at is the least P&L up to which more than `mass` of `probability` [S - first] lies, less the
    probability below it, sum that of P&L times probability below it, ties the probability at it,
    reached less and the ties in scenario order until it is `enough`. NaN where a P&L is NaN.
    """

def exposures(*, pointer: Long, instrument: Ints, lots: Long, columns: Floats,
              threads: int = 1) -> tuple[Floats, Floats, Floats]:
    """Return net, long and gross sums of lots x columns, each [R, C]; gross of absolute values."""

def layout(*, row_pointer: Long, instrument: Ints, lots: Long, unit: Ints, block: Ints,
           pool: Ints, start: Ints, held: Bytes, threads: int = 1,
           ) -> tuple[Ints, Ints, Ints, Long, Ints,
                      list[tuple[Long, Ints, Ints, Ints, Ints, Long]]]:
    """Return the rows of a book; see `margin.layout` for what they are.

    `unit` [I]; `block` and `pool` [unit]; `start` [block], from where its rows count instruments;
    `held` [A, pool] what makes a requirement row beside positions. The result is account, pool [R],
    row_of [A, pool], members [R + 1], of each its block, row, unit and requirement row [member, 4],
    and by block pointer [N + 1], account, key and requirement row [N], and instrument and lots of
    its positions.
    """

def measured(
    *,
    pointer: Long,
    key: Ints,
    instrument: Ints,
    lots: Long,
    pnl: Floats,
    segment: Ints,
    columns: Floats,
    value: Floats,
    flag: Bytes,
    size_rule: Floats,
    weight: Floats | None = None,
    gain_factor: Floats | None = None,
    gain_cap: Floats | None = None,
    dampener: Floats | None = None,
    dampen_first: bool = False,
    threads: int = 1,
) -> tuple[Floats, Ints, Ints | None]:
    """Return results [R, 4] and worst scenarios [R]: `worst_loss` and `add_ons` of the same rows.

    The third is the first flagged instrument [R], -1 where none is; None where none has a flag.
    """

def add_ons(*, pointer: Long, key: Ints, instrument: Ints, lots: Long, loss: Floats, segment: Ints,
            columns: Floats, value: Floats, flag: Bytes, size_rule: Floats, threads: int = 1,
            ) -> tuple[Floats, Ints | None]:
    """Return results [R, 4] and the first flagged instrument [R], -1 where none is; see `measured`.

    A result is the row's loss, as given, charge, shock and value. columns [I, 4] are the column
    summed by segment, its rate, the net and the protecting column; value [I] is per lot; size_rule
    [K, 4] slope, threshold, cap and price; a run of equal `segment` [I] in a row is one segment:

        charge = sum over segments of |sum of lots x column| rate
        shock  = |D| min(slope max(|D| - threshold, 0), cap) price,
        D the net column, which protecting long lots may reduce but not flip
        value  = sum of lots x value
    """

def totals(*, members: Long, member: Ints, blocks: list[Floats], scenarios: list[Ints],
           rows: Long | None, others: tuple[Floats | None, ...], failure: Ints | None,
           factor: float, ten_initial: float, ten_maintenance: float, sums: bool = False,
           threads: int = 1,
           ) -> tuple[Floats, Floats, Ints, Ints | None, Ints | None]:
    """Return columns [column, asked], and loss, scenario, row and unit of the rows' members.

    Row r has the members members[r]:members[r + 1], each a row of a block of `measured` results:
    `member` [member, 4] is block, row, unit and requirement row, which is not read;
    `rows` are those asked for, None for all: then row and unit are None, since the caller has them.
    Columns are loss, charge, shock, initial and what its three parts and `others` leave to it, the
    three times `factor`, maintenance and what they leave to it, value, and with `sums` the
    unrounded sum. A tenth power is that of the rounding; where failure >= 0 [asked] the totals are
    NaN.
    """

def owned(*, row_pointer: Long, instrument: Ints, lots: Long, entry_cost: Long, account: Ints,
          pool: Ints, pool_of: Ints, part_of: Ints, values: Floats, has_entry: Bytes,
          asset_of: Ints, smallest: Floats, balances: Long, stated: Floats | None, unknown: int,
          threads: int = 1) -> tuple[Floats, Floats, Flags, Flags]:
    """Return cash and value of the rows (account, pool), sorted by account, [row].

    With them come where cash is the stated amount and where it is NaN for want of an entry cost.
    values [I] is per lot, summed by runs of equal part_of [I] first; pool_of and has_entry [I],
    asset_of and smallest [pool]; balances and stated [A, asset], where a finite stated amount
    replaces balance less entry cost.
    """

def standing(*, owned: Floats, initial: Floats, maintenance: Floats, pool: Ints, haircut: Floats,
             threads: int = 1) -> tuple[Floats, Floats, Floats, Bytes]:
    """Return balance after haircut [pool], excess over initial and maintenance, and status."""

class PreparedMarket:
    """What all prepared accounts of one snapshot share.

    market   pnl [I, S], unit [I], segment [I], flag [I], columns [I, 4], size_rule [U, 4], weight
             and dampener [U, S] or None, gain_factor and gain_cap [U] or None, dampen_first, factor
    """

    def __init__(self, sequence: int, market: dict[str, Any]) -> None: ...

class Prepared:
    """One account at one snapshot, ready for orders (`margin.whatif`): E segments, K sides.

    account  raw [K U, S], charge, net, owned and rest [K U], carried [K, I], segment_net [K, E],
             fixed [U], and its positions: pointer [U + 1], instrument, lots
    """

    def __init__(self, market: PreparedMarket, account: dict[str, Any]) -> None: ...
    def sequence(self) -> int:
        """Return the sequence of the snapshot it was prepared at."""

    def worst(self, instrument: int, lots: int, sequence: int, /) -> float:
        """Return the worst loss of the order's unit with the order filled, by adding its row."""

    def worst_again(self, instrument: int, lots: int, sequence: int, /) -> float:
        """Return the same by summing all positions again: the bits of `worst_loss`."""

    def initial(self, instrument: int, lots: int, sequence: int, /) -> float:
        """Return the initial requirement of the order's pool with the order filled."""

    def maintenance(self, instrument: int, lots: int, sequence: int, /) -> float:
        """Return the maintenance requirement of the order's pool with the order filled."""

    def effects(self, instrument: Ints, lots: Long, sequence: int,
                threads: int = 1) -> tuple[Floats, Floats, Floats]:
        """Return worst, initial and maintenance of each order by itself, each [order]."""
