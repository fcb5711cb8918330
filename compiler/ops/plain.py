"""Operations that own no weights and count no multiply-accumulates."""

from collections.abc import Callable
from dataclasses import dataclass

from archc.graph import OpNode
from archc.ops.base import Code, Cost, Lowered, Weight


@dataclass(frozen=True, slots=True)
class Plain:
    """An operation that is one expression, which `write` gives."""

    write: Callable[[OpNode], Code]

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return no cost: papers count weighted and attention ops only."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return the expression."""
        return Lowered(self.write(node))


def fixed(text: str) -> Plain:
    """Return the operation whose code is `text`, whatever its node."""
    return Plain(lambda node: Code(text))
