"""What is a value here: complete, valid and immutable from birth.

`frozen` turns an annotated class into one: keyword-only, slotted, no assignment after birth,
equality by fields, validation in `__post_init__`. It is the contract of a frozen, slotted
`dataclass` without the code generation, which would cost more than the whole margin calculation
in a fresh interpreter (docs/decisions/0003-cold-start.md).
"""

from typing import Any, TypeVar, cast, dataclass_transform

import numpy as np

T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=True)
def frozen(cls: type[T]) -> type[T]:
    """Make a frozen, slotted, keyword-only value of an annotated class.

    Fields are the annotations of the class itself, in order; a class attribute of the same name is
    the default. `__post_init__`, where defined, raises when the fields do not make a valid value
    and may replace a field with `object.__setattr__`. NumPy arrays are held as read-only views: who
    made one and keeps it must not write it any more.
    """
    types = cls.__dict__.get("__annotations__", {})
    names = tuple(types)
    dropped = (*names, "__dict__", "__weakref__")
    namespace = {k: v for k, v in cls.__dict__.items() if k not in dropped}
    namespace |= {
        "__slots__": names,
        "__fields__": names,
        "__types__": types,
        "__names__": frozenset(names),
        "__defaults__": {n: cls.__dict__[n] for n in names if n in cls.__dict__},
        "__match_args__": names,
        "__init__": _init,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
        "__repr__": cls.__dict__.get("__repr__", _repr),
        "__eq__": cls.__dict__.get("__eq__", _eq),
        "__hash__": cls.__dict__.get("__hash__") or _hash,
        "__reduce__": _reduce,
        "__qualname__": cls.__qualname__,
    }
    return cast(type[T], type(cls.__name__, cls.__bases__, namespace))


def replaced(value: T, **changes: Any) -> T:
    """Return a new value of the same type with some fields changed, validated again."""
    fields: tuple[str, ...] = value.__fields__  # type: ignore[attr-defined]
    return type(value)(**{n: getattr(value, n) for n in fields} | changes)


def _init(self: Any, **given: Any) -> None:
    """Make the first value of a class, and its later ones without looking at the class again."""
    cls = type(self)
    type.__setattr__(cls, "__init__", _initializer(cls))
    self.__init__(**given)


def _initializer(cls: Any) -> Any:
    names, defaults, arrays = cls.__fields__, cls.__defaults__, np.ndarray
    setters = tuple([(name, getattr(cls, name).__set__) for name in names])
    count, checked = len(setters), hasattr(cls, "__post_init__")

    def __init__(self: Any, **given: Any) -> None:
        if len(given) != count or not cls.__names__.issuperset(given):
            given = defaults | given
            missing = [n for n in names if n not in given]
            unknown = [n for n in given if n not in names]
            if missing or unknown:
                raise TypeError(f"{cls.__name__}: missing {missing}, unknown {unknown}")
        for name, put in setters:
            field = given[name]
            if isinstance(field, arrays) and field.flags.writeable:
                field = field.view()
                field.flags.writeable = False
            put(self, field)
        if checked:
            self.__post_init__()

    return __init__


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise AttributeError(f"{type(self).__name__} is immutable: {name} cannot change; "
                         "make a new one")


def _repr(self: Any) -> str:
    fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.__fields__)
    return f"{type(self).__name__}({fields})"


def _eq(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    return all(_same(getattr(self, n), getattr(other, n)) for n in self.__fields__)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        alike = isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
        return a is b or alike and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b)


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, n) for n in self.__fields__))


def _reduce(self: Any) -> tuple[Any, ...]:
    return _rebuild, (type(self), tuple(getattr(self, n) for n in self.__fields__))


def _rebuild(cls: type[T], fields: tuple[Any, ...]) -> T:
    return cls(**dict(zip(cls.__fields__, fields, strict=True)))  # type: ignore[attr-defined]
