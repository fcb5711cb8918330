"""What the back end says of one operation: its weights, its cost and its torch code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from archc.graph import OpNode, Static
from archc.sizes.size import Size


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor that an operation owns, by its name below the node's key (empty where the key itself is the weight).

    A buffer (a running mean) is in the state_dict and is no parameter.
    """

    name: str
    shape: tuple[Size, ...]
    buffer: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Multiply-accumulates of weighted and attention ops (as papers count them), for one sample."""

    macs: Size = field(default_factory=lambda: Size.of(0))


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression with holes: `values` fills `{name}`, `{0}`, `{1}` are the inputs, `{self}` is the module.

    Literal braces do not occur. Values are ints (as Size), floats, bools, strings, None and tuples of them. `needs` names what the
    text uses: definitions of ops/support.py. `defaults` are the options that end the call, in order, each with what torch
    takes where none is given: an option at its default is not in the text.
    """

    text: str
    values: Mapping[str, Static] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    defaults: Mapping[str, Static] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lowered:
    """The torch code of one node: `init` builds the submodule kept under its key (None: it owns nothing), `call` applies it."""

    call: Code
    init: Code | None = None


class Operation(Protocol):
    """The back end of the op of std of the same name."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the weights it owns, in torch's order."""
        ...

    def cost(self, node: OpNode) -> Cost:
        """Return its cost for one sample."""
        ...

    def torch(self, node: OpNode) -> Lowered:
        """Return its torch code; every tensor has one batch axis in front of what the type says."""
        ...
