"""The back end of std: each operation by its name, and the definitions that generated code may need."""

from archc.ops import attention, graphs, linear, merging, norms, pointwise, pooling, recurrence, shape, tokens
from archc.ops.base import Operation
from archc.ops.definitions import support

__all__ = ["find", "names", "support"]

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
