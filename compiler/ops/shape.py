"""Operations that move elements and change none: patterns, patches, windows, slices."""

from collections.abc import Mapping
from math import prod

from archc.graph import OpNode, Pattern
from archc.ops.attributes import integer, whole, wholes, word
from archc.ops.base import Code, Cost, Lowered, Operation, Weight
from archc.ops.patterns import contract, move, regroup
from archc.ops.plain import Plain, fixed
from archc.ops.writing import call
from archc.sizes.size import Size


class Einsum:
    """An Einstein summation."""

    def weights(self, node: OpNode) -> tuple[Weight, ...]:
        """Return no weights."""
        return ()

    def cost(self, node: OpNode) -> Cost:
        """Return one multiply-accumulate for every index and every operand after the first."""
        pattern = _pattern(node)
        used = {name for operand in pattern.left for axis in operand for name in axis}
        indices = prod((size for name, size in pattern.sizes if name in used), start=Size.of(1))
        return Cost(indices * (len(pattern.left) - 1))

    def torch(self, node: OpNode) -> Lowered:
        """Return torch.einsum, between the splitting and joining of axes."""
        return Lowered(contract(_pattern(node)))


def _pattern(node: OpNode) -> Pattern:
    value = node["p"]
    assert isinstance(value, Pattern), (node.op, value)
    return value


def _rank(node: OpNode) -> int:
    return len(node.input_types[0].dims)


def _axis(node: OpNode) -> int:
    return integer(node, "axis") % _rank(node)


def _permute(node: OpNode) -> Code:
    order = tuple(_known(size) % _rank(node) for size in wholes(node, "order"))
    moved = [index for index, source in enumerate(order) if index != source]
    if not moved:
        return Code("{0}")
    if len(moved) == 2:
        return Code(f"{{0}}.transpose({moved[0] + 1}, {moved[1] + 1})")
    return Code(f"{{0}}.permute(0, {', '.join(str(index + 1) for index in order)})")


def _known(size: Size) -> int:
    assert size.constant is not None, size
    return size.constant


def _flatten(node: OpNode) -> Code:
    match _rank(node):
        case 0:
            return Code("{0}.unsqueeze(1)")
        case 1:
            return Code("{0}")
        case _:
            return Code("{0}.flatten(1)")


def _unfold(node: OpNode) -> Code:
    unfold = call(
        "F.unfold({0}, {k}",
        {"k": whole(node, "k")},
        dilation=(whole(node, "dilation"), 1),
        padding=(whole(node, "pad"), 0),
        stride=(whole(node, "stride"), 1),
    )
    return Code(f"{unfold.text}.transpose(1, 2)", unfold.values)


def _grid(node: OpNode) -> Code:
    height, width = whole(node, "h"), whole(node, "w")
    if height.constant is None and width.constant is not None:
        return Code("{0}.transpose(1, 2).unflatten(2, (-1, {w}))", {"w": width})
    if height.constant is not None and width.constant is None:
        return Code("{0}.transpose(1, 2).unflatten(2, ({h}, -1))", {"h": height})
    return Code("{0}.transpose(1, 2).unflatten(2, ({h}, {w}))", {"h": height, "w": width})


def _slice(node: OpNode) -> Code:
    start, stop, axis = whole(node, "start"), whole(node, "stop"), _axis(node)
    values = {"start": start, "stop": stop}
    first, last = "{start}" if start.constant != 0 else "", "{stop}"
    if start.constant == 0:
        del values["start"]
    if stop == node.input_types[0].sizes[axis]:
        last = ""
        del values["stop"]
    return Code(f"{{0}}[:, {':, ' * axis}{first}:{last}]" if values else "{0}", values)


def _take(node: OpNode) -> Code:
    return Code("{0}[:, {i}]", {"i": whole(node, "i")})


def _roll(node: OpNode) -> Code:
    return Code(f"{{0}}.roll({{shift}}, {_axis(node) + 1})", {"shift": whole(node, "shift")})


def _gather(node: OpNode) -> Code:
    rest = _rank(node) - 1
    return Code(f"{{0}}.take_along_dim({{1}}[:, :{', None' * rest}], 1)" if rest else "{0}.gather(1, {1})")


def _unwindow(node: OpNode) -> Code:
    sizes = {"p": whole(node, "p"), "w": whole(node, "w")}
    return Code("from_windows({0}, {p}, width={w})", sizes, needs=("from_windows",))


OPERATIONS: Mapping[str, Operation] = {
    "rearrange": Plain(lambda node: move(_pattern(node))),
    "reduce": Plain(lambda node: move(_pattern(node), word(node, "how"))),
    "broadcast": Plain(lambda node: move(_pattern(node))),
    "einsum": Einsum(),
    "permute": Plain(_permute),
    "transpose": fixed("{0}.transpose(1, 2)"),
    "flatten": Plain(_flatten),
    "reshape": Plain(lambda node: regroup(node.input_types[0].sizes, wholes(node, "to"))),
    "patchify": Plain(lambda node: Code("patchify({0}, {p})", {"p": whole(node, "p")}, needs=("patchify",))),
    "unfold": Plain(_unfold),
    "grid": Plain(_grid),
    "take": Plain(_take),
    "slice": Plain(_slice),
    "roll": Plain(_roll),
    "gather": Plain(_gather),
    "window": Plain(lambda node: Code("to_windows({0}, {p})", {"p": whole(node, "p")}, needs=("to_windows",))),
    "unwindow": Plain(_unwindow),
}
