"""What an expression gives for one input type: a state for each output type, with the ways to derive it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from archc.grammar.diagnostics import Diagnostic
from archc.spaces.forest import Decision, Site

Demand = tuple[int, int, int, int, int]
"""A mention of what a name decides: its token, the group and the state of this use, how often it runs, and how many
sets of weights it has. One that never runs only says what the name can be."""

Out = tuple[int, tuple[Demand, ...]]
"""The number of an output type, and what is demanded of the names that stand around, in order."""

Uses = dict[int, tuple[int, int]]
"""Pieces of the network by number: how often each runs, and how many sets of weights it has. Never changed."""

Part = tuple[int, int, int]
"""A state, how often what it derives runs, and how many sets of weights that has."""

Way = tuple[int, tuple[int, ...], int, Uses]
"""A label, the states below it, how many of the first are decided by a name, and what is added to the network."""

Failure = tuple[int, Diagnostic | Callable[[], Diagnostic]]
"""How many stages a walk came, and why it came no further, worked out when it is told."""

NO_USES: Uses = {}

EMPTY = 0
"""The state of what decides nothing and adds nothing."""

PLAIN = 0
"""The label without decisions."""


@dataclass(slots=True)
class Group:
    """The states of one expression at one input type. `lost` is the weight of what was dropped below."""

    number: int
    outs: dict[Out, int]
    lost: float = 0.0
    failure: Failure | None = None


@dataclass(slots=True)
class Draft:
    """The ways of a group while they are gathered, by what comes out."""

    ways: dict[Out, list[Way]] = field(default_factory=dict)
    lost: float = 0.0
    failure: Failure | None = None
    budget: tuple[tuple[int, int], ...] = ()
    space: str = ""
    source: int = -1

    def add(self, out: Out, way: Way) -> None:
        """Add one way to derive `out`."""
        found = self.ways.get(out)
        if found is None:
            self.ways[out] = [way]
        else:
            found.append(way)

    def refuse(self, failure: Failure | None, further: int = 0) -> None:
        """Note why something does not type, if nothing came further."""
        if failure is not None and (self.failure is None or failure[0] + further > self.failure[0]):
            self.failure = failure[0] + further, failure[1]


@dataclass(slots=True)
class Store:
    """Every state that was made, with its ways, the weight of all it derives, and the group it belongs to."""

    sites: list[Site]
    ways: list[tuple[Way, ...]] = field(default_factory=lambda: [((PLAIN, (), 0, {}),)])
    mass: list[float] = field(default_factory=lambda: [1.0])
    group_of: list[int] = field(default_factory=lambda: [-1])
    out_of: list[Out] = field(default_factory=lambda: [(-1, ())])
    fixed: list[Uses | None] = field(default_factory=lambda: [{}])
    scaled: dict[int, Part] = field(default_factory=dict)
    scales: dict[Part, int] = field(default_factory=dict)
    names: dict[int, tuple[str, int]] = field(default_factory=dict)
    mentions: dict[int, int] = field(default_factory=dict)
    labels: dict[tuple[Decision, ...], int] = field(default_factory=lambda: {(): PLAIN})
    shares: list[float] = field(default_factory=lambda: [1.0])
    groups: int = 0
    edges: int = 0

    def label(self, decisions: tuple[Decision, ...]) -> int:
        """Return the number of a sequence of decisions."""
        known = self.labels.get(decisions)
        if known is None:
            known = self.labels[decisions] = len(self.labels)
            share = 1.0
            for site, option in decisions:
                share *= self.sites[site].shares[option]
            self.shares.append(share)
        return known

    def close(self, draft: Draft, *, most: int = 0) -> Group:
        """Return the group of a draft; of more than `most` types (0: all) the heaviest stay, and the rest is lost."""
        number = self.groups
        self.groups += 1
        kept = [(out, ways, self.weigh(ways)) for out, ways in draft.ways.items()]
        lost = draft.lost
        if most and len(kept) > most:
            kept.sort(key=lambda entry: -entry[2])
            lost += sum(mass for _, _, mass in kept[most:])
            kept = kept[:most]
        outs: dict[Out, int] = {}
        for out, ways, mass in kept:
            if len(ways) == 1 and ways[0] == (PLAIN, (), 0, {}):
                outs[out] = EMPTY
                continue
            outs[out] = self.state(tuple(ways), mass, number, out)
            if draft.space:
                self.names[outs[out]] = draft.space, draft.source
        return Group(number, outs, lost, draft.failure if not outs else None)

    def weigh(self, ways: Iterable[Way]) -> float:
        """Return the weight of all that these ways derive."""
        mass, shares, total = self.mass, self.shares, 0.0
        for label, children, _, _ in ways:
            weight = shares[label]
            for child in children:
                weight *= mass[child]
            total += weight
        return total

    def state(self, ways: tuple[Way, ...], mass: float, group: int, out: Out) -> int:
        """Return a new state."""
        self.ways.append(ways)
        self.mass.append(mass)
        self.group_of.append(group)
        self.out_of.append(out)
        self.fixed.append(self._fixed(ways))
        self.edges += len(ways)
        return len(self.ways) - 1

    def _fixed(self, ways: tuple[Way, ...]) -> Uses | None:
        """Return what is added by ways that decide nothing at all; None where something is decided."""
        label, children, nested, uses = ways[0]
        if len(ways) > 1 or label != PLAIN or nested:
            return None
        total = dict(uses)
        for child in children:
            more = self.fixed[child]
            if more is None:
                return None
            add_uses(total, more)
        return total

    def times(self, part: Part) -> int:
        """Return a state that derives what another does, and adds it a number of times; its ways are made when asked for."""
        state, runs, copies = part
        if (runs, copies) == (1, 1):
            return state
        if part not in self.scales:
            fixed: Uses | None = self.fixed[state]
            if fixed is not None:
                fixed, once = {}, fixed
                add_uses(fixed, once, runs, copies)
            self.scales[part] = len(self.ways)
            self.scaled[len(self.ways)] = part
            self.ways.append(())
            self.mass.append(self.mass[state])
            self.group_of.append(-1)
            self.out_of.append(self.out_of[state])
            self.fixed.append(fixed)
        return self.scales[part]

    def decided(self, state: int) -> Iterator[Way]:
        """Yield the ways of a state without the children that decide nothing; what those add is added here."""
        part = self.scaled.get(state)
        if part is not None:
            inner, runs, copies = part
            for label, children, nested, uses in self.decided(inner):
                scaled: Uses = {}
                add_uses(scaled, uses, runs, copies)
                yield label, tuple(self.times((child, runs, copies)) for child in children), nested, scaled
            return
        for label, children, nested, uses in self.ways[state]:
            total, kept = uses, []
            for place, child in enumerate(children):
                more = self.fixed[child] if place >= nested else None
                if more is None:
                    kept.append(child)
                elif more:
                    total = dict(total)
                    add_uses(total, more)
            yield label, tuple(kept), nested, total


def add_uses(total: Uses, more: Uses, runs: int = 1, copies: int = 1) -> None:
    """Add `more` to `total`: run `runs` times, with `copies` sets of weights."""
    for piece, (each, sets) in more.items():
        known = total.get(piece, (0, 0))
        total[piece] = known[0] + each * runs, known[1] + sets * copies


def joined(one: tuple[Demand, ...], other: tuple[Demand, ...]) -> tuple[Demand, ...] | None:
    """Return the demands of both, counted together; None where a name would be two things at one input."""
    if not one or not other:
        return one or other
    found = {demand[:2]: demand for demand in one}
    for token, group, state, runs, copies in other:
        known = found.get((token, group))
        if known is None:
            found[token, group] = token, group, state, runs, copies
        elif known[2] != state:
            return None
        else:
            found[token, group] = token, group, state, known[3] + runs, known[4] + copies
    return tuple(sorted(found.values()))


Partial = tuple[tuple[int, ...], tuple[Demand, ...], tuple[int, ...]]
"""Some parts of a tuple: their types, their demands, their states."""


def combined(parts: Sequence[Partial], more: Group, accept: Callable[[int], bool] | None = None) -> list[Partial]:
    """Return every way to go on from `parts` with one output of `more`."""
    found: list[Partial] = []
    for types, demands, states in parts:
        for (kind, wanted), state in more.outs.items():
            both = joined(demands, wanted)
            if both is not None and (accept is None or accept(kind)):
                found.append(((*types, kind), both, (*states, state)))
    return found


Key = tuple[object, ...]
"""What a group is known by."""

Asked = Generator[tuple[Key, "Frame"], Group, Group]
Frame = Generator[tuple[Key, "Frame"], Group, Draft | Group]
"""A coroutine that makes a group: it yields the key and the coroutine of each group that it needs, and is sent that group."""
