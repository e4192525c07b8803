"""Can a report be written? Where the disk or the path says no, a sentence that names the file."""

from collections.abc import Iterator
from contextlib import contextmanager

from counterpoise.values.failure import Reason, bad_input


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Write the file of a report inside of this.

    Raises
    ------
    BadInput
        If the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise bad_input(Reason.UNREADABLE, path, f"cannot be written ({error.strerror})") from None
