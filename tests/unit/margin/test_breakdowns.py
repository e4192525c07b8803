"""What failing machinery costs: late closing, gains that do not arrive, losses that hide."""

import numpy as np
import pytest

from counterpoise.margin.breakdowns import hidden_loss, late_liquidation, unpaid_gains
from counterpoise.margin.stress import StressedMargins
from counterpoise.risk.moved_market import moved_markets
from counterpoise.scenarios.joint import joint_scenarios
from counterpoise.values.failure import BadInput
from counterpoise.values.frozen import replaced
from joint_moves import PRICES_ONLY, joint_moves
from markets import account, market

MINUTES = np.array([0.0, 1.0, 2.0, 5.0, 10.0])


def _path(balance, maintenance=5.0) -> StressedMargins:
    column = np.array(balance, np.float64).reshape(len(balance), -1)
    return StressedMargins(labels=tuple(str(k) for k in range(len(column))),
                           today=None,  # type: ignore[arg-type]
                           balance=column, initial=column * 0 + 8.0,
                           maintenance=column * 0 + maintenance,
                           status=np.zeros(column.shape, np.uint8))


def test_a_late_liquidation_loses_what_the_price_does_until_then():
    path = _path([10.0, 6.0, 4.0, 1.0, -3.0])

    at_once, late = (late_liquidation(path, MINUTES, delay_minutes=d) for d in (0.0, 3.0))

    assert at_once.lost.tolist() == [0.0] and at_once.left.tolist() == [4.0]
    assert late.lost.tolist() == [3.0] and late.left.tolist() == [1.0]
    assert late.called.tolist() == [2] and late.closed.tolist() == [3]
    assert late.required.tolist() == [5.0]


def test_a_delay_beyond_the_path_ends_with_it():
    late = late_liquidation(_path([10.0, 6.0, 4.0, 1.0, -3.0]), MINUTES, delay_minutes=1e5)

    assert late.left.tolist() == [-3.0] and late.closed.tolist() == [4]


def test_an_account_that_is_never_called_loses_nothing_to_lateness():
    late = late_liquidation(_path([10.0, 9.0, 8.0, 7.0, 6.0]), MINUTES, delay_minutes=5.0)

    assert late.called.tolist() == [-1] and late.lost.tolist() == [0.0]
    assert late.left.tolist() == [6.0]


def test_longer_delays_on_a_falling_path_never_lose_less():
    chance = np.random.default_rng(3)
    path = _path(10 - np.cumsum(chance.uniform(0, 2, (5, 40)), axis=0))
    lost = [late_liquidation(path, MINUTES, delay_minutes=d).lost for d in (0, 1, 3, 8)]

    assert all(np.all(later >= sooner) for sooner, later in zip(lost, lost[1:], strict=False))


@pytest.mark.parametrize(("minutes", "delay"), [
    ([0.0, 2.0, 1.0, 5.0, 10.0], 1.0), ([1.0, 2.0, 3.0, 4.0, 5.0], 1.0),
    ([0.0, 1.0, 2.0], 1.0), (MINUTES.tolist(), -1.0)])
def test_a_path_without_time_is_refused(minutes, delay):
    with pytest.raises(BadInput, match="minutes"):
        late_liquidation(_path([10.0, 6.0, 4.0, 1.0, -3.0]), np.array(minutes),
                         delay_minutes=delay)


def test_gains_of_a_venue_that_is_down_do_not_arrive_and_its_losses_are_no_gain():
    snapshot = market()
    moves = joint_moves(("BTC price", "ETH price"), [[-0.1, 0.0], [0.1, 0.0]])
    dynamics = replaced(PRICES_ONLY)
    moved = moved_markets(snapshot, moves, joint_scenarios(moves, snapshot, dynamics),
                          still=dynamics.still)
    book = account(snapshot, {"BTC-USDC:USDC-PERP": -2.0, "BTC-USD:BTC-PERP": 65_000.0})
    mark = snapshot.mark[snapshot.catalogue.column["BTC-USDC:USDC-PERP"]]

    assert np.allclose(unpaid_gains(book, moved, "USDC")[:, 0],
                       [0.0, -2 * mark * np.expm1(-0.1), 0.0])
    assert unpaid_gains(book, moved, "BTC")[1, 0] == 0.0


def test_what_a_stale_feed_hides_is_the_difference_of_the_balances():
    assert hidden_loss(_path([10.0, 10.0]), _path([10.0, 4.0])).ravel().tolist() == [0.0, 6.0]
