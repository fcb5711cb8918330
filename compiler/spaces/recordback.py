"""A record -> the decisions by which a space of records makes it: field by field, and each network by a search."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product

from archc.build import Argument, At, applied_with
from archc.check import Program
from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.graph import Graph
from archc.rules.scripts import Script, Scripted
from archc.rules.session import Chooser, Exhausted, Refusal, Session, contained
from archc.sizes.prove import Context
from archc.spaces.keys import Keys
from archc.spaces.membership import ANY
from archc.spaces.options import Options
from archc.spaces.outside import outside
from archc.spaces.parsing import NO_BOUND, Search, ends_of, numbers_of
from archc.spaces.realize import Entry, Path, Walk
from archc.spaces.tracing import Mismatch, Tracer, target
from archc.spaces.ways import Met, Token
from archc.values import Architecture, Interval, Value, show

WALKED = 1_000
"""The steps that are counted for a walk through a record."""

MOST_OF_A_NETWORK = 100
"""Derivations of one network that are tried."""

MOST_SHOWN = 4

Decisions = list[int | float | str | Token]
"""Decisions in order; a name stands for its own."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Decisions that make a network, and those that they ask of the names around it."""

    own: Script
    asked: tuple[tuple[Token, Script], ...] = ()


@dataclass(slots=True, eq=False)
class RecordSearch:
    """A search for the decisions that make a record, with at most so many `steps`."""

    program: Program
    name: str
    arguments: Mapping[str, Argument]
    at: At | None
    wanted: Mapping[str, Entry]
    steps: int
    is_complete: bool = False
    trail: "list[_Turn]" = field(default_factory=list)
    place: int = 0
    taken: int = 0
    names: dict[Token, Decisions] = field(default_factory=dict)
    numbers: frozenset[float] = frozenset()
    furthest: Path = ()
    instead: dict[str, None] = field(default_factory=dict)
    without: Diagnostic | None = None
    _keys: Keys = field(init=False)
    _parts: dict[tuple[object, ...], Sequence[_Part]] = field(default_factory=dict)
    _order: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._keys = Keys(self.program.scopes)
        self._order = list(_paths(dict(self.wanted), ()))
        self.numbers = frozenset(_numbers(self.wanted))

    def found(self) -> Iterator[Script]:
        """Yield the decisions of every derivation that makes the record."""
        spent = 0
        while spent <= self.steps:
            spent += WALKED
            made = self._walked()
            if made is not None:
                yield made
            while self.trail and self.trail[-1].at + 1 >= len(self.trail[-1].options):
                self.trail.pop()
            if not self.trail:
                self.is_complete = True
                return
            self.trail[-1].at += 1

    def outside(self) -> Diagnostic:
        """Return where the record leaves the space, as the walks found it that found nothing."""
        path = ".".join(self.furthest)
        ended = "" if self.is_complete else "; the search ended before all was tried"
        if self.without is not None:
            text = f"`{path}` is no network of `{self.name}`: {self.without.message}{ended}"
            return replace(self.without, message=text)
        wanted = _at(self.wanted, self.furthest)
        what = f"the record itself has {_fields(wanted)}" if not path else f"`{path}` is {_shown(wanted)}"
        shown = list(self.instead)
        more = f" and {len(shown) - MOST_SHOWN} others" if len(shown) > MOST_SHOWN else ""
        has = f", where the space has {', '.join(shown[:MOST_SHOWN])}{more}" if shown else ""
        return Diagnostic("A0925", f"no member of `{self.name}` is this record: {what}{has}{ended}")

    # ---------------------------------------------------------------- one walk
    def _walked(self) -> Script | None:
        self.place = self.taken = 0
        self.names.clear()
        chooser = _Chooser(self)
        definition = self.program.definition(self.name)
        walk = Walk(self.program, definition, chooser, self)
        try:
            with contained(self.program.limits, definition.declaration.name_span):
                walk.value(applied_with(definition, self.arguments), self.at)
        except (Mismatch, Refusal, Exhausted):
            return None
        return tuple(_spelled(chooser.entries, self.names))

    def next(self, options: "Sequence[int] | Sequence[float] | Sequence[_Part]") -> "int | float | _Part":
        """Return what is taken at the choice that the walk has come to. Raises Mismatch where there is nothing."""
        if not options:
            raise Mismatch
        if self.place == len(self.trail):
            self.trail.append(_Turn(options))
        turn = self.trail[self.place]
        self.place += 1
        return turn.options[turn.at]

    # ---------------------------------------------------------------- fields
    def record(self, path: Path, names: tuple[str, ...]) -> None:
        """Raise Mismatch where the record has other fields there."""
        found = _at(self.wanted, path)
        if not isinstance(found, dict) or tuple(found) != names:
            raise self._miss(path, f"fields {', '.join(names)}")

    def plain(self, path: Path, entry: Entry) -> None:
        """Raise Mismatch where something else stands in the record."""
        wanted = _at(self.wanted, path)
        alike = isinstance(wanted, bool) == isinstance(entry, bool) and isinstance(wanted, float) == isinstance(
            entry, float
        )
        if not alike or wanted != entry:
            raise self._miss(path, _shown(entry))

    def network(self, walk: Walk, value: Value, at: At | None) -> Entry:
        """Return the network of the record that stands there. Raises Mismatch where the space has not that one."""
        wanted = _at(self.wanted, walk.path)
        if not isinstance(wanted, Graph):
            raise self._miss(walk.path, "a network")
        key = (walk.path, self._keys.value(value), repr(at))
        if key not in self._parts:
            self._parts[key] = self._searched(walk, value, at, wanted)
        part = self.next(self._parts[key])
        assert isinstance(part, _Part)
        for token, script in part.asked:
            self._agree(token, script)
        _take(walk.chooser, part.own)
        return wanted

    def _searched(self, walk: Walk, value: Value, at: At | None, wanted: Graph) -> Sequence[_Part]:
        """Return the decisions that make a network."""
        limits = replace(self.program.limits, steps=NO_BOUND)
        root = walk.root
        session = Session(root, self.program.scopes, self.program.checker, Context(), limits=limits, trying=True)

        def begin(session: Session, tracer: Tracer) -> None:
            session.emitter = None
            assert session.chooser is not None
            Walk(self.program, root, session.chooser, self, using=session).emitted(value, at, tracer)

        search = Search(session, begin, target(wanted), self.steps, numbers_of(wanted), Options())
        found = list(dict.fromkeys(_parts_of(search)))
        if not found:
            self._far(walk.path)
            if walk.path == self.furthest:
                self.without = self.without or outside(search)
        return found

    def _agree(self, token: Token, script: Script) -> None:
        if token in self.names and tuple(_spelled(self.names[token], self.names)) != script:
            raise Mismatch
        self.names.setdefault(token, list(script))

    def _miss(self, path: Path, instead: str) -> Mismatch:
        """Note what the space has in a field instead."""
        self._far(path)
        if path == self.furthest:
            self.instead[instead] = None
        return Mismatch()

    def _far(self, path: Path) -> None:
        """Note how far a walk came."""
        if path != self.furthest and self._order.index(path) > self._order.index(self.furthest):
            self.furthest = path
            self.instead.clear()
            self.without = None


