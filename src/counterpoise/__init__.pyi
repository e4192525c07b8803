"""What `import counterpoise` offers, for type checkers; __init__.py loads each on first use."""

from counterpoise.adapters.chain import read_chain as read_chain
from counterpoise.adapters.models import model_names as model_names
from counterpoise.adapters.portfolio_file import read_portfolio as read_portfolio
from counterpoise.adapters.portfolio_file import write_portfolio as write_portfolio
from counterpoise.apps.answer import margin_of as margin_of
from counterpoise.apps.legs import explain as explain
from counterpoise.apps.sensitivities import greeks_of as greeks_of
from counterpoise.market.simulated import simulated_market as simulated_market
from counterpoise.values.failure import BadInput as BadInput

__version__: str
__all__ = ["BadInput", "explain", "greeks_of", "margin_of", "model_names", "read_chain",
           "read_portfolio", "simulated_market", "write_portfolio"]
