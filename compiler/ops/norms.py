"""Normalisation."""

from collections.abc import Mapping

from archc.graph import OpNode, Static
from archc.ops.attributes import flag, real, whole
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.plain import Plain
from archc.ops.writing import APPLY, call


class BatchNorm:
    """Each channel normalised over the batch and all positions, or by running statistics once training is over."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the scale, the shift and the running statistics."""
        shape = (node.input_types[0].sizes[0],)
        learned = (Weight("weight", shape), Weight("bias", shape))
        running = (Weight("running_mean", shape, buffer=True), Weight("running_var", shape, buffer=True))
        return (*learned, *running, Weight("num_batches_tracked", (), buffer=True))

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as papers count."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.BatchNorm1d, nn.BatchNorm2d or nn.BatchNorm3d."""
        channels, *axes = node.input_types[0].sizes
        head = f"nn.BatchNorm{max(len(axes), 1)}d({{c}}"
        return Lowered(APPLY, call(head, {"c": channels}, eps=(real(node, "eps"), 1e-5)))


class GroupNorm:
    """Groups of channels normalised within each sample."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the scale and the shift of each channel."""
        shape = (node.input_types[0].sizes[0],)
        return Weight("weight", shape), Weight("bias", shape)

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as papers count."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.GroupNorm."""
        sizes = {"groups": whole(node, "groups"), "c": node.input_types[0].sizes[0]}
        return Lowered(APPLY, call("nn.GroupNorm({groups}, {c}", sizes, eps=(real(node, "eps"), 1e-5)))


class LayerNorm:
    """The last axis normalised by its mean and variance."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the scale and, if wanted, the shift."""
        shape = (node.input_types[0].sizes[-1],)
        return (Weight("weight", shape), *([Weight("bias", shape)] if flag(node, "bias") else []))

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as papers count."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.LayerNorm."""
        size = {"d": node.input_types[0].sizes[-1]}
        return Lowered(
            APPLY, call("nn.LayerNorm({d}", size, eps=(real(node, "eps"), 1e-5), bias=(flag(node, "bias"), True))
        )


class RmsNorm:
    """The last axis divided by its root mean square."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the scale."""
        return (Weight("weight", (node.input_types[0].sizes[-1],)),)

    def cost(self, node: OpNode) -> Cost:
        """Return no cost, as papers count."""
        return Cost()

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.RMSNorm, whose own eps depends on the data type and so is never left out."""
        values: dict[str, Static] = {"d": node.input_types[0].sizes[-1], "eps": real(node, "eps")}
        return Lowered(APPLY, Code("nn.RMSNorm({d}, eps={eps})", values))


def _instance_norm(node: OpNode) -> Code:
    return call("F.instance_norm({0}", eps=(real(node, "eps"), 1e-5))


OPERATIONS: Mapping[str, Operation] = {
    "batch_norm": BatchNorm(),
    "instance_norm": Plain(_instance_norm),
    "group_norm": GroupNorm(),
    "layer_norm": LayerNorm(),
    "rms_norm": RmsNorm(),
}
