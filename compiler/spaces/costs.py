"""What the edges of a forest add to a network: parameters, multiply-accumulates, ops, activations."""

from collections import Counter
from dataclasses import dataclass, field

from archc.builder import Builder
from archc.cost import graph_cost
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.rules.infer import apply
from archc.rules.session import Session
from archc.spaces.refine import Refined
from archc.spaces.refiner import Refiner
from archc.tensor import Type
from archc.values import Applied, Closure, Env, Flow, Layer, Method, Value

MEASURES = ("params", "macs", "flops", "activation_bytes", "nodes")


@dataclass(slots=True)
class Costs:
    """The costs of one forest, worked out piece by piece when they are first asked for."""

    refined: Refined
    _graphs: dict[int, Graph] = field(default_factory=dict)
    _pieces: dict[tuple[int, str], int] = field(default_factory=dict)
    _edges: dict[str, list[int]] = field(default_factory=dict)

    def edges(self, measure: str) -> list[int]:
        """Return what each edge adds to `measure`: one of MEASURES, or `count(op)` for the number of ops of a name.

        Parameters count weights that are shared once. Raises ValueError on another measure.
        """
        if measure not in self._edges:
            if measure not in MEASURES and not (measure.startswith("count(") and measure.endswith(")")):
                raise ValueError(f"{measure!r} is no cost; there are {', '.join(MEASURES)} and count(op)")
            forest = self.refined.forest
            self._edges[measure] = [
                sum(self._piece(use.piece, measure) * (use.copies if measure == "params" else use.runs) for use in uses)
                for uses in forest.uses
            ]
        return self._edges[measure]

    def _piece(self, piece: int, measure: str) -> int:
        known = self._pieces.get((piece, measure))
        if known is None:
            known = self._pieces[piece, measure] = _measured(self._graph(piece), measure)
        return known

    def _graph(self, piece: int) -> Graph:
        if piece not in self._graphs:
            value, into = self.refined.pieces[piece]
            self._graphs[piece] = _graph_of(self.refined.refiner, value, self.refined.refiner.keys.types[into])
        return self._graphs[piece]


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


def _graph_of(refiner: Refiner, value: Value, into: Type) -> Graph:
    """Return the graph of an architecture without choices at an input type."""
    points = _points(value)
    kinds = [into, *(point.type for point in points)]
    builder = Builder("Piece")
    flows = builder.enter_all([(f"x{number}", kind) for number, kind in enumerate(kinds)])
    entered = {id(point): flow for point, flow in zip(points, flows[1:], strict=True)}
    session: Session = refiner.session(refiner.root)
    session.emitter = builder
    architecture = _with_points(value, entered)
    if isinstance(architecture, Method):
        builder.define(architecture.layer)
    result = apply(session, architecture, flows[0], refiner.root.declaration.name_span)
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
