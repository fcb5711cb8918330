"""Graph to JSON: everything that the graph says, for other programs to read."""

import json
from dataclasses import dataclass, field
from math import isfinite

from archc.cost import graph_cost
from archc.grammar.diagnostics import CompileError
from archc.graph import CallNode, Condition, Graph, LoopNode, Node, OpNode, Pattern, Static, Value
from archc.lower.weights import weights
from archc.sizes.size import Size
from archc.tensor import Product, Tensor, Type

VERSION = 1

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def to_json(graph: Graph) -> str:
    """Return the graph as JSON text, the same bytes for the same graph.

    `graphs` holds each distinct graph once, inner ones first, and nodes name the graphs inside them by number; `main`
    is the number of the network itself. A size is a number, or text where it depends on the input. `weights` is null
    where a weight's shape depends on it.
    """
    table = _Table()
    main = table.add(graph)
    cost = graph_cost(graph)
    total: Json = {
        "params": _size(cost.params),
        "macs": _size(cost.macs),
        "flops": _size(cost.flops),
        "activation_bytes": _size(cost.activation_bytes),
    }
    whole: Json = {
        "format": "archc-graph",
        "version": VERSION,
        "name": graph.name,
        "main": main,
        "total": total,
        "weights": _weights(graph),
        "graphs": [*table.graphs],
    }
    return json.dumps(whole, indent=1, allow_nan=False) + "\n"


@dataclass(slots=True)
class _Table:
    """The distinct graphs so far; graphs are one when their JSON is."""

    graphs: list[Json] = field(default_factory=list)
    by_text: dict[str, int] = field(default_factory=dict)
    by_object: dict[int, int] = field(default_factory=dict)

    def add(self, graph: Graph) -> int:
        """Return the number of `graph`."""
        number = self.by_object.get(id(graph))
        if number is None:
            entry = self._graph(graph)
            number = self.by_text.setdefault(json.dumps(entry), len(self.graphs))
            self.by_object[id(graph)] = number
            if number == len(self.graphs):
                self.graphs.append(entry)
        return number

    def _graph(self, graph: Graph) -> Json:
        return {
            "name": graph.name,
            "docs": list(graph.docs),
            "inputs": [{"name": entry.name, "type": str(entry.type)} for entry in graph.inputs],
            "type": _type(graph.type),
            "variables": list(graph.variables),
            "conditions": [_condition(condition) for condition in graph.conditions],
            "borrowed": list(graph.borrowed),
            "nodes": [self._node(node) for node in graph.nodes],
            "results": _values(graph.results),
        }

    def _node(self, node: Node) -> Json:
        shared: dict[str, Json] = {
            "key": node.key,
            "inputs": _values(node.inputs),
            "outputs": [str(kind) for kind in node.outputs],
        }
        match node:
            case OpNode():
                return {"op": node.op, "attributes": _named(node.attributes), **shared, "borrowed": node.borrowed}
            case CallNode():
                own: dict[str, Json] = {"block": node.block, "arguments": _named(node.arguments)}
                inside: dict[str, Json] = {"graph": self.add(node.graph), "lends": dict(node.lends)}
                return {**own, **shared, "borrowed": node.borrowed, **inside}
            case LoopNode():
                steps: list[Json] = [self.add(step) for step in node.steps]
                bindings: list[Json] = [_named(values) for values in node.bindings]
                inside = {"carried": node.carried, "steps": steps, "bindings": bindings, "lends": dict(node.lends)}
                return {"loop": node.kind, **shared, **inside}


def _weights(graph: Graph) -> Json:
    try:
        found = weights(graph)
    except CompileError:
        return None
    return [{"name": weight.name, "shape": list(weight.shape), "buffer": weight.buffer} for weight in found]


def _values(values: tuple[Value, ...]) -> Json:
    return [value.index for value in values]


def _named(values: tuple[tuple[str, Static], ...]) -> Json:
    return {name: _static(value) for name, value in values}


def _size(size: Size) -> Json:
    return size.constant if size.constant is not None else str(size)


def _static(value: Static) -> Json:
    match value:
        case Size():
            return _size(value)
        case Pattern(left, right, sizes):
            sides: list[Json] = [_side(side) for side in left]
            return {"left": sides, "right": _side(right), "sizes": {name: _size(size) for name, size in sizes}}
        case tuple():
            return [_static(item) for item in value]
        case float() if not isfinite(value):
            return str(value)
        case _:
            return value


def _side(side: tuple[tuple[str, ...], ...]) -> Json:
    return [list(axis) for axis in side]


def _condition(condition: Condition) -> Json:
    return {
        "left": _size(condition.left),
        "relation": condition.relation,
        "right": _size(condition.right),
        "message": condition.message,
    }


def _type(kind: Type) -> Json:
    """Return the text of a tensor type, and a list for a tuple."""
    if isinstance(kind, Product):
        return [_type(item) for item in kind.items]
    assert isinstance(kind, Tensor), kind
    return str(kind)
