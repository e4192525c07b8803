"""The state while a step is being made: what is copied when it is first written.

A draft belongs to one call of `step` and is forgotten with it. Rows, overlays and house accounts of
the state that it began with are never written.
"""

from typing import Any

from counterpoise.accounts.book import Book
from counterpoise.engine.effects import Effect
from counterpoise.engine.money import Worth, total_of, worth_of
from counterpoise.engine.shards import compacted, drawn, grown
from counterpoise.engine.state import HOUSE, NEVER, Ledger, Order, Row, State
from counterpoise.values.frozen import replaced

CLEARING, DUST, EXTERNAL, FEES, FUNDING, INTEREST, WITHDRAWALS = HOUSE


class InvariantBroken(RuntimeError):
    """What must always hold does not: the engine stops, and its last good state stands."""


class Draft:
    """A state in the making; `position` and `frame` are of the event being applied."""

    __slots__ = ("before", "cash", "cleared", "effects", "frame", "hand", "last", "moved",
                 "overlays", "position", "row_numbers", "said", "seen", "shards", "state", "trust",
                 "withdrawals", "worths")

    def __init__(self, state: State) -> None:
        self.state, self.position, self.frame = state, state.position, b""
        # What rows remember of who drew them: not the draft, which must be forgotten.
        self.hand = object()
        self.shards = list(state.shards)
        self.worths: dict[str, Worth] = state.worths
        self.effects: list[tuple[int, Effect]] = []
        self.said: dict[str, tuple[int, bytes, int]] = {}
        self.row_numbers: dict[int, Any] = {}
        self.trust: dict[int, Any] = {}
        self.last: dict[int, int] = {}
        self.begin()

    def begin(self) -> None:
        """Start to copy on write from the shards and ledger as they are now."""
        self.overlays: dict[int, dict[int, Row]] = {}
        self.seen: dict[int, Row] = {}
        self.before: dict[int, tuple[int, ...]] = {}
        self.moved = [0] * len(self.state.assets)
        self.cash = {name: list(self.state.ledger.cash[name]) for name in HOUSE}
        self.cleared = dict(self.state.ledger.cleared)
        self.withdrawals = self.state.withdrawals

    def read(self, number: int) -> Row:
        """Return what an account holds, not to be changed."""
        held = self.seen.get(number)
        if held is None:
            k, row = self.state.directory.places[number]
            held = self.shards[k].overlay.get(row)
            if held is None:
                held = drawn(self.shards[k], row, self.hand)
            self.seen[number] = held
        return held

    def write(self, number: int) -> Row:
        """Return what an account holds, to be changed."""
        held = self.read(number)
        if number not in self.before:
            self.before[number] = tuple(held.balances)
            k, row = self.state.directory.places[number]
            if held.drawn_by is not self.hand:
                held = drawn(self.shards[k], row, self.hand)
                self.seen[number] = held
            overlay = self.overlays.get(k)
            if overlay is None:
                overlay = self.overlays[k] = dict(self.shards[k].overlay)
            overlay[row] = held
        return held

    def last_shard(self, segment: int) -> int:
        """Return the last shard of a segment, the one with room if there is one; -1 for none."""
        k = self.last.get(segment, -1)
        if not 0 <= k < len(self.shards) or self.shards[k].segment != segment:
            k = next((k for k in range(len(self.shards) - 1, -1, -1)
                      if self.shards[k].segment == segment), -1)
            self.last[segment] = k
        return k

    def in_columns(self) -> None:
        """Let the columns of every shard say what its accounts hold; before anything is written."""
        assert not self.overlays
        for segment in range(len(self.state.segments)):
            mine = [k for k, s in enumerate(self.shards) if s.segment == segment
                    and (s.overlay or len(s.book) < s.size)]
            if mine:
                made, _ = compacted([self.shards[k] for k in mine])
                for k, shard in zip(mine, made, strict=True):
                    self.shards[k] = shard
        self.seen = {}

    def write_columns(self, k: int, rows: Any, book: Book, flows: Any,
                      orders: dict[int, dict[str, Order]] | None = None) -> None:
        """Take other columns, flows and open orders of a shard without overlay; `rows` changed.

        What the accounts gained is counted here, over whole columns and in integers of any size.
        """
        shard = self.shards[k]
        assert not shard.overlay and len(book) == shard.size
        for a, (new, old) in enumerate(zip(book.balances.T.tolist(),
                                           shard.book.balances.T.tolist(), strict=True)):
            self.moved[a] += total_of(new) - total_of(old)
        standing = grown(shard.standing, shard.size)
        snapshot = standing.snapshot.copy()
        snapshot[rows] = NEVER
        self.shards[k] = replaced(shard, book=book, flows=flows,
                                  orders=shard.orders if orders is None else orders,
                                  standing=replaced(standing, snapshot=snapshot))

    def worth(self, name: str) -> Worth | None:
        """Return how an instrument's prices become money, None where there is no such."""
        found = self.worths.get(name)
        if found is None:
            column = self.state.catalogue.column.get(name)
            if column is None:
                return None
            found = worth_of(self.state.catalogue.instruments[column], column, self.state.assets)
            self.worths[name] = found
        return found

    def tell(self, effect: Effect) -> None:
        """Add an effect of the event being applied."""
        self.effects.append((effect.position, effect))

    def set_aside(self, name: str, what: tuple[int, int, int] | None) -> None:
        """Note a withdrawal that is set aside, or that it is done where None."""
        if self.withdrawals is self.state.withdrawals:
            self.withdrawals = dict(self.withdrawals)
        if what is None:
            del self.withdrawals[name]
        else:
            self.withdrawals[name] = what

    def numbers_of(self, segment: int) -> Any:
        """Return the numbers of the accounts of the table that is being judged, [account]."""
        return self.row_numbers[segment]

    def next_call(self) -> int:
        """Return the number of a new margin call."""
        self.state = replaced(self.state, calls=self.state.calls + 1)
        return self.state.calls

    def snapshot(self) -> int:
        """Return the sequence of the snapshot, NEVER without one."""
        return NEVER if self.state.market is None else self.state.market.sequence

    def version_number(self, segment: int) -> int:
        """Return the number of a segment's parameters."""
        version = self.state.segments[segment].version
        return -1 if version is None else version.number

    def change(self, **fields: Any) -> None:
        """Take other fields into the state, as a market event asks."""
        self.state = replaced(self.state, **fields)

    def keep(self) -> None:
        """Take what was written into the state: shards and ledger, after counting them."""
        self._check_conservation()
        for k, overlay in self.overlays.items():
            self.shards[k] = replaced(self.shards[k], overlay=overlay)
        self.state = replaced(
            self.state, shards=tuple(self.shards), withdrawals=self.withdrawals,
            ledger=Ledger(cash={name: tuple(self.cash[name]) for name in HOUSE},
                          cleared=self.cleared))
        self.begin()

    def _check_conservation(self) -> None:
        """Compare what accounts gained, as written, with what the house lost, asset by asset."""
        ledger = self.state.ledger.cash
        total = list(self.moved)
        for name in HOUSE:
            for k, (new, old) in enumerate(zip(self.cash[name], ledger[name], strict=True)):
                total[k] += new - old
        if self.before:
            lost = map(total_of, zip(*self.before.values(), strict=True))
            held = map(total_of, zip(*(self.seen[n].balances for n in self.before), strict=True))
            total = [t + new - old for t, new, old in zip(total, held, lost, strict=True)]
        if any(total):
            assets = [a.code for a, left in zip(self.state.assets, total, strict=True) if left]
            raise InvariantBroken(f"event {self.position}: {', '.join(assets)} is not conserved")
