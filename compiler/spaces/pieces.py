"""Architectures without choices -> what they add to a network: parameters, multiply-accumulates, ops, activations."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archc.builder import Builder
from archc.cost import GraphCost, graph_cost
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.ops import find
from archc.rules.infer import apply
from archc.rules.session import Exhausted, Fork, PerUse, Refusal, Session
from archc.sizes.contexts import Context
from archc.sizes.facts import Fact
from archc.sizes.size import Size
from archc.tensor import Product, Tensor, Type
from archc.values import Applied, Closure, Env, Flow, Layer, Method, Value

FEW = 2
"""After so many pieces that differ in sizes only, there is a formula for the others."""

MOST_CASES, MOST_FACTS = 8, 16
"""So many formulas are made for one architecture, each where so many facts hold."""

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
    _own: "dict[int, Totals]" = field(default_factory=dict)
    _alike: Counter[Hashable] = field(default_factory=Counter)
    _cases: "dict[Hashable, list[Case]]" = field(default_factory=dict)

    def number(self, value: Value, plan: int, into: int) -> int:
        """Return the number of an architecture, of plan number `plan`, at an input type."""
        return self.numbers(value, plan, [into])[0]

    def numbers(self, value: Value, plan: int, kinds: Sequence[int]) -> list[int]:
        """Return the numbers of an architecture at several input types."""
        known = self._numbers
        new = [kind for kind in kinds if (plan, kind) not in known]
        known.update(zip([(plan, kind) for kind in new], range(len(self.all), len(self.all) + len(new)), strict=True))
        self.all.extend([(value, kind) for kind in new])
        self._plans.extend([plan] * len(new))
        return [known[plan, kind] for kind in kinds]

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
            totals, sizes = self._totals_of(piece)
            known = self._measured[piece, measure] = int(totals.of_measure(measure).evaluate(sizes))
        return known

    def _totals_of(self, piece: int) -> "tuple[Totals, Mapping[str, int]]":
        """Return the measures of a piece, with the sizes to be put into them."""
        known = self._own.get(piece)
        if known is not None:
            return known, {}
        value, into = self.all[piece]
        places: dict[int, int] = {}
        pattern = _pattern(self.types[into], places)
        if pattern is not None:
            key = self._plans[piece], pattern
            self._alike[key] += 1
            if self._alike[key] > FEW:
                sizes = {_name(place): size for size, place in places.items()}
                formula = self._formula(
                    self._cases.setdefault(key, []), value, _with_names(self.types[into], places), sizes
                )
                if formula is not None:
                    return formula, sizes
        known = self._own[piece] = Totals.of(self._graphs.get(piece) or self._made(piece))
        return known, {}

    def _formula(self, cases: "list[Case]", value: Value, kind: Type, sizes: Mapping[str, int]) -> "Totals | None":
        """Return the measures where equal sizes of the input are one variable, for the case that these are of; or None."""
        for case in cases:
            if all(fact.evaluate(sizes) for fact in case.facts):
                return case.totals
        if len(cases) >= MOST_CASES or _points(value):
            return None
        facts: tuple[Fact, ...] = ()
        totals: Totals | None = None
        while len(facts) <= MOST_FACTS:
            session = self.session()
            session.trying = True
            try:
                session.context = _context(session.context, facts)
                totals = Totals.of(_graph_of(session, value, kind))
            except (Refusal, Exhausted, PerUse):
                pass
            except Fork as fork:
                more = _holding(fork, sizes)
                if more:
                    facts = (*facts, *more)
                    continue
            break
        cases.append(Case(facts, totals))
        return totals

    def graph(self, piece: int) -> Graph:
        """Return a piece by itself, with the points that its text mentions as inputs of their own."""
        if piece not in self._graphs:
            self._graphs[piece] = self._made(piece)
        return self._graphs[piece]

    def _made(self, piece: int) -> Graph:
        value, into = self.all[piece]
        return _graph_of(self.session(), value, self.types[into])


@dataclass(frozen=True, slots=True)
class Totals:
    """What a graph adds: its costs, and how many ops of each name."""

    costs: GraphCost
    ops: Counter[str]

    @classmethod
    def of(cls, graph: Graph) -> "Totals":
        """Return the totals of a graph."""
        return cls(graph_cost(graph), _ops(graph))

    def of_measure(self, measure: str) -> Size:
        """Return one of MEASURES, or `count(op)`."""
        if measure == "nodes":
            return Size.of(sum(self.ops.values()))
        if measure.startswith("count("):
            return Size.of(self.ops[measure[6:-1]])
        found: Size = getattr(self.costs, measure)
        return found


@dataclass(frozen=True, slots=True)
class Case:
    """The totals wherever some facts hold of the sizes; None where there is no formula."""

    facts: tuple[Fact, ...]
    totals: Totals | None


def _context(context: Context, facts: tuple[Fact, ...]) -> Context:
    for fact in facts:
        context = context.assume(fact) or context
    return context


def _holding(fork: Fork, sizes: Mapping[str, int]) -> tuple[Fact, ...]:
    """Return the alternative of a fork that these sizes are of; nothing where they do not tell."""
    for alternative in fork.alternatives:
        facts = tuple(fact for fact in alternative if isinstance(fact, Fact))
        if len(facts) == len(alternative) and all(
            fact.variables <= sizes.keys() and fact.evaluate(sizes) for fact in facts
        ):
            return facts
    return ()


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


def _constant(size: Size) -> int:
    assert size.constant is not None
    return size.constant


def _pattern(kind: Type, sizes: dict[int, int]) -> Hashable:
    """Return what a type is but for its sizes, of which equal ones get one number; None where one is not known."""
    if isinstance(kind, Product):
        parts = tuple([_pattern(item, sizes) for item in kind.items])
        return None if None in parts else parts
    if not isinstance(kind, Tensor):
        return None
    dims = [dim.constant if isinstance(dim, Size) else None for dim in kind.dims]
    known = [dim for dim in dims if dim is not None]
    if len(known) < len(dims):
        return None
    return kind.kind, kind.bound, kind.tags, *[sizes.setdefault(dim, len(sizes)) for dim in known]


def _with_names(kind: Type, sizes: Mapping[int, int]) -> Type:
    """Return a type with a variable for each size."""
    if isinstance(kind, Product):
        return Product(tuple(_with_names(item, sizes) for item in kind.items), kind.labels)
    assert isinstance(kind, Tensor)
    constants = [_constant(dim) for dim in kind.sizes]
    return replace(kind, dims=tuple(Size.var(_name(sizes[size])) for size in constants))


def _name(place: int) -> str:
    return f"n{place}"


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
