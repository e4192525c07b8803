"""A SPAN file becomes contracts, arrays and parameters; a hostile one becomes a sentence."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearing_house import book
from counterpoise.adapters.span_file import SpanFile, read_span
from counterpoise.margin.compute import compute_margin
from counterpoise.margin.models.span import MODEL
from counterpoise.margin.requirement import Requirements
from counterpoise.values.failure import BadInput

FULL = ("<a>0</a><a>0</a><a>-{t}</a><a>-{t}</a><a>{t}</a><a>{t}</a><a>-{u}</a><a>-{u}</a>"
        "<a>{u}</a><a>{u}</a><a>-{f}</a><a>-{f}</a><a>{f}</a><a>{f}</a><a>-{x}</a><a>{x}</a>")
PIECES = [b"", b"<", b">", b"</x>", b"-", b"9" * 30, b"\xff", b"&"]


def array(full: float, delta: float = 1.0) -> str:
    """Return the element of a future's risk array: losses of one long contract."""
    values = FULL.format(t=full / 4, u=full / 2, f=full, x=full * 0.75)
    return f"<ra><r>1</r>{values}<d>{delta}</d></ra>"


def future(month: str, *, price: float = 50_000.0, full: float = 1000.0) -> str:
    """Return a futures contract that expires at the end of its month code, a day."""
    return (f"<fut><cId>1</cId><pe>{month}</pe><p>{price}</p><d>1</d><v>0</v><setlDate>{month}"
            f"</setlDate>{array(full)}</fut>")


OPTION = ("<opt><cId>9</cId><o>C</o><k>55000</k><p>900</p><d>0.3</d><v>0.6</v><ra><r>1</r>"
          + "<a>-100</a><a>80</a>" + "<a>-300</a>" * 6 + "<a>250</a>" * 6
          + "<a>-500</a><a>240</a><d>0.31</d></ra></opt>")
DEFINITION = (
    "<ccDef><cc>BTC</cc><currency>USD</currency><somMeth>MAX</somMeth>"
    "<pfLink><pfId>1</pfId><pfCode>BT</pfCode><pfType>FUT</pfType></pfLink>"
    "<pfLink><pfId>2</pfId><pfCode>BTO</pfCode><pfType>OOF</pfType></pfLink>"
    "<somTiers><tier><tn>1</tn><rate><r>1</r><val>5</val></rate></tier></somTiers>"
    "<dSpread><spread>1</spread><chargeMeth>F</chargeMeth><rate><r>1</r><val>120</val></rate>"
    "<pLeg><cc>BTC</cc><pe>20260130</pe><rs>A</rs><i>1</i></pLeg>"
    "<pLeg><cc>BTC</cc><pe>20260227</pe><rs>B</rs><i>1</i></pLeg></dSpread>"
    "<spotRate><r>1</r><pe>20260130</pe><sprd>10</sprd><outr>30</outr></spotRate></ccDef>")
SECOND = ("<ccDef><cc>ETH</cc><currency>USD</currency>"
          "<pfLink><pfCode>ET</pfCode><pfType>FUT</pfType></pfLink></ccDef>")
BETWEEN = ("<interSpreads><dSpread><spread>4</spread><rate><r>1</r><val>0.6</val></rate>"
           "<tLeg><cc>BTC</cc><tn>1</tn><rs>A</rs><i>1</i></tLeg>"
           "<tLeg><cc>ETH</cc><tn>1</tn><rs>B</rs><i>2</i></tLeg></dSpread></interSpreads>")


def document(*, futures: str | None = None, options: str = OPTION, definition: str = DEFINITION,
             before: str = "", between: str = BETWEEN) -> bytes:
    """Return a small parameter file of two commodities."""
    near = future("20260130") + future("20260227", full=1100.0) if futures is None else futures
    return (
        f"<?xml version='1.0'?>{before}<spanFile><fileFormat>4.00</fileFormat><definitions>"
        "<currencyDef><currency>USD</currency></currencyDef></definitions><pointInTime>"
        "<date>20260115</date><isSetl>1</isSetl><clearingOrg><ec>X</ec>"
        "<isContractScale>1</isContractScale><exchange><exch>X</exch>"
        "<phyPf><pfId>7</pfId><pfCode>BTC</pfCode><phy><cId>1</cId><p>49500</p></phy></phyPf>"
        "<futPf><pfId>1</pfId><pfCode>BT</pfCode><currency>USD</currency><cvf>0.1</cvf>"
        f"{near}</futPf><futPf><pfId>3</pfId><pfCode>ET</pfCode><currency>USD</currency>"
        f"<cvf>1</cvf>{future('20260130', price=3000.0, full=400.0)}</futPf>"
        "<oofPf><pfId>2</pfId><pfCode>BTO</pfCode><currency>USD</currency><cvf>0.1</cvf><series>"
        f"<pe>20260130</pe><setlDate>20260130</setlDate><v>0.6</v>{options}</series></oofPf>"
        f"</exchange>{definition}{SECOND}{between}</clearingOrg></pointInTime></spanFile>"
    ).encode()


