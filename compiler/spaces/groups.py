"""What an expression gives for one input type: a state for each output type, with the ways to derive it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from archc.grammar import syntax as s
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

Named = tuple[str, int, int, int]
"""The name of a space, its input and output types, and how many edges a state of it has."""

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
    """The ways of a group while they are gathered, by what comes out.

    `whole` is the expression that they derive all of. The states of a mention of a space, which has a name or stands for
    itself, can be those of its `body` only where these derive all of it: others are met elsewhere as well.
    """

    ways: dict[Out, list[Way]] = field(default_factory=dict)
    lost: float = 0.0
    failure: Failure | None = None
    budget: tuple[tuple[int, int], ...] = ()
    whole: s.Expr | None = None
    space: str = ""
    source: int = -1
    body: s.Expr | None = None

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
    out_of: list[Out] = field(default_factory=lambda: [(-1, ())])
    whole: list[s.Expr | None] = field(default_factory=lambda: [None])
    fixed: list[Uses | None] = field(default_factory=lambda: [{}])
    scaled: dict[int, Part] = field(default_factory=dict)
    scales: dict[Part, int] = field(default_factory=dict)
    names: dict[int, tuple[str, int]] = field(default_factory=dict)
    mentions: dict[int, int] = field(default_factory=dict)
    labels: dict[tuple[Decision, ...], int] = field(default_factory=lambda: {(): PLAIN})
    decisions: list[tuple[Decision, ...]] = field(default_factory=lambda: [()])
    shares: list[float] = field(default_factory=lambda: [1.0])
    groups: int = 0
    edges: int = 0

    def named(self) -> Iterator[Named]:
        """Yield the states of named spaces."""
        for state, (name, source) in self.names.items():
            yield name, source, self.out_of[state][0], len(self.ways[state])

    def label(self, decisions: tuple[Decision, ...]) -> int:
        """Return the number of a sequence of decisions."""
        known = self.labels.get(decisions)
        if known is None:
            known = self.labels[decisions] = len(self.labels)
            share = 1.0
            for site, option in decisions:
                share *= self.sites[site].shares[option]
            self.shares.append(share)
            self.decisions.append(decisions)
        return known

    def close(self, draft: Draft, *, most: int = 0) -> Group:
        """Return the group of a draft; of more than `most` types (0: all) the heaviest stay, and the rest is lost."""
        number = self.groups
        self.groups += 1
        if not draft.ways:
            return Group(number, {}, draft.lost, draft.failure)
        kept = [(out, ways, self.weigh(ways)) for out, ways in draft.ways.items()]
        lost = draft.lost
        if most and len(kept) > most:
            kept.sort(key=lambda entry: -entry[2])
            lost += sum(mass for _, _, mass in kept[most:])
            kept = kept[:most]
        outs: dict[Out, int] = {}
        names = self.names
        for out, ways, mass in kept:
            made = self._passed(ways[0], draft) if len(ways) == 1 else None
            if made is None:
                made = self.state(ways, mass, out, draft.whole)
            if draft.space and made != EMPTY:
                names[made] = draft.space, draft.source
            outs[out] = made
        return Group(number, outs, lost, draft.failure if not outs else None)

    def _passed(self, way: Way, draft: Draft) -> int | None:
        """Return the state that a way only passes on, where that can stand for both."""
        label, children, nested, uses = way
        if label != PLAIN or uses or nested or len(children) > 1:
            return None
        if not children or children[0] == EMPTY:
            return EMPTY
        inner = children[0]
        if draft.body is None:
            return inner if inner not in self.mentions else None
        return inner if self.whole[inner] is draft.body and inner not in self.names else None

    def weigh(self, ways: Iterable[Way]) -> float:
        """Return the weight of all that these ways derive."""
        mass, shares, total = self.mass, self.shares, 0.0
        for label, children, _, _ in ways:
            weight = shares[label]
            for child in children:
                weight *= mass[child]
            total += weight
        return total

    def state(self, ways: Sequence[Way], mass: float, out: Out, whole: s.Expr | None = None) -> int:
        """Return a new state. Children that decide nothing are left out of its ways, and what those add is added there."""
        kept = tuple(map(self._decided, ways))
        label, children, _, uses = kept[0]
        self.ways.append(kept)
        self.mass.append(mass)
        self.out_of.append(out)
        self.whole.append(whole)
        self.fixed.append(uses if len(kept) == 1 and label == PLAIN and not children else None)
        self.edges += len(kept)
        return len(self.ways) - 1

    def mention(self, states: Iterable[int], space: int) -> None:
        """Note that some states are mentions of a space, which count for its depth even if they decide nothing."""
        for state in states:
            self.mentions[state] = space
            if state != EMPTY:
                self.fixed[state] = None

    def _decided(self, way: Way) -> Way:
        label, children, nested, uses = way
        fixed = self.fixed
        for child in children[nested:]:
            if fixed[child] is not None:
                break
        else:
            return way
        total, kept = uses, list(children[:nested])
        for child in children[nested:]:
            more = fixed[child]
            if more is None:
                kept.append(child)
            elif more:
                total = dict(total) if total is uses else total
                add_uses(total, more)
        return label, tuple(kept), nested, total

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
            self.out_of.append(self.out_of[state])
            self.whole.append(None)
            self.fixed.append(fixed)
        return self.scales[part]

    def unfolded(self, state: int) -> Sequence[Way]:
        """Return the ways of a state, with those of another in the place of a way that only goes on there.

        Whether a state passes another one on depends on the type; what this returns does not.
        """
        found: list[Way] = []
        waiting = [*reversed(self.decided(state))]
        while waiting:
            way = waiting.pop()
            label, children, nested, uses = way
            if label != PLAIN or nested or len(children) != 1 or self.origin(children[0]) in self.mentions:
                found.append(way)
                continue
            for name, below, count, more in reversed(self.decided(children[0])):
                total = dict(uses)
                add_uses(total, more)
                waiting.append((name, below, count, total))
        return found

    def origin(self, state: int) -> int:
        """Return the state of which a state is the same, run a number of times."""
        while state in self.scaled:
            state = self.scaled[state][0]
        return state

    def decided(self, state: int) -> Sequence[Way]:
        """Return the ways of a state; its children are states that decide something, or are decided by a name."""
        part = self.scaled.get(state)
        if part is None:
            return self.ways[state]
        inner, runs, copies = part
        found = []
        for label, children, nested, uses in self.decided(inner):
            scaled: Uses = {}
            add_uses(scaled, uses, runs, copies)
            found.append((label, tuple([self.times((child, runs, copies)) for child in children]), nested, scaled))
        return found


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


def combined(parts: Sequence[Partial], more: Group) -> list[Partial]:
    """Return every way to go on from `parts` with one output of `more`."""
    outs = list(more.outs.items())
    fitting = _by_demand([wanted for (_, wanted), _ in outs])
    found: list[Partial] = []
    for types, demands, states in parts:
        for place in fitting(demands):
            (kind, wanted), state = outs[place]
            both = joined(demands, wanted)
            if both is not None:
                found.append(((*types, kind), both, (*states, state)))
    return found


def _by_demand(wanted: Sequence[tuple[Demand, ...]]) -> Callable[[tuple[Demand, ...]], Sequence[int]]:
    """Return what tells which of some demands can go with others: of names that all demand things of, the same things."""
    every = range(len(wanted))
    named = [{demand[:2] for demand in demands} for demands in wanted]
    common = set.intersection(*named) if named else set()
    if not common:
        return lambda _: every
    by: dict[tuple[int, ...], list[int]] = {}
    for place, demands in enumerate(wanted):
        for demand in demands:
            by.setdefault(demand[:3], []).append(place)

    def fitting(demands: tuple[Demand, ...]) -> Sequence[int]:
        for demand in demands:
            if demand[:2] in common:
                return by.get(demand[:3], ())
        return every

    return fitting


Key = tuple[object, ...]
"""What a group is known by."""

Asked = Generator[tuple[Key, "Frame"], Group, Group]
Frame = Generator[tuple[Key, "Frame"], Group, Draft | Group]
"""A coroutine that makes a group: it yields the key and the coroutine of each group that it needs, and is sent that group."""
