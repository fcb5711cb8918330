"""A bound on a measure and the states of a space -> states of exactly those derivations that are within it.

A state is split by the value that its derivations have of the measure, as a cost table is for a knapsack; this is the
product of the forest with an automaton that counts (Comon et al., "Tree Automata Techniques and Applications").
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from archc.grammar.diagnostics import Diagnostic
from archc.rules.session import Exhausted
from archc.spaces.groups import EMPTY, NO_USES, PLAIN, Demand, Store, Uses, Way
from archc.spaces.measures import Bound

MOST_VALUES = 4_096

Split = dict[int, int]
"""A state for each value of the measure."""


@dataclass(slots=True)
class Selection:
    """Holds derivations to one bound of the space whose declaration has the identity `space`.

    `weigh` tells what a piece adds to the measure; depth counts mentions of the space, and all else adds up.
    """

    store: Store
    bound: Bound
    space: int
    weigh: Callable[[int], int]
    check: Callable[[], None]
    _known: dict[int, Split] = field(default_factory=dict)
    _groups: dict[int, int] = field(default_factory=dict)
    _pairs: dict[tuple[int, ...], int] = field(default_factory=dict)
    _cut: set[int] = field(default_factory=set)

    def within(self, demands: tuple[Demand, ...], state: int) -> Iterator[tuple[tuple[Demand, ...], int]]:
        """Yield the states, with what they demand of names, of the derivations of `state` that are within the bound.

        What a name has may differ between its architectures; then there is a demand for each value.
        """
        own = self.split(state)
        depth = self.bound.measure == "depth"
        for chosen in product(*(self._valued(demand) for demand in demands)):
            values = [value for _, value in chosen]
            around = max(values, default=0) if depth else sum(values)
            kept = {
                value: inner
                for value, inner in own.items()
                if self.bound.allows(1 + max(value, around) if depth else self._capped(value + around))
            }
            if kept:
                wanted = tuple(sorted(demand for demand, _ in chosen))
                whole = len(kept) == len(own) and state not in self._cut
                yield wanted, state if whole else self._union(state, kept)

    def _valued(self, demand: Demand) -> list[tuple[Demand, int]]:
        """Return a demand for each value that what it demands can have."""
        token, group, state, runs, copies = demand
        if not runs and not copies:
            return [(demand, 0)]
        times = self._times(runs, copies)
        values = self.split(state)
        if len(values) == 1 and state not in self._cut:
            return [(demand, next(iter(values)) * times)]
        if group not in self._groups:
            self._groups[group] = self.store.groups
            self.store.groups += 1
        return [((token, self._groups[group], inner, runs, copies), value * times) for value, inner in values.items()]

    def _times(self, runs: int, copies: int) -> int:
        return 1 if self.bound.measure == "depth" else copies if self.bound.measure == "params" else runs

    def _capped(self, value: int) -> int:
        """Return a value, all of those that are surely within the bound being one."""
        high, low = self.bound.high, self.bound.low
        return min(value, low) if high is None and low is not None else value

    def _union(self, state: int, kept: Split) -> int:
        """Return a state of all derivations of some others."""
        if len(kept) == 1:
            return next(iter(kept.values()))
        store = self.store
        return self._state(tuple(way for inner in kept.values() for way in store.decided(inner)), state)

    # ------------------------------------------------------------ splitting
    def split(self, state: int) -> Split:
        """Return a state for each value that derivations of a state have, as far as the bound allows."""
        waiting = [state]
        while waiting:
            at = waiting[-1]
            if at in self._known:
                waiting.pop()
                continue
            below = self._below(at)
            missing = [child for child in below if child not in self._known]
            if missing:
                waiting.extend(missing)
                continue
            self._known[at] = self._made(at)
            waiting.pop()
        return self._known[state]

    def _below(self, state: int) -> list[int]:
        part = self.store.scaled.get(state)
        if part is not None:
            return [part[0]]
        return [child for _, children, _, _ in self.store.ways[state] for child in children]

    def _made(self, state: int) -> Split:
        if state == EMPTY:
            return {0: EMPTY}
        part = self.store.scaled.get(state)
        if part is not None:
            return self._scaled(state, *part)
        found: dict[int, list[Way]] = {}
        for way in self.store.ways[state]:
            for value, made in self._ways(way):
                if self._may_be(value):
                    found.setdefault(self._capped(value), []).append(made)
                else:
                    self._cut.add(state)
        if not self._cut.isdisjoint(self._below(state)):
            self._cut.add(state)
        return self._states(state, found)

    def _scaled(self, state: int, inner: int, runs: int, copies: int) -> Split:
        """Split what is added a number of times; values that are capped are one."""
        times = self._times(runs, copies)
        if not times:
            return {0: state}
        found: dict[int, list[int]] = {}
        for value, to in self._known[inner].items():
            if self._may_be(value * times):
                found.setdefault(self._capped(value * times), []).append(self.store.times((to, runs, copies)))
            else:
                self._cut.add(state)
        if inner in self._cut:
            self._cut.add(state)
        return {value: self._union(state, dict(enumerate(states))) for value, states in found.items()}

    def _states(self, state: int, found: dict[int, list[Way]]) -> Split:
        inside = int(self.bound.measure == "depth" and self.store.mentions.get(state) == self.space)
        if len(found) > MOST_VALUES:
            raise Exhausted(self._too_many())
        if len(found) == 1 and state not in self._cut:
            return {value + inside: state for value in found}
        self.check()
        return {value + inside: self._state(tuple(ways), state) for value, ways in found.items()}

    def _may_be(self, value: int) -> bool:
        return self.bound.high is None or value <= self.bound.high

    def _ways(self, way: Way) -> list[tuple[int, Way]]:
        """Return the ways that a way becomes, with their values."""
        label, children, nested, uses = way
        if len(children) > 2 and any(len(self._known[child]) > 1 for child in children):
            return self._paired(way)
        own = self._added(uses)
        splits = [list(self._known[child].items()) for child in children]
        found = []
        for chosen in product(*splits):
            value = self._total(own, [entry for entry, _ in chosen])
            found.append((value, (label, tuple(to for _, to in chosen), nested, uses)))
        return found

    def _paired(self, way: Way) -> list[tuple[int, Way]]:
        """Split a way with many children: all but the first become one, which decides nothing of its own."""
        label, children, nested, uses = way
        key = (*children[1:], -max(nested - 1, 0) - 1)
        if key not in self._pairs:
            rest: Way = (PLAIN, children[1:], max(nested - 1, 0), NO_USES)
            self._pairs[key] = self.store.state((rest,), self.store.weigh([rest]), (-1, ()))
        pair = self._pairs[key]
        if pair not in self._known:
            self._known[pair] = self._made(pair)
        return self._ways((label, (children[0], pair), min(nested, 1), uses))

    def _total(self, own: int, values: list[int]) -> int:
        return max(values, default=0) if self.bound.measure == "depth" else own + sum(values)

    def _added(self, uses: Uses) -> int:
        return sum(self.weigh(piece) * self._times(*amount) for piece, amount in uses.items())

    def _state(self, ways: tuple[Way, ...], like: int) -> int:
        store = self.store
        made = store.state(ways, store.weigh(ways), store.out_of[like])
        if like in store.names:
            store.names[made] = store.names[like]
        if like in store.mentions:
            store.mention([made], store.mentions[like])
        return made

    def _too_many(self) -> Diagnostic:
        text = f"`{self.bound}` tells more than {MOST_VALUES:,} values apart in one part of this space"
        hint = f"bound {self.bound.measure} of the space that is counted, or give ranges in here steps, as in 1 .. 200 by 8"
        return Diagnostic("A0412", text, self.bound.span, hint=hint)
