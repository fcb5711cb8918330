"""What ops make of inputs of known sizes, which no fact can change: each is worked out once in a program."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from archc.sizes.size import Size
from archc.tensor import Tensor, Type
from archc.values import Definition, Value

MOST = 50_000
"""So many are kept."""


@dataclass(slots=True)
class Settled:
    """The names that a signature binds, the type of the output, and the steps it took, by op, arguments and input."""

    known: dict[Hashable, tuple[Mapping[str, Value], Type, int]] = field(default_factory=dict)

    def note(self, key: Hashable, names: Mapping[str, Value], output: Type, steps: int) -> None:
        """Keep what came out; where there are too many, the others are forgotten."""
        if len(self.known) >= MOST:
            self.known.clear()
        self.known[key] = names, output, steps


def settled_by(definition: Definition, values: Mapping[str, Value], into: Type) -> Hashable:
    """Return what decides the output of an op; None where an argument or a size of the input is not known yet."""
    if not isinstance(into, Tensor) or into.tags or into.lost:
        return None
    for dim in into.dims:
        if not isinstance(dim, Size) or dim.constant is None:
            return None
    for value in values.values():
        if isinstance(value, Size):
            if value.constant is None:
                return None
        elif type(value) not in (bool, str, float):
            return None
    return id(definition.declaration), into, tuple(values.values())
