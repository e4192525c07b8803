"""What can be typed after `counterpoise calibrate`? Its options, read before anything heavy is."""

from argparse import ArgumentParser, Namespace


def options(sub: ArgumentParser) -> None:
    """Add the options of the command."""
    sub.add_argument("history", nargs="?", metavar="HISTORY", help="a factor history (counterpoise "
                     "factors build); none: the simulated one")
    sub.add_argument("--out", metavar="FILE", help="write the parameters of the model dynamic "
                     "(.json, and the joint moves as .npz beside it)")
    sub.add_argument("--report", metavar="FILE", help="write a page with plots (.html)")
    sub.add_argument("--level", type=float, metavar="P", help="of expected shortfall, like 0.975")
    sub.add_argument("--horizon-days", type=int, metavar="N", help="what the moves span")
    sub.add_argument("--preset", action="store_true", help="97.5 %% expected shortfall over 2 days")
    sub.add_argument("--method", choices=("filtered", "monte_carlo"), default="filtered",
                     help="paths of the past at the volatility of now (default), or draws")
    sub.add_argument("--scenarios", type=int, default=10_000, metavar="N", help="Monte Carlo draws")
    sub.add_argument("--seed", type=int, default=1, metavar="N", help="of everything drawn")
    sub.add_argument("--coins", nargs="+", default=[], metavar="CODE", help="only these codes")
    sub.add_argument("--until", metavar="DATE", help="use nothing after this day, like 2023-12-31")
    sub.add_argument("--as-of", metavar="TIME", help="use moves that had ended before this day "
                     "began, or before this instant; the parameters act from then on")
    sub.add_argument("--forecast", choices=("gjr_ewma", "prediction"), help="what filters prices: "
                     "the recursions of each factor, or the frozen forecast where it won (needs "
                     "--data); default: prediction with --data, else gjr_ewma")
    sub.add_argument("--data", metavar="FOLDER", help="market data for the forecast, as "
                     "counterpoise validate reads them: prices/, vol_index/ and funding/")
    sub.add_argument("--every", type=int, metavar="DAYS", help="walk forward: one file per so many "
                     "days, into the folder --out, for counterpoise backtest --parameters")
    sub.add_argument("--from", dest="begin", metavar="DATE", help="first day of the walk")
    sub.add_argument("--to", dest="end", metavar="DATE", help="last day of the walk")
    sub.add_argument("--prior-days", type=int, default=100, metavar="N", help="own days that the "
                     "stated prior of a young factor weighs; 0: none; default 100")
    sub.add_argument("--volumes", metavar="PATH", help="closes with a column volume: what a slow "
                     "day trades, for the liquidity add-on")
    sub.add_argument("--json", action="store_true", help="print one JSON object")


def calibrate(given: Namespace) -> int:
    """Calibrate as was typed; return the exit code."""
    from counterpoise.apps.cli.calibration import Calibrating, calibration

    return calibration(Calibrating(
        history=given.history, out=given.out, report=given.report, level=given.level,
        horizon_days=given.horizon_days, preset=given.preset, coins=tuple(given.coins),
        until=given.until, as_of=given.as_of, every=given.every, begin=given.begin, end=given.end,
        volumes=given.volumes, forecast=given.forecast, data=given.data, as_json=given.json, terms={
            "method": given.method, "scenarios": given.scenarios, "seed": given.seed,
            "prior_days": given.prior_days}))
