"""Back ends of merging, linear, pooling, norm and pointwise ops: types, weights, cost and numbers against torch."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor as TorchTensor
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archc import cost, ops
from archc.grammar.parse import parse
from archc.grammar.source import Source
from archc.grammar.syntax import Declaration
from archc.graph import OpNode, Static, Value
from archc.ops.base import Code
from archc.sizes.size import Size
from archc.tensor import Tensor

BATCH = 2
Shape = tuple[int, ...]
Reference = Callable[..., TorchTensor]

CONV: dict[str, object] = {"stride": 1, "pad": 0, "dilation": 1, "groups": 1, "bias": True}
DEPTHWISE: dict[str, object] = {"stride": 1, "pad": 0, "dilation": 1, "mult": 1, "bias": True}
TRANSPOSE: dict[str, object] = {"stride": 1, "pad": 0, "dilation": 1, "extra": 0, "groups": 1, "bias": True}
MAX_POOL: dict[str, object] = {"stride": 1, "pad": 0, "dilation": 1}
AVG_POOL: dict[str, object] = {"stride": 1, "pad": 0, "count_pad": True}
THIRDS = torch.full((1, 1, 3, 3, 3), 1 / 27)


@dataclass(frozen=True)
class Case:
    """One node, the torch text that it must become, and what it must compute."""

    op: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    text: str
    attributes: dict[str, object] = field(default_factory=dict)
    reference: Reference | None = None

    def __str__(self) -> str:
        return f"{self.op}: {self.text}"

    def node(self) -> OpNode:
        inputs = tuple(_tensor(shape) for shape in self.inputs)
        outputs = tuple(_tensor(shape) for shape in self.outputs)
        attributes = tuple((name, _static(value)) for name, value in self.attributes.items())
        return OpNode(self.op, attributes, tuple(map(Value, range(len(inputs)))), inputs, outputs, self.op)


def _tensor(shape: Shape) -> Tensor:
    return Tensor(tuple(Size.of(size) for size in shape))


def _static(value: object) -> Static:
    if isinstance(value, tuple):
        return tuple(_static(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Size.of(value)
    assert value is None or isinstance(value, (bool, float, str))
    return value


def _text(code: Code) -> str:
    def show(value: Static) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(show(item) for item in value)})"
        return str(value) if isinstance(value, Size) else repr(value)

    names = ("x", "y", "z", "w")
    return code.text.format(*names, self="f", **{name: show(value) for name, value in code.values.items()})


def _lower(node: OpNode) -> tuple[str, nn.Module | None, Callable[..., TorchTensor | tuple[TorchTensor, ...]]]:
    """Return the code, the module it builds and a function that applies both, as generated code would."""
    lowered = ops.find(node.op).torch(node)
    needs = lowered.call.needs + (lowered.init.needs if lowered.init else ())
    scope: dict[str, object] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": TorchTensor}
    exec(ops.support(needs), scope)  # noqa: S102 - the code under test
    call = _text(lowered.call)
    scope["f"] = module = eval(_text(lowered.init), scope) if lowered.init else None  # noqa: S307 - ditto
    text = _text(lowered.init) if lowered.init else call
    names = "xyzw"
    return text, module, lambda *inputs: eval(call, scope | dict(zip(names, inputs, strict=False)))  # noqa: S307


def _inputs(node: OpNode) -> list[TorchTensor]:
    torch.manual_seed(0)
    return [torch.randn(BATCH, *(size.constant or 0 for size in kind.sizes)) for kind in node.input_types]


def _shapes(result: TorchTensor | tuple[TorchTensor, ...]) -> list[Shape]:
    results = [result] if isinstance(result, TorchTensor) else list(result)
    return [tuple(tensor.shape) for tensor in results]


def _causal(x: TorchTensor, weight: TorchTensor, bias: TorchTensor, dilation: int = 1) -> TorchTensor:
    """The sum that defines a causal convolution, written out; `weight` is [k, d, d]."""
    out = bias.expand_as(x).clone()
    for t in range(x.shape[1]):
        for back, matrix in enumerate(reversed(weight)):
            if t >= back * dilation:
                out[:, t] += x[:, t - back * dilation] @ matrix.T
    return out


def _causal_depthwise(x: TorchTensor, weight: TorchTensor, bias: TorchTensor) -> TorchTensor:
    return _causal(x, torch.diag_embed(weight[:, 0].T), bias)


MERGING = [
    Case("zero", ((3, 4),), ((3, 4),), "torch.zeros_like(x)", reference=lambda x: x - x),
    Case("zero", ((3,), (4,)), ((3,), (4,)), "(torch.zeros_like(x), torch.zeros_like(y))"),
    Case("add", ((3, 4),) * 3, ((3, 4),), "x + y + z", reference=lambda x, y, z: torch.stack([x, y, z]).sum(0)),
    Case("add", ((3,), (4,)) * 2, ((3,), (4,)), "(x + z, y + w)"),
    Case("add", ((3,),), ((3,),), "x", reference=lambda x: x),
    Case("mul", ((3, 4),) * 2, ((3, 4),), "x * y", reference=lambda x, y: torch.stack([x, y]).prod(0)),
    Case("max_of", ((3,),) * 3, ((3,),), "torch.maximum(torch.maximum(x, y), z)",
         reference=lambda x, y, z: torch.stack([x, y, z]).amax(0)),
    Case("concat", ((3, 4), (2, 4)), ((5, 4),), "torch.cat((x, y), dim=1)", {"axis": 0},
         lambda x, y: torch.hstack([x, y])),
    Case("concat", ((3, 4), (3, 1), (3, 2)), ((3, 7),), "torch.cat((x, y, z), dim=-1)", {"axis": -1},
         lambda x, y, z: torch.dstack([x, y, z])),
    Case("concat", ((3, 4),), ((3, 4),), "x", {"axis": 0}),
    Case("sub", ((3,), (3,)), ((3,),), "x - y", reference=torch.sub),
    Case("scale", ((3, 4),), ((3, 4),), "Scale(0.5)", {"init": 0.5}, lambda x, weight: x / 2),
    Case("pad", ((3, 4, 5),), ((3, 7, 8),), "F.pad(x, (1, 2, 1, 2))", {"before": 1, "after": 2, "value": 0.0},
         nn.ConstantPad2d((1, 2, 1, 2), 0.0)),
    Case("pad", ((3, 4),), ((3, 5),), "F.pad(x, (0, 1), value=-1.0)", {"before": 0, "after": 1, "value": -1.0},
         lambda x: torch.cat([x, torch.full((BATCH, 3, 1), -1.0)], 2)),
    Case("pad", ((3,),), ((3,),), "x", {"before": 1, "after": 1, "value": 0.0}),
    Case("stack", ((3, 4), (3, 4)), ((2, 3, 4),), "torch.stack((x, y), dim=1)", {"axis": 0},
         lambda x, y: torch.cat([x[:, None], y[:, None]], 1)),
    Case("stack", ((3, 4), (3, 4)), ((3, 4, 2),), "torch.stack((x, y), dim=-1)", {"axis": -1},
         lambda x, y: torch.cat([x[..., None], y[..., None]], -1)),
    Case("stack", ((3,),), ((3, 1),), "x.unsqueeze(2)", {"axis": 1}, lambda x: x[:, :, None]),
    Case("chunk", ((6, 4),), ((2, 4),) * 3, "x.chunk(3, dim=1)", {"n": 3, "axis": 0}),
    Case("chunk", ((6, 4),), ((6, 4),), "x", {"n": 1, "axis": 0}),
    Case("split", ((6, 4),), ((6, 1), (6, 3)), "x.split((1, 3), dim=-1)", {"sizes": (1, 3), "axis": -1}),
    Case("split", ((6, 4),), ((6, 4),), "x", {"sizes": (6,), "axis": 0}),
    Case("matmul", ((2, 3, 4), (2, 4, 5)), ((2, 3, 5),), "x @ y", {"scale": False}, torch.matmul),
    Case("matmul", ((3, 4), (4, 5)), ((3, 5),), "x @ y / math.sqrt(4)", {"scale": True},
         lambda x, y: torch.einsum("bnk,bkm->bnm", x, y) / 2),
    Case("gate", ((3, 4, 5), (3,)), ((3, 4, 5),), "x * y[:, :, None, None]",
         reference=lambda x, y: torch.einsum("bchw,bc->bchw", x, y)),
    Case("gate", ((3,), (3,)), ((3,),), "x * y", reference=torch.mul),
]  # fmt: skip

LINEAR = [
    Case("linear", ((4,),), ((5,),), "nn.Linear(4, 5)", {"out": 5, "bias": True}, F.linear),
    Case("linear", ((3, 2, 4),), ((3, 2, 5),), "nn.Linear(4, 5, bias=False)", {"out": 5, "bias": False}, F.linear),
    Case("conv", ((4, 9),), ((6, 9),), "nn.Conv1d(4, 6, 3, padding=1)", {"out": 6, "k": 3, **CONV, "pad": 1},
         lambda x, w, b: F.conv1d(x, w, b, 1, 1)),
    Case("conv", ((4, 9, 8),), ((6, 4, 3),), "nn.Conv2d(4, 6, 3, stride=2, groups=2, bias=False)",
         {"out": 6, "k": 3, **CONV, "stride": 2, "groups": 2, "bias": False},
         lambda x, w: F.conv2d(x, w, None, 2, groups=2)),
    Case("conv", ((4, 5, 6, 7),), ((2, 3, 4, 5),), "nn.Conv3d(4, 2, 2, dilation=2)",
         {"out": 2, "k": 2, **CONV, "dilation": 2}, lambda x, w, b: F.conv3d(x, w, b, dilation=2)),
    Case("depthwise", ((4, 9),), ((4, 7),), "nn.Conv1d(4, 4, 3, groups=4)", {"k": 3, **DEPTHWISE},
         lambda x, w, b: F.conv1d(x, w, b, groups=4)),
    Case("depthwise", ((4, 9, 9),), ((8, 5, 5),), "nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4, bias=False)",
         {"k": 3, **DEPTHWISE, "stride": 2, "pad": 1, "mult": 2, "bias": False},
         lambda x, w: F.conv2d(x, w, None, 2, 1, groups=4)),
    Case("depthwise", ((1, 4, 4, 4),), ((3, 3, 3, 3),), "nn.Conv3d(1, 3, 2)", {"k": 2, **DEPTHWISE, "mult": 3},
         F.conv3d),
    Case("conv_transpose", ((4, 3),), ((6, 6),), "nn.ConvTranspose1d(4, 6, 2, stride=2)",
         {"out": 6, "k": 2, **TRANSPOSE, "stride": 2}, lambda x, w, b: F.conv_transpose1d(x, w, b, 2)),
    Case("conv_transpose", ((4, 3, 3),), ((6, 6, 6),),
         "nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2, bias=False)",
         {"out": 6, "k": 3, **TRANSPOSE, "stride": 2, "pad": 1, "extra": 1, "groups": 2, "bias": False},
         lambda x, w: F.conv_transpose2d(x, w, None, 2, 1, 1, 2)),
    Case("conv_transpose", ((4, 2, 2, 2),), ((1, 4, 4, 4),), "nn.ConvTranspose3d(4, 1, 2, dilation=2)",
         {"out": 1, "k": 2, **TRANSPOSE, "dilation": 2}, lambda x, w, b: F.conv_transpose3d(x, w, b, dilation=2)),
    Case("causal_conv", ((5, 4),), ((5, 4),), "CausalConv(4, 4, 3, groups=4)", {"k": 3, "bias": True},
         _causal_depthwise),
    Case("causal_conv", ((2, 4),), ((2, 4),), "CausalConv(4, 4, 4, groups=4, bias=False)", {"k": 4, "bias": False},
         lambda x, w: _causal_depthwise(x, w, torch.zeros(4))),
    Case("dilated_causal_conv", ((6, 4),), ((6, 4),), "CausalConv(4, 4, 3, dilation=2)", {"k": 3, "dilation": 2},
         lambda x, w, b: _causal(x, w.permute(2, 0, 1), b, dilation=2)),
]  # fmt: skip

POOLING = [
    Case("max_pool", ((3, 8),), ((3, 4),), "F.max_pool1d(x, 2)", {"k": 2, **MAX_POOL, "stride": 2},
         lambda x: x.unflatten(2, (4, 2)).amax(-1)),
    Case("max_pool", ((3, 8, 8),), ((3, 4, 4),), "F.max_pool2d(x, 3, stride=2, padding=1)",
         {"k": 3, **MAX_POOL, "stride": 2, "pad": 1}, nn.MaxPool2d(3, 2, 1)),
    Case("max_pool", ((3, 4, 5, 6),), ((3, 2, 3, 4),), "F.max_pool3d(x, 2, stride=1, dilation=2)",
         {"k": 2, **MAX_POOL, "dilation": 2}, nn.MaxPool3d(2, 1, 0, 2)),
    Case("avg_pool", ((3, 8),), ((3, 3),), "F.avg_pool1d(x, 3, stride=2)", {"k": 3, **AVG_POOL, "stride": 2},
         lambda x: x.unfold(2, 3, 2).mean(-1)),
    Case("avg_pool", ((3, 8, 8),), ((3, 8, 8),), "F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)",
         {"k": 3, **AVG_POOL, "pad": 1, "count_pad": False}, nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    Case("avg_pool", ((3, 8, 8),), ((3, 6, 6),), "F.avg_pool2d(x, 3, stride=1)",
         {"k": 3, **AVG_POOL, "count_pad": False}, nn.AvgPool2d(3, 1)),
    Case("avg_pool", ((3, 4, 4, 4),), ((3, 4, 4, 4),), "F.avg_pool3d(x, 3, stride=1, padding=1)",
         {"k": 3, **AVG_POOL, "pad": 1}, nn.AvgPool3d(3, 1, 1)),
    Case("avg_pool", ((3, 2, 4, 4),), ((3, 2, 4, 4),), "F.avg_pool3d(F.pad(x, (1, 1, 1, 1, 1, 1)), 3, stride=1)",
         {"k": 3, **AVG_POOL, "pad": 1}, lambda x: F.conv3d(x.flatten(0, 1)[:, None], THIRDS, padding=1).view_as(x)),
    Case("avg_pool", ((3, 1, 1, 1),), ((3, 1, 1, 1),), "avg_pool3d_inside(x, 3, 1, 1)",
         {"k": 3, **AVG_POOL, "pad": 1, "count_pad": False}, lambda x: x),
    Case("adaptive_avg_pool", ((3, 7),), ((3, 2),), "F.adaptive_avg_pool1d(x, 2)", {"size": 2}, nn.AdaptiveAvgPool1d(2)),
    Case("adaptive_avg_pool", ((3, 7, 2),), ((3, 3, 3),), "F.adaptive_avg_pool2d(x, 3)", {"size": 3},
         nn.AdaptiveAvgPool2d(3)),
    Case("adaptive_max_pool", ((3, 7, 5, 4),), ((3, 2, 2, 2),), "F.adaptive_max_pool3d(x, 2)", {"size": 2},
         nn.AdaptiveMaxPool3d(2)),
    Case("global_avg_pool", ((3, 7),), ((3,),), "x.mean(2)", reference=lambda x: F.adaptive_avg_pool1d(x, 1).flatten(1)),
    Case("global_avg_pool", ((3, 7, 5),), ((3,),), "x.mean((2, 3))",
         reference=lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)),
    Case("global_avg_pool", ((3, 2, 5, 4),), ((3,),), "x.mean((2, 3, 4))",
         reference=lambda x: F.adaptive_avg_pool3d(x, 1).flatten(1)),
    Case("mean_tokens", ((5, 4),), ((4,),), "x.mean(1)", reference=lambda x: x.sum(1) / 5),
    Case("upsample", ((3, 4),), ((3, 8),), "F.interpolate(x, scale_factor=2)", {"scale": 2, "mode": "nearest"},
         lambda x: x.repeat_interleave(2, 2)),
    Case("upsample", ((3, 4, 2),), ((3, 12, 6),), "F.interpolate(x, scale_factor=3, mode='bilinear')",
         {"scale": 3, "mode": "bilinear"}, nn.Upsample(None, 3, "bilinear")),
    Case("pixel_shuffle", ((8, 3, 4),), ((2, 6, 8),), "F.pixel_shuffle(x, 2)", {"r": 2}, nn.PixelShuffle(2)),
    Case("pixel_unshuffle", ((2, 6, 8),), ((8, 3, 4),), "F.pixel_unshuffle(x, 2)", {"r": 2}, nn.PixelUnshuffle(2)),
]  # fmt: skip

NORMS = [
    Case("batch_norm", ((4,),), ((4,),), "nn.BatchNorm1d(4)", {"eps": 1e-5}),
    Case("batch_norm", ((4, 5),), ((4, 5),), "nn.BatchNorm1d(4, eps=0.001)", {"eps": 1e-3}),
    Case("batch_norm", ((4, 5, 3),), ((4, 5, 3),), "nn.BatchNorm2d(4)", {"eps": 1e-5},
         lambda x, w, b: (x - _mean(x, (0, 2, 3))) / (_mean((x - _mean(x, (0, 2, 3))) ** 2, (0, 2, 3)) + 1e-5) ** 0.5),
    Case("batch_norm", ((4, 5, 3, 2),), ((4, 5, 3, 2),), "nn.BatchNorm3d(4)", {"eps": 1e-5}),
    Case("instance_norm", ((4, 5, 3),), ((4, 5, 3),), "F.instance_norm(x, eps=0.1)", {"eps": 0.1},
         lambda x: (x - _mean(x, (2, 3))) / (_mean((x - _mean(x, (2, 3))) ** 2, (2, 3)) + 0.1) ** 0.5),
    Case("instance_norm", ((4, 5),), ((4, 5),), "F.instance_norm(x)", {"eps": 1e-5}, nn.InstanceNorm1d(4)),
    Case("group_norm", ((4, 5),), ((4, 5),), "nn.GroupNorm(2, 4)", {"groups": 2, "eps": 1e-5},
         lambda x, w, b: F.layer_norm(x.reshape(BATCH, 2, 10), (10,)).reshape(x.shape)),
    Case("group_norm", ((4, 5, 3),), ((4, 5, 3),), "nn.GroupNorm(1, 4, eps=1e-06)", {"groups": 1, "eps": 1e-6},
         lambda x, w, b: F.layer_norm(x, (4, 5, 3), eps=1e-6)),
    Case("layer_norm", ((5, 4),), ((5, 4),), "nn.LayerNorm(4)", {"eps": 1e-5, "bias": True},
         lambda x, w, b: (x - _mean(x, (2,))) / (_mean((x - _mean(x, (2,))) ** 2, (2,)) + 1e-5) ** 0.5),
    Case("layer_norm", ((4,),), ((4,),), "nn.LayerNorm(4, eps=1e-06, bias=False)", {"eps": 1e-6, "bias": False},
         lambda x, w: F.layer_norm(x, (4,), eps=1e-6)),
    Case("rms_norm", ((5, 4),), ((5, 4),), "nn.RMSNorm(4, eps=1e-06)", {"eps": 1e-6},
         lambda x, w: x / (_mean(x**2, (2,)) + 1e-6) ** 0.5),
]  # fmt: skip


def _mean(x: TorchTensor, dims: Shape) -> TorchTensor:
    return x.mean(dims, keepdim=True)


def _pointwise(op: str, text: str, reference: Reference, **attributes: object) -> list[Case]:
    return [Case(op, (shape,), (shape,), text, attributes, reference) for shape in ((4,), (3, 4, 5))]


POINTWISE = [
    *_pointwise("relu", "F.relu(x)", lambda x: x.clamp(min=0)),
    *_pointwise("relu6", "F.relu6(x)", lambda x: x.clamp(0, 6)),
    *_pointwise("mish", "F.mish(x)", lambda x: x * torch.tanh((1 + x.exp()).log())),
    *_pointwise("hardsigmoid", "F.hardsigmoid(x)", lambda x: (x + 3).clamp(0, 6) / 6),
    *_pointwise("gelu", "F.gelu(x)", lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2, approx=False),
    *_pointwise("gelu", "F.gelu(x, approximate='tanh')", nn.GELU("tanh"), approx=True),
    *_pointwise("silu", "F.silu(x)", lambda x: x / (1 + (-x).exp())),
    *_pointwise("tanh", "torch.tanh(x)", lambda x: 1 - 2 / ((2 * x).exp() + 1)),
    *_pointwise("sigmoid", "torch.sigmoid(x)", lambda x: 1 / (1 + (-x).exp())),
    *_pointwise("softplus", "F.softplus(x)", lambda x: (1 + x.exp()).log()),
    *_pointwise("leaky_relu", "F.leaky_relu(x)", lambda x: torch.maximum(x, x / 100), slope=0.01),
    *_pointwise("leaky_relu", "F.leaky_relu(x, negative_slope=0.2)", lambda x: torch.maximum(x, x / 5), slope=0.2),
    *_pointwise("hardswish", "F.hardswish(x)", lambda x: x * (x + 3).clamp(0, 6) / 6),
    *_pointwise("softmax", "F.softmax(x, dim=-1)", lambda x: x.exp() / x.exp().sum(-1, keepdim=True), axis=-1),
    *_pointwise("softmax", "F.softmax(x, dim=1)", lambda x: x.exp() / x.exp().sum(1, keepdim=True), axis=0),
    Case("glu", ((3, 8),), ((3, 4),), "F.glu(x)", reference=lambda x: x[..., :4] * torch.sigmoid(x[..., 4:])),
    Case("glu", ((8,),), ((4,),), "F.glu(x)"),
    *_pointwise("dropout", "nn.Dropout(0.3)", lambda x: x, p=0.3),
    *_pointwise("drop_path", "DropPath(0.3)", lambda x: x, p=0.3),
    Case("layer_scale", ((3, 4),), ((3, 4),), "LayerScale(4, 0.25)", {"init": 0.25}, lambda x, weight: x / 4),
]

CASES = [*MERGING, *LINEAR, *POOLING, *NORMS, *POINTWISE]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_lowered_code_reads_as_declared_and_has_the_declared_type(case: Case) -> None:
    node = case.node()
    text, _, apply = _lower(node)
    assert text == case.text
    assert _shapes(apply(*_inputs(node))) == [(BATCH, *shape) for shape in case.outputs]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights_are_those_of_the_module(case: Case) -> None:
    node = case.node()
    _, module, _ = _lower(node)
    weights = ops.find(node.op).weights(node)
    learned = dict(module.named_parameters()) if module else {}
    state = module.state_dict() if module else {}
    declared = [(weight.name, tuple(size.constant for size in weight.shape), weight.buffer) for weight in weights]
    assert declared == [(name, tuple(tensor.shape), name not in learned) for name, tensor in state.items()]
    assert cost.parameters(node) == Size.of(sum(weight.numel() for weight in learned.values()))


@pytest.mark.parametrize("case", [case for case in CASES if case.reference], ids=str)
def test_numbers_are_those_of_an_independent_expression(case: Case) -> None:
    node = case.node()
    _, module, apply = _lower(node)
    if module and case.op != "batch_norm":
        module.eval()
    inputs = _inputs(node)
    weights = [] if module is None else list(module.parameters())
    assert case.reference is not None
    torch.testing.assert_close(apply(*inputs), case.reference(*inputs, *weights), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_multiply_accumulates_are_half_of_what_torch_counts(case: Case) -> None:
    node = case.node()
    _, _, apply = _lower(node)
    with FlopCounterMode(display=False) as counter:
        apply(*_inputs(node))
    assert cost.flops(node) == Size.of(counter.get_total_flops() // BATCH)
    assert cost.flops(node) == Size.of(2) * cost.macs(node)


@pytest.mark.parametrize("op", ["dropout", "drop_path"])
def test_training_drops_and_keeps_the_mean(op: str) -> None:
    _, module, _ = _lower(Case(op, ((4,),), ((4,),), "", {"p": 0.25}).node())
    assert module is not None
    torch.manual_seed(0)
    dropped = module(torch.ones(20_000, 4))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert len(dropped.unique(dim=0)) == (2 if op == "drop_path" else 16)


@pytest.mark.parametrize("op", ["dropout", "drop_path"])
def test_what_is_always_dropped_is_zero(op: str) -> None:
    _, module, _ = _lower(Case(op, ((4,),), ((4,),), "", {"p": 1.0}).node())
    assert module is not None
    assert module(torch.ones(3, 4)).abs().sum() == 0


def test_every_operation_of_these_files_has_a_case() -> None:
    files = (ops.merging, ops.linear, ops.pooling, ops.norms, ops.pointwise)
    assert {case.op for case in CASES} == {name for file in files for name in file.OPERATIONS}


def test_the_cases_have_the_parameters_that_std_declares() -> None:
    text = (Path(__file__).parent.parent / "grammar/std/nn.arch").read_text(encoding="utf-8")
    file, complaints = parse(Source("std/nn.arch", text))
    declared = {
        item.name: [parameter.name for parameter in item.parameters or ()]
        for item in file.items
        if isinstance(item, Declaration)
    }
    assert not complaints
    assert [list(case.attributes) for case in CASES] == [declared[case.op] for case in CASES]


def test_support_copies_what_is_asked_and_what_that_uses() -> None:
    text = ops.support(["LayerScale"])
    assert text.startswith("class LayerScale(nn.Module):")
    assert "DropPath" not in text
    assert ops.support([]) == ""
    with pytest.raises(KeyError):
        ops.support(["Nothing"])


@settings(max_examples=150, deadline=None)
@given(
    rank=st.integers(1, 3), n=st.integers(1, 5), k=st.integers(1, 4), stride=st.integers(1, 3),
    pad=st.integers(0, 3), dilation=st.integers(1, 3), op=st.sampled_from(["max_pool", "avg_pool", "avg_inside", "conv"]),
)  # fmt: skip
def test_windows_run_on_the_cpu_where_the_signature_says(
    rank: int, n: int, k: int, stride: int, pad: int, dilation: int, op: str
) -> None:
    dilation = 1 if op.startswith("avg") else dilation
    room = n + 2 * pad - dilation * (k - 1) - 1
    attributes: dict[str, object] = {"k": k, "stride": stride, "pad": pad}
    attributes |= {
        "max_pool": {"dilation": dilation},
        "conv": {"out": 2, "dilation": dilation, "groups": 1, "bias": True},
    }.get(op, {"count_pad": op == "avg_pool"})
    out = (2, *[room // stride + 1] * rank)
    node = Case("avg_pool" if op == "avg_inside" else op, ((2, *[n] * rank),), (out,), "", attributes).node()
    _, _, apply = _lower(node)
    if room >= 0 and (op == "conv" or 2 * pad <= k):
        assert _shapes(apply(*_inputs(node))) == [(BATCH, *out)]
    elif rank < 3 or not op.startswith("avg"):
        with pytest.raises(RuntimeError):
            apply(*_inputs(node))


@settings(max_examples=100, deadline=None)
@given(
    rank=st.integers(1, 3), n=st.integers(1, 3), k=st.integers(1, 3), stride=st.integers(1, 3), pad=st.integers(0, 2),
    dilation=st.integers(1, 3), extra=st.integers(0, 2),
)  # fmt: skip
def test_transposed_windows_run_on_the_cpu_where_the_signature_says(
    rank: int, n: int, k: int, stride: int, pad: int, dilation: int, extra: int
) -> None:
    length = (n - 1) * stride - 2 * pad + dilation * (k - 1) + extra + 1
    assume(length != 0)  # torch puts out an empty tensor, and the language has no empty axes
    attributes = {"out": 2, "k": k, **TRANSPOSE, "stride": stride, "pad": pad, "dilation": dilation, "extra": extra}
    node = Case("conv_transpose", ((2, *[n] * rank),), ((2, *[length] * rank),), "", attributes).node()
    _, _, apply = _lower(node)
    if length > 0 and extra < max(stride, dilation):
        assert _shapes(apply(*_inputs(node))) == [(BATCH, 2, *[length] * rank)]
    else:
        with pytest.raises(RuntimeError):
            apply(*_inputs(node))