@dataclass(slots=True)
class _Turn:
    """A choice of a walk: what there is to take, and what is taken now."""

    options: Sequence[int] | Sequence[float] | Sequence[_Part]
    at: int = 0


@dataclass(slots=True)
class _Chooser:
    """Makes the choices of a record, or of a name in it that has decided nothing yet."""

    search: RecordSearch
    entries: Decisions = field(default_factory=list)
    trusted: bool = True

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return an option that has a share."""
        found = self.search.next([number for number, share in enumerate(shares) if share])
        assert isinstance(found, int)
        self.entries.append(found)
        return found

    def real(self, interval: Interval, span: Span) -> float:
        """Return a number of the record, or else the least of the range."""
        low, high = ends_of(interval)
        found = self.search.next(sorted(each for each in self.search.numbers if low <= each <= high) or [low])
        assert isinstance(found, float)
        self.entries.append(found)
        return found

    def take(self, architecture: Architecture) -> object:
        """Return the token of an architecture that gets a name."""
        token = -1, self.search.taken
        self.search.taken += 1
        self.entries.append(token)
        return token

    def again(self, decided: object) -> Chooser:
        """Return what makes the choices of a name."""
        assert isinstance(decided, tuple)
        names = self.search.names
        if decided in names:
            return Scripted(tuple(_spelled(names[decided], names)))
        return _Chooser(self.search, names.setdefault(decided, []))


def _take(chooser: Chooser, script: Script) -> None:
    """Let the decisions of a network come next. Raises Mismatch where others do."""
    if isinstance(chooser, Scripted):
        end = chooser.at + len(script)
        if chooser.script[chooser.at : end] != script:
            raise Mismatch
        chooser.at = end
    else:
        assert isinstance(chooser, _Chooser), chooser
        chooser.entries.extend(script)


def _spelled(entries: Decisions, names: Mapping[Token, Decisions]) -> Iterator[int | float | str]:
    for entry in entries:
        if isinstance(entry, tuple):
            yield "("
            yield from _spelled(names.get(entry, [ANY]), names)
            yield ")"
        else:
            yield entry


def _parts_of(search: Search) -> Iterator[_Part]:
    for root in search.results():
        tokens = sorted({token for token, _ in root.demands})
        asked = [
            Met(frozenset(found for name, found in root.demands if name == token), named=False) for token in tokens
        ]
        counts = [search.ways.count(root), *map(search.ways.count, asked)]
        each = [range(min(count, MOST_OF_A_NETWORK)) for count in counts]
        for own, *others in islice(product(*each), MOST_OF_A_NETWORK):
            scripts = [search.ways.script(entry, number) for entry, number in zip(asked, others, strict=True)]
            yield _Part(search.ways.script(root, own), tuple(zip(tokens, scripts, strict=True)))


def _paths(entry: Entry, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(entry, dict):
        for name, inner in entry.items():
            yield from _paths(inner, (*path, name))


def _at(wanted: Mapping[str, Entry], path: Path) -> Entry:
    found: Entry = dict(wanted)
    for name in path:
        assert isinstance(found, dict), path
        found = found[name]
    return found


def graphs_in(wanted: Mapping[str, Entry]) -> Iterator[Graph]:
    """Yield the networks of a record."""
    return (entry for entry in (_at(wanted, path) for path in _paths(dict(wanted), ())) if isinstance(entry, Graph))


def _numbers(wanted: Mapping[str, Entry]) -> Iterator[float]:
    for path in _paths(dict(wanted), ()):
        entry = _at(wanted, path)
        for each in entry if isinstance(entry, list) else (entry,):
            if isinstance(each, Graph):
                yield from numbers_of(each)
            elif isinstance(each, (int, float)):
                yield float(each)


def _shown(entry: Entry) -> str:
    match entry:
        case Graph():
            return f"the network `{entry.name}`"
        case dict():
            return _fields(entry)
        case list():
            return f"[{', '.join(map(_shown, entry))}]"
        case int() | float() if not isinstance(entry, bool):
            return repr(entry)
        case _:
            return show(entry)


def _fields(entry: Entry) -> str:
    return f"the fields {', '.join(entry)}" if isinstance(entry, dict) else _shown(entry)
