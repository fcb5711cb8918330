"""Back ends of shape, token, attention, recurrence and graph ops: types, weights, cost and numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor as TorchTensor
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from archc import ops
from archc.grammar.parse import parse
from archc.grammar.source import Source
from archc.grammar.syntax import Declaration
from archc.graph import OpNode, Pattern, Static, Value
from archc.ops.base import Code
from archc.sizes.size import Size
from archc.tensor import Tensor

BATCH = 2
Shape = tuple[int | str, ...]
Reference = Callable[..., TorchTensor]

LENGTHS = {"n": 5, "h": 2, "w": 3}
"""The values of the sizes that a case leaves symbolic, by writing their names into its shapes."""


@dataclass(frozen=True)
class Id:
    """The type of token numbers below `bound`."""

    bound: int | str
    shape: Shape


@dataclass(frozen=True)
class Case:
    """One node, the torch text that it must become, and what it must compute from inputs and weights."""

    op: str
    inputs: tuple[Shape | Id, ...]
    output: Shape
    text: str
    attributes: dict[str, object] = field(default_factory=dict)
    reference: Reference | None = None

    def __str__(self) -> str:
        return f"{self.op}: {self.text}"

    def node(self) -> OpNode:
        kinds = tuple(_tensor(kind) for kind in self.inputs)
        attributes = tuple((name, _static(value)) for name, value in self.attributes.items())
        values = tuple(map(Value, range(len(kinds))))
        return OpNode(self.op, attributes, values, kinds, (_tensor(self.output),), self.op)


def _size(size: int | str) -> Size:
    return Size.var(size) if isinstance(size, str) else Size.of(size)


def _tensor(kind: Shape | Id) -> Tensor:
    if isinstance(kind, Id):
        return Tensor(tuple(map(_size, kind.shape)), "Id", _size(kind.bound))
    return Tensor(tuple(map(_size, kind)))


def _static(value: object) -> Static:
    if isinstance(value, tuple):
        return tuple(_static(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Size.of(value)
    assert value is None or isinstance(value, (bool, float, str, Pattern, Size))
    return value


def _pattern(text: str, **sizes: int | str) -> Pattern:
    """Read `d (h w), d -> h w d`; 1 is a constant axis."""
    left, right = text.split("->")
    names = set(text.replace("(", " ").replace(")", " ").replace(",", " ").replace("->", " ").split())
    known = {name: sizes.get(name, int(name) if name.isdigit() else name) for name in sorted(names - {"1"})}
    table = tuple((name, _size(size)) for name, size in known.items())
    return Pattern(tuple(map(_axes, left.split(","))), _axes(right), table)


def _axes(text: str) -> tuple[tuple[str, ...], ...]:
    axes: list[tuple[str, ...]] = []
    group: list[str] | None = None
    for part in text.replace("(", " ( ").replace(")", " ) ").split():
        if part == "(":
            group = []
        elif part == ")":
            axes.append(tuple(group or ()))
            group = None
        elif group is not None:
            group.append(part)
        else:
            axes.append(() if part == "1" else (part,))
    return tuple(axes)


def _number(size: Size) -> int:
    return size.constant if size.constant is not None else int(size.value(LENGTHS))


def _text(code: Code) -> str:
    def show(value: Static) -> str:
        if isinstance(value, tuple):
            return f"({', '.join(show(item) for item in value)})"
        return str(value) if isinstance(value, Size) else repr(value)

    return code.text.format(*"xyzw", self="f", **{name: show(value) for name, value in code.values.items()})


def _lower(node: OpNode) -> tuple[str, nn.Module | None, Callable[..., TorchTensor]]:
    """Return the code, the module it builds and a function that applies both, as generated code would."""
    lowered = ops.find(node.op).torch(node)
    needs = lowered.call.needs + (lowered.init.needs if lowered.init else ())
    scope: dict[str, object] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": TorchTensor, **LENGTHS}
    exec(ops.support(needs), scope)  # noqa: S102 - the code under test
    call = _text(lowered.call)
    torch.manual_seed(1)
    scope["f"] = module = eval(_text(lowered.init), scope) if lowered.init else None  # noqa: S307 - ditto
    text = f"f = {_text(lowered.init)}; {call}" if lowered.init else call
    return text, module, lambda *inputs: eval(call, scope | dict(zip("xyzw", inputs, strict=False)))  # noqa: S307


def _inputs(node: OpNode) -> list[TorchTensor]:
    torch.manual_seed(0)
    found = []
    for kind in node.input_types:
        shape = (BATCH, *map(_number, kind.sizes))
        found.append(torch.randint(_number(kind.bound), shape) if kind.bound else torch.randn(shape))
    return found


def _by_hand(pattern: Pattern, how: str = "sum") -> Reference:
    """Return the function that walks over every index of a pattern: what the pattern means."""
    sizes = {name: _number(size) for name, size in pattern.sizes}
    names = list(sizes)

    def place(operand: tuple[tuple[str, ...], ...], at: dict[str, int]) -> tuple[int, ...]:
        places = []
        for axis in operand:
            index = 0
            for name in axis:
                index = index * sizes[name] + at[name]
            places.append(index)
        return tuple(places)

    def compute(*inputs: TorchTensor) -> TorchTensor:
        cells: dict[tuple[int, ...], list[TorchTensor]] = {}
        for numbers in product(*(range(sizes[name]) for name in names)):
            at = dict(zip(names, numbers, strict=True))
            terms = [x[:, *place(operand, at)] for x, operand in zip(inputs, pattern.left, strict=True)]
            cells.setdefault(place(pattern.right, at), []).append(math.prod(terms[1:], start=terms[0]))
        shape = [math.prod(sizes[name] for name in axis) for axis in pattern.right]
        out = torch.zeros(BATCH, *shape)
        for cell, values in cells.items():
            stacked = torch.stack(values)
            out[:, *cell] = {"sum": stacked.sum, "mean": stacked.mean, "max": stacked.amax, "min": stacked.amin}[how](0)
        return out

    return compute


def _shapes(pattern: Pattern) -> tuple[list[tuple[Size, ...]], tuple[Size, ...]]:
    sizes = dict(pattern.sizes)

    def shape(operand: tuple[tuple[str, ...], ...]) -> tuple[Size, ...]:
        return tuple(math.prod((sizes[name] for name in axis), start=Size.of(1)) for axis in operand)

    return [shape(operand) for operand in pattern.left], shape(pattern.right)


def _node(op: str, pattern: Pattern, **attributes: Static) -> OpNode:
    left, right = _shapes(pattern)
    inputs = tuple(Tensor(shape) for shape in left)
    values = tuple(map(Value, range(len(inputs))))
    return OpNode(op, (("p", pattern), *attributes.items()), values, inputs, (Tensor(right),), op)


# ---------------------------------------------------------------- patterns
PATTERNS = [
    ("rearrange", _pattern("d h w -> (h w) d", d=3, h=2, w=4), "x.flatten(2).transpose(1, 2)"),
    ("rearrange", _pattern("d h w -> (h w) d", d=3), "x.flatten(2).transpose(1, 2)"),
    ("rearrange", _pattern("(h w) d -> d h w", d=3, w=4), "x.unflatten(1, (-1, 4)).permute(0, 3, 1, 2)"),
    ("rearrange", _pattern("a b -> b a", a=3, b=2), "x.transpose(1, 2)"),
    ("rearrange", _pattern("a b c -> c a b", a=3, b=2, c=4), "x.permute(0, 3, 1, 2)"),
    ("rearrange", _pattern("a b c -> (a b c)", a=3, b=2, c=4), "x.flatten(1)"),
    ("rearrange", _pattern("(a b) c -> a (b c)", a=3, b=2, c=4), "x.reshape(-1, 3, 8)"),
    ("rearrange", _pattern("(h b) c -> h (b c)", b=2, c=4), "x.unflatten(1, (-1, 2)).flatten(2)"),
    ("rearrange", _pattern("a b -> a b", a=3, b=2), "x"),
    ("rearrange", _pattern("1 a b -> a b", a=3, b=2), "x.squeeze(1)"),
    ("rearrange", _pattern("a b -> a 1 b", a=3, b=2), "x.unsqueeze(2)"),
    ("rearrange", _pattern("a 1 b -> b a 1", a=3, b=2), "x.squeeze(2).transpose(1, 2).unsqueeze(3)"),
    ("rearrange", _pattern("c (h p) (w q) -> (h w) (c p q)", c=3, h=2, p=4, w=3, q=2),
     "x.reshape(-1, 3, 2, 4, 3, 2).permute(0, 2, 4, 1, 3, 5).reshape(-1, 6, 24)"),
    ("rearrange", _pattern("c (h p) (w q) -> (h w) (c p q)", c=3, p=4, q=2),
     "x.unflatten(2, (-1, 4)).unflatten(4, (-1, 2)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2).flatten(2)"),
    ("rearrange", _pattern("n (k d) -> k n d", k=3, d=2), "x.unflatten(2, (-1, 2)).transpose(1, 2)"),
    ("rearrange", _pattern("(a n) b -> (n a) b", a=1, n=4, b=2), "x"),
    ("reduce", _pattern("n d -> n", n=3, d=2), "x.mean(2)"),
    ("reduce", _pattern("c h w -> c", c=3), "x.mean((2, 3))"),
    ("reduce", _pattern("c h w -> c 1 1", c=3), "x.mean((2, 3), keepdim=True)"),
    ("reduce", _pattern("c (h p) (w q) -> h w c", c=3, p=2, q=2),
     "x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean((3, 5)).permute(0, 2, 3, 1)"),
    ("reduce", _pattern("a (b c) -> a", a=3, b=2, c=2), "x.mean(2)"),
    ("reduce", _pattern("a b c -> (c a)", a=3, b=2, c=2), "x.mean(2).transpose(1, 2).flatten(1)"),
    ("broadcast", _pattern("d -> n d", d=3), "x.unsqueeze(1).expand(-1, n, -1)"),
    ("broadcast", _pattern("d -> h w d", d=3), "x[:, None, None, :].expand(-1, h, w, -1)"),
    ("broadcast", _pattern("1 d -> n d", n=4, d=3), "x.expand(-1, 4, -1)"),
    ("broadcast", _pattern("h w -> (h a) (w c)", h=2, w=3, a=2, c=2),
     "x[:, :, None, :, None].expand(-1, -1, 2, -1, 2).reshape(-1, 4, 6)"),
    ("broadcast", _pattern("a b -> b n a", a=3, b=2), "x.transpose(1, 2).unsqueeze(2).expand(-1, -1, n, -1)"),
    ("einsum", _pattern("n d, m d -> n m", n=3, m=4, d=2), 'torch.einsum("bnd,bmd->bnm", x, y)'),
    ("einsum", _pattern("n (k d), m (k d) -> k n m", n=3, m=4, k=2, d=2),
     'torch.einsum("bnkd,bmkd->bknm", x.unflatten(2, (-1, 2)), y.unflatten(2, (-1, 2)))'),
    ("einsum", _pattern("b n, n c -> (b c)", b=3, n=4, c=2), 'torch.einsum("bin,bnc->bic", x, y).flatten(1)'),
    ("einsum", _pattern("n n -> n", n=3), 'torch.einsum("bnn->bn", x)'),
    ("einsum", _pattern("n -> n n", n=3), 'torch.einsum("bn,ni->bni", x, x.new_ones(3).diag())'),
    ("einsum", _pattern("n m -> (n n) m 1", n=3, m=2),
     'torch.einsum("bnm,ni->bnim", x, x.new_ones(3).diag()).reshape(-1, 9, 2, 1)'),
    ("einsum", _pattern("n, m, n m -> ", n=3, m=2), 'torch.einsum("bn,bm,bnm->b", x, y, z)'),
    ("einsum", _pattern("nodes d, nodes e -> d e 1", nodes=3, d=2, e=2),
     'torch.einsum("bnd,bne->bde", x, y).unsqueeze(3)'),
    ("einsum", _pattern("n d -> n m", n=3, m=4, d=2), 'torch.einsum("bnd->bn", x).unsqueeze(2).expand(-1, -1, 4)'),
]  # fmt: skip


def _check_pattern(node: OpNode, pattern: Pattern, how: str) -> str:
    text, module, apply = _lower(node)
    inputs = _inputs(node)
    result = apply(*inputs)
    assert module is None
    assert ops.find(node.op).weights(node) == ()
    torch.testing.assert_close(result, _by_hand(pattern, how)(*inputs), rtol=1e-5, atol=1e-5)
    return text


@pytest.mark.parametrize(("op", "pattern", "text"), PATTERNS, ids=[f"{op}: {text}" for op, _, text in PATTERNS])
def test_a_pattern_becomes_few_calls_with_its_meaning(op: str, pattern: Pattern, text: str) -> None:
    how: dict[str, Static] = {"how": "mean"} if op == "reduce" else {}
    assert _check_pattern(_node(op, pattern, **how), pattern, "mean" if op == "reduce" else "sum") == text


@pytest.mark.parametrize("how", ["mean", "sum", "max", "min"])
def test_every_reduction(how: str) -> None:
    pattern = _pattern("(a b) c d -> d a", a=2, b=3, c=2, d=3)
    _check_pattern(_node("reduce", pattern, how=how), pattern, how)


def test_the_second_mention_of_a_name_is_another_axis() -> None:
    x = torch.randn(BATCH, 2, 3, 3)
    _, _, apply = _lower(_node("rearrange", _pattern("k n n -> n n k", k=2, n=3)))
    assert torch.equal(apply(x), x.permute(0, 2, 3, 1))


@st.composite
def _patterns(draw: st.DrawFn) -> tuple[str, Pattern]:
    """Draw an op and a pattern for it: names in random order, grouped at random, some sizes symbolic."""
    op = draw(st.sampled_from(["rearrange", "reduce", "broadcast", "einsum"]))
    names = draw(st.lists(st.sampled_from("abchnw"), min_size=1, max_size=5, unique=True))
    sizes = {name: draw(st.integers(1, 3)) for name in names}
    symbolic = draw(st.sets(st.sampled_from(names))) & set(LENGTHS) if draw(st.booleans()) else set()
    few = draw(st.lists(st.sampled_from(names), unique=True))

    def side(chosen: list[str]) -> tuple[tuple[str, ...], ...]:
        axes: list[tuple[str, ...]] = []
        for name in draw(st.permutations(chosen)):
            what = draw(st.integers(0, 5))
            joins = what == 0 and axes and len({*axes[-1], name} & symbolic) < 2
            if joins:
                axes[-1] = (*axes[-1], name)
            else:
                axes.extend([(), (name,)] if what == 1 else [(name,)])
        return tuple(axes)

    left = [side(few if op == "broadcast" else names)]
    if op == "einsum":
        left.append(side(draw(st.lists(st.sampled_from(names), unique=True))))
    right = side(names if op in ("rearrange", "broadcast") else few)
    table = tuple((name, Size.var(name) if name in symbolic else Size.of(sizes[name])) for name in names)
    return op, Pattern(tuple(left), right, table)


@settings(max_examples=300, deadline=None)
@given(_patterns())
def test_every_pattern_has_its_meaning(drawn: tuple[str, Pattern]) -> None:
    op, pattern = drawn
    how: dict[str, Static] = {"how": "sum"} if op == "reduce" else {}
    _check_pattern(_node(op, pattern, **how), pattern, "sum")


# ---------------------------------------------------------------- references
def _heads(x: TorchTensor, heads: int) -> TorchTensor:
    return torch.stack(x.chunk(heads, -1), 1)


def _attend(heads: int, kv_heads: int, seen: Callable[[int, int], bool], scale: float | None = None) -> Reference:
    """Attention, query by query: `seen(i, j)` says whether query i sees key j."""

    def compute(q: TorchTensor, k: TorchTensor, v: TorchTensor, bias: TorchTensor | None = None) -> TorchTensor:
        out = []
        for head in range(heads):
            group = head // (heads // kv_heads)
            query, key, value = _heads(q, heads)[:, head], _heads(k, kv_heads)[:, group], _heads(v, kv_heads)[:, group]
            rows = []
            for i in range(q.shape[1]):
                at = [j for j in range(k.shape[1]) if seen(i, j)]
                scores = (key[:, at] * query[:, i, None]).sum(-1) * (scale or query.shape[-1] ** -0.5)
                if bias is not None:
                    scores = scores + bias[:, head, i, at]
                shares = scores.exp() / scores.exp().sum(1, keepdim=True)
                rows.append((shares[..., None] * value[:, at]).sum(1))
            out.append(torch.stack(rows, 1))
        return torch.cat(out, -1)

    return compute


def _linear_attend(heads: int, features: Reference, causal: bool) -> Reference:
    def compute(q: TorchTensor, k: TorchTensor, v: TorchTensor) -> TorchTensor:
        query, key, value = features(_heads(q, heads)), features(_heads(k, heads)), _heads(v, heads)
        scores = torch.einsum("bhnk,bhmk->bhnm", query, key)
        if causal:
            seen = torch.arange(q.shape[1])[:, None] >= torch.arange(k.shape[1])
            scores = scores * seen
        y = torch.einsum("bhnm,bhmv->bhnv", scores / scores.sum(-1, keepdim=True).clamp(min=1e-6), value)
        return torch.cat(y.unbind(1), -1)

    return compute


def _additive(q: TorchTensor, k: TorchTensor, v: TorchTensor, *weights: TorchTensor) -> TorchTensor:
    query, key, score = weights
    out = torch.zeros(q.shape[0], q.shape[1], v.shape[2])
    for i in range(q.shape[1]):
        scores = torch.stack([torch.tanh(q[:, i] @ query.T + k[:, j] @ key.T) @ score[0] for j in range(k.shape[1])], 1)
        out[:, i] = (scores.softmax(1)[..., None] * v).sum(1)
    return out


def _selective(x: TorchTensor, dt: TorchTensor, b: TorchTensor, c: TorchTensor, *weights: TorchTensor) -> TorchTensor:
    a_log, skip = weights
    state = torch.zeros(*x[:, 0].shape, b.shape[2])
    out = []
    for t in range(x.shape[1]):
        decay = torch.exp(dt[:, t, :, None] * -a_log.exp())
        state = decay * state + (dt[:, t] * x[:, t])[..., None] * b[:, t, None]
        out.append((state * c[:, t, None]).sum(-1) + skip * x[:, t])
    return torch.stack(out, 1)


def _ssm(x: TorchTensor, *weights: TorchTensor) -> TorchTensor:
    a_log, c, log_dt, skip = weights
    rate, step = -a_log.exp(), log_dt.exp()[:, None]
    state = torch.zeros(*x[:, 0].shape, c.shape[1])
    out = []
    for t in range(x.shape[1]):
        state = (step * rate).exp() * state + ((step * rate).exp() - 1) / rate * x[:, t, :, None]
        out.append((state * c).sum(-1) + skip * x[:, t])
    return torch.stack(out, 1)


def _messages(x: TorchTensor, edges: TorchTensor, sample: int, node: int) -> list[TorchTensor]:
    return [x[sample, s] for s, t in zip(*edges[sample].tolist(), strict=True) if t == node]


def _graph(agg: Callable[[TorchTensor], TorchTensor]) -> Reference:
    def compute(x: TorchTensor, edges: TorchTensor, *weights: TorchTensor) -> TorchTensor:
        root, matrix, bias = weights
        received = torch.zeros_like(x)
        for sample, node in product(range(x.shape[0]), range(x.shape[1])):
            if messages := _messages(x, edges, sample, node):
                received[sample, node] = agg(torch.stack(messages))
        return x @ root.T + received @ matrix.T + bias

    return compute


def _graph_attention(x: TorchTensor, edges: TorchTensor, *weights: TorchTensor) -> TorchTensor:
    source, target, bias, matrix = weights
    y = (x @ matrix.T).reshape(*x.shape[:2], *source.shape)
    out = torch.zeros_like(y)
    for sample, node, head in product(range(x.shape[0]), range(x.shape[1]), range(source.shape[0])):
        near = torch.stack([*_messages(y[:, :, head], edges, sample, node), y[sample, node, head]])
        scores = F.leaky_relu(near @ source[head] + y[sample, node, head] @ target[head], 0.2)
        out[sample, node, head] = scores.softmax(0) @ near
    return out.flatten(2) + bias


def _sinusoids(x: TorchTensor) -> TorchTensor:
    out = x.clone()
    for t, i in product(range(x.shape[1]), range(x.shape[2])):
        angle = t / 10000 ** (i // 2 * 2 / x.shape[2])
        out[:, t, i] += math.cos(angle) if i % 2 else math.sin(angle)
    return out


def _turned(heads: int, base: float) -> Reference:
    """Rotary positions as products of complex numbers."""

    def compute(x: TorchTensor) -> TorchTensor:
        real, imaginary = _heads(x, heads).chunk(2, -1)
        half = real.shape[-1]
        angles = torch.arange(x.shape[1])[:, None] * base ** (-torch.arange(half) / half)
        y = torch.complex(real, imaginary) * torch.polar(torch.ones_like(angles), angles)
        return torch.cat(torch.cat((y.real, y.imag), -1).unbind(1), -1)

    return compute


def _recurrent(module: Callable[..., nn.Module], dirs: int) -> Reference:
    def compute(x: TorchTensor, *weights: TorchTensor) -> TorchTensor:
        layer = module(x.shape[2], weights[1].shape[1], bidirectional=dirs == 2)
        layer.load_state_dict(dict(zip(layer.state_dict(), weights, strict=True)))
        result: TorchTensor = layer(x.transpose(0, 1))[0].transpose(0, 1)
        return result

    return compute


def _windows(x: TorchTensor, p: int) -> TorchTensor:
    rows = [x[:, i : i + p, j : j + p].flatten(1, 2) for i in range(0, x.shape[1], p) for j in range(0, x.shape[2], p)]
    return torch.stack(rows, 1)


def _unfolded(x: TorchTensor, k: int, stride: int = 1, pad: int = 0, dilation: int = 1) -> TorchTensor:
    x, reach = F.pad(x, (pad,) * 4), dilation * (k - 1) + 1
    steps = product(range(0, x.shape[2] - reach + 1, stride), range(0, x.shape[3] - reach + 1, stride))
    return torch.stack([x[:, :, i : i + reach : dilation, j : j + reach : dilation].flatten(1) for i, j in steps], 1)


def _rows(x: TorchTensor, at: TorchTensor) -> TorchTensor:
    return torch.stack([sample[index] for sample, index in zip(x, at, strict=True)])


# ---------------------------------------------------------------- cases
UNFOLD: dict[str, object] = {"stride": 1, "pad": 0, "dilation": 1}
ROPE: dict[str, object] = {"base": 1e4, "factor": 1.0, "low": 1.0, "high": 4.0, "context": 8192}
RELATIVE: dict[str, object] = {"buckets": 32, "far": 128, "causal": False}

SHAPE = [
    Case("permute", ((3, 4, 5),), (5, 3, 4), "x.permute(0, 3, 1, 2)", {"order": (2, 0, 1)}, lambda x: x.movedim(3, 1)),
    Case("permute", ((3, 4, 5),), (5, 4, 3), "x.transpose(1, 3)", {"order": (2, 1, 0)}, lambda x: x.swapaxes(1, 3)),
    Case("permute", ((3, 4),), (3, 4), "x", {"order": (0, 1)}, lambda x: x),
    Case("transpose", (("n", 4),), (4, "n"), "x.transpose(1, 2)", {}, lambda x: x.mT),
    Case("flatten", ((3, 4, 5),), (60,), "x.flatten(1)", {}, lambda x: x.reshape(BATCH, 60)),
    Case("flatten", ((3,),), (3,), "x", {}, lambda x: x),
    Case("flatten", ((),), (1,), "x.unsqueeze(1)", {}, lambda x: x[:, None]),
    Case("reshape", ((12, 4),), (3, 4, 4), "x.unflatten(1, (-1, 4))", {"to": (3, 4, 4)},
         lambda x: x.reshape(BATCH, 3, 4, 4)),
    Case("reshape", ((3, 4, 5, 2),), (3, 20, 2), "x.flatten(2, 3)", {"to": (3, 20, 2)},
         lambda x: x.reshape(BATCH, 3, 20, 2)),
    Case("reshape", ((3, 4),), (12,), "x.flatten(1)", {"to": (12,)}, lambda x: x.reshape(BATCH, 12)),
    Case("reshape", ((3, 4),), (2, 6), "x.reshape(-1, 2, 6)", {"to": (2, 6)}, lambda x: x.reshape(BATCH, 2, 6)),
    Case("reshape", ((3, 4),), (3, 4), "x", {"to": (3, 4)}, lambda x: x),
    Case("reshape", ((3, 4),), (3, 1, 4), "x.unsqueeze(2)", {"to": (3, 1, 4)}, lambda x: x[:, :, None]),
    Case("reshape", ((3, 1),), (3,), "x.squeeze(2)", {"to": (3,)}, lambda x: x[..., 0]),
    Case("patchify", ((3, 4, 6),), (6, 12), "patchify(x, 2)", {"p": 2}, lambda x: _unfolded(x, 2, 2)),
    Case("unfold", ((3, 6, 5),), (9, 27), "F.unfold(x, 3, padding=1, stride=2).transpose(1, 2)",
         {"k": 3, **UNFOLD, "stride": 2, "pad": 1}, lambda x: _unfolded(x, 3, 2, 1)),
    Case("unfold", ((1, 6, 5),), (12, 4), "F.unfold(x, 2, dilation=2).transpose(1, 2)",
         {"k": 2, **UNFOLD, "dilation": 2}, lambda x: _unfolded(x, 2, dilation=2)),
    Case("grid", ((6, 4),), (4, 2, 3), "x.transpose(1, 2).unflatten(2, (2, 3))", {"h": 2, "w": 3},
         lambda x: torch.stack([torch.stack([x[:, 3 * i + j] for j in range(3)], 2) for i in range(2)], 2)),
    Case("grid", ((6, 4),), (4, "h", 3), "x.transpose(1, 2).unflatten(2, (-1, 3))", {"h": Size.var("h"), "w": 3}),
    Case("grid", ((6, 4),), (4, 2, "w"), "x.transpose(1, 2).unflatten(2, (2, -1))", {"h": 2, "w": Size.var("w")}),
    Case("take", ((3, 4),), (4,), "x[:, 0]", {"i": 0}, lambda x: x.unbind(1)[0]),
    Case("take", ((3, 4, 5),), (4, 5), "x[:, -1]", {"i": -1}, lambda x: x.unbind(1)[2]),
    Case("slice", ((5, 4),), (2, 4), "x[:, 1:3]", {"start": 1, "stop": 3, "axis": 0}, lambda x: x.narrow(1, 1, 2)),
    Case("slice", ((5, 4),), (5, 3), "x[:, :, :3]", {"start": 0, "stop": 3, "axis": -1}, lambda x: x.narrow(2, 0, 3)),
    Case("slice", ((2, "n", 4),), (2, 3, 4), "x[:, :, 2:]", {"start": 2, "stop": Size.var("n"), "axis": 1},
         lambda x: x.narrow(2, 2, 3)),
    Case("slice", ((5,),), (5,), "x", {"start": 0, "stop": 5, "axis": 0}, lambda x: x),
    Case("roll", ((5, 4),), (5, 4), "x.roll(2, 1)", {"shift": 2, "axis": 0},
         lambda x: torch.stack([x[:, (i - 2) % 5] for i in range(5)], 1)),
    Case("roll", ((5, 4),), (5, 4), "x.roll(-1, 2)", {"shift": -1, "axis": -1},
         lambda x: torch.cat((x[..., 1:], x[..., :1]), -1)),
    Case("gather", ((5,), Id(5, (3,))), (3,), "x.gather(1, y)", {}, _rows),
    Case("gather", (("n", 4, 2), Id("n", (7,))), (7, 4, 2), "x.take_along_dim(y[:, :, None, None], 1)", {}, _rows),
    Case("window", ((4, 6, 3),), (6, 4, 3), "to_windows(x, 2)", {"p": 2}, lambda x: _windows(x, 2)),
    Case("unwindow", ((6, 4, 3),), (4, 6, 3), "from_windows(x, 2, width=3)", {"p": 2, "h": 2, "w": 3}),
]  # fmt: skip

TOKENS = [
    Case("embedding", (Id(11, ("n",)),), ("n", 4), "f = nn.Embedding(11, 4); f(x)", {"vocab": 11, "d": 4},
         lambda x, weight: weight[x]),
    Case("embedding_decode", ((3, 4),), (3, 11), "f = nn.Embedding(11, 4); F.linear(x, f.weight)",
         {"vocab": 11, "d": 4}, lambda x, weight: x @ weight.T),
    Case("prepend_token", (("n", 4),), (6, 4), "f = PrependToken(4); f(x)", {},
         lambda x, weight: torch.stack([weight.expand(BATCH, 4), *x.unbind(1)], 1)),
    Case("pos_learned", ((3, 4),), (3, 4), "f = PosLearned(8, 4); f(x)", {"max": 8},
         lambda x, weight: torch.stack([x[:, i] + weight[i] for i in range(3)], 1)),
    Case("bias_learned", ((3, 4, 2),), (3, 4, 2), "f = BiasLearned(3, 4, 2); f(x)", {}, torch.add),
    Case("bias_learned", ((3,),), (3,), "f = BiasLearned(3); f(x)", {}, torch.add),
    Case("pos_sinusoidal", (("n", 6),), ("n", 6), "pos_sinusoidal(x)", {}, _sinusoids),
    Case("rope", (("n", 24),), ("n", 24), "f = Rope(4); f(x)", {"heads": 4, **ROPE}, _turned(4, 1e4)),
    Case("rope", ((7, 8),), (7, 8), "f = Rope(1, base=500000.0); f(x)", {"heads": 1, **ROPE, "base": 5e5},
         _turned(1, 5e5)),
    Case("rope", ((7, 8),), (7, 8), "f = Rope(2, factor=8.0, context=64); f(x)",
         {"heads": 2, **ROPE, "factor": 8.0, "context": 64}),
]  # fmt: skip

ATTENTION = [
    Case("attention", ((5, 8), (4, 8), (4, 6)), (5, 6), "attention(x, y, z, 2)",
         {"heads": 2, "kv_heads": 2, "causal": False, "window": 0}, _attend(2, 2, lambda i, j: True)),
    Case("attention", (("n", 8),) * 3, ("n", 8), "attention(x, y, z, 1, causal=True)",
         {"heads": 1, "kv_heads": 1, "causal": True, "window": 0}, _attend(1, 1, lambda i, j: j <= i)),
    Case("attention", ((5, 12), (5, 6), (5, 6)), (5, 12), "attention(x, y, z, 4, kv_heads=2, causal=True)",
         {"heads": 4, "kv_heads": 2, "causal": True, "window": 0}, _attend(4, 2, lambda i, j: j <= i)),
    Case("attention", ((3, 8), (5, 8), (5, 8)), (3, 8), "attention(x, y, z, 2, causal=True)",
         {"heads": 2, "kv_heads": 2, "causal": True, "window": 0}, _attend(2, 2, lambda i, j: j <= i)),
    Case("attention", ((6, 8), (3, 8), (3, 8)), (6, 8), "attention(x, y, z, 2, causal=True)",
         {"heads": 2, "kv_heads": 2, "causal": True, "window": 0}, _attend(2, 2, lambda i, j: j <= i)),
    Case("attention", ((7, 8), (7, 4), (7, 4)), (7, 8), "attention(x, y, z, 2, kv_heads=1, causal=True, window=3)",
         {"heads": 2, "kv_heads": 1, "causal": True, "window": 3}, _attend(2, 1, lambda i, j: 0 <= i - j < 3)),
    Case("attention", ((7, 8), (6, 8), (6, 8)), (7, 8), "attention(x, y, z, 2, window=2)",
         {"heads": 2, "kv_heads": 2, "causal": False, "window": 2}, _attend(2, 2, lambda i, j: abs(i - j) < 2)),
    Case("biased_attention", ((5, 8), (4, 8), (4, 6), (2, 5, 4)), (5, 6), "biased_attention(x, y, z, w, 2)",
         {"heads": 2, "scale": 0.0, "causal": False}, _attend(2, 2, lambda i, j: True)),
    Case("biased_attention", ((5, 8), (4, 8), (4, 6), (2, 5, 4)), (5, 6),
         "biased_attention(x, y, z, w, 2, scale=1.0, causal=True)", {"heads": 2, "scale": 1.0, "causal": True},
         _attend(2, 2, lambda i, j: j <= i, 1.0)),
    Case("relative_bias", (("n", 8),), (4, "n", "n"), "f = RelativeBias(4); f(x)", {"heads": 4, **RELATIVE}),
    Case("relative_bias", ((9, 8),), (2, 9, 9), "f = RelativeBias(2, buckets=8, far=16, causal=True); f(x)",
         {"heads": 2, "buckets": 8, "far": 16, "causal": True}),
    *(Case("linear_attention", ((70, 8), (70, 8), (70, 6)), (70, 6),
           f"{'causal_' * causal}linear_attention(x, y, z, 2{option})", {"heads": 2, "causal": causal, "map": name},
           _linear_attend(2, features, causal))
      for name, option, features in (("elu", "", lambda x: torch.where(x > 0, x + 1, x.exp())),
                                     ("relu", ", kernel='relu'", lambda x: x.clamp(min=0)),
                                     ("softmax", ", kernel='softmax'", lambda x: x.exp() / x.exp().sum(-1, True)))
      for causal in (False, True)),
    *(Case("linear_attention", ((n, 8), (m, 8), (m, 6)), (n, 6), "causal_linear_attention(x, y, z, 2)",
           {"heads": 2, "causal": True, "map": "elu"},
           _linear_attend(2, lambda x: torch.where(x > 0, x + 1, x.exp()), True))
      for n, m in ((3, 130), (130, 3), (64, 64))),
    Case("additive_attention", ((5, 4), (3, 6), (3, 7)), (5, 7), "f = AdditiveAttention(4, 6, 8); f(x, y, z)",
         {"hidden": 8}, _additive),
]  # fmt: skip

RECURRENCE = [
    *(Case(module.__name__.lower(), (("n", 4),), ("n", 6 * dirs),
           f"f = nn.{module.__name__}(4, 6, batch_first=True{', bidirectional=True' * (dirs - 1)}); f(x)[0]",
           {"hidden": 6, "dirs": dirs}, _recurrent(module, dirs))
      for module in (nn.RNN, nn.GRU, nn.LSTM) for dirs in (1, 2)),
    *(Case("selective_scan", ((n, 6), (n, 6), (n, 3), (n, 3)), (n, 6), "f = SelectiveScan(6, state=3); f(x, y, z, w)",
           {"state": 3}, _selective) for n in (1, 2, 5, 9, 17)),
    Case("ssm", (("n", 6),), ("n", 6), "f = Ssm(6); f(x)", {"state": 16}, _ssm),
    Case("ssm", ((8, 2),), (8, 2), "f = Ssm(2, state=4); f(x)", {"state": 4}, _ssm),
]  # fmt: skip

GRAPHS = [
    Case("graph_conv", ((5, 4), Id(5, (2, 7))), (5, 3), "f = GraphConv(4, 3); f(x, y)", {"out": 3, "agg": "sum"},
         _graph(lambda messages: messages.sum(0))),
    Case("graph_conv", (("n", 4), Id("n", (2, 7))), ("n", 3), "f = GraphConv(4, 3, agg='mean'); f(x, y)",
         {"out": 3, "agg": "mean"}, _graph(lambda messages: messages.mean(0))),
    Case("graph_conv", ((5, 4), Id(5, (2, 3))), (5, 3), "f = GraphConv(4, 3, agg='max'); f(x, y)",
         {"out": 3, "agg": "max"}, _graph(lambda messages: messages.amax(0))),
    Case("graph_attention", ((5, 4), Id(5, (2, 7))), (5, 6), "f = GraphAttention(4, 3, heads=2); f(x, y)",
         {"out": 3, "heads": 2}, _graph_attention),
    Case("graph_attention", ((5, 4), Id(5, (2, 1))), (5, 3), "f = GraphAttention(4, 3); f(x, y)",
         {"out": 3, "heads": 1}, _graph_attention),
    Case("readout", (("n", 4),), (4,), "x.mean(1)", {"agg": "mean"}, lambda x: x.sum(1) / x.shape[1]),
    Case("readout", ((5, 4),), (4,), "x.sum(1)", {"agg": "sum"}, lambda x: x.mean(1) * 5),
    Case("readout", ((5, 4),), (4,), "x.amax(1)", {"agg": "max"}, lambda x: x.sort(1).values[:, -1]),
]  # fmt: skip

CASES = [*SHAPE, *TOKENS, *ATTENTION, *RECURRENCE, *GRAPHS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_lowered_code_reads_as_declared_and_has_the_declared_type(case: Case) -> None:
    node = case.node()
    text, _, apply = _lower(node)
    assert text == case.text
    assert apply(*_inputs(node)).shape == (BATCH, *map(_number, node.outputs[0].sizes))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights_are_those_of_the_module(case: Case) -> None:
    node = case.node()
    _, module, _ = _lower(node)
    weights = ops.find(node.op).weights(node)
    learned = dict(module.named_parameters()) if module else {}
    state = module.state_dict() if module else {}
    declared = [(weight.name, tuple(size.constant for size in weight.shape), weight.buffer) for weight in weights]
    assert declared == [(name, tuple(tensor.shape), name not in learned) for name, tensor in state.items()]


@pytest.mark.parametrize("case", [case for case in CASES if case.reference], ids=str)
def test_numbers_are_those_of_an_independent_expression(case: Case) -> None:
    node = case.node()
    _, module, apply = _lower(node)
    weights = [] if module is None else list(module.parameters())
    for weight in weights:
        nn.init.normal_(weight, std=0.5)
    inputs = _inputs(node)
    assert case.reference is not None
    torch.testing.assert_close(apply(*inputs), case.reference(*inputs, *weights), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", [case for case in CASES if case.inputs[0] != (1, 6)], ids=str)
def test_every_weight_and_every_real_input_has_a_gradient(case: Case) -> None:
    node = case.node()
    _, module, apply = _lower(node)
    inputs = [x.requires_grad_(x.is_floating_point()) for x in _inputs(node)]
    result = apply(*inputs)
    (result * torch.randn_like(result)).sum().backward()
    used = [x for x in inputs if x.requires_grad and case.op != "relative_bias"]  # which only asks how long x is
    leaves = [*used, *(module.parameters() if module else ())]
    assert all(leaf.grad is not None and leaf.grad.isfinite().all() for leaf in leaves)


# ---------------------------------------------------------------- cost
COUNTED = ("embedding", "embedding_decode", "einsum", "additive_attention", *(case.op for case in SHAPE))


def _macs(node: OpNode) -> int:
    return _number(ops.find(node.op).cost(node).macs)


@pytest.mark.parametrize("case", [case for case in CASES if case.op in COUNTED], ids=str)
def test_multiply_accumulates_are_half_of_what_torch_counts(case: Case) -> None:
    node = case.node()
    _, _, apply = _lower(node)
    with FlopCounterMode(display=False) as counter:
        apply(*_inputs(node))
    assert 2 * BATCH * _macs(node) == counter.get_total_flops()


@pytest.mark.parametrize(("text", "macs"), [("n d, m d -> n m", 24), ("n (k d), m d -> k n m", 48), ("n d -> n", 0)])
def test_an_einsum_costs_a_product_for_every_index(text: str, macs: int) -> None:
    assert _macs(_node("einsum", _pattern(text, n=3, m=4, d=2, k=2))) == macs


COSTS = {
    "attention(x, y, z, 2)": 5 * 4 * (8 + 6),
    "attention(x, y, z, 4, kv_heads=2, causal=True)": 5 * 5 * (12 + 12),
    "biased_attention(x, y, z, w, 2)": 5 * 4 * (8 + 6),
    "linear_attention(x, y, z, 2)": 2 * (70 + 70) * 4 * 3,
    "f = nn.RNN(4, 6, batch_first=True); f(x)[0]": 5 * 6 * (4 + 6),
    "f = nn.GRU(4, 6, batch_first=True); f(x)[0]": 5 * 3 * 6 * (4 + 6),
    "f = nn.LSTM(4, 6, batch_first=True, bidirectional=True); f(x)[0]": 5 * 2 * 4 * 6 * (4 + 6),
    "f = SelectiveScan(6, state=3); f(x, y, z, w)": 6 * (3 * 3 + 1),
    "f = Ssm(2, state=4); f(x)": 8 * 2 * (2 * 4 + 1),
    "f = GraphConv(4, 3); f(x, y)": 2 * 5 * 4 * 3,
    "f = GraphAttention(4, 3, heads=2); f(x, y)": 5 * 4 * 6 + 2 * 5 * 6 + (7 + 5) * 6,
    "x.mean(1)": 0,
}


@pytest.mark.parametrize(("text", "macs"), COSTS.items())
def test_costs_are_those_of_the_papers(text: str, macs: int) -> None:
    assert _macs(next(case for case in CASES if case.text == text).node()) == macs


# ---------------------------------------------------------------- beside other implementations
@pytest.mark.parametrize("stretched", [False, True])
def test_rope_is_that_of_llama(stretched: bool) -> None:
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    settings_of = {"rope_type": "default", "rope_theta": 5e5}
    if stretched:
        settings_of |= {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 64}  # fmt: skip
    config = llama.LlamaConfig(
        hidden_size=64, num_attention_heads=4, max_position_embeddings=256, rope_parameters=settings_of
    )
    stretch: dict[str, object] = {"factor": 32.0, "context": 64} if stretched else {}
    node = Case("rope", ((200, 64),), (200, 64), "", {"heads": 4, **ROPE, "base": 5e5, **stretch}).node()
    (x,) = _inputs(node)
    cos, sin = llama.LlamaRotaryEmbedding(config)(x, torch.arange(200)[None])
    query = x.unflatten(2, (4, 16)).transpose(1, 2)
    turned, _ = llama.apply_rotary_pos_emb(query, query, cos, sin)
    torch.testing.assert_close(_lower(node)[2](x), turned.transpose(1, 2).flatten(2), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_relative_bias_is_that_of_t5(causal: bool) -> None:
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5")
    config = t5.T5Config(d_model=32, num_heads=4, d_kv=8, is_decoder=causal, layer_types=None)
    other = t5.T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    node = Case("relative_bias", ((300, 32),), (4, 300, 300), "", {"heads": 4, **RELATIVE, "causal": causal}).node()
    _, module, apply = _lower(node)
    assert module is not None
    module.load_state_dict(other.relative_attention_bias.state_dict())
    bias = apply(*_inputs(node))
    torch.testing.assert_close(bias[:1], other.compute_bias(300, 300))
    assert torch.equal(bias[0], bias[1])


# ---------------------------------------------------------------- what modules keep and start with
def _rope(n: int) -> tuple[nn.Module, TorchTensor]:
    node = Case("rope", ((n, 16),), (n, 16), "", {"heads": 2, **ROPE}).node()
    _, module, _ = _lower(node)
    assert module is not None
    return module, _inputs(node)[0]


def test_rope_serves_every_length_and_type_in_any_order() -> None:
    module, x = _rope(9)
    short = module(x[:, :4])
    whole = module(x)
    torch.testing.assert_close(whole[:, :4], short)
    torch.testing.assert_close(module(x.double()).float(), whole)
    assert module(x.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(module(x), whole)
    assert module.state_dict() == {}


def test_rope_keeps_nothing_from_a_trace() -> None:
    module, x = _rope(5)
    with FakeTensorMode() as mode:
        assert module(mode.from_tensor(x)).shape == x.shape
    whole = module(x)
    with FakeTensorMode() as mode:
        assert module(mode.from_tensor(x)).shape == x.shape
    assert module.to("meta")(x.to("meta")).is_meta
    torch.testing.assert_close(module(x), whole)


def test_rope_first_used_in_inference_trains_afterwards() -> None:
    module, x = _rope(5)
    with torch.inference_mode():
        module(x)
    x.requires_grad_()
    module(x).sum().backward()
    assert x.grad is not None


def test_scans_stay_finite_over_long_inputs() -> None:
    node = Case("selective_scan", ((300, 2), (300, 2), (300, 4), (300, 4)), (300, 2), "", {"state": 4}).node()
    _, module, apply = _lower(node)
    assert module is not None
    x, dt, b, c = _inputs(node)
    result = apply(x, dt.abs() * 20, b, c)
    torch.testing.assert_close(result, _selective(x, dt.abs() * 20, b, c, *module.parameters()), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10, 17])
def test_scanning_in_chunks_is_scanning(n: int) -> None:
    scope: dict[str, object] = {"torch": torch, "F": F, "math": math, "Tensor": TorchTensor}
    exec(ops.support(["scan", "scan_in_chunks"]), scope)  # noqa: S102 - the code under test
    torch.manual_seed(0)
    log_decay, x = -torch.rand(BATCH, n, 3, 2), torch.randn(BATCH, n, 3, 2)
    states = [x[:, 0]]
    for t in range(1, n):
        states.append(states[-1] * log_decay[:, t].exp() + x[:, t])
    for scan in (scope["scan"], scope["scan_in_chunks"]):
        assert callable(scan)
        torch.testing.assert_close(scan(log_decay, x), torch.stack(states, 1))


def test_windows_and_grids_come_back() -> None:
    x = torch.randn(BATCH, 4, 6, 3)
    case = next(case for case in CASES if case.op == "unwindow")
    assert torch.equal(_lower(case.node())[2](_windows(x, 2)), x)


def test_new_tables_start_as_documented() -> None:
    start = {case.op: _lower(case.node())[1] for case in CASES}
    token, table = start["prepend_token"], _lower(Case("bias_learned", ((99, 99),), (99, 99), "").node())[1]
    assert token is not None
    assert table is not None
    assert next(token.parameters()).abs().sum() == 0
    assert next(table.parameters()).std().item() == pytest.approx(0.02, rel=0.05)


def test_the_cases_have_the_parameters_that_std_declares() -> None:
    text = (Path(__file__).parent.parent / "grammar/std/nn.arch").read_text(encoding="utf-8")
    file, complaints = parse(Source("std/nn.arch", text))
    assert not complaints
    declared = {
        item.name: [parameter.name for parameter in item.parameters or ()]
        for item in file.items
        if isinstance(item, Declaration)
    }
    assert {case.op: list(case.attributes) for case in CASES} == {case.op: declared[case.op] for case in CASES}


def test_every_operation_of_these_files_has_a_case() -> None:
    files = (ops.shape, ops.tokens, ops.attention, ops.recurrence, ops.graphs)
    assert {case.op for case in CASES} | {op for op, _, _ in PATTERNS} == {name for f in files for name in f.OPERATIONS}
