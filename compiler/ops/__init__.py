"""The back end of std: each operation by its name, and the definitions that generated code may need."""

from difflib import get_close_matches

from archc.ops import attention, graphs, linear, merging, norms, pointwise, pooling, recurrence, shape, tokens
from archc.ops.base import Operation
from archc.ops.definitions import support

__all__ = ["find", "names", "support", "uncounted"]

MOVING = ("clone", "each", "first", "id", "par", "second")
"""Ops of std that only say where values go: no network has one of them."""

_OPERATIONS: dict[str, Operation] = {
    **merging.OPERATIONS,
    **linear.OPERATIONS,
    **pooling.OPERATIONS,
    **norms.OPERATIONS,
    **pointwise.OPERATIONS,
    **shape.OPERATIONS,
    **tokens.OPERATIONS,
    **attention.OPERATIONS,
    **recurrence.OPERATIONS,
    **graphs.OPERATIONS,
}


def find(name: str) -> Operation:
    """Return the back end of the op called `name`; KeyError where there is none."""
    return _OPERATIONS[name]


def names() -> tuple[str, ...]:
    """Return the names of all operations that have a back end, sorted."""
    return tuple(sorted(_OPERATIONS))


def uncounted(name: str) -> tuple[str, str]:
    """Return why a network never has an operation of this name, and the nearest that it may have; empty where it may."""
    if name in _OPERATIONS:
        return "", ""
    if name in MOVING:
        return f"`{name}` puts no op into a network, so that there is none to count", ""
    return f"no op is called `{name}`", next(iter(get_close_matches(name, names(), 1)), "")
