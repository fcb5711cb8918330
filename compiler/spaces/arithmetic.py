"""Whole numbers, and runs of them, that stand for sizes: what the expressions of signatures compute with."""

from collections.abc import Callable, Mapping
from math import prod

Number = int | tuple[int, ...]
Names = dict[str, Number]
Term = Callable[[Names], Number]
Shape = tuple[int, ...]


class Unsupported(Exception):
    """The signature says something that only the rules read."""


class Miss(Exception):
    """The sizes do not fit."""


def named(names: Names, name: str) -> Number:
    """Return a name's number. Raises Unsupported where it has none."""
    if name not in names:
        raise Unsupported
    return names[name]


def require_equal(wanted: Number, found: Number) -> None:
    """Raise Miss where two differ."""
    if wanted != found:
        raise Miss


def whole(value: Number) -> int:
    """Return one number. Raises Unsupported on a run."""
    if not isinstance(value, int):
        raise Unsupported
    return value


def each(compute: Callable[[int], int], value: Number) -> Number:
    """Return what `compute` gives, of each number of a run."""
    return tuple(map(compute, value)) if isinstance(value, tuple) else compute(value)


def lifted(compute: Callable[[int, int], int], one: Number, other: Number) -> Number:
    """Return what `compute` gives of two, of each number of a run with the other."""
    if isinstance(one, tuple):
        return tuple(compute(entry, whole(other)) for entry in one)
    if isinstance(other, tuple):
        return tuple(compute(one, entry) for entry in other)
    return compute(one, other)


def exact(one: int, other: int) -> int:
    """Return a quotient without remainder. Raises Miss where there is none."""
    if other < 1 or one % other:
        raise Miss
    return one // other


def _floor(one: int, other: int) -> int:
    if other < 1:
        raise Miss
    return one // other


def _modulo(one: int, other: int) -> int:
    if other < 1:
        raise Miss
    return one % other


OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
    "/": exact, "//": _floor, "%": _modulo,
}  # fmt: skip

COMPARED: Mapping[str, Callable[[Number, Number], int]] = {
    "==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b),
    "<=": lambda a, b: int(whole(a) <= whole(b)), "<": lambda a, b: int(whole(a) < whole(b)),
    ">=": lambda a, b: int(whole(a) >= whole(b)), ">": lambda a, b: int(whole(a) > whole(b)),
}  # fmt: skip


def _shape(value: Number) -> Shape:
    if not isinstance(value, tuple):
        raise Unsupported
    return value


def _axis(shape: Shape, axis: Number, extra: int = 0) -> int:
    at = whole(axis)
    rank = len(shape) + extra
    if not -rank <= at < rank:
        raise Miss
    return at + rank if at < 0 else at


def _put(shape: Number, axis: Number, value: Number) -> Number:
    known = _shape(shape)
    at = _axis(known, axis)
    return (*known[:at], *(value if isinstance(value, tuple) else (value,)), *known[at + 1 :])


def _permuted(shape: Number, order: Number) -> Number:
    known, places = _shape(shape), _shape(order)
    if sorted(places) != list(range(len(known))):
        raise Miss
    return tuple(known[place] for place in places)


FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "get": lambda shape, axis: _shape(shape)[_axis(shape, axis)],
    "set": _put,
    "perm": _permuted,
    "rank": lambda shape: len(_shape(shape)),
    "prod": lambda shape: prod(_shape(shape)),
    "fill": lambda shape, value: (whole(value),) * len(_shape(shape)),
}
