"""The back end of std: each operation by its name, and the definitions that generated code may need."""

from archc.ops.base import Operation
from importlib import import_module
from importlib.util import find_spec

_MODULES = (
    "merging",
    "linear",
    "pooling",
    "norms",
    "pointwise",
    "shape",
    "tokens",
    "attention",
    "recurrence",
    "graphs",
)


def find(name: str) -> Operation:
    """Return the back end of the op called `name`; KeyError where there is none."""
    return _OPERATIONS[name]


def names() -> tuple[str, ...]:
    """Return the names of all operations that have a back end, sorted."""
    return tuple(sorted(_OPERATIONS))


def _collect() -> dict[str, Operation]:
    found: dict[str, Operation] = {}
    for module in _MODULES:
        if find_spec(f"archc.ops.{module}") is not None:
            found.update(import_module(f"archc.ops.{module}").OPERATIONS)
    return found


_OPERATIONS = _collect()
