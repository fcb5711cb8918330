"""Tokens and positions."""

from collections.abc import Mapping
from math import prod

from archc.graph import OpNode
from archc.ops.attributes import real, whole
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.plain import Plain
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size


class Embedding:
    """A table with a row for every token of the vocabulary."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the table."""
        return (Weight("weight", (whole(node, "vocab"), whole(node, "d"))),)

    def cost(self, node: OpNode) -> Cost:
        """Return nothing: a look-up multiplies nothing."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.Embedding."""
        return Lowered(APPLY, _table(node))


class EmbeddingDecode:
    """The table of an embedding, read backwards: a score for every token of the vocabulary."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the table, which is the embedding's own."""
        return (Weight("weight", (whole(node, "vocab"), whole(node, "d"))),)

    def cost(self, node: OpNode) -> Cost:
        """Return one product with the table for every vector."""
        return Cost(prod(node.outputs[0].sizes, start=whole(node, "d")))

    def torch(self, node: OpNode) -> Lowered:
        """Return a product with the weight of the nn.Embedding that the node shares."""
        return Lowered(Code("F.linear({0}, {self}.weight)"), _table(node))


class Table:
    """A learned table that the op adds or puts in front: a module of support_sequence.py with one `weight`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the table."""
        sizes = node.input_types[0].sizes
        match node.op:
            case "prepend_token":
                return (Weight("weight", sizes[1:]),)
            case "pos_learned":
                return (Weight("weight", (whole(node, "max"), sizes[1])),)
            case _:
                return (Weight("weight", sizes),)

    def cost(self, node: OpNode) -> Cost:
        """Return nothing: the table is added."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return the module, which is given the shape of its table."""
        (table,) = self.weights(node)
        names = [f"d{index}" for index in range(len(table.shape))]
        text = f"{self._name}({', '.join(f'{{{name}}}' for name in names)})"
        return Lowered(APPLY, Code(text, dict(zip(names, table.shape, strict=True)), (self._name,)))


class Rope:
    """Rotary positions."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights: the angles follow from the positions."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return nothing, as for every pointwise op."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support_sequence.py; what stretches long waves is named only where they are stretched."""
        stretch: dict[str, tuple[Size | float, float | int]] = {}
        if (factor := real(node, "factor")) != 1.0:
            stretch = {
                "factor": (factor, 1.0),
                "low": (real(node, "low"), 1.0),
                "high": (real(node, "high"), 4.0),
                "context": (whole(node, "context"), 8192),
            }
        base = (real(node, "base"), 1e4)
        return Lowered(
            APPLY, call("Rope({heads}", {"heads": whole(node, "heads")}, needs=("Rope",), base=base, **stretch)
        )


def _table(node: OpNode) -> Code:
    return Code("nn.Embedding({vocab}, {d})", {"vocab": whole(node, "vocab"), "d": whole(node, "d")})


OPERATIONS: Mapping[str, Operation] = {
    "embedding": Embedding(),
    "embedding_decode": EmbeddingDecode(),
    "prepend_token": Table("PrependToken"),
    "pos_learned": Table("PosLearned"),
    "bias_learned": Table("BiasLearned"),
    "pos_sinusoidal": Plain(lambda node: Code("pos_sinusoidal({0})", needs=("pos_sinusoidal",))),
    "rope": Rope(),
}
