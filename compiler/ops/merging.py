"""Merging and parting: sums, products, concatenation, stacks, chunks."""

from collections.abc import Callable, Mapping
from math import prod

from archc.graph import OpNode
from archc.ops.attributes import dimension, flag, integer, real, whole, wholes
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.plain import Plain
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size


class Scale:
    """One learned factor."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the factor."""
        return (Weight("weight", ()),)

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as for every pointwise op."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support.py."""
        return Lowered(APPLY, call("Scale({init}", {"init": real(node, "init")}, needs=("Scale",)))


class Matmul:
    """A product of two matrices that both come from data."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return one multiply-accumulate for every cell of the output and every inner index."""
        return Cost(prod(node.outputs[0].sizes, start=node.input_types[0].sizes[-1]))

    def torch(self, node: OpNode) -> Lowered:
        """Return `@`, divided where the scores are to be scaled."""
        if not flag(node, "scale"):
            return Lowered(Code("{0} @ {1}"))
        return Lowered(Code("{0} @ {1} / math.sqrt({inner})", {"inner": node.input_types[0].sizes[-1]}))


def _each_leaf(join: Callable[[tuple[str, ...]], str]) -> Plain:
    """Return the op that joins its operands leaf by leaf: an operand may be a tuple of tensors."""

    def write(node: OpNode) -> Code:
        leaves = len(node.outputs)
        operands = tuple(f"{{{index}}}" for index in range(len(node.inputs)))
        texts = [join(operands[leaf::leaves]) for leaf in range(leaves)]
        return Code(texts[0] if leaves == 1 else f"({', '.join(texts)})")

    return Plain(write)


def _maximum(operands: tuple[str, ...]) -> str:
    text = operands[0]
    for operand in operands[1:]:
        text = f"torch.maximum({text}, {operand})"
    return text


def _operands(node: OpNode) -> str:
    return ", ".join(f"{{{index}}}" for index in range(len(node.inputs)))


def _concat(node: OpNode) -> Code:
    if len(node.inputs) == 1:
        return Code("{0}")
    return call(f"torch.cat(({_operands(node)})", dim=(_dimension(node), 0))


def _stack(node: OpNode) -> Code:
    if len(node.inputs) == 1:
        return Code("{0}.unsqueeze({axis})", {"axis": _dimension(node)})
    return call(f"torch.stack(({_operands(node)})", dim=(_dimension(node), 0))


def _chunk(node: OpNode) -> Code:
    if len(node.outputs) == 1:
        return Code("{0}")
    return call("{0}.chunk({n}", {"n": whole(node, "n")}, dim=(_dimension(node), 0))


def _split(node: OpNode) -> Code:
    if len(node.outputs) == 1:
        return Code("{0}")
    return call("{0}.split({sizes}", {"sizes": wholes(node, "sizes")}, dim=(_dimension(node), 0))


def _dimension(node: OpNode) -> Size:
    return Size.of(dimension(integer(node, "axis")))


def _pad(node: OpNode) -> Code:
    amounts = (whole(node, "before"), whole(node, "after")) * (len(node.input_types[0].dims) - 1)
    if not amounts:
        return Code("{0}")
    return call("F.pad({0}, {amounts}", {"amounts": amounts}, value=(real(node, "value"), 0.0))


def _gate(node: OpNode) -> Code:
    axes = len(node.input_types[0].dims) - 1
    return Code(f"{{0}} * {{1}}[:, :{', None' * axes}]") if axes else Code("{0} * {1}")


OPERATIONS: Mapping[str, Operation] = {
    "zero": _each_leaf(lambda operands: f"torch.zeros_like({operands[0]})"),
    "add": _each_leaf(" + ".join),
    "mul": _each_leaf(" * ".join),
    "max_of": _each_leaf(_maximum),
    "sub": _each_leaf(" - ".join),
    "concat": Plain(_concat),
    "scale": Scale(),
    "pad": Plain(_pad),
    "stack": Plain(_stack),
    "chunk": Plain(_chunk),
    "split": Plain(_split),
    "matmul": Matmul(),
    "gate": Plain(_gate),
}
