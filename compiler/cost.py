"""Parameters, multiply-accumulates and activation memory of nodes and of whole graphs, for one sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from archc.graph import CallNode, Graph, LoopNode, Node, OpNode
from archc.ops import find
from archc.sizes.size import Size
from archc.tensor import Tensor

_ZERO, _ONE = Size.of(0), Size.of(1)
_BYTES = {"Float": 4, "Int": 8, "Id": 8, "Bool": 1}


@dataclass(frozen=True, slots=True)
class GraphCost:
    """What a graph costs; weights that several nodes share count once, weights lent by a caller not at all."""

    params: Size
    macs: Size
    flops: Size
    activation_bytes: Size


def parameters(node: OpNode) -> Size:
    """Return how many learned numbers the op owns; buffers are none."""
    weights = find(node.op).weights(node)
    return sum((prod(weight.shape, start=_ONE) for weight in weights if not weight.buffer), _ZERO)


def macs(node: OpNode) -> Size:
    """Return the multiply-accumulates of the op."""
    return find(node.op).cost(node).macs


def flops(node: OpNode) -> Size:
    """Return the floating point operations of the op: two for each multiply-accumulate."""
    return Size.of(2) * macs(node)


def activation_bytes(node: OpNode) -> Size:
    """Return the size of what the op puts out, with 4 bytes a number and 8 an id."""
    return sum((_bytes(output) for output in node.outputs), _ZERO)


def graph_cost(graph: Graph) -> GraphCost:
    """Return the cost of everything that runs in `graph`; equal steps are looked at once."""
    tally = _tally(graph, {})
    return GraphCost(tally.owned, tally.macs, Size.of(2) * tally.macs, tally.activation_bytes)


@dataclass(frozen=True, slots=True)
class _Tally:
    """A graph's costs; `lent` has the parameters behind each name that the graph borrows."""

    owned: Size
    lent: Mapping[str, Size]
    macs: Size
    activation_bytes: Size


def _tally(graph: Graph, seen: dict[int, _Tally]) -> _Tally:
    """`seen` is keyed by identity: equal steps are one object, and comparing whole graphs would be slow."""
    if id(graph) in seen:
        return seen[id(graph)]
    owned: dict[str, Size] = {}
    lent: dict[str, Size] = {}
    tallies = [_node_tally(node, seen) for node in graph.nodes]
    for node, tally in zip(graph.nodes, tallies, strict=True):
        (lent if node.key in graph.borrowed else owned).setdefault(node.key, tally.owned)
        lends = () if isinstance(node, OpNode) else node.lends
        for inner, outer in lends:
            if inner in tally.lent:
                (lent if outer in graph.borrowed else owned).setdefault(outer, tally.lent[inner])
    activations = sum((tally.activation_bytes for tally in tallies), _ZERO)
    total = _Tally(sum(owned.values(), _ZERO), lent, sum((tally.macs for tally in tallies), _ZERO), activations)
    seen[id(graph)] = total
    return total


def _node_tally(node: Node, seen: dict[int, _Tally]) -> _Tally:
    match node:
        case OpNode():
            return _Tally(parameters(node), {}, macs(node), activation_bytes(node))
        case CallNode(graph=graph):
            return _tally(graph, seen)
        case LoopNode(steps=steps):
            return _steps_tally([_tally(step, seen) for step in steps])


def _steps_tally(steps: list[_Tally]) -> _Tally:
    lent = {name: params for step in reversed(steps) for name, params in step.lent.items()}
    return _Tally(
        sum((step.owned for step in steps), _ZERO),
        lent,
        sum((step.macs for step in steps), _ZERO),
        sum((step.activation_bytes for step in steps), _ZERO),
    )


def _bytes(tensor: Tensor) -> Size:
    return prod(tensor.sizes, start=Size.of(_BYTES[tensor.kind]))
