"""`counterpoise simulate`: a venue's own what-if request, answered in the venue's own shape."""

from counterpoise.apps.cli.output import ANSWERED, show_json
from counterpoise.apps.cli.question import document_in, portfolio_in


def simulate(portfolio: str, request: str, *, venue: str, method: str | None) -> int:
    """Answer the request about the account of a portfolio file; return the exit code."""
    from counterpoise.adapters.venue_requests.venues import answer

    show_json(answer(venue, document_in(request), portfolio_in(portfolio), method=method))
    return ANSWERED
