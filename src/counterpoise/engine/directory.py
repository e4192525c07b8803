"""Which account is called what, and where does it stand? Names, numbers and places in shards.

Numbers count accounts as they open and are never used again. The lists are shared by successive
values and only ever grow: a value reads its own first `count` entries, and a second future of an
old value starts with a copy.
"""

from counterpoise.values.frozen import frozen

Place = tuple[int, int]
"""(shard, row)."""


@frozen
class Directory:
    """Accounts by number: `names`, `places`; `numbers` by name."""

    names: list[str]
    places: list[Place]
    numbers: dict[str, int]
    count: int


def new_directory() -> Directory:
    """Return a directory without accounts."""
    return Directory(names=[], places=[], numbers={}, count=0)


def number_of(directory: Directory, name: str) -> int:
    """Return the number of an account, -1 where there is none of that name."""
    number = directory.numbers.get(name, -1)
    return number if number < directory.count else -1


def with_account(directory: Directory, name: str, place: Place) -> Directory:
    """Return a directory with one more account, whose number is the old `count`."""
    count, names, places, numbers = (directory.count, directory.names, directory.places,
                                     directory.numbers)
    if len(names) != count or not count:
        names, places = names[:count], places[:count]
        numbers = {n: k for k, n in enumerate(names)}
    names.append(name)
    places.append(place)
    numbers[name] = count
    return Directory(names=names, places=places, numbers=numbers, count=count + 1)