NEAR, FAR = "BTC-USD:USD-20260130*0.1", "BTC-USD:USD-20260227*0.1"
CALL, ETHER = "BTC-USD:USD-20260130-55000-C*0.1", "ETH-USD:USD-20260130"


def read(text: bytes, **more: frozenset[str]) -> SpanFile:
    """Read a file from memory."""
    return read_span(io.BytesIO(text), **more)


def needs(cleared: SpanFile, *accounts: dict[str, int]) -> Requirements:
    """Return what accounts need under the file."""
    return compute_margin(book(cleared.market, *accounts), cleared.market, model=MODEL,
                          version=cleared.version, arrays=cleared.arrays).requirements


CLEARED = read(document())


def test_contracts_get_our_names_and_the_prices_of_the_file() -> None:
    terms = CLEARED.market.catalogue

    assert set(terms.column) == {NEAR, FAR, CALL, ETHER}
    assert CLEARED.market.mark[terms.column[CALL]] == 900.0
    assert CLEARED.market.index.tolist() == [49_500.0, 3000.0]


def test_losses_of_the_file_become_gains() -> None:
    row = CLEARED.arrays[0].pnl[CLEARED.market.catalogue.column[NEAR]]

    assert row.tolist() == [0.0, 0.0, 0.0, 250, 250, -250, -250, 500, 500, -500, -500, 1000, 1000,
                            -1000, -1000, 750, -750]


def test_a_future_needs_its_array_and_the_spot_charge() -> None:
    required = needs(CLEARED, {NEAR: 2})

    assert required.maintenance_components["scan"][0] == 2000.0
    assert required.maintenance_components["delivery"][0] == 60.0


def test_a_calendar_pair_is_charged_by_the_rate_of_its_spread() -> None:
    required = needs(CLEARED, {NEAR: 1, FAR: -1})

    assert required.maintenance_components["scan"][0] == 100.0
    assert required.maintenance_components["calendar_spreads"][0] == 120.0
    assert required.maintenance_components["delivery"][0] == 10.0


def test_a_short_call_needs_its_premium_and_scan() -> None:
    """Worst in scenarios 3 to 8: 300, the extreme 500; a tenth of a coin at 900."""
    required = needs(CLEARED, {CALL: -1}, {CALL: 1})

    assert required.maintenance_components["scan"][0] == 500.0
    assert required.maintenance_components["net_option_value"].tolist()[0] == pytest.approx(90.0)
    assert required.candidates["short_option_minimum"].tolist() == pytest.approx([5.0, 0.0])


def test_composite_deltas_of_the_file_form_the_spreads() -> None:
    """0.31 of delta against one future of the other month."""
    required = needs(CLEARED, {CALL: 1, FAR: -1})

    assert required.maintenance_components["calendar_spreads"][0] == pytest.approx(0.31 * 120)


def test_inter_commodity_spreads_of_the_file_give_credit() -> None:
    required = needs(CLEARED, {NEAR: 1, ETHER: -2})

    assert required.maintenance_components["inter_commodity_credit"][0] == pytest.approx(
        -0.6 * (1000 + 2 * 400))


def test_only_some_commodities_may_be_read() -> None:
    one = read(document(), only=frozenset({"ETH"}))

    assert set(one.market.catalogue.column) == {ETHER}
    assert one.version.parameters.inter_commodity == {}
    with pytest.raises(BadInput, match="no contract of XRP"):
        read(document(), only=frozenset({"XRP"}))


def test_tiers_of_the_file_are_tiers_of_the_commodity() -> None:
    tiers = ("<ccDef><cc>BTC</cc><intraTiers><tier><tn>1</tn><sPe>20260101</sPe><ePe>20260131</ePe>"
             "</tier><tier><tn>2</tn><sPe>20260201</sPe><ePe>20261231</ePe></tier></intraTiers>"
             "<pfLink><pfCode>BT</pfCode><pfType>FUT</pfType></pfLink>"
             "<pfLink><pfCode>BTO</pfCode><pfType>OOF</pfType></pfLink>"
             "<dSpread><spread>1</spread><rate><val>70</val></rate>"
             "<tLeg><cc>BTC</cc><tn>1</tn><rs>A</rs></tLeg>"
             "<tLeg><cc>BTC</cc><tn>2</tn><rs>B</rs></tLeg></dSpread></ccDef>")
    cleared = read(document(definition=tiers))

    assert needs(cleared, {NEAR: 1, FAR: -1}).maintenance_components["calendar_spreads"][0] == 70.0


