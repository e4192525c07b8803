"""Whatever bytes stand in a table, they are read or refused in a sentence; nothing else happens."""

from hypothesis import given
from hypothesis import strategies as st

from counterpoise.adapters.chain import read_market
from counterpoise.adapters.positions import read_positions
from counterpoise.adapters.snapshot_file import write_snapshot
from counterpoise.market.simulated import simulated_market
from counterpoise.values.failure import BadInput

CHAIN = (b"snapshot_ts,instrument,mark_price,mark_iv,underlying_price,underlying_name,index_price\n"
         b"2026-01-06T21:21:21Z,BTC-9JAN26-90000-C,0.041,0.45,93500,BTC-9JAN26,93400\n"
         b"2026-01-06T21:21:21Z,BTC-9JAN26-90000-P,0.002,0.45,93510,BTC-9JAN26,93410\n")
POSITIONS = (b"account,instrument,quantity,entry_price,side,currency\n"
             b"a,BTC-PERPETUAL,1000,65000,long,BTC\nb,BTC-28JUN24-70000-C,-2,0.03,,BTC\n")
PIECES = st.one_of(st.binary(max_size=4), st.sampled_from(
    [b",", b";", b"\n", b'"', b"'", b"\0", b"nan", b"1e99", b"-", b"1,5", b"\xff", b"PAR1",
     b"ARROW1", b"", b"BTC-PERPETUAL", b"2026-01-06 21:21:21", b"{table}", b"?", b"--"]))
CHANGES = st.lists(st.tuples(st.integers(0, 250), st.integers(0, 12), PIECES), min_size=1,
                   max_size=4)


def changed(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, piece in changes:
        data = data[:place] + piece + data[place + length:]
    return data


@given(CHANGES)
def test_any_chain_is_a_market_or_a_refusal(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "chain.csv"
    path.write_bytes(changed(CHAIN, changes))
    try:
        read_market(path)
    except BadInput as refused:
        assert all(f.subject and f.sentence for f in refused.failures)


@given(CHANGES)
def test_any_position_file_is_a_book_or_a_refusal(tmp_path_factory, changes):
    path = tmp_path_factory.getbasetemp() / "positions.csv"
    path.write_bytes(changed(POSITIONS, changes))
    try:
        read_positions(path, symbols="deribit")
    except BadInput as refused:
        assert all(f.subject and f.sentence for f in refused.failures)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50), PIECES), min_size=1,
                max_size=3))
def test_any_damage_to_a_kept_snapshot_is_refused_or_harmless(tmp_path_factory, changes):
    folder = tmp_path_factory.getbasetemp()
    good = folder / "good.parquet"
    if not good.exists():
        write_snapshot(good, simulated_market())
    data = good.read_bytes()
    path = folder / "damaged.parquet"
    path.write_bytes(changed(data, [(place % len(data), n, p) for place, n, p in changes]))
    try:
        read_market(path)
    except BadInput as refused:
        assert all(f.subject and f.sentence for f in refused.failures)
