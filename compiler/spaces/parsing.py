"""A network -> the decisions by which a space makes it: every body is searched once at each value that it is given."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from archc.build import Argument, At, assemble, parameters_of
from archc.check import Program
from archc.grammar import syntax as s
from archc.grammar.source import Span
from archc.graph import CallNode, Graph, LoopNode, OpNode
from archc.rules.scripts import Script
from archc.rules.session import Exhausted, Fork, PerUse, Refusal, Session, contained
from archc.sizes.prove import Context
from archc.sizes.size import Size
from archc.spaces.keys import Keys, has_depth
from archc.spaces.measures import depth_bound
from archc.spaces.tracing import Ended, Mismatch, Target, Tracer, target, terms_of
from archc.spaces.ways import Count, Entry, Mention, Nested, Result, Turn, spelled
from archc.values import (
    Applied,
    Architecture,
    Closure,
    Decided,
    Definition,
    Env,
    Fields,
    Flow,
    Interval,
    Items,
    Layer,
    Method,
    Value,
)

NOTHING = ("id", "clone", "zero")
"""Arms that are tried last: they make no value of a network, so that nothing tells soon that they are wrong."""


DEPTHS = (1, 2, 3, 4, 6, None)
"""How deep spaces are mentioned inside themselves that bound their depth, pass by pass, so that simple ways come first."""

NO_BOUND = 10**15
"""The steps of a walk, which ends with the network that it follows: its search is what is bounded."""

MOST_UNPACKED = 200
"""Derivations of a mention that are tried where a name decides it."""


class OutOfSteps(Exception):
    """A search has taken the steps that it was given."""


def search_for(
    program: Program, name: str, graph: Graph, *, arguments: Mapping[str, Argument], at: At | None, steps: int
) -> "Search":
    """Return the search for the decisions by which the space `name` of the main file makes a network."""
    limits = replace(program.limits, steps=NO_BOUND)
    definition = program.definition(name)
    session = Session(definition, program.scopes, program.checker, Context(), limits=limits, trying=True)
    return Search(program, definition, arguments, at, target(graph), session, steps, _numbers(graph))


@dataclass(slots=True, eq=False)
class Search:
    """A search for the decisions that make a network, but for which weights its values share.

    A body is walked with every sequence of choices that makes nothing but values of the network, and a mention in it is a
    choice among what comes out of that: so a mention is searched once at each value that flows into it, however many
    derivations have it. What a name decides is followed from mention to mention. `is_complete` tells at the end whether
    all was tried in as many `steps`.
    """

    program: Program
    definition: Definition
    arguments: Mapping[str, Argument]
    at: At | None
    target: Target
    session: Session
    steps: int
    numbers: frozenset[str]
    is_complete: bool = False
    tracer: Tracer = field(init=False)
    keys: Keys = field(init=False)
    depths: dict[int, int] = field(default_factory=dict)
    _mentions: dict[tuple[object, ...], Mention] = field(default_factory=dict)
    _bounds: dict[int, int | None] = field(default_factory=dict)
    _held: list[object] = field(default_factory=list)
    _deepest: int | None = None
    _is_cut: bool = False

    def __post_init__(self) -> None:
        self.tracer = Tracer(self.target, self._mention)
        self.keys = Keys(self.program.scopes)

    def found(self) -> Iterator[Script]:
        """Yield the decisions of every derivation that makes the network: one of each way first, so that some come twice."""
        for self._deepest in DEPTHS:
            self._is_cut = False
            yield from self._derivations(Mention(self._root, {}, 0))
            if not self._is_cut:
                break
        yield from self._derivations(Mention(self._root, {}))
        self.is_complete = not self._is_cut and self.session.budget.spent <= self.steps

    def _derivations(self, root: Mention) -> Iterator[Script]:
        """Yield the decisions of every derivation from a root, as far as there are steps."""
        self._mentions.clear()
        known = 0
        while not root.is_done:
            try:
                self._walk(root)
            except OutOfSteps:
                break
            for result in root.results:
                if len(result.ways) > known:
                    known = len(result.ways)
                    yield spelled(result.ways[-1])
        count = Count()
        for result in root.results:
            yield from (spelled(count.unpacked(result, index)) for index in range(count.of(result)))

    def entered(self) -> tuple[str, ...]:
        """Return the types of the inputs of the space, as text."""
        if not self.tracer.entered:
            self.session.budget.spent = 0
            self._walk(Mention(self._root, {}))
        return self.tracer.entered

    # ---------------------------------------------------------------- walks
    def _root(self) -> Flow:
        """Walk the space once. Raises Mismatch where another network comes out."""
        self.session.emitter = None
        names = parameters_of(self.session, self.definition, self.arguments)
        try:
            assemble(self.session, self.tracer, names, self.at)
        except Ended as end:
            if tuple(terms_of(end.result)) == self.target.results:
                return end.result
        raise Mismatch

    def _walk(self, mention: Mention) -> None:
        """Walk a body with the choices that come next, and note what comes out."""
        session = self.session
        if session.budget.spent > self.steps:
            raise OutOfSteps
        own = Nested()
        before = session.chooser, self.depths, self.tracer.position, session.depth
        session.chooser, self.depths = _Guide(self, mention, own), mention.depths
        self.tracer.position = mention.position
        mention.place, mention.is_walked = 0, True
        try:
            with contained(session.limits, self.definition.declaration.name_span):
                flow = mention.walk()
        except (Mismatch, Refusal, Exhausted, Fork, PerUse):
            pass
        else:
            key = (self.tracer.position, self.keys.type(flow.type), *terms_of(flow))
            if key not in mention.known:
                mention.known[key] = Result(flow, mention, self.tracer.position)
                mention.results.append(mention.known[key])
            mention.known[key].ways.append(tuple(own.entries))
        finally:
            session.chooser, self.depths, self.tracer.position, session.depth = before
            mention.is_walked = False
        mention.is_done = not self._moved(mention)

    def _moved(self, mention: Mention) -> bool:
        """Go on to what comes next at the last choice that has more; return whether there is one."""
        trail = mention.trail
        while trail:
            turn = trail[-1]
            if turn.at + 1 < len(turn.options) or (turn.mention is not None and self._more(turn.mention)):
                turn.at += 1
                return True
            trail.pop()
        return False

    def _more(self, mention: Mention) -> bool:
        """Walk a body until one more thing comes out; return whether it did."""
        before = len(mention.results)
        while not mention.is_done and len(mention.results) == before:
            self._walk(mention)
        return len(mention.results) > before

    # ---------------------------------------------------------------- mentions
    def _mention(
        self, declaration: s.Declaration, names: Mapping[str, Value], into: Flow, walk: Callable[[Flow], Flow]
    ) -> Flow:
        """Return what comes out of a mention. Raises Mismatch where it is mentioned too deep, or nothing comes out."""
        depths = self._deeper(declaration, names)
        guide = self.session.chooser
        assert isinstance(guide, _Guide), guide
        own = {name: value for name, value in names.items() if not isinstance(value, Flow)}
        if guide.is_again() or not all(self._is_known(value) for value in own.values()):
            before, self.depths = self.depths, depths
            try:
                return walk(into)
            finally:
                self.depths = before
        values = tuple((name, self.keys.value(value)) for name, value in own.items())
        at = self.tracer.position
        key = (id(declaration), at, values, self.keys.type(into.type), *terms_of(into), *sorted(depths.items()))
        if key not in self._mentions:
            self._held.append(declaration)
            self._mentions[key] = Mention(lambda: walk(into), depths, at)
        found = guide.result(self._mentions[key])
        self.tracer.position = found.position
        return found.flow

    def _deeper(self, declaration: s.Declaration, names: Mapping[str, Value]) -> dict[int, int]:
        """Return the depths inside a mention. Raises Mismatch where it is too deep."""
        number = id(declaration)
        if number not in self._bounds:
            known: int | None = None
            if declaration.kind == "space" and has_depth(declaration):
                env = Env(self.session.inside[-1].module, dict(names))
                known = depth_bound(self.session, declaration, env)
            self._bounds[number] = known
        most = self._bounds[number]
        if most is None:
            return self.depths
        depth = self.depths.get(number, 0) + 1
        if self._deepest is not None and depth > self._deepest < most:
            self._is_cut = True
            raise Mismatch
        if depth > most:
            raise Mismatch
        return {**self.depths, number: depth}

    def _is_known(self, value: Value) -> bool:
        """Return whether a value is the same at each mention: no name has decided a part of it, and it is no tensor."""
        match value:
            case Flow() | Decided() | Method():
                return False
            case Applied(_, arguments):
                return all(self._is_known(entry) for _, entry, _ in arguments)
            case Closure(expr, env):
                free = self.keys.names(expr, env.module).free
                return all(self._is_known(env.names[name]) for name in free if name in env.names)
            case Layer(architecture):
                return self._is_known(architecture)
            case Items(values):
                return all(map(self._is_known, values))
            case Fields(items):
                return all(self._is_known(entry) for _, entry in items)
            case _:
                return True

    def unpacked(self, result: Result) -> Turn:
        """Return the choice among the derivations of something that came out of a mention."""
        while not result.mention.is_done:
            self._walk(result.mention)
        count = Count()
        self._is_cut = self._is_cut or count.of(result) > MOST_UNPACKED
        return Turn([Nested(count.unpacked(result, index)) for index in range(min(count.of(result), MOST_UNPACKED))])

    def results_of(self, mention: Mention) -> Turn:
        """Return the choice among what comes out of a mention. Raises Mismatch where nothing does."""
        if mention.is_walked or not (mention.results or self._more(mention)):
            raise Mismatch
        return Turn(mention.results, mention)

    # ---------------------------------------------------------------- choices
    def ordered(self, options: tuple[str, ...], possible: tuple[int, ...]) -> tuple[int, ...]:
        """Return options by number in the order in which they are tried; `options` are their texts."""

        def rank(number: int) -> int:
            text = options[number]
            if text.partition("(")[0] in NOTHING:
                return 2
            return int(text.isdecimal() and text not in self.numbers)

        return tuple(sorted(possible, key=rank))

    def within(self, interval: Interval) -> tuple[float, ...]:
        """Return the numbers of the network that are in an interval, or else its middle."""
        low, high = _float(interval.low), _float(interval.high)
        found = {float(text) for text in self.numbers}
        return tuple(sorted(number for number in found if low <= number <= high)) or ((low + high) / 2,)


@dataclass(slots=True)
class _Guide:
    """Makes the choices of a walk as its mention says; what a name has decided it makes again."""

    search: Search
    mention: Mention
    nested: Nested
    at: int = 0
    trusted: bool = True

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return an option that has a share. Raises Mismatch where a name has decided otherwise."""
        possible = tuple(number for number, share in enumerate(shares) if share)
        found = self._next(lambda: self._turn(lambda: self.search.ordered(options(), possible)))
        if not isinstance(found, int) or found not in possible:
            raise Mismatch
        return found

    def real(self, interval: Interval, span: Span) -> float:
        """Return a number of the network, or else the middle of the range. Raises Mismatch as `option`."""
        found = self._next(lambda: self._turn(lambda: self.search.within(interval)))
        if not isinstance(found, float):
            raise Mismatch
        return found

    def take(self, architecture: Architecture) -> object:
        """Return what the architecture is to decide. Raises Mismatch as `option`."""
        found = self._next(Nested)
        if not isinstance(found, Nested):
            raise Mismatch
        return found

    def again(self, decided: object) -> "_Guide":
        """Return what makes the choices of a name."""
        assert isinstance(decided, Nested)
        return _Guide(self.search, self.mention, decided)

    def is_again(self) -> bool:
        """Return whether a name makes the choices of a mention again, which are then told apart: one derivation of it."""
        entries = self.nested.entries
        if self.at == len(entries):
            return False
        packed = entries[self.at]
        if isinstance(packed, Result):
            found = self.mention.turn(lambda: self.search.unpacked(packed))
            assert isinstance(found, Nested), found
            entries[self.at : self.at + 1] = _copied(found).entries
        return True

    def result(self, mention: Mention) -> Result:
        """Return what comes out of a mention. Raises Mismatch where nothing does."""
        found = self._next(lambda: self.mention.turn(lambda: self.search.results_of(mention)))
        assert isinstance(found, Result), found
        return found

    def _turn(self, options: Callable[[], tuple[int, ...] | tuple[float, ...]]) -> Entry:
        return self.mention.turn(lambda: Turn(options()))

    def _next(self, made: Callable[[], Entry]) -> Entry:
        if self.at == len(self.nested.entries):
            self.nested.entries.append(made())
        self.at += 1
        return self.nested.entries[self.at - 1]


def _copied(nested: Nested) -> Nested:
    """Return decisions of a walk of their own, which may go on with them."""
    return Nested([_copied(entry) if isinstance(entry, Nested) else entry for entry in nested.entries])


def _float(bound: object) -> float:
    return bound if isinstance(bound, float) else float(bound.constant or 0) if isinstance(bound, Size) else 0.0


def _numbers(graph: Graph) -> frozenset[str]:
    """Return the numbers of a network as text: those that its operations are given, and the sizes of its values."""
    found: set[str] = set()
    waiting = [graph]
    while waiting:
        for node in waiting.pop().nodes:
            match node:
                case OpNode(attributes=attributes, outputs=outputs):
                    found.update(str(value) for _, value in attributes if isinstance(value, Size | float))
                    found.update(str(size) for kind in outputs for size in kind.sizes)
                case CallNode(graph=inner):
                    waiting.append(inner)
                case LoopNode(steps=steps):
                    waiting.extend(steps)
    return frozenset(text for text in found if text.replace(".", "", 1).isdecimal())