def test_a_contract_without_array_is_a_failure_and_no_number() -> None:
    bare = future("20260130") + "<fut><pe>20260227</pe><p>1</p><setlDate>20260227</setlDate></fut>"
    required = needs(read(document(futures=bare)), {FAR: 1}, {NEAR: 1})

    assert required.failure.tolist() == [0, -1]
    assert required.failures[0].subject == FAR


def test_a_contract_that_has_expired_is_a_failure() -> None:
    required = needs(read(document(futures=future("20260114") + future("20260130"))),
                     {"BTC-USD:USD-20260114*0.1": 1})

    assert "expired" in required.failures[0].sentence


LAUGHS = ("<!DOCTYPE spanFile [<!ENTITY a 'ha'>"
          + "".join(f"<!ENTITY {b} '&{a};&{a};&{a};&{a};&{a};&{a};&{a};&{a};'>"
                    for a, b in zip("abcdefghij", "bcdefghijk", strict=True)) + "]>")
OUTSIDE = "<!DOCTYPE spanFile [<!ENTITY f SYSTEM 'hostname'>]>"


@pytest.mark.parametrize(("text", "says"), [
    (document(before=LAUGHS), "document type"),
    (document(before=OUTSIDE), "document type"),
    (document(before="<!DOCTYPE spanFile SYSTEM 'span.dtd'>"), "document type"),
    (document()[:900], "no whole XML"),
    (b"", "no whole XML"),
    (b"\x00\x01binary", "no whole XML"),
    (b"<spanFile>" + b"<x>" * 10_000, "nested more than"),
    (b"<spanFile><futPf>" + b"<x>1</x>" * 300_000, "stands more than"),
    (b"<spanFile>" + b"".join(b"<x%d>1</x%d>" % (k, k) for k in range(2000)), "names"),
    (b"<spanFile><pfCode>" + b"A" * 5_000_000, "characters of text"),
    (b"<spanFile><!--" + b"A" * 3_000_000, "million characters"),
    (b"<spanFile a='" + b"A" * 3_000_000, "million characters"),
    (b"<spanFile></spanFile>", "no future or option"),
    (document(options=OPTION.replace("<k>55000", "<k>1e999")), "series/opt/k"),
    (document(options=OPTION.replace("<p>900", "<p>nan")), "series/opt/p"),
    (document(options=OPTION.replace("<p>900", "<p>" + "9" * 100)), "series/opt/p"),
    (document(options=OPTION.replace("<p>900", "<p>9_0")), "series/opt/p"),
    (document(options=OPTION.replace("<o>C", "<o>X")), "neither C nor P"),
    (document(options=OPTION.replace("<a>80</a>", "")), "has 15 values"),
    (document(options=OPTION.replace("<a>80</a>", "<a>much</a>")), "ra/a"),
    (document(options=OPTION + OPTION), "stands twice"),
    (document(futures=future("20260231")), "no day"),
    (document(futures=future("202601")), "no day"),
    (document().replace(b"<cvf>0.1</cvf>", b"<cvf>-1</cvf>"), "multiplier"),
    (document().replace(b"<isContractScale>1", b"<isContractScale>0"), "isContractScale"),
    (document(definition=DEFINITION.replace("<chargeMeth>F", "<chargeMeth>W")), "flat rates"),
    (document(definition=DEFINITION.replace("<rs>B", "<rs>A")), "side A and one on side B"),
    (document(definition=DEFINITION.replace("MAX", "LEAST")), "somMeth"),
    (document(definition=DEFINITION + DEFINITION), "defined twice"),
    (document(between=BETWEEN.replace("0.6<", "60<")), "credit"),
])
def test_what_cannot_be_used_is_refused_by_name(text: bytes, says: str) -> None:
    start = time.perf_counter()
    with pytest.raises(BadInput, match=says):
        read(text)

    assert time.perf_counter() - start < 5


@given(st.data())
def test_any_broken_file_is_read_or_refused(data: st.DataObject) -> None:
    text = bytearray(document())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at:at + data.draw(st.integers(0, 8))] = data.draw(st.sampled_from(PIECES))
    try:
        cleared = read(bytes(text))
    except BadInput as refused:
        assert refused.failures
    else:
        assert len(cleared.market.catalogue) == len(cleared.arrays[0].pnl)
