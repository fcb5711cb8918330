"""Activations and what else keeps a shape."""

from collections.abc import Mapping

from archc.graph import OpNode, Static
from archc.ops.attributes import dimension, flag, integer, real
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.plain import Plain, fixed
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size


class Dropout:
    """Cells set to zero by chance while training."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return no cost."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.Dropout, which knows whether it is being trained."""
        return Lowered(APPLY, Code("nn.Dropout({p})", {"p": real(node, "p")}))


class DropPath:
    """Whole samples set to zero by chance while training (stochastic depth)."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return no cost."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support.py, which knows whether it is being trained."""
        return Lowered(APPLY, Code("DropPath({p})", {"p": real(node, "p")}, ("DropPath",)))


class LayerScale:
    """One learned factor for each place of the last axis."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the factors."""
        return (Weight("weight", (node.input_types[0].sizes[-1],)),)

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as for every pointwise op."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support.py."""
        values: dict[str, Static] = {"d": node.input_types[0].sizes[-1], "init": real(node, "init")}
        return Lowered(APPLY, Code("LayerScale({d}, {init})", values, ("LayerScale",)))


def _gelu(node: OpNode) -> Code:
    return call("F.gelu({0}", approximate=("tanh" if flag(node, "approx") else "none", "none"))


def _leaky_relu(node: OpNode) -> Code:
    return call("F.leaky_relu({0}", negative_slope=(real(node, "slope"), 0.01))


def _softmax(node: OpNode) -> Code:
    return Code("F.softmax({0}, dim={dim})", {"dim": Size.of(dimension(integer(node, "axis")))})


OPERATIONS: Mapping[str, Operation] = {
    "relu": fixed("F.relu({0})"),
    "relu6": fixed("F.relu6({0})"),
    "mish": fixed("F.mish({0})"),
    "hardsigmoid": fixed("F.hardsigmoid({0})"),
    "gelu": Plain(_gelu),
    "silu": fixed("F.silu({0})"),
    "tanh": fixed("torch.tanh({0})"),
    "sigmoid": fixed("torch.sigmoid({0})"),
    "softplus": fixed("F.softplus({0})"),
    "leaky_relu": Plain(_leaky_relu),
    "hardswish": fixed("F.hardswish({0})"),
    "glu": fixed("F.glu({0})"),
    "softmax": Plain(_softmax),
    "dropout": Dropout(),
    "drop_path": DropPath(),
    "layer_scale": LayerScale(),
}
