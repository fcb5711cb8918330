"""What a caller asks of a space: shapes, numbers and chance as they are used, or the error that says what is wrong."""

from collections.abc import Mapping, Sequence
from operator import index
from random import Random

from archc.build import At
from archc.runtime.derivations.draw import By

SHAPES = "text such as '[3, 32, 32]', a shape such as (3, 32, 32), or a mapping of either by input name"


def input_type(at: object) -> At:
    """Return an input type that can be compared and kept. Raises TypeError on what is none."""
    match at:
        case str():
            return at
        case Mapping():
            return {name: input_type(kind) for name, kind in at.items()}
        case Sequence() if not any(isinstance(size, (bool, str)) for size in at):
            try:
                return tuple(index(size) for size in at)
            except TypeError:
                pass
        case _:
            pass
    raise TypeError(f"expected as input type {SHAPES}, found {at!r}")


def weighing(by: By) -> By:
    """Return how members are weighed. Raises ValueError on anything else."""
    if by not in ("weights", "count"):
        raise ValueError(f"expected by='weights' or by='count', found {by!r}")
    return by


def chance(rng: Random) -> Random:
    """Return where chance comes from. Raises TypeError on anything else, such as a seed."""
    if not isinstance(rng, Random):
        raise TypeError(f"expected a random.Random, such as Random(0), found {rng!r}")
    return rng


def times(many: int, of: str = "members") -> int:
    """Return how many are asked for. Raises TypeError on what is no whole number, ValueError on a negative one."""
    if not hasattr(many, "__index__"):
        raise TypeError(f"expected a whole number of {of}, found {many!r}")
    if many < 0:
        raise ValueError(f"expected a number of {of} of at least 0, found {many}")
    return index(many)


def rank(number: object, size: int) -> int:
    """Return the number of a member of so many. Raises TypeError on what is no whole number, IndexError beyond them."""
    if not hasattr(number, "__index__"):
        raise TypeError(f"a member has a number from 0 to {_short(size - 1)}; found {number!r}")
    if not 0 <= index(number) < size:
        raise IndexError(f"expected a number from 0 to {_short(size - 1)}, found {_short(index(number))}")
    return index(number)


def _short(number: int) -> str:
    return f"{number:,}" if abs(number) < 10**40 else f"{'-' * (number < 0)}a number of {number.bit_length()} bits"
