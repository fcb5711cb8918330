"""The ways in which the mentions of a space make a network, packed: every result once, with all ways to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod

from archc.rules.scripts import Script
from archc.spaces.membership import ANY
from archc.values import Flow


@dataclass(slots=True, eq=False)
class Nested:
    """Decisions in the order in which a walk comes by them; those of a name are nested, and none where it is not used."""

    entries: "list[Entry]" = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Result:
    """One thing that comes out of a mention, and all ways to it: each is its own decisions and the results in it.

    In the order of a text, `position` is how many of its ops are made then.
    """

    flow: Flow
    mention: "Mention" = field(repr=False)
    position: int | None = None
    ways: "list[tuple[Entry, ...]]" = field(default_factory=list)


Entry = int | float | Nested | Result


@dataclass(slots=True)
class Turn:
    """A choice of a walk: what there is to take, and what is taken now. The results of a mention may become more."""

    options: Sequence[Entry]
    mention: "Mention | None" = None
    at: int = 0


@dataclass(slots=True, eq=False)
class Mention:
    """A body at one input, and what was found to come out of it so far.

    `walk` walks the body once, `depths` tell how often each space that bounds its depth is mentioned around it, and
    `trail` holds the choices of the walk that comes next. In the order of a text, `position` is how many of its ops are
    made before.
    """

    walk: Callable[[], Flow]
    depths: dict[int, int]
    position: int | None = None
    results: list[Result] = field(default_factory=list)
    known: dict[tuple[object, ...], Result] = field(default_factory=dict)
    trail: list[Turn] = field(default_factory=list)
    place: int = 0
    is_done: bool = False
    is_walked: bool = False

    def turn(self, make: Callable[[], Turn]) -> Entry:
        """Return what is taken at the choice that the walk has come to, which `make` gives where it is new."""
        if self.place == len(self.trail):
            self.trail.append(make())
        found = self.trail[self.place]
        self.place += 1
        return found.options[found.at]


class Count:
    """How many derivations there are of each result, and each of them by number."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, entry: Entry) -> int:
        """Return how many derivations an entry stands for."""
        match entry:
            case Result(ways=ways):
                if id(entry) not in self._known:
                    self._known[id(entry)] = sum(map(self.of_all, ways))
                return self._known[id(entry)]
            case Nested(inner):
                return self.of_all(inner)
            case _:
                return 1

    def of_all(self, entries: Sequence[Entry]) -> int:
        """Return how many derivations entries that follow each other stand for."""
        return prod(map(self.of, entries))

    def unpacked(self, result: Result, index: int) -> "list[Entry]":
        """Return the decisions of derivation number `index` of a result."""
        for way in result.ways:
            if index < self.of_all(way):
                return self._unpacked(way, index)
            index -= self.of_all(way)
        raise IndexError(index)

    def _unpacked(self, entries: Sequence[Entry], index: int) -> "list[Entry]":
        found: list[Entry] = []
        for entry in entries:
            index, inner = divmod(index, self.of(entry))
            match entry:
                case Result():
                    found += self.unpacked(entry, inner)
                case Nested(nested):
                    found.append(Nested(self._unpacked(nested, inner)))
                case _:
                    found.append(entry)
        return found


def spelled(entries: Sequence[Entry]) -> Script:
    """Return decisions as a script, each result by its first way; those of a name that is not used may be any."""
    found: list[int | float | str] = []
    waiting: list[Entry | str] = list(reversed(entries))
    while waiting:
        match waiting.pop():
            case Nested(inner):
                waiting.extend([")", *(reversed(inner) if inner else (ANY,)), "("])
            case Result(ways=ways):
                waiting.extend(reversed(ways[0]))
            case entry:
                found.append(entry)
    return tuple(found)
