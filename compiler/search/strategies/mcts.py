"""Tree search over derivations: choices are made from the root on, by what came of them, and by what came of them elsewhere.

Monte Carlo tree search for architectures is of Negrinho and Gordon, "DeepArchitect" (2017). With few trials, most nodes were
never seen: what a choice is worth at its place in any network (rapid action values, Gelly and Silver, "Combining Online and
Offline Knowledge in UCT", ICML 2007) stands in until the node knows better, and decides alone below the tree, as the local
bandits of Huang and others, "Neural Architecture Search via Combinatorial Multi-Armed Bandit" (CMAB-NAS, 2021). The weights
of the space are the prior of the exploration (Rosin 2011; Silver and others 2017), flattened, since in a space that mentions
itself most draws are small networks. Values are ranks, so that they have no scale.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import sqrt
from random import Random

from archc.members import Member, Space
from archc.runtime.derivations.nodes import labels
from archc.search.places import Feature, Place, derive, features, pick
from archc.search.protocol import Context, Json, Proposal, Spent, Trial
from archc.search.starts import Starts
from archc.search.trie import Node, Tally, Trie
from archc.spaces.forest import Derivation

UNIT = 1 << 20
"""The gain of the best trial; gains are whole numbers, so that their order does not matter."""

MARKS = 64
"""The scores of so many ranks tell what a trial gained."""

TURNS = 1
"""A place, for rapid values, is the last turn: with more, a space that mentions itself has too many to know any."""

GROWTH = 1.25
"""Ranks are taken again when there are so many times as many trials."""


class Mcts:
    """Walks down a tree of choices. `explore` weighs what is little known; after `rapid` trials, a node and its rapid
    values count alike; a share `chance` of the choices below the tree are drawn by the prior."""

    def __init__(
        self, context: Context, *, explore: float = 0.5, rapid: float = 300.0, chance: float = 0.1, starts: int = 10
    ) -> None:
        if explore < 0.0 or rapid <= 0.0 or not 0.0 <= chance <= 1.0 or starts < 1:
            found = f"explore={explore}, rapid={rapid}, chance={chance}, starts={starts}"
            raise ValueError(f"expected explore >= 0, rapid > 0, a chance from 0 to 1 and starts >= 1, found {found}")
        self._history, self._space = context.history, context.space
        self._explore, self._rapid, self._chance = explore, rapid, chance
        self._starts, self._most_starts = Starts(context.history), starts
        self._prior = _flattened(context.space)
        self._many = context.space.count()
        self._ranked = self._ended = self._entered = 0
        self._clear([])

    def ask(self, rng: Random) -> Proposal:
        """Return what the walk leads to. Raises Spent where all members were asked."""
        self._enter()
        if len(self._history) < self._most_starts:
            return Proposal(self._starts.draw(rng), origin={"operator": "start"})
        if self._trie.root.is_closed:
            raise Spent("every member of the space was asked")
        walk = _Walk(self, rng)
        edges = derive(self._space.forest, walk.choose, TURNS)
        member = Member(self._space, Derivation(tuple(edges), self._space.sampler().reals(rng, edges)))
        if self._history.seen(member, 1.0):
            return Proposal(self._starts.draw(rng), origin={"operator": "start"})
        return Proposal(member, origin={"operator": "walk", "depth": walk.depth})

    def tell(self, trial: Trial) -> None:
        """Count what a trial gained along its path, and at each of its places."""
        self._enter()
        if trial.number in self._counted:
            return
        self._ended += 1
        if self._ended >= GROWTH * self._ranked:
            self._marks, self._ranked = self._ranks(), self._ended
            self._count_all()
        else:
            self._count(trial)

    def state(self) -> Json:
        """Return of how many trials the ranks are, and the scores that mark them: all else follows from the history."""
        return [self._ranked, *self._marks]

    def restore(self, state: Json) -> None:
        """Go on from a state. Raises ValueError on the state of another strategy."""
        match state:
            case [int() as ranked, *marks] if len(marks) <= MARKS:
                self._clear([float(mark) for mark in marks if isinstance(mark, int | float)])
                self._ranked = ranked
            case _:
                raise ValueError(f"expected the scores that mark ranks, found {state!r}")
        self._enter()
        self._ended = sum(trial.ended for trial in self._history)
        self._count_all()

    # ---------------------------------------------------------------- what is known
    def _clear(self, marks: list[float]) -> None:
        self._trie = Trie(self._space.forest)
        self._rapidly: dict[Feature, Tally] = {}
        self._counted: set[int] = set()
        self._marks = marks
        self._ranked, self._ended, self._entered = 1, 0, 0

    def _enter(self) -> None:
        """Note all that was asked since, by number."""
        while self._entered < len(self._history):
            trial = self._history[self._entered]
            self._entered += 1
            if trial.status != "lost":
                self._trie.enter(trial.derivation.edges)

    def _ranks(self) -> list[float]:
        """Return the scores that part all done trials into equal shares, ascending."""
        scores = sorted(self._history.score(trial) for trial in self._history if trial.done)
        marks = min(MARKS, len(scores))
        return [scores[len(scores) * number // marks] for number in range(marks)]

    def _count_all(self) -> None:
        self._trie.forget()
        self._rapidly.clear()
        self._counted.clear()
        for trial in self._history:
            if trial.ended:
                self._count(trial)

    def _count(self, trial: Trial) -> None:
        self._counted.add(trial.number)
        if trial.status == "lost":
            return
        rank = bisect_left(self._marks, self._history.score(trial)) / max(1, len(self._marks))
        gain, edges = int(UNIT * rank**2), trial.derivation.edges
        self._trie.tell(edges, gain)
        for feature in set(features(self._space.forest, edges, TURNS)):
            tally = self._rapidly.setdefault(feature, Tally())
            tally.told += 1
            tally.gain += gain

    # ---------------------------------------------------------------- what a choice is worth
    def values(self, place: Place, row: range, node: Node | None) -> list[float]:
        """Return for each edge its value with the bonus of what is little known; minus infinity where it is closed."""
        known, empty = labels(self._space.forest), Tally()
        whole = self._trie.root.tally
        mean = whole.gain / whole.told if whole.told else 0.0
        tallies = [self._rapidly.get((place, known[edge]), empty) for edge in row]
        below = [None if node is None else node.below.get(edge) for edge in row]
        asked = [
            tally.told if node is None else found.tally.asked if found else 0
            for tally, found in zip(tallies, below, strict=True)
        ]
        root = sqrt(1.0 + sum(asked))
        found = []
        for edge, tally, child, many in zip(row, tallies, below, asked, strict=True):
            if child is not None and child.is_closed:
                found.append(float("-inf"))
                continue
            value = (tally.gain + mean) / (tally.told + 1)
            if child is not None and child.tally.told:
                beta = sqrt(self._rapid / (3 * child.tally.told + self._rapid))
                value = beta * value + (1.0 - beta) * child.tally.gain / child.tally.told
            found.append(value / UNIT + self._explore * self._prior[edge] * root / (1 + many))
        return found

    def drawn(self, row: range, rng: Random) -> int | None:
        """Return an edge by the prior, at times."""
        if rng.random() >= self._chance:
            return None
        return pick(row, self._prior[row.start : row.stop], rng)

    def down(self, node: Node, edge: int, many: int) -> tuple[Node | None, int]:
        """Return the node below an edge, divided so that one can walk on from it, and how many members begin so."""
        child = node.below.get(edge)
        if child is None:
            return None, 0
        inner = self._trie.within(many, edge)
        self._trie.divide(child, inner)
        return child, inner

    def top(self) -> tuple[Node | None, int]:
        """Return the root, divided, and how many members there are."""
        root = self._trie.root
        self._trie.divide(root, self._many)
        return (root, self._many) if root.tally.asked else (None, 0)


class _Walk:
    """One way down: in the tree as long as there are nodes, then by rapid values alone."""

    def __init__(self, search: Mcts, rng: Random) -> None:
        self._search, self._rng = search, rng
        self._node, self._many = search.top()
        self.depth = 0

    def choose(self, place: Place, row: range) -> int:
        """Return the edge of the greatest value, one of them by chance."""
        values = self._search.values(place, row, self._node)
        if self._node is None and (drawn := self._search.drawn(row, self._rng)) is not None:
            return drawn
        edge = _greatest(row, values, self._rng)
        if self._node is not None:
            self._node, self._many = self._search.down(self._node, edge, self._many)
            self.depth += 1
        return edge


def _flattened(space: Space) -> list[float]:
    """Return for each edge the fourth root of its chance in a draw, in parts of those of its state."""
    chances = space.sampler().chances
    found: list[float] = []
    for row in space.forest.rows:
        roots = [sqrt(sqrt(chances[edge])) for edge in row]
        total = sum(roots) or 1.0
        found.extend(root / total for root in roots)
    return found


def _greatest(row: range, values: Sequence[float], rng: Random) -> int:
    most = max(values)
    return rng.choice([edge for edge, value in zip(row, values, strict=True) if value == most])
