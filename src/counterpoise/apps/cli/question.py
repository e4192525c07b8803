"""Which portfolios does a command ask about: portfolio files, or positions on a market?"""

import sys
from typing import Final

from counterpoise.adapters.portfolio.portfolio import Portfolio
from counterpoise.adapters.portfolio_file import read_portfolio
from counterpoise.market.snapshot import MarketSnapshot
from counterpoise.values.failure import BadInput, Failure, Reason, bad_input
from counterpoise.values.frozen import frozen
from counterpoise.values.time import parse_instant

STDIN: Final = "-"
_DAY_LENGTH: Final = len("2026-02-05")
_STDIN_BYTES_MAX: Final = 64 * 2**20


@frozen
class Question:
    """What was typed.

    `files` are portfolio files, `-` being standard input. Instead of files, `positions` and
    `market` are a CSV or Parquet file of positions and a snapshot or option chain, with
    `perpetuals` for its perpetual prices, `at` for its moment and `symbols` for the dialect of the
    names. `parameters_as_of` are days or times whose parameters to take, none for the market's;
    `parameters` is a file of dated parameters to take for the model's own.
    `plot` names a picture to write.
    """

    files: tuple[str, ...]
    positions: str | None = None
    market: str | None = None
    perpetuals: str | None = None
    at: str | None = None
    symbols: str = "deribit"
    model: str | None = None
    as_json: bool = False
    plot: str | None = None
    parameters_as_of: tuple[str, ...] = ()
    parameters: str | None = None
    threads: int = 1


def portfolios_asked(question: Question) -> list[tuple[str, Portfolio]]:
    """Return (name, portfolio) of everything asked about.

    Raises
    ------
    BadInput
        With the violations of all files, each naming its file where there are several.
    """
    _refuse_contradictions(question)
    if question.positions is not None:
        return [(question.positions, _on_market(question))]
    found, failures = [], []
    for name in question.files:
        try:
            found.append((name, portfolio_in(name)))
        except BadInput as wrong:
            failures += _with_file(name, wrong, several=len(question.files) > 1)
    if failures:
        raise BadInput(*failures)
    return found


def portfolio_in(name: str) -> Portfolio:
    """Return the portfolio in a file, `-` being standard input.

    Raises
    ------
    BadInput
        With every violation found.
    """
    return read_portfolio(name) if name != STDIN else read_portfolio(_typed_in(), folder=".")


def document_in(name: str) -> str | bytes:
    """Return what readers of documents take: the path, or the bytes of standard input for `-`."""
    return name if name != STDIN else _typed_in()


def _typed_in() -> bytes:
    return sys.stdin.buffer.read(_STDIN_BYTES_MAX + 1)


def _on_market(question: Question) -> Portfolio:
    from counterpoise.adapters.positions import read_positions

    assert question.market is not None and question.positions is not None
    market = market_at(question.market, at=question.at, perpetuals=question.perpetuals)
    book, notes = read_positions(question.positions, symbols=question.symbols,
                                 listed=market.catalogue)
    return Portfolio(as_of=market.as_of, model=None, overrides={}, symbols=question.symbols,
                     market=market, book=book, notes=notes)


def market_at(path: str, *, at: str | None, perpetuals: str | None) -> MarketSnapshot:
    """Return the last snapshot of a file at or before `at` (its last one without).

    Raises
    ------
    BadInput
        If it cannot be read, or is much older than `at`, exactly as in a portfolio file.
    """
    from counterpoise.adapters import chain

    if at is None:
        return chain.read_market(path, perpetuals=perpetuals)
    return chain.market_at(path, parse_instant(at, subject="--at"), perpetuals)


def parameters_day(question: Question) -> int | None:
    """Return the instant whose parameters to take, None for the market's.

    Raises
    ------
    BadInput
        If it is no day or time, or several are given where one number is asked for.
    """
    days = parameters_days(question)
    if len(days) > 1:
        raise bad_input(Reason.BAD_VALUE, "--parameters-as-of", "is given several times; "
                        "counterpoise compare lays several dates side by side")
    return days[0] if days else None


def parameters_days(question: Question) -> tuple[int, ...]:
    """Return the instants whose parameters to take, in the order typed; a day is its beginning."""
    return tuple(parse_instant(text + "T00:00:00Z" if len(text) == _DAY_LENGTH else text,
                               subject="--parameters-as-of")
                 for text in question.parameters_as_of)


def _refuse_contradictions(question: Question) -> None:
    wrong = []
    if bool(question.files) == (question.positions is not None):
        wrong.append(("FILE", "give portfolio files, or --positions with --market; "
                      "counterpoise margin --help says more"))
    if (question.positions is None) != (question.market is None):
        wrong.append(("--positions and --market", "go together: what is held, and the prices"))
    if question.market is None:
        wrong += [(option, "goes with --market; a portfolio file says it itself")
                  for option, given in (("--at", question.at),
                                        ("--perpetuals", question.perpetuals)) if given]
    if question.plot is not None and len(question.files) > 1:
        wrong.append(("--plot", f"draws one portfolio; {len(question.files)} files are given, "
                      "draw them one by one"))
    if not 1 <= question.threads <= 1024:
        wrong.append(("--threads", f"{question.threads}; use 1 to 1024"))
    if wrong:
        raise BadInput(*(Failure(reason=Reason.BAD_VALUE, subject=subject, sentence=sentence)
                         for subject, sentence in wrong))


def _with_file(name: str, wrong: BadInput, *, several: bool) -> list[Failure]:
    if not several:
        return list(wrong.failures)
    return [f if f.subject == name else Failure(
        reason=f.reason, subject=f"{name}: {f.subject}", sentence=f.sentence)
        for f in wrong.failures]


def one_account(portfolio: Portfolio, *, what: str) -> None:
    """Refuse a portfolio of several accounts where only one can be drawn.

    Raises
    ------
    BadInput
        Saying how many there are.
    """
    if len(portfolio.book) != 1:
        raise bad_input(Reason.NOT_APPLICABLE, what, f"shows one account; this portfolio has "
                        f"{len(portfolio.book)}. Give a file with the one to draw")
