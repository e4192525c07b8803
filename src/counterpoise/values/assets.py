"""What money is counted in: an asset and the decimals of its smallest unit."""

from typing import Final

from counterpoise.values.failure import Reason, bad_input
from counterpoise.values.frozen import frozen

_DECIMALS: Final = {"BTC": 8, "ETH": 9, "SOL": 9, "USDC": 6, "USDT": 6, "USD": 6, "DAI": 9}
_DEFAULT_DECIMALS: Final = 8


@frozen
class Asset:
    """An asset: upper-case `code` and the `decimals` of the smallest unit that the ledger keeps."""

    code: str
    decimals: int

    def __post_init__(self) -> None:
        """Refuse codes that are not 1 to 20 characters of A-Z, 0-9 and decimals outside 0..12."""
        if not is_asset_code(self.code):
            raise bad_input(Reason.UNKNOWN_ASSET, repr(self.code)[:60], "is not an asset code; "
                            "use capital letters and digits, like BTC or USDC")
        if not 0 <= self.decimals <= 12:
            raise bad_input(Reason.BAD_VALUE, self.code, f"{self.decimals} decimals; use 0 to 12")


def is_asset_code(code: object) -> bool:
    """Say whether `code` is 1 to 20 characters of A-Z and 0-9, at least one of them a letter."""
    return (isinstance(code, str) and 0 < len(code) <= 20 and code.isascii() and code.isalnum()
            and code == code.upper() and not code.isdigit())


def asset(code: str) -> Asset:
    """Return the asset of that code with the ledger's usual decimals (8 where none is known)."""
    return Asset(code=code, decimals=decimals_of(code))


def decimals_of(code: str) -> int:
    """Return the ledger's usual decimals of that asset (8 where none is known)."""
    return _DECIMALS.get(code, _DEFAULT_DECIMALS)
