"""Architectures without choices -> what they add to a network: parameters, multiply-accumulates, ops, activations."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from archc.builder import Builder
from archc.cost import graph_cost
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.ops import find
from archc.rules.infer import apply
from archc.rules.session import Session
from archc.sizes.size import Size
from archc.tensor import Type
from archc.values import Applied, Closure, Env, Flow, Layer, Method, Value

MEASURES = ("params", "macs", "flops", "activation_bytes", "nodes")


@dataclass(slots=True)
class Pieces:
    """The pieces of networks of one refinement, each with the number of its input type, and what was measured of them."""

    session: Callable[[], Session]
    types: Sequence[Type]
    all: list[tuple[Value, int]] = field(default_factory=list)
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    _plans: list[int] = field(default_factory=list)
    _graphs: dict[int, Graph] = field(default_factory=dict)
    _measured: dict[tuple[int, str], int] = field(default_factory=dict)

    def number(self, value: Value, plan: int, into: int) -> int:
        """Return the number of an architecture, of plan number `plan`, at an input type."""
        known = self._numbers.get((plan, into))
        if known is None:
            known = self._numbers[plan, into] = len(self.all)
            self.all.append((value, into))
            self._plans.append(plan)
        return known

    def same_weights(self, one: int, other: int) -> bool:
        """Return whether two pieces are one architecture, and its weights at both inputs of the same shapes."""
        if one == other:
            return True
        if self._plans[one] != self._plans[other]:
            return False
        return _shapes(self.graph(one)) == _shapes(self.graph(other))

    def measured(self, piece: int, measure: str) -> int:
        """Return what a piece adds to one of MEASURES, or to `count(op)`, if it is run once on weights of its own."""
        known = self._measured.get((piece, measure))
        if known is None:
            known = self._measured[piece, measure] = _measured(self.graph(piece), measure)
        return known

    def graph(self, piece: int) -> Graph:
        """Return a piece by itself, with the points that its text mentions as inputs of their own."""
        if piece not in self._graphs:
            value, into = self.all[piece]
            self._graphs[piece] = _graph_of(self.session(), value, self.types[into])
        return self._graphs[piece]


def _shapes(graph: Graph) -> Counter[tuple[Size, ...]]:
    """Return the shapes of all weights of a graph, with how many there are of each."""
    found: Counter[tuple[Size, ...]] = Counter()
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case OpNode():
                    found.update(weight.shape for weight in find(node.op).weights(node))
                case CallNode(graph=inner):
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
    return found


def _measured(graph: Graph, measure: str) -> int:
    if measure == "nodes":
        return sum(_ops(graph).values())
    if measure.startswith("count("):
        return _ops(graph)[measure[6:-1]]
    return getattr(graph_cost(graph), measure).constant or 0


def _ops(graph: Graph) -> Counter[str]:
    """Return how many ops of each name run."""
    found: Counter[str] = Counter()
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case OpNode(op):
                    found[op] += 1
                case CallNode(graph=inner):
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
    return found


def _graph_of(session: Session, value: Value, into: Type) -> Graph:
    """Return the graph of an architecture without choices at an input type."""
    points = _points(value)
    kinds = [into, *(point.type for point in points)]
    builder = Builder("Piece")
    flows = builder.enter_all([(f"x{number}", kind) for number, kind in enumerate(kinds)])
    entered = {id(point): flow for point, flow in zip(points, flows[1:], strict=True)}
    session.emitter = builder
    architecture = _with_points(value, entered)
    if isinstance(architecture, Method):
        builder.define(architecture.layer)
    result = apply(session, architecture, flows[0], session.definition.declaration.name_span)
    return builder.finish(result)


def _points(value: Value) -> list[Flow]:
    """Return the points that an architecture's text mentions, each once."""
    found: dict[int, Flow] = {}
    waiting, seen = [value], set[int]()
    while waiting:
        entry = waiting.pop()
        if id(entry) in seen:
            continue
        seen.add(id(entry))
        match entry:
            case Flow():
                found[id(entry)] = entry
            case Closure(_, env):
                waiting.extend(env.names.values())
            case Applied(_, arguments):
                waiting.extend(given for _, given, _ in arguments)
            case Layer(architecture):
                waiting.append(architecture)
            case _:
                pass
    return list(found.values())


def _with_points(value: Value, entered: dict[int, Flow]) -> Value:
    match value:
        case Flow():
            return entered.get(id(value), value)
        case Closure(expr, env, span):
            names = {name: _with_points(entry, entered) for name, entry in env.names.items()}
            return Closure(expr, Env(env.module, names), span)
        case Applied(definition, arguments, span):
            given = tuple((name, _with_points(entry, entered), place) for name, entry, place in arguments)
            return Applied(definition, given, span)
        case _:
            return value
