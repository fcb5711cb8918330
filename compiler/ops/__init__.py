"""The back end of std: each operation by its name, and the definitions that generated code may need."""

from archc.ops import linear, merging, norms, pointwise, pooling
from archc.ops.base import Operation
from archc.ops.definitions import support

__all__ = ["find", "names", "support"]

_OPERATIONS = {
    **merging.OPERATIONS,
    **linear.OPERATIONS,
    **pooling.OPERATIONS,
    **norms.OPERATIONS,
    **pointwise.OPERATIONS,
}


def find(name: str) -> Operation:
    """Return the back end of the op called `name`; KeyError where there is none."""
    return _OPERATIONS[name]


def names() -> tuple[str, ...]:
    """Return the names of all operations that have a back end, sorted."""
    return tuple(sorted(_OPERATIONS))
