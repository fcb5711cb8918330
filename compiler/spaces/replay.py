"""Static expressions with choices in them -> every value they can have, with the decisions that lead to it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from archc.grammar.diagnostics import Diagnostic
from archc.grammar.source import Span
from archc.rules.session import Chooser, Refusal
from archc.sizes.size import Size
from archc.spaces.forest import Decision, Site
from archc.values import Architecture, Interval, show

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Taken:
    """What one walk decided: its decisions, and the architectures that names stand for, each with its token."""

    decisions: tuple[Decision, ...]
    tokens: tuple[tuple[int, Architecture], ...] = ()


@dataclass(slots=True)
class Sites:
    """The choices of the program by number: equal places with equal shares are one."""

    known: dict[tuple[object, ...], int] = field(default_factory=dict)
    all: list[Site] = field(default_factory=list)
    tokens: dict[tuple[object, ...], int] = field(default_factory=dict)
    last: dict[tuple[object, ...], tuple[tuple[float, ...], int]] = field(default_factory=dict)

    def number(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return the number of a choice among options."""
        place = (span.source.name if span.source else "", span.start, span.end)
        if place in self.last and self.last[place][0] is shares:  # a range of many numbers is come by once for each
            return self.last[place][1]
        key = (*place, shares)
        if key not in self.known:
            self.known[key] = len(self.all)
            self.all.append(Site(options(), shares, span))
        self.last[place] = shares, self.known[key]
        return self.known[key]

    def continuous(self, interval: Interval, span: Span) -> int:
        """Return the number of a continuous range."""
        key = (span.source.name if span.source else "", span.start, span.end, interval)
        if key not in self.known:
            low, high = (_float(bound) for bound in (interval.low, interval.high))
            text = f"{show(interval.low)} .. {show(interval.high)}"
            self.known[key] = len(self.all)
            self.all.append(Site((text,), (1.0,), span, low, high, interval.logarithmic))
        return self.known[key]

    def token(self, span: Span, value: int) -> int:
        """Return the token of an architecture that gets a name at `span`."""
        key = (span.source.name if span.source else "", span.start, span.end, value)
        return self.tokens.setdefault(key, len(self.tokens))


def _float(bound: object) -> float:
    return bound if isinstance(bound, float) else float(bound.constant or 0) if isinstance(bound, Size) else 0.0


@dataclass(slots=True)
class Replay:
    """Takes the options that it is told to, and from there on the first; notes them all."""

    sites: Sites
    number: Callable[[Architecture], int]
    told: tuple[int, ...] = ()
    picked: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    tokens: list[tuple[int, Architecture]] = field(default_factory=list)
    trusted: bool = False

    def option(self, options: Callable[[], tuple[str, ...]], shares: tuple[float, ...], span: Span) -> int:
        """Return the option at this place of the walk; one with no share is never taken."""
        place = len(self.picked)
        index = self.told[place] if place < len(self.told) else 0
        self.picked.append(index)
        self.counts.append(len(shares))
        self.decisions.append((self.sites.number(options, shares, span), index))
        return index

    def real(self, interval: Interval, span: Span) -> float:
        """Return the middle of a continuous range: types cannot depend on it."""
        self.decisions.append((self.sites.continuous(interval, span), 0))
        return (_float(interval.low) + _float(interval.high)) / 2

    def take(self, architecture: Architecture) -> object:
        """Return the token of an architecture; each mention of it is a demand on what it can be."""
        token = self.sites.token(_span(architecture), self.number(architecture))
        self.tokens.append((token, architecture))
        return token

    def again(self, decided: object) -> Chooser:
        """Raise AssertionError: mentions of what a name decides are refined, not walked."""
        raise AssertionError(decided)


def _span(architecture: Architecture) -> Span:
    return architecture.span


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """One outcome of a walk: what it decided and what came out, or why it does not type."""

    taken: Taken
    value: T | None
    refused: Diagnostic | None = None


def outcomes(
    sites: Sites, number: Callable[[Architecture], int], walk: Callable[[Chooser], T], most: int
) -> Iterator[Found[T]]:
    """Yield the outcome of `walk` for each sequence of options, in order; at most `most` and one more."""
    told: tuple[int, ...] = ()
    for _ in range(most + 1):
        replay = Replay(sites, number, told)
        try:
            value: T | None = walk(replay)
            refused = None
        except Refusal as refusal:
            value, refused = None, refusal.diagnostic
        yield Found(Taken(tuple(replay.decisions), tuple(replay.tokens)), value, refused)
        picked = replay.picked
        while picked and picked[-1] + 1 >= replay.counts[len(picked) - 1]:
            picked.pop()
        if not picked:
            return
        told = (*picked[:-1], picked[-1] + 1)
