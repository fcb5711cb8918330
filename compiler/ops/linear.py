"""Linear layers and convolutions."""

from collections.abc import Mapping
from math import prod

from archc.graph import OpNode
from archc.ops.attributes import flag, whole
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.writing import APPLY, call
from archc.sizes.size import Size, exact


class Linear:
    """A linear map of the last axis."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the matrix and the bias."""
        out = whole(node, "out")
        return _weight_and_bias(node, (out, node.input_types[0].sizes[-1]), out)

    def cost(self, node: OpNode) -> Cost:
        """Return one product with the matrix for every vector."""
        return _macs(node.input_types[0].sizes, whole(node, "out"))

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.Linear."""
        sizes = {"d": node.input_types[0].sizes[-1], "out": whole(node, "out")}
        return Lowered(APPLY, call("nn.Linear({d}, {out}", sizes, bias=(flag(node, "bias"), True)))


class Conv:
    """A convolution over one to three axes; the channels stand first."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the kernel and the bias."""
        out = whole(node, "out")
        inner = exact(node.input_types[0].sizes[0], whole(node, "groups"))
        return _weight_and_bias(node, (out, inner, *_kernel(node)), out)

    def cost(self, node: OpNode) -> Cost:
        """Return one kernel for every cell of the output."""
        inner = exact(node.input_types[0].sizes[0], whole(node, "groups"))
        return _macs(node.outputs[0].sizes, inner, *_kernel(node))

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.Conv1d, nn.Conv2d or nn.Conv3d."""
        return Lowered(APPLY, _conv(node, out=whole(node, "out"), groups=whole(node, "groups")))


class Depthwise:
    """A convolution of each channel by itself."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the kernels and the bias."""
        out = node.outputs[0].sizes[0]
        return _weight_and_bias(node, (out, Size.of(1), *_kernel(node)), out)

    def cost(self, node: OpNode) -> Cost:
        """Return one kernel for every cell of the output."""
        return _macs(node.outputs[0].sizes, *_kernel(node))

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.Conv1d, nn.Conv2d or nn.Conv3d with a group for each channel."""
        return Lowered(APPLY, _conv(node, out=node.outputs[0].sizes[0], groups=node.input_types[0].sizes[0]))


class ConvTranspose:
    """The adjoint of a convolution, with weights of its own."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the kernel, input channels first, and the bias."""
        out = whole(node, "out")
        shape = (node.input_types[0].sizes[0], exact(out, whole(node, "groups")), *_kernel(node))
        return _weight_and_bias(node, shape, out)

    def cost(self, node: OpNode) -> Cost:
        """Return one kernel for every cell of the input."""
        inner = exact(whole(node, "out"), whole(node, "groups"))
        return _macs(node.input_types[0].sizes, inner, *_kernel(node))

    def torch(self, node: OpNode) -> Lowered:
        """Return nn.ConvTranspose1d, nn.ConvTranspose2d or nn.ConvTranspose3d."""
        sizes = {"c": node.input_types[0].sizes[0], "out": whole(node, "out"), "k": whole(node, "k")}
        init = call(
            f"nn.ConvTranspose{_rank(node)}d({{c}}, {{out}}, {{k}}",
            sizes,
            stride=(whole(node, "stride"), 1),
            padding=(whole(node, "pad"), 0),
            output_padding=(whole(node, "extra"), 0),
            groups=(whole(node, "groups"), 1),
            bias=(flag(node, "bias"), True),
            dilation=(whole(node, "dilation"), 1),
        )
        return Lowered(APPLY, init)


class CausalConv:
    """A convolution over time, tokens first, of each channel by itself: a token sees itself and what came before."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the kernels and the bias."""
        width = node.input_types[0].sizes[1]
        return _weight_and_bias(node, (width, Size.of(1), whole(node, "k")), width)

    def cost(self, node: OpNode) -> Cost:
        """Return one kernel for every cell."""
        return _macs(node.outputs[0].sizes, whole(node, "k"))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support.py."""
        sizes = {"d": node.input_types[0].sizes[1], "k": whole(node, "k")}
        bias = (flag(node, "bias"), True)
        return Lowered(APPLY, call("CausalConv({d}, {d}, {k}, groups={d}", sizes, needs=("CausalConv",), bias=bias))


class DilatedCausalConv:
    """A dense convolution over time with gaps, tokens first: a token sees itself and what came before."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return the kernel and the bias."""
        width = node.input_types[0].sizes[1]
        return Weight("weight", (width, width, whole(node, "k"))), Weight("bias", (width,))

    def cost(self, node: OpNode) -> Cost:
        """Return one kernel for every cell."""
        return _macs(node.outputs[0].sizes, node.input_types[0].sizes[1], whole(node, "k"))

    def torch(self, node: OpNode) -> Lowered:
        """Return a module of support.py."""
        sizes = {"d": node.input_types[0].sizes[1], "k": whole(node, "k")}
        dilation = (whole(node, "dilation"), 1)
        return Lowered(APPLY, call("CausalConv({d}, {d}, {k}", sizes, needs=("CausalConv",), dilation=dilation))


def _conv(node: OpNode, *, out: Size, groups: Size) -> Code:
    return call(
        f"nn.Conv{_rank(node)}d({{c}}, {{out}}, {{k}}",
        {"c": node.input_types[0].sizes[0], "out": out, "k": whole(node, "k")},
        stride=(whole(node, "stride"), 1),
        padding=(whole(node, "pad"), 0),
        dilation=(whole(node, "dilation"), 1),
        groups=(groups, 1),
        bias=(flag(node, "bias"), True),
    )


def _macs(sizes: tuple[Size, ...], *each: Size) -> Cost:
    """Return the cost of `each` multiplied out, for every cell of a tensor of these sizes."""
    return Cost(prod((*sizes, *each), start=Size.of(1)))


def _weight_and_bias(node: OpNode, shape: tuple[Size, ...], out: Size) -> tuple[Weight, ...]:
    return (Weight("weight", shape), *([Weight("bias", (out,))] if flag(node, "bias") else []))


def _rank(node: OpNode) -> int:
    return len(node.input_types[0].dims) - 1


def _kernel(node: OpNode) -> tuple[Size, ...]:
    return (whole(node, "k"),) * _rank(node)


OPERATIONS: Mapping[str, Operation] = {
    "linear": Linear(),
    "conv": Conv(),
    "depthwise": Depthwise(),
    "conv_transpose": ConvTranspose(),
    "causal_conv": CausalConv(),
    "dilated_causal_conv": DilatedCausalConv(),
}
