"""An op node -> what identity says of it: its parameters in one spelling, and when it does nothing or makes nothing."""

from collections.abc import Mapping
from math import isfinite

from archc.graph import Graph, OpNode, Pattern, Static
from archc.ops.attributes import flag, integer, real, wholes
from archc.sizes.size import Size
from archc.tensor import Tensor, substitute

Renaming = Mapping[str, Size]
"""The sizes that stay open, each with its name by place: what a program calls them is no part of a network."""

MERGING = frozenset(("add", "mul", "max_of"))
"""Ops whose operands may stand in any order and be merged in any order; tuples they merge part by part."""

RANDOM = frozenset(("dropout", "drop_path"))
"""Ops that draw anew each time they run, so that two of them never give one value."""

_KEEPING = {
    "concat", "slice", "pad", "chunk", "split", "flatten", "reshape", "upsample", "pixel_shuffle", "pixel_unshuffle",
}  # fmt: skip
"""Ops that do nothing where one tensor goes in and one of the same type comes out."""

_PRODUCTS = {"matmul", "gate", "einsum"}
"""Ops that give zero where any operand is zero."""

_LINEAR = {"linear", "conv", "depthwise", "conv_transpose", "causal_conv"}
"""Ops that give zero where every operand is zero and they have no bias."""

_PRESERVING = {
    "sub", "concat", "stack", "chunk", "split", "scale", "layer_scale", "dropout", "drop_path",
    "relu", "relu6", "mish", "gelu", "silu", "tanh", "leaky_relu", "hardswish", "glu", "max_pool", "avg_pool",
    "adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool", "mean_tokens", "readout", "upsample",
    "pixel_shuffle", "pixel_unshuffle", "rearrange", "reduce", "broadcast", "permute", "transpose", "flatten",
    "reshape", "patchify", "unfold", "grid", "take", "slice", "roll", "window", "unwindow", "rope", "batch_norm",
    "instance_norm", "group_norm", "layer_norm", "rms_norm",
}  # fmt: skip
"""Ops that give zero where every operand is zero.

Of a normalisation that holds when training begins: its shift is zero then. What it learns later is a constant, and no
path from the input: whatever follows a `zero` edge counts as dead, as in the rule by which the authors of NAS-Bench-201
(Dong and Yang, 2020) find equal cells.
"""


def renaming(graph: Graph) -> Renaming:
    """Return names for the open sizes of a graph, numbered in the order in which its inputs mention them."""
    found: dict[str, Size] = {}
    for entry in graph.inputs:
        for size in entry.type.sizes:
            for name in sorted(size.variables - found.keys()):
                found[name] = Size.var(f"n{len(found)}")
    return found


def type_text(kind: Tensor, names: Renaming) -> str:
    """Return a tensor's type with its open sizes renamed."""
    renamed = substitute(kind, names) if names else kind
    assert isinstance(renamed, Tensor), kind
    return f"{renamed.kind}{renamed}" if renamed.kind == "Float" else str(renamed)


def head(node: OpNode, names: Renaming) -> str:
    """Return the op with its parameters, the same text for all spellings of the same parameters."""
    parts = [node.op]
    for name, value in node.attributes:
        parts.append(f"{name}={_static(_counted(node, name, value), names)}")
    return " ".join(parts)


def makes_nothing(node: OpNode, zeros: tuple[bool, ...]) -> bool:
    """Tell whether the op gives zero, where `zeros` tells which of its operands are."""
    if not any(zeros):
        return False
    if node.op in _PRODUCTS:
        return True
    if not all(zeros):
        return False
    if node.op in _LINEAR:
        return not flag(node, "bias")
    return node.op in _PRESERVING or (node.op == "pad" and real(node, "value") == 0.0)


def does_nothing(node: OpNode) -> bool:
    """Tell whether the op gives its one operand back; permutations are looked at by their order instead."""
    if node.op in RANDOM:
        return real(node, "p") == 0.0
    if node.input_types != node.outputs or len(node.outputs) != 1:
        return False
    if node.op == "roll":
        return _counted(node, "shift", node["shift"]) == Size.of(0)
    pattern = dict(node.attributes).get("p") if node.op in ("rearrange", "reduce", "broadcast") else None
    return node.op in _KEEPING or (isinstance(pattern, Pattern) and pattern.left == (pattern.right,))


def order(node: OpNode) -> tuple[int, ...] | None:
    """Return for each axis of the output the axis of the input that it is; None where more happens than a permutation."""
    match node.op:
        case "transpose":
            return (1, 0)
        case "permute":
            rank = len(node.input_types[0].dims)
            return tuple(size.constant % rank for size in wholes(node, "order") if size.constant is not None)
        case "rearrange":
            pattern = node["p"]
            assert isinstance(pattern, Pattern), node
            left, right = pattern.left[0], pattern.right
            names = set(left)
            moved = names == set(right) and len(names) == len(left) == len(right)
            return tuple(left.index(axis) for axis in right) if moved else None
    return None


# ---------------------------------------------------------------- spelling
def _counted(node: OpNode, name: str, value: Static) -> Static:
    """Return a parameter that counts from either end of something as it counts from the start."""
    if not isinstance(value, Size) or value.constant is None:
        return value
    length = _length(node, name)
    return value if length is None else Size.of(value.constant % length)


def _length(node: OpNode, name: str) -> int | None:
    """Return how many places there are to count from either end; None where counting has one way or that is open."""
    if name == "axis":
        return len(node.input_types[0].dims) + (node.op == "stack")
    if node.op == "take" and name == "i":
        return node.input_types[0].sizes[0].constant
    if node.op == "roll" and name == "shift":
        return node.input_types[0].sizes[integer(node, "axis")].constant
    return None


def _static(value: Static, names: Renaming) -> str:
    match value:
        case Size():
            return str(value.substitute(names) if names and value.constant is None else value)
        case bool():
            return "true" if value else "false"
        case float():
            return str(int(value)) if isfinite(value) and value == int(value) else repr(value)
        case Pattern():
            return _pattern(value, names)
        case tuple():
            return f"[{','.join(_static(item, names) for item in value)}]"
        case str():
            return repr(value)
        case None:
            return "none"


def _pattern(pattern: Pattern, names: Renaming) -> str:
    """Return a pattern whose axes are named by the order in which it mentions them."""
    numbers: dict[str, str] = {}

    def side(axes: tuple[tuple[str, ...], ...]) -> str:
        return ",".join("*".join(numbers.setdefault(name, f"a{len(numbers)}") for name in axis) for axis in axes)

    text = f"[{';'.join(map(side, pattern.left))}->{side(pattern.right)}]"
    sizes = dict(pattern.sizes)
    lengths = ",".join(f"{number}={_static(sizes[name], names)}" for name, number in numbers.items())
    return f"{text}({lengths})"
