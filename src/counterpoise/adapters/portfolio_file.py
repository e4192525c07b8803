"""What market, which accounts, which model? The portfolio file, read and written.

One JSON file from which a margin number can be asked for, mailed, kept as a test and recomputed
next year. Its keys are in `adapters.portfolio.schema`; every violation is reported at once.
"""

import os
from typing import Any

from counterpoise.adapters.parameters import FILE
from counterpoise.adapters.portfolio.accounts import (
    account_trees,
    book_in,
    instruments_held,
    isolated_apart,
)
from counterpoise.adapters.portfolio.document import plain, tree_of
from counterpoise.adapters.portfolio.market import (
    inline_snapshot,
    snapshot_at,
    stated_market,
)
from counterpoise.adapters.portfolio.names import Names, names_of, raise_all
from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio.schema import pruned
from counterpoise.adapters.terms import contradictions
from counterpoise.instruments.catalogue import catalogue
from counterpoise.instruments.contracts import Instrument
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.time import parse_instant

Tree = dict[str, Any]


def read_portfolio(source: "str | os.PathLike[str] | bytes", *,
                   folder: str | None = None) -> Portfolio:
    """Return the portfolio of a file (path) or of a document (bytes).

    A market path in it is relative to the file. In bytes, which may come from a stranger, it is
    refused unless `folder` says what it is relative to.

    Raises
    ------
    BadInput
        With every violation found.
    """
    failures: list[Failure] = []
    tree = pruned(tree_of(source), failures)
    names = names_of(tree, failures)
    accounts = account_trees(tree, failures)
    if tree.get("model") == "":
        failures.append(Failure(reason=Reason.UNKNOWN_MODEL, subject="model", sentence=(
            "is empty; name a margin model, like deribit_spm, or leave the key out")))
    as_of = _as_of(tree, failures)
    held = instruments_held(accounts, names)
    folder = folder if isinstance(source, bytes) else os.path.dirname(source)
    accounts, isolated = isolated_apart(accounts, names)
    market = _market(tree, as_of, held, names, folder)
    if market is None:
        raise_all(failures)
    assert market is not None, "a market is missing only with a reason"
    book = book_in(accounts, market, names)
    raise_all(failures)
    note = tree.get("note", ())
    return Portfolio(as_of=market.as_of, model=tree.get("model"),
                     overrides=_overrides(tree, folder),
                     symbols=tree.get("symbols", "counterpoise"), market=market, book=book,
                     notes=(note,) if isinstance(note, str) else tuple(note),
                     isolated=isolated, without_balances=frozenset(
                         a.get("id", "") for _, a in accounts
                         if not (a.get("balances") or a.get("loans")
                                 or any(a.get("wallets", {}).values()))))


def _overrides(tree: Tree, folder: str | None) -> Tree:
    """Return the changed parameters; a file of them is named relative to the portfolio's."""
    overrides: Tree = plain(tree.get("parameters", {}))
    if not isinstance(overrides.get(FILE), str):
        return overrides
    if folder is None:
        raise bad_input(Reason.BAD_VALUE, "parameters.file", "names a file, which this document "
                        "cannot do; give the parameters themselves")
    return overrides | {FILE: os.path.join(folder, overrides[FILE])}


def _as_of(tree: Tree, failures: list[Failure]) -> int | None:
    if "as_of" not in tree:
        return None
    try:
        return parse_instant(tree["as_of"], subject="as_of")
    except BadInput as wrong:
        failures.extend(wrong.failures)
        return None


def _market(tree: Tree, as_of: int | None, held: dict[str, Instrument], names: Names,
            folder: str | None) -> MarketSnapshot | None:
    given = tree.get("market")
    if given is None:
        return None
    given = {"snapshot": given} if isinstance(given, str) else given
    if "snapshot" in given or "perpetuals" in given:
        return _market_by_path(given, as_of, held, names, folder)
    if as_of is None and "as_of" not in tree:
        names.failures.append(Failure(reason=Reason.BAD_TIME, subject="as_of", sentence=(
            "is missing; say when these prices were, like 2026-02-05T21:29:37Z")))
    stated = stated_market(given, names)
    names.failures.extend(contradictions(_meant(names)))
    everything = {c.id: c for c in (*stated.quoted.values(), *names.definitions.values())} | held
    return inline_snapshot(stated, catalogue=catalogue(list(everything.values())),
                           as_of=as_of or 0, names=names)


def _meant(names: Names) -> list[tuple[str, Instrument]]:
    return [(name, c) for name, c in names.found.items() if c is not None]


def _market_by_path(given: Tree, as_of: int | None, held: dict[str, Instrument], names: Names,
                    folder: str | None) -> MarketSnapshot | None:
    if folder is None or "snapshot" not in given:
        sentence = ("is a path, which is read for portfolio files only; write the quotes into the "
                    "document" if folder is None else "is missing beside perpetuals")
        names.failures.append(Failure(reason=Reason.NOT_APPLICABLE, subject="market.snapshot",
                                      sentence=sentence))
        return None
    try:
        market = snapshot_at(given, folder=folder, as_of=as_of, names=names)
    except BadInput as wrong:
        names.failures.extend(wrong.failures)
        return None
    names.failures.extend(contradictions(_meant(names), market.catalogue))
    names.failures.extend(Failure(
        reason=Reason.UNKNOWN_INSTRUMENT, subject=name, sentence=(
            "is not in the snapshot; check expiry, strike and settlement, or write the market into "
            "the file")) for name, c in names.found.items()
        if c is not None and c.id in held and c.id not in market.catalogue.column)
    return market


def write_portfolio(portfolio: Portfolio) -> bytes:
    """Return the portfolio as a file (UTF-8 JSON) that reads back as the same portfolio.

    The market is written out quote by quote, also where it came from a snapshot. A number that was
    refused there as absurd or stale is written as what it is now: missing.
    """
    from counterpoise.adapters.portfolio.write import document_of

    return document_of(portfolio)
