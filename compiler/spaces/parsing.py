"""A network -> the decisions by which a space makes it: every mention is searched once at each value that it is given."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archc.build import Argument, At, assemble, parameters_of
from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.source import Span
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.rules.scripts import Script
from archc.rules.session import Chooser, Exhausted, Fork, PerUse, Refusal, Session, Site, contained
from archc.sizes.prove import Context
from archc.sizes.size import Size
from archc.spaces.cuts import Cuts
from archc.spaces.keys import Keys, has_depth
from archc.spaces.measures import depth_bound
from archc.spaces.options import Options
from archc.spaces.terms import Step
from archc.spaces.tracing import Ended, Made, Mismatch, Target, Tracer, target, terms_of
from archc.spaces.ways import Entry, Met, Result, Token, Ways
from archc.tensor import Tensor
from archc.values import Applied, Architecture, Env, Flow, Interval, Value

NO_BOUND = 10**15
"""The steps of a walk, which ends with the network that it follows: its search is what is bounded."""

RECALLED = 30
"""The steps that it takes to know again what comes out of a mention."""

Key = tuple[object, ...]


class OutOfSteps(Exception):
    """A search has taken the steps that it was given."""


def search_for(
    program: Program,
    name: str,
    graph: Graph,
    *,
    arguments: Mapping[str, Argument],
    at: At | None,
    steps: int,
    options: Options | None = None,
) -> "Search":
    """Return the search for the decisions by which the space `name` of the main file makes a network.

    `options` are those that members of it take whose values have the types of values of the network.
    """
    limits = replace(program.limits, steps=NO_BOUND)
    definition = program.definition(name)
    session = Session(definition, program.scopes, program.checker, Context(), limits=limits, trying=True)

    def walk(session: Session, tracer: Tracer) -> None:
        session.emitter = None
        assemble(session, tracer, parameters_of(session, definition, arguments), at)

    return Search(session, walk, target(graph), steps, numbers_of(graph), options or Options())


@dataclass(slots=True, eq=False)
class Search:
    """A search for the decisions that make a network, but for which weights its values share.

    A body is walked with every sequence of choices that makes nothing but values of the network, and a mention in it is a
    choice among what comes out of that: so a mention is searched once at each value that flows into it, however many
    derivations have it. What a name decides is followed at each of its uses, and where it stands these are intersected.
    `is_complete` tells at the end whether all was tried in as many `steps`.
    """

    session: Session
    walk: Callable[[Session, Tracer], object]
    target: Target
    steps: int
    numbers: frozenset[float]
    options: Options
    is_complete: bool = False
    tracer: Tracer = field(init=False)
    keys: Keys = field(init=False)
    cuts: Cuts = field(init=False)
    ways: Ways = field(init=False)
    depths: dict[int, int] = field(default_factory=dict)
    _results: dict[Key, Sequence[Result] | None] = field(default_factory=dict)
    _ops: dict[Key, Made | None] = field(default_factory=dict)
    _bounds: dict[int, int | None] = field(default_factory=dict)
    _is_cut: bool = False

    def __post_init__(self) -> None:
        self.tracer = Tracer(self.target, self._mention)
        self.keys = Keys(self.session.scopes)
        self.cuts = Cuts(self.keys)
        self.ways = Ways()
        self.session.memory = self

    def found(self) -> Iterator[tuple[Script, bool]]:
        """Yield the decisions of every derivation that makes the network, and whether its weights are surely as there.

        The text is followed op by op first, or else but for ops that give nothing new, then in any order, so that some come
        twice.
        """
        for root in self.results():
            alike = root.drawn == self.target.drawn and not root.shares
            yield from ((self.ways.script(root, index), alike) for index in range(self.ways.count(root)))

    def results(self) -> Iterator[Result]:
        """Yield what makes the network, in the order of `found`."""
        roots: Sequence[Result] = ()
        for steps, every in ((self.target.text, True), (self.target.steps, False), (None, False)):
            if roots and steps is self.target.steps:
                continue
            self._is_cut = False
            roots = self._roots(steps, every=every)
            yield from roots
        self.is_complete = not self._is_cut

    def entered(self) -> tuple[str, ...]:
        """Return the types of the inputs of the space, as text."""
        return self.tracer.entered

    # ---------------------------------------------------------------- walks
    def _roots(self, steps: Sequence[Step] | None, *, every: bool) -> Sequence[Result]:
        """Return what comes out of the space, in an order of its ops or in any."""
        self._results.clear()
        self.ways = Ways()
        self.tracer.steps, self.tracer.every, self.tracer.position = steps, every, 0
        self.session.budget.spent = 0
        try:
            return self._solved(("root",), self._root)
        except OutOfSteps:
            self._is_cut = True
            return ()

    def _root(self) -> Flow:
        """Walk the space once. Raises Mismatch where another network comes out."""
        try:
            self.walk(self.session, self.tracer)
        except Ended as end:
            if tuple(terms_of(end.result)) == self.target.results:
                return end.result
        raise Mismatch

    def _solved(self, key: Key, walk: Callable[[], Flow]) -> Sequence[Result]:
        """Return all that comes out of a mention. Raises Mismatch inside the mention itself."""
        if key in self._results:
            known = self._results[key]
            if known is None:
                self._is_cut = True
                raise Mismatch
            return known
        self._results[key] = None
        trail: list[_Turn] = []
        found: dict[Key, Result] = {}
        number = len(self._results)
        while True:
            self._walk(_Guide(self, number, trail), walk, found)
            while trail and trail[-1].at + 1 == len(trail[-1].options):
                trail.pop()
            if not trail:
                break
            trail[-1].at += 1
        self._results[key] = tuple(found.values())
        return tuple(found.values())

    def _walk(self, guide: "_Guide", walk: Callable[[], Flow], found: dict[Key, Result]) -> None:
        """Walk a body with the choices that come next, and note what comes out."""
        session, tracer = self.session, self.tracer
        if session.budget.spent > self.steps:
            raise OutOfSteps
        before = session.chooser, session.depth, self.depths
        traced = tracer.position, tracer.drawn, tracer.shares, tracer.layers
        session.chooser = guide
        tracer.drawn, tracer.shares, tracer.layers = 0, False, {}
        try:
            with contained(session.limits, session.definition.declaration.name_span):
                flow = walk()
        except (Mismatch, Refusal, Exhausted, Fork, PerUse):
            pass
        else:
            way, demands = guide.finished()
            out = tracer.position, tracer.drawn, tracer.shares
            key = (*out, *_entering(flow), demands)
            if key not in found:
                found[key] = Result(flow, guide.number, *out, demands)
            found[key].ways.append(way)
        finally:
            session.chooser, session.depth, self.depths = before
            tracer.position, tracer.drawn, tracer.shares, tracer.layers = traced

    # ---------------------------------------------------------------- mentions
    def applied(self, applied: Applied, into: Flow, site: Site, walk: Callable[[], Flow]) -> Flow:
        """Return what comes out of an op, block or space. Raises Mismatch where nothing does."""
        if self.session.emitter is None:
            return walk()
        self.session.count_step(site.span, RECALLED)
        if site.layer is not None:
            self.tracer.use(site.layer)
        declaration = applied.definition.declaration
        given = tuple((name, *self._known(value)) for name, value, _ in applied.arguments)
        key: Key = (id(declaration), given, *_entering(into))
        if declaration.kind == "op" and all(isinstance(kind, type) for _, kind, _ in given):
            return self._op(key, walk)
        return self._mentioned(key, walk)

    def decided(self, architecture: Architecture, by: object, into: Flow, walk: Callable[[], Flow]) -> Flow:
        """Return what comes out of what a name decides. Raises Mismatch where nothing does."""
        guide = self._guide
        key: Key = ("network", self.keys.value(architecture), *_entering(into))
        used = guide.choose(self._solved(self._placed(key), walk))
        assert isinstance(by, tuple)
        guide.demand(by, used)
        return self._taken(used)

    def piped(self, pipe: s.Pipe, env: Env, into: Flow, walk: Callable[[Sequence[s.Expr], Flow], Flow]) -> Flow:
        """Return what comes out of a pipeline, whose beginnings are searched once for each choice that follows in it."""
        ends = self.cuts.ends(pipe, env) if self.session.emitter is not None else ()
        if not ends:
            return walk(pipe.stages, into)
        key: Key = ("pipe", id(pipe), *self.keys.env(pipe, env), *_entering(into))

        def upto(number: int) -> Flow:
            start = ends[number - 1] if number else 0
            stages = pipe.stages[start : ends[number]]
            return self._mentioned((*key, number), lambda: walk(stages, upto(number - 1) if number else into))

        return upto(len(ends) - 1)

    def _op(self, key: Key, walk: Callable[[], Flow]) -> Flow:
        """Return what an op makes, which is typed once. Raises Mismatch where the network has no such value."""
        tracer = self.tracer
        if key in self._ops:
            known = self._ops[key]
            if known is None:
                raise Mismatch
            return tracer.arrive(known)
        tracer.last.clear()
        try:
            return walk()
        except Refusal:
            self._ops[key] = None
            raise
        finally:
            for made in tracer.last:
                self._ops[key] = made

    def _mentioned(self, key: Key, walk: Callable[[], Flow]) -> Flow:
        guide = self._guide
        used = guide.choose(self._solved(self._placed(key), walk))
        guide.entries.append(used)
        return self._taken(used)

    def _placed(self, key: Key) -> Key:
        return (*key, self.tracer.position, *sorted(self.depths.items()))

    def _taken(self, used: Result) -> Flow:
        """Go on with what came out of a mention. Raises Mismatch where a name would have to decide two things."""
        for token, result in used.demands:
            self._guide.demand(token, result)
        self.tracer.position = used.position
        self.tracer.drawn += used.drawn
        self.tracer.shares = self.tracer.shares or used.shares
        return used.flow

    @property
    def _guide(self) -> "_Guide":
        assert isinstance(self.session.chooser, _Guide), self.session.chooser
        return self.session.chooser

    def _known(self, value: Value) -> tuple[object, object]:
        """Return what is equal for equal values: of a number, string or flag its kind and itself."""
        if isinstance(value, (Size, bool, str, float)):
            return type(value), value
        return "number", self.keys.value(value)

    def _mention(
        self, declaration: s.Declaration, names: Mapping[str, Value], into: Flow, walk: Callable[[Flow], Flow]
    ) -> Flow:
        """Return what comes out of a body. Raises Mismatch where it is mentioned too deep."""
        number = id(declaration)
        if number not in self._bounds:
            known: int | None = None
            if declaration.kind == "space" and has_depth(declaration):
                env = Env(self.session.inside[-1].module, dict(names))
                known = depth_bound(self.session, declaration, env)
            self._bounds[number] = known
        most = self._bounds[number]
        if most is None:
            return walk(into)
        depth = self.depths.get(number, 0) + 1
        if depth > most:
            raise Mismatch
        before, self.depths = self.depths, {**self.depths, number: depth}
        try:
            return walk(into)
        finally:
            self.depths = before

    def within(self, interval: Interval) -> tuple[float, ...]:
        """Return the numbers of the network that are in an interval, or else its middle."""
        low, high = ends_of(interval)
        return tuple(sorted(number for number in self.numbers if low <= number <= high)) or ((low + high) / 2,)


@dataclass(slots=True)
class _Turn:
    """A choice of a walk: what there is to take, and what is taken now."""

    options: Sequence[int] | Sequence[float] | Sequence[Result]
    at: int = 0


@dataclass(slots=True)
class _Guide:
    """Makes the choices of one walk of a mention as its trail says, and the first ones from there on."""

    search: Search
    number: int
    trail: list[_Turn]
    place: int = 0
    entries: list[Entry] = field(default_factory=list)
    named: dict[Token, int] = field(default_factory=dict)
    demands: dict[Token, frozenset[Result]] = field(default_factory=dict)
    trusted: bool = True

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return an option that has a share. Raises Mismatch where none is left."""
        found = self._next(self.search.options.possible(shares, span))
        assert isinstance(found, int)
        self.entries.append(found)
        return found

    def real(self, interval: Interval, span: Span) -> float:
        """Return a number of the network, or else the middle of the range."""
        found = self._next(self.search.within(interval))
        assert isinstance(found, float)
        self.entries.append(found)
        return found

    def take(self, architecture: Architecture) -> object:
        """Return the token of an architecture; each use of it demands that it decides something."""
        token = self.number, len(self.named)
        self.named[token] = len(self.entries)
        self.entries.append(Met(frozenset()))
        return token

    def again(self, decided: object) -> Chooser:
        """Raise AssertionError: what a name decides is searched, not walked."""
        raise AssertionError(decided)

    def choose(self, results: Sequence[Result]) -> Result:
        """Return what comes out of a mention. Raises Mismatch where nothing does."""
        found = self._next(results)
        assert isinstance(found, Result)
        return found

    def demand(self, token: Token, result: Result) -> None:
        """Let a name decide what leads to a result. Raises Mismatch where that goes with nothing it decides already."""
        wanted = self.demands.get(token, frozenset()) | {result}
        if not self.search.ways.are_met(wanted):
            raise Mismatch
        self.demands[token] = wanted

    def finished(self) -> tuple[tuple[Entry, ...], frozenset[tuple[Token, Result]]]:
        """Return the way that was gone, and what it demands of the names around it."""
        for token, place in self.named.items():
            self.entries[place] = Met(self.demands.pop(token, frozenset()))
        around = frozenset((token, result) for token, results in self.demands.items() for result in results)
        return tuple(self.entries), around

    def _next(self, options: Sequence[int] | Sequence[float] | Sequence[Result]) -> int | float | Result:
        if not options:
            raise Mismatch
        if self.place == len(self.trail):
            self.trail.append(_Turn(options))
        turn = self.trail[self.place]
        self.place += 1
        return turn.options[turn.at]


def _entering(value: Flow) -> Iterator[object]:
    """Yield what a value is: its terms, which have one type each but for qualifiers, and how these are bundled."""
    if isinstance(value.type, Tensor):
        yield value.handle
        if value.type.tags:
            yield value.type.tags
    else:
        yield len(value.parts)
        for part in value.parts:
            yield "in"
            yield from _entering(part)


def ends_of(interval: Interval) -> tuple[float, float]:
    """Return the ends of a range as numbers."""
    return _float(interval.low), _float(interval.high)


def _float(bound: object) -> float:
    return bound if isinstance(bound, float) else float(bound.constant or 0) if isinstance(bound, Size) else 0.0


def numbers_of(graph: Graph) -> frozenset[float]:
    """Return the numbers that the operations of a network are given."""
    found: set[float] = set()
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case OpNode(attributes=attributes):
                    found.update(value for _, value in attributes if isinstance(value, float))
                    sizes = (value.constant for _, value in attributes if isinstance(value, Size))
                    found.update(float(size) for size in sizes if size is not None)
                case CallNode(graph=inner):
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
    return frozenset(found)
